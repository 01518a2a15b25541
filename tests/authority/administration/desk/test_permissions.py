"""Every call of the desk by every role: the service itself refuses what the table does not permit.

The calls are read off the desk. A new one is unknown to ``ASKS`` and fails the
first test, until it is written down there which action it is.
"""

from __future__ import annotations

import inspect
from datetime import date
from typing import Any, get_type_hints

import pytest
import sqlalchemy as sa

from kiosk.authority.administration.desk import AdminDesk
from kiosk.authority.administration.office import Office, StaffDependencies
from kiosk.authority.administration.views import (
    Actor,
    AuditFilter,
    ExportFormat,
    Grounds,
    IssuedFrom,
    NewCard,
    Progress,
    Seen,
    Span,
    unseen,
)
from kiosk.authority.audit.rows import place_of
from kiosk.authority.errors import AdministrationError, NotPermitted
from kiosk.authority.people_groups import PagePosition, PeopleGroup, PeopleOrder
from kiosk.authority.records import AuditQuery
from kiosk.authority.roles import Action, Role
from kiosk.authority.store.database import Store
from kiosk.authority.store.engine import parse_url
from kiosk.authority.store.tables import TableRow
from kiosk.contract.messages import CardId
from kiosk.contract.sensitive import Sensitive
from tests.authority.administration.desk import people
from tests.authority.administration.desk.keys import new_key
from tests.authority.administration.desk.offices import GROUNDS, office_of
from tests.support.database import TestDatabase

ASKS: dict[str, Action] = {
    "today.look": Action.SEE_TODAY,
    "people.search": Action.SEE_PEOPLE,
    "people.listed": Action.SEE_PEOPLE,
    "people.counts": Action.SEE_PEOPLE,
    "people.person": Action.SEE_PEOPLE,
    "people.find_one": Action.SEE_PEOPLE,
    "people.story": Action.SEE_PEOPLE,
    "cards.unknown": Action.SEE_PEOPLE,
    "people.add": Action.ADD_PERSON,
    "people.lift_block": Action.LIFT_BLOCK,
    "people.revoke_registration": Action.REVOKE_REGISTRATION,
    "people.correct_name": Action.CORRECT_NAME,
    "people.correct_email": Action.CORRECT_EMAIL,
    "people.add_address": Action.CORRECT_EMAIL,
    "people.withdraw_address": Action.CORRECT_EMAIL,
    "people.mark_leaver": Action.MARK_LEAVER,
    "people.take_back_leaver": Action.TAKE_BACK_LEAVER,
    "people.report_misuse": Action.REPORT_MISUSE,
    "people.stop_change": Action.REPORT_MISUSE,
    "people.withdraw_saved_codes": Action.WITHDRAW_CODE,
    "people.erase": Action.ERASE_PERSON,
    "cards.add": Action.ADD_CARD,
    "cards.replace": Action.REPLACE_CARD,
    "cards.revoke": Action.REVOKE_CARD,
    "cards.set_secret": Action.SET_SECRET,
    "codes.issue": Action.ISSUE_CODE,
    "codes.agree": Action.AGREE_CODE,
    "codes.withdraw": Action.WITHDRAW_CODE,
    "proposals.waiting": Action.SEE_TODAY,
    "proposals.would_wait": Action.SEE_TODAY,
    "proposals.agree": Action.AGREE_ACT,
    "proposals.decline": Action.DECLINE_ACT,
    "stations.every": Action.SEE_STATIONS,
    "stations.enrol": Action.ENROL_STATION,
    "stations.enrol_certificate": Action.ENROL_STATION,
    "stations.retire": Action.RETIRE_STATION,
    "stations.reinstate": Action.REINSTATE_STATION,
    "stations.lift_pauses": Action.LIFT_PAUSES,
    "audit.page": Action.SEE_AUDIT,
    "audit.kinds": Action.SEE_AUDIT,
    "audit.verify": Action.VERIFY_AUDIT,
    "audit.export": Action.EXPORT_AUDIT,
    "audit.redact": Action.REDACT_AUDIT,
    "questions.every": Action.SEE_QUESTIONS,
    "questions.add": Action.ADD_QUESTION,
    "questions.translate": Action.ADD_QUESTION,
    "questions.retire": Action.RETIRE_QUESTION,
    "policy.every": Action.SEE_POLICY,
    "policy.change": Action.CHANGE_POLICY,
    "policy.stops": Action.SEE_POLICY,
    "staff.every": Action.SEE_STAFF,
    "staff.add": Action.ADD_STAFF,
    "staff.change_role": Action.CHANGE_ROLE,
    "staff.remove": Action.REMOVE_STAFF,
    "staff.add_key": Action.ADD_STAFF_KEY,
    "staff.remove_key": Action.REMOVE_STAFF,
    "staff.add_card": Action.ADD_STAFF_CARD,
    "staff.remove_card": Action.REMOVE_STAFF,
    "imports.files": Action.IMPORT_PEOPLE,
    "imports.rehearse": Action.IMPORT_PEOPLE,
    "imports.run": Action.IMPORT_PEOPLE,
    "reports.make": Action.SEE_REPORTS,
    "reports.export": Action.EXPORT_REPORT,
    "reports.mail": Action.EXPORT_REPORT,
}
"""Which action each call is."""

ASKS_NOTHING = {"policy.problem"}
"""Calls that read no record: they judge a text alone."""


def test_every_call_is_written_down_with_its_action(means: StaffDependencies) -> None:
    desk = AdminDesk(office_of(means, Role.MANAGER))
    calls = {
        f"{name}.{method}"
        for name, part in vars(desk).items()
        for method in vars(type(part))
        if type(part).__name__.endswith("Desk") and not method.startswith("_")
    }
    assert calls == set(ASKS) | ASKS_NOTHING


