"""The first two lines of a person's page know what a station saw of their card."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from kiosk.authority.administration.office import Office, StaffDependencies
from kiosk.authority.administration.people import PeopleDesk
from kiosk.authority.administration.standing import SEEN_AT_STATIONS
from kiosk.authority.administration.views import RightPin
from kiosk.authority.audit.events import AuditKind
from kiosk.authority.facts import Do
from kiosk.authority.records import Cardholder, PinEvidence
from kiosk.authority.roles import Action
from kiosk.contract.messages import Reason
from screens.words.staff.deeds import deed_words
from screens.words.staff.standing import ADVICE
from tests.authority.administration.desk.history import History
from tests.authority.administration.desk.offices import GROUNDS
from tests.authority.store import samples
from tests.authority.store.samples import Person
from tests.support import staff_words
from tests.support.database import SetClock

AT_STATION = frozenset(
    {
        Reason.CARD_REFUSED,
        Reason.PIN_BLOCKED,
        Reason.OUTCOME_UNKNOWN,
        Reason.CARD_UNREADABLE,
        Reason.INSERT_CARD,
    }
)


@pytest.fixture
def desk(agent: Office) -> PeopleDesk:
    return PeopleDesk(agent)


@pytest.fixture
def history(means: StaffDependencies, clock: SetClock) -> History:
    return History(means.store, clock)


def refuse(history: History, person: Person, reason: Reason) -> None:
    """Let a station turn the card away; a certificate's end is told apart from a record's."""
    kind = AuditKind.REFUSED_AT_STATION if reason in AT_STATION else AuditKind.REFUSED
    of_certificate = reason in {Reason.CARD_EXPIRED, Reason.CARD_REVOKED, Reason.CARD_STOPPED}
    by = {"by": "certificate"} if of_certificate else {}
    history.visit(kind, holder=person.holder, card_id=person.card.id, reason=reason.value, **by)  # type: ignore[arg-type]
    history.clock.forward(minutes=1)


def without_address(means: StaffDependencies, holder: Cardholder) -> None:
    with means.store.begin() as uow:
        uow.holders.save(replace(holder, address_id=None))
        uow.registrations.delete(holder.id)
        uow.commit()


@pytest.mark.parametrize("reason", sorted(SEEN_AT_STATIONS))
def test_after_a_refusal_that_is_the_cards_something_has_to_be_done(
    desk: PeopleDesk, means: StaffDependencies, history: History, asha: Person, reason: Reason
) -> None:
    if reason is Reason.NO_RECORDED_EMAIL:
        without_address(means, asha.holder)
    before = desk.person(asha.holder.id)
    refuse(history, asha, reason)
    after = desk.person(asha.holder.id)
    assert (staff_words.headline(after), staff_words.advice(after)) != (
        staff_words.headline(before),
        staff_words.advice(before),
    )
    assert staff_words.headline(after) != "They can unlock at every station."
    assert ADVICE[Do.NOTHING] not in staff_words.advice(after)
    assert "09:30 today at Main entrance" in staff_words.headline(after)


@pytest.mark.parametrize("reason", sorted(SEEN_AT_STATIONS - {Reason.NO_RECORDED_EMAIL}))
def test_a_later_unlock_of_the_card_ends_it(
    desk: PeopleDesk, history: History, asha: Person, reason: Reason
) -> None:
    refuse(history, asha, reason)
    history.unlocked(holder=asha.holder, card_id=asha.card.id)
    person = desk.person(asha.holder.id)
    assert (staff_words.headline(person), staff_words.advice(person)) == (
        "They can unlock at every station.",
        ADVICE[Do.NOTHING],
    )


def test_an_unlock_ends_also_what_a_clock_that_was_ahead_saw(
    desk: PeopleDesk, history: History, asha: Person
) -> None:
    """Before: the person's page spoke of that refusal until the clock had caught up."""
    before = staff_words.headline(desk.person(asha.holder.id))
    history.clock.forward(days=30)
    refuse(history, asha, Reason.CARD_REFUSED)
    history.clock.forward(days=-30)
    history.unlocked(holder=asha.holder, card_id=asha.card.id)
    assert staff_words.headline(desk.person(asha.holder.id)) == before


def test_what_another_card_did_ends_nothing(
    desk: PeopleDesk, history: History, asha: Person
) -> None:
    other = samples.card(asha.holder.id)
    with history.store.begin() as uow:
        uow.cards.put([other])
        uow.commit()
    refuse(history, asha, Reason.CARD_REFUSED)
    history.unlocked(holder=asha.holder, card_id=other.id)
    assert "was refused by the card" in staff_words.headline(desk.person(asha.holder.id))


@pytest.mark.parametrize("reason", [Reason.CARD_REFUSED, Reason.SECRET_BLOCKED])
@pytest.mark.parametrize("is_registered", [True, False], ids=["another card", "not registered"])
def test_a_card_that_refused_the_recorded_secret_needs_the_right_one(
    desk: PeopleDesk,
    history: History,
    asha: Person,
    reason: Reason,
    is_registered: bool,
) -> None:
    with history.store.begin() as uow:
        uow.cards.set_aside(asha.card.id, uow.now)
        if is_registered:
            uow.cards.put([samples.card(asha.holder.id)])
        else:
            uow.registrations.delete(asha.holder.id)
        uow.commit()
    refuse(history, asha, reason)
    person = desk.person(asha.holder.id)
    which = f"the card ending in {asha.card.identifier[-4:]}"
    start = "They can unlock another card" if is_registered else "They are not registered"
    assert staff_words.headline(person) == (
        f"{start}. The unblock secret that is recorded for {which} is not the card's "
        "(09:30 today at Main entrance)."
    )
    assert staff_words.advice(person) == "Set the right unblock secret, or replace the card."
    (trouble,) = [
        staff_words.trouble(card) for card in person.cards if card.card_id == asha.card.id
    ]
    assert trouble == "It is set aside: the recorded unblock secret is not the card's."


