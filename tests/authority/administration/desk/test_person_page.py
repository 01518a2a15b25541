"""A person's page: that it is true, and complete."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from kiosk.authority.administration.office import Office, StaffDependencies
from kiosk.authority.administration.people import PeopleDesk
from kiosk.authority.administration.views import CardLine, CodeLine, RegistrationLine
from kiosk.authority.audit.events import AuditKind
from kiosk.authority.facts import AnswersRegistered, CodesGoTo
from kiosk.authority.records import CardStatus
from kiosk.authority.roles import Action, Role
from tests.authority.administration.desk.history import History
from tests.authority.administration.desk.offices import office_of
from tests.authority.store import samples
from tests.authority.store.samples import NOW, Person
from tests.support import staff_words
from tests.support.database import SetClock

MINUTE = timedelta(minutes=1)


@pytest.fixture
def desk(agent: Office) -> PeopleDesk:
    return PeopleDesk(agent)


# --- what is on it ---------------------------------------------------------------------


def test_a_page_shows_all_that_is_recorded(
    desk: PeopleDesk, means: StaffDependencies, agent: Office, asha: Person
) -> None:
    given = samples.code(asha, issued_by=agent.actor.staff_id, needs_second=True, route="")
    with means.store.begin() as uow:
        uow.questions.sync({n: f"Question {n}?" for n in range(1, 7)}, NOW)
        uow.codes.draft(given)
        uow.commit()
    person = desk.person(asha.holder.id)
    assert (person.number, person.name, person.email) == (
        "100000000001",
        "Asha Okafor",
        "asha@trust.nhs.uk",
    )
    assert (person.seen.holder_id, person.seen.revision) == (asha.holder.id, 0)
    assert person.registration == RegistrationLine(
        registered_at=NOW,
        enrolled=(
            AnswersRegistered(("Question 1?", "Question 2?", "Question 3?", "Question 4?")),
            CodesGoTo("asha@trust.nhs.uk", confirmed=True),
        ),
        failures=0,
        failures_allowed=3,
        blocked_at=None,
    )
    assert person.cards == (
        CardLine(
            card_id=asha.card.id,
            driver="piv",
            identifier=asha.card.identifier,
            revoked=False,
            expires_at=NOW + timedelta(days=300),
            has_secret=True,
            trouble=None,
        ),
    )
    assert person.codes == (
        CodeLine(
            code_id=given.id,
            card_id=asha.card.id,
            holder_id=asha.holder.id,
            holder_name="Asha Okafor",
            by_mail=False,
            issued_by=agent.actor.name,
            issued_at=NOW,
            expires_at=NOW + 15 * MINUTE,
            waits_for_second=True,
        ),
    )


def test_page_shows_which_card_has_to_prove_itself(
    means: StaffDependencies, desk: PeopleDesk, asha: Person
) -> None:
    assert [card.has_key for card in desk.person(asha.holder.id).cards] == [False]
    with means.store.begin() as uow:
        uow.cards.record_key(asha.card.id, b"a key")
        uow.commit()
    assert [card.has_key for card in desk.person(asha.holder.id).cards] == [True]


def test_the_station_of_a_block_is_named(
    desk: PeopleDesk, means: StaffDependencies, clock: SetClock, asha: Person
) -> None:
    history = History(means.store, clock)
    for station in ("Library", "Main entrance"):
        history.visit(AuditKind.REGISTRATION_BLOCKED, station=station, holder=asha.holder)
    with means.store.begin() as uow:
        uow.registrations.attempts(asha.holder.id, 3).charge("a1")
        uow.registrations.block(asha.holder.id)
        uow.commit()
    person = desk.person(asha.holder.id)
    assert staff_words.headline(person) == (
        "Blocked since 09:30 today: one failed attempt, the last at Main entrance."
    )


def test_a_card_in_trouble_says_so_beside_it(
    desk: PeopleDesk, means: StaffDependencies, asha: Person
) -> None:
    bare = samples.card(asha.holder.id, sealed_secret=None)
    gone = samples.card(asha.holder.id, status=CardStatus.REVOKED)
    with means.store.begin() as uow:
        uow.cards.put([bare, gone])
        uow.commit()
    trouble = {
        card.card_id: staff_words.trouble(card) for card in desk.person(asha.holder.id).cards
    }
    assert trouble == {
        asha.card.id: "",
        bare.id: "No unblock secret is recorded for it.",
        gone.id: "It was revoked.",
    }


def test_a_code_is_shown_until_it_is_over(
    desk: PeopleDesk, means: StaffDependencies, clock: SetClock, agent: Office, asha: Person
) -> None:
    mailed = samples.code(asha)
    given = samples.code(asha, issued_by=agent.actor.staff_id, needs_second=True)
    with means.store.begin() as uow:
        for code in (mailed, given):
            uow.codes.draft(code)
        uow.codes.activate(mailed.id, NOW, NOW + 15 * MINUTE)
        uow.commit()
    assert {code.by_mail for code in desk.person(asha.holder.id).codes} == {True, False}
    clock.forward(minutes=15)
    assert desk.person(asha.holder.id).codes == ()


def test_a_code_of_somebody_who_may_give_none_any_more_is_not_shown(
    desk: PeopleDesk, means: StaffDependencies, asha: Person
) -> None:
    giver = office_of(means, Role.AGENT, "Gwen").actor
    given = samples.code(asha, issued_by=giver.staff_id, needs_second=True)
    with means.store.begin() as uow:
        uow.codes.draft(given)
        uow.commit()
    assert len(desk.person(asha.holder.id).codes) == 1
    with means.store.begin() as uow:
        member = uow.staff.get(giver.staff_id)
        assert member is not None
        assert uow.staff.save(replace(member, role=Role.AUDITOR))
        uow.commit()
    assert desk.person(asha.holder.id).codes == ()


# --- what can be done ------------------------------------------------------------------

EDITS = {
    Action.CORRECT_NAME,
    Action.CORRECT_EMAIL,
    Action.MARK_LEAVER,
    Action.REPORT_MISUSE,
    Action.ADD_CARD,
}
CARDS = {Action.REPLACE_CARD, Action.REVOKE_CARD, Action.SET_SECRET}


def test_what_is_open_depends_on_how_they_stand(
    manager: Office, means: StaffDependencies, asha: Person
) -> None:
    desk = PeopleDesk(manager)

    def open_to() -> set[Action]:
        return set(desk.person(asha.holder.id).open_to) - {Action.ERASE_PERSON}

    assert open_to() == EDITS | CARDS | {Action.REVOKE_REGISTRATION, Action.ISSUE_CODE}
    with means.store.begin() as uow:
        uow.registrations.block(asha.holder.id)
        uow.commit()
    assert open_to() == EDITS | CARDS | {Action.REVOKE_REGISTRATION, Action.LIFT_BLOCK}
    with means.store.begin() as uow:
        uow.registrations.delete(asha.holder.id)
        uow.commit()
    assert open_to() == EDITS | CARDS | {Action.ISSUE_CODE}
    with means.store.begin() as uow:
        uow.cards.revoke(asha.card.id)
        uow.commit()
    assert open_to() == EDITS
    with means.store.begin() as uow:
        uow.holders.save(replace(asha.holder, left_at=NOW))
        uow.commit()
    assert open_to() == {Action.TAKE_BACK_LEAVER}


def test_what_is_open_depends_on_the_role(
    manager: Office, agent: Office, auditor: Office, asha: Person
) -> None:
    def open_to(office: Office) -> frozenset[Action]:
        return PeopleDesk(office).person(asha.holder.id).open_to

    assert Action.ERASE_PERSON in open_to(manager)
    assert open_to(agent) == open_to(manager) - {Action.ERASE_PERSON}
    assert open_to(auditor) == frozenset()


def test_a_code_is_agreed_to_by_somebody_else_than_gave_it(
    manager: Office, agent: Office, means: StaffDependencies, asha: Person
) -> None:
    given = samples.code(asha, issued_by=agent.actor.staff_id, needs_second=True)
    with means.store.begin() as uow:
        uow.codes.draft(given)
        uow.commit()
    agrees = {
        office.actor.role: Action.AGREE_CODE in PeopleDesk(office).person(asha.holder.id).open_to
        for office in (manager, agent)
    }
    assert agrees == {Role.MANAGER: True, Role.AGENT: False}
    for office in (manager, agent):
        assert Action.WITHDRAW_CODE in PeopleDesk(office).person(asha.holder.id).open_to