def test_every_action_is_asked_for_by_some_call() -> None:
    asked_at_a_station = {Action.MAINTAIN_STATION}
    assert set(ASKS.values()) == set(Action) - asked_at_a_station


@pytest.fixture
def given(means: StaffDependencies) -> dict[str, object]:
    """Something sensible for each parameter: by its type, or by its name where that says more."""
    person = people.somebody(means)
    by_type: dict[Any, object] = {
        Action: Action.LIFT_BLOCK,
        Seen: people.seen(means, person),
        Grounds: GROUNDS,
        NewCard: NewCard(f"{7:032x}"),
        Sensitive | IssuedFrom: Sensitive("48271593"),
        AuditFilter: AuditFilter(),
        ExportFormat: ExportFormat.CSV,
        Progress: unseen,
        Role: Role.MANAGER,
        CardId: CardId("piv", f"{7:032x}"),
        Span: Span.DAY,
        PeopleGroup: PeopleGroup.BLOCKED,
        PeopleOrder: PeopleOrder.NAME,
        PagePosition | None: None,
    }
    by_name: dict[str, object] = {
        "text": "Where did you first ride a bicycle?",
        "limit": 10,
        "before": 100,
        "holder_id": person.holder.id,
        "number": "100000000002",
        "name": "Asha Okafor",
        "email": "asha@trust.nhs.uk",
        "card_id": person.card.id,
        "code_id": "0" * 32,
        "proposal_id": "0" * 32,
        "question_id": 1,
        "language": "cy",
        "value": "5",
        "revision": 0,
        "row": 1,
        "public_key": new_key(),
        "staff_id": "0" * 32,
        "site": "Wexbridge General",
        "pem": "no certificate",
        "fingerprint": "SHA256:none",
        "key": "",
        "first": date(2030, 5, 1),
        "last": date(2030, 5, 2),
        "to": "ra@nhs.net",
    }
    return by_name | {str(kind): value for kind, value in by_type.items()}


def ask(desk: AdminDesk, call: str, given: dict[str, object]) -> None:
    """Make one call, whatever it returns."""
    part, method = call.split(".")
    function = getattr(getattr(desk, part), method)
    hints, names = get_type_hints(function), inspect.signature(function).parameters
    function(**{name: given.get(str(hints[name]), given.get(name)) for name in names})


def refused(desk: AdminDesk, call: str, given: dict[str, object]) -> bool:
    """Tell whether it was not permitted; other refusals come after that was asked."""
    try:
        ask(desk, call, given)
    except NotPermitted:
        return True
    except AdministrationError:
        return False
    return False


@pytest.mark.parametrize("role", Role)
def test_a_role_is_refused_what_the_table_does_not_permit(
    database: TestDatabase,
    means: StaffDependencies,
    store: Store,
    given: dict[str, object],
    role: Role,
) -> None:
    office = office_of(means, role)
    desk = AdminDesk(office)
    before = contents(database)
    forbidden = {call: action for call, action in ASKS.items() if role not in action.roles}
    for call, action in forbidden.items():
        assert refused(desk, call, given), f"{call} was done for the role {role}"
        with store.read() as uow:
            (event,) = uow.trail.newest(AuditQuery(), limit=1)
        assert (event.kind, event.actor) == ("staff-not-permitted", office.actor.staff_id)
        assert event.detail == {"action": action.value, "key": office.actor.key}
    assert contents(database) == before
    assert rows_of_audit(store) == len(forbidden)
    assert list(means.exports.iterdir()) == []


@pytest.mark.parametrize("role", Role)
def test_a_role_is_not_refused_what_the_table_permits(
    means: StaffDependencies, given: dict[str, object], role: Role
) -> None:
    desk = AdminDesk(office_of(means, role))
    permitted = [call for call, action in ASKS.items() if role in action.roles]
    assert bool(permitted) is (role is not Role.TECHNICIAN)
    for call in permitted:
        assert not refused(desk, call, given), f"{call} was refused to the role {role}"


def test_who_was_removed_is_refused_everything(
    database: TestDatabase, means: StaffDependencies, store: Store, given: dict[str, object]
) -> None:
    office = office_of(means, Role.MANAGER)
    with store.begin() as uow:
        uow.staff.remove_key(office.actor.staff_id, office.actor.key)
        uow.commit()
    before = contents(database)
    for call in ASKS:
        assert refused(AdminDesk(office), call, given), call
    assert contents(database) == before
    assert rows_of_audit(store) == len(ASKS)


def test_a_role_that_the_session_only_says_it_has_opens_nothing(
    means: StaffDependencies, given: dict[str, object]
) -> None:
    office = office_of(means, Role.AUDITOR)
    actor = office.actor
    claimed = Office(means, Actor(actor.name, Role.MANAGER, actor.staff_id, actor.key))
    for call, action in ASKS.items():
        expected = Role.AUDITOR not in action.roles
        assert refused(AdminDesk(claimed), call, given) is expected, call


def contents(database: TestDatabase) -> dict[str, list[str]]:
    """Return all rows of all tables but the audit's."""
    engine = sa.create_engine(parse_url(database.url), poolclass=sa.NullPool)
    tables = [name for name in TableRow.metadata.tables if not name.startswith("audit_")]
    with engine.connect() as connection:
        return {
            name: sorted(map(str, connection.execute(sa.text(f"SELECT * FROM {name}"))))
            for name in tables
        }


def rows_of_audit(store: Store) -> int:
    with store.read() as uow:
        return sum(place_of(head.seq) for head in uow.audit.heads())