def test_a_card_without_tries_left_has_to_be_given_another_secret_first(
    desk: PeopleDesk, history: History, asha: Person
) -> None:
    with history.store.begin() as uow:
        uow.cards.put([samples.card(asha.holder.id)])
        uow.cards.set_aside(asha.card.id, uow.now)
        uow.cards.know_secret_tries(asha.card.id, 0)
        uow.commit()
    refuse(history, asha, Reason.SECRET_BLOCKED)
    person = desk.person(asha.holder.id)
    assert "takes no unblock secret any more" in staff_words.headline(person)
    assert "have your card management give it another secret" in staff_words.advice(person)


def test_what_a_station_saw_speaks_against_an_unlock_unless_another_card_is_sound(
    desk: PeopleDesk, history: History, asha: Person
) -> None:
    assert not desk.person(asha.holder.id).headline.may_fail
    refuse(history, asha, Reason.CARD_REFUSED)
    person = desk.person(asha.holder.id)
    assert staff_words.headline(person).startswith("They may not be able to unlock.")
    assert (person.can_unlock, person.headline.may_fail) == (True, True)
    with history.store.begin() as uow:
        uow.cards.put([samples.card(asha.holder.id)])
        uow.commit()
    person = desk.person(asha.holder.id)
    assert staff_words.headline(person).startswith("They can unlock another card.")
    assert not person.headline.may_fail
    refuse(history, asha, Reason.PIN_BLOCKED)
    assert not desk.person(asha.holder.id).headline.may_fail


def test_a_card_whose_certificate_ended_cannot_be_unlocked(
    desk: PeopleDesk, history: History, asha: Person
) -> None:
    refuse(history, asha, Reason.CARD_EXPIRED)
    person = desk.person(asha.holder.id)
    assert (person.can_unlock, person.headline.may_fail) == (False, False)
    assert staff_words.headline(person).startswith("They cannot unlock.")
    assert (
        staff_words.advice(person)
        == "Replace the card. An imported end cannot lengthen its certificate."
    )


def test_an_end_that_was_imported_is_judged_by_the_record_as_it_is_now(
    desk: PeopleDesk, history: History, asha: Person
) -> None:
    history.refused(Reason.CARD_EXPIRED, holder=asha.holder, card_id=asha.card.id)
    assert staff_words.headline(desk.person(asha.holder.id)) == "They can unlock at every station."


def test_an_address_that_was_recorded_since_is_enough(
    desk: PeopleDesk, history: History, asha: Person
) -> None:
    refuse(history, asha, Reason.NO_RECORDED_EMAIL)
    assert staff_words.headline(desk.person(asha.holder.id)) == "They can unlock at every station."


def test_after_revoking_it_says_how_somebody_whose_pin_is_blocked_registers_again(
    desk: PeopleDesk, history: History, asha: Person
) -> None:
    refuse(history, asha, Reason.PIN_BLOCKED)
    done = desk.revoke_registration(desk.person(asha.holder.id).seen, GROUNDS)
    assert "give a code: with it they unlock and register at a station" in deed_words(done.deed)
    assert deed_words(done.deed).endswith(staff_words.advice(desk.person(asha.holder.id)))
    assert "While they know their PIN" not in deed_words(done.deed)


def test_a_pause_is_shown_with_its_end_and_can_be_lifted(
    desk: PeopleDesk, means: StaffDependencies, asha: Person
) -> None:
    with means.store.begin() as uow:
        for attempt in ("a", "b", "c"):
            uow.registrations.attempts(asha.holder.id, 3, proven=False).charge(attempt)
        registration = uow.registrations.of_holder(asha.holder.id)
        assert registration is not None
        until = registration.unproven_until
        assert until is not None
        uow.commit()
    person = desk.person(asha.holder.id)
    assert "before 10:31 today" in staff_words.headline(person)
    assert "lift the block" in staff_words.advice(person)
    assert Action.LIFT_BLOCK in person.open_to
    assert person.registration is not None
    assert person.registration.paused_until == until


@pytest.mark.parametrize("evidence", PinEvidence)
def test_a_card_says_when_its_pin_was_last_right_and_whether_that_was_proven(
    desk: PeopleDesk, history: History, clock: SetClock, asha: Person, evidence: PinEvidence
) -> None:
    """Beside "its PIN was blocked" it read as if the PIN were right now."""
    (card,) = desk.person(asha.holder.id).cards
    assert card.last_right_pin is None
    entered = clock.now() - timedelta(days=30)
    history.visit(
        AuditKind.PIN_VERIFIED,
        at=entered,
        holder=asha.holder,
        card_id=asha.card.id,
        evidence=evidence.value,
    )
    (card,) = desk.person(asha.holder.id).cards
    assert card.last_right_pin == RightPin(entered, evidence is PinEvidence.PROVEN)
