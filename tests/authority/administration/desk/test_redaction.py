"""A text is taken out of the audit by two managers, and the chain still fits."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError

from kiosk.authority.administration.desk import AdminDesk
from kiosk.authority.administration.office import Office, StaffDependencies
from kiosk.authority.administration.verification import verify_audit
from kiosk.authority.administration.views import Actor, AuditFilter, Done, Grounds, NewCard, Span
from kiosk.authority.errors import NotFound, NotPermitted, NotTaken
from kiosk.authority.roles import Role
from kiosk.authority.wording import reason_words
from kiosk.contract.messages import Reason
from screens.words.staff.proposals import proposal_words
from tests.authority.administration.desk.history import History
from tests.authority.administration.desk.offices import GROUNDS, office_of
from tests.authority.administration.desk.people import seen
from tests.authority.store import samples
from tests.authority.store.forger import Forger
from tests.support.database import SetClock, TestDatabase
from tests.support.refusals import refused

PUK = "87654321"
WHY = Grounds("A secret was typed into the wrong field")


@pytest.fixture
def first(means: StaffDependencies) -> AdminDesk:
    return AdminDesk(office_of(means, Role.MANAGER, "Manager One"))


@pytest.fixture
def second(means: StaffDependencies) -> AdminDesk:
    return AdminDesk(office_of(means, Role.MANAGER, "Manager Two"))


@pytest.fixture
def row(means: StaffDependencies, first: AdminDesk, asha: samples.Person) -> int:
    """A row whose reason holds a PUK, in words that the program does not recognise."""
    grounds = Grounds(f"Replaces the one of ticket {PUK}")
    first.cards.add(seen(means, asha), NewCard("ab" * 16), grounds)
    return first.audit.page(AuditFilter()).lines[0].seq


def detail_of(desk: AdminDesk, row: int) -> str:
    (line,) = [line for line in desk.audit.page(AuditFilter()).lines if line.seq == row]
    return line.detail


def agreed(first: AdminDesk, second: AdminDesk, row: int, *, whole: bool) -> Done:
    assert first.audit.redact(row, WHY, whole=whole).waits
    (line,) = second.proposals.waiting()
    assert f"out of row {row} of the audit" in proposal_words(line.what)
    return second.proposals.agree(line.proposal_id, Grounds("Looked at it, and it is so"))


def everything_in(database: TestDatabase) -> str:
    forger = Forger(database, keep_triggers=True)
    try:
        return forger.dump()
    finally:
        forger.close()


@pytest.mark.parametrize("whole", [False, True])
def test_a_reason_is_taken_out_and_the_chain_fits(
    means: StaffDependencies,
    database: TestDatabase,
    first: AdminDesk,
    second: AdminDesk,
    row: int,
    whole: bool,
) -> None:
    assert PUK in detail_of(first, row)
    assert PUK in everything_in(database)
    agreed(first, second, row, whole=whole)
    assert PUK not in everything_in(database)
    said = detail_of(first, row)
    assert "ALTERED" not in said
    assert ("redacted: yes" if whole else "reason redacted") in said
    assert verify_audit(means.store, means.signer).intact
    (line,) = first.audit.page(AuditFilter(kind="audit-redacted")).lines
    what = "detail" if whole else "reason"
    assert (line.who, line.sentence) == (
        "Manager One",
        f"Took the {what} out of row {row} of the audit.",
    )


def test_a_refusal_without_its_detail_still_counts(
    means: StaffDependencies, clock: SetClock, first: AdminDesk, second: AdminDesk
) -> None:
    history = History(means.store, clock)
    history.refused(Reason.LEAVER)
    history.refused(Reason.FAULT)
    newest = first.audit.page(AuditFilter(kind="refused")).lines[0].seq
    agreed(first, second, newest, whole=True)
    taken_out = "The reason was taken out of the audit"
    today = first.today.look()
    assert {one.words: one.count for one in today.refusals} == {
        reason_words(Reason.LEAVER): 1,
        taken_out: 1,
    }
    day = clock.now().date()
    assert (taken_out, "1") in first.reports.make(Span.REASON, day, day).rows


def test_manager_alone_redacts_nothing(first: AdminDesk, row: int) -> None:
    first.audit.redact(row, WHY)
    (line,) = first.proposals.waiting()
    with pytest.raises(NotPermitted):
        first.proposals.agree(line.proposal_id, GROUNDS)
    assert PUK in detail_of(first, row)


def test_neither_does_the_command_line(
    means: StaffDependencies, first: AdminDesk, row: int
) -> None:
    command_line = AdminDesk(Office(means, Actor("command line: root", Role.MANAGER)))
    assert command_line.audit.redact(row, WHY).waits
    assert PUK in detail_of(first, row)


def test_what_cannot_be_taken_out(
    means: StaffDependencies, first: AdminDesk, second: AdminDesk, row: int
) -> None:
    agreed(first, second, row, whole=False)
    with refused(NotTaken, match="no reason"):
        first.audit.redact(row, WHY)
    said = first.audit.page(AuditFilter(kind="audit-redacted")).lines[0].seq
    with refused(NotTaken, match="stays"):
        first.audit.redact(said, WHY, whole=True)
    with pytest.raises(NotFound):
        first.audit.redact(999_999, WHY)
    agent = AdminDesk(office_of(means, Role.AGENT))
    with pytest.raises(NotPermitted):
        agent.audit.redact(row, WHY)


def test_a_reason_that_somebody_else_took_out_shows(
    database: TestDatabase, first: AdminDesk, row: int
) -> None:
    forger = Forger(database, keep_triggers=True)
    forger.redact_notes()
    forger.close()
    assert "ALTERED" in detail_of(first, row)


def test_the_triggers_let_nothing_else_be_changed(database: TestDatabase, row: int) -> None:
    forger = Forger(database, keep_triggers=True)
    changes: list[dict[str, Any]] = [
        {"detail": None},
        {"detail": None, "salt": None, "actor": "x"},
        {"detail": "{}"},
    ]
    for columns in changes:
        with pytest.raises(DBAPIError, match="append only"):
            forger.change(row, **columns)
    forger.close()
