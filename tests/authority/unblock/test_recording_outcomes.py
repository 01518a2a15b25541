"""What became of a grant: told by the station, or by the card when it is next seen."""

from __future__ import annotations

import pytest

from kiosk.authority.administration.cards import CardsDesk
from kiosk.authority.audit.events import LONGEST_DETAIL
from kiosk.authority.notices import Notice
from kiosk.authority.records import Card, UnblockState
from kiosk.authority.roles import Role
from kiosk.contract.errors import StepRefused
from kiosk.contract.messages import (
    AnswerQuestions,
    EnterCode,
    Finished,
    Grant,
    JournalId,
    Purpose,
    Reason,
    Refusal,
    SetPin,
    UnblockDone,
    UnblockNotSent,
    UnblockOutcome,
    UnblockRefused,
    UnblockUnknown,
    UnblockWrong,
    VisitOpened,
    reference_of,
)
from kiosk.contract.sensitive import Sensitive
from tests.authority.administration.desk.offices import GROUNDS
from tests.authority.assisting import as_seen, office_beside
from tests.authority.refused import reason_of
from tests.authority.station_visit import StationVisit
from tests.authority.world import EMAIL, World


def _settle(station_visit: StationVisit, grant: Grant, outcome: UnblockOutcome) -> object:
    return station_visit.authority.record_outcome(station_visit.visit, grant.journal, outcome)


def _unknown(world: World, card: Card, *, blocked: bool) -> Grant:
    station_visit = world.insert(card, blocked=blocked)
    station_visit.to_new_pin()
    grant = station_visit.grant()
    _settle(station_visit, grant, UnblockUnknown())
    station_visit.pull()
    return grant


def test_done(world: World, card: Card, station_visit: StationVisit) -> None:
    grant = station_visit.grant()
    for _ in range(2):
        assert _settle(station_visit, grant, UnblockDone()) == Finished(Purpose.UNLOCK)
    assert world.entry(grant.journal).state is UnblockState.DONE
    assert world.card(card).secret_exposure == 0
    registration = world.registration(card)
    assert (registration.failures, registration.asked) == (0, None)
    [notice] = world.outbox()
    assert (notice.to, notice.template) == (EMAIL, Notice.UNLOCKED)
    assert notice.params["reference"] == reference_of(station_visit.visit)
    assert world.kinds().count("unblock-done") == 1
    with pytest.raises(StepRefused):
        station_visit.grant()


def test_done_is_taken_after_the_card_was_pulled(
    world: World, card: Card, station_visit: StationVisit
) -> None:
    grant = station_visit.grant()
    station_visit.pull()
    assert _settle(station_visit, grant, UnblockDone()) == Finished(Purpose.UNLOCK)
    assert world.card(card).secret_exposure == 0


def test_a_grant_is_settled_by_its_own_visit_alone(
    world: World, card: Card, station_visit: StationVisit
) -> None:
    grant = station_visit.grant()
    other = world.insert(world.add_card(world.add_holder(number="2")))
    with pytest.raises(StepRefused):
        _settle(other, grant, UnblockDone())
    with pytest.raises(StepRefused):
        station_visit.authority.record_outcome(
            station_visit.visit, JournalId("0" * 32), UnblockDone()
        )
    assert world.entry(grant.journal).state is UnblockState.INTENT


def test_a_wrong_secret_is_counted_as_the_card_counts(
    world: World, card: Card, station_visit: StationVisit
) -> None:
    grant = station_visit.grant()
    reply = _settle(station_visit, grant, UnblockRefused(2, "63C2"))
    assert reason_of(reply) is Reason.CARD_REFUSED
    assert world.kinds().count("refused") == 1
    kept = world.card(card)
    assert (kept.secret_tries_left, kept.secret_exposure) == (2, 0)
    assert world.entry(grant.journal).state is UnblockState.REFUSED
    with pytest.raises(StepRefused):
        station_visit.grant()
    assert (
        reason_of(_settle(station_visit, grant, UnblockRefused(2, "63C2"))) is Reason.CARD_REFUSED
    )


@pytest.mark.parametrize("said", [UnblockRefused(3, "63C3"), UnblockWrong()])
def test_an_answer_to_a_secret_that_was_replaced_says_nothing_of_the_new_one(
    world: World, card: Card, station_visit: StationVisit, said: UnblockOutcome
) -> None:
    grant = station_visit.grant()
    office = office_beside(world, Role.MANAGER)
    other = Sensitive("55667788")
    CardsDesk(office).set_secret(as_seen(office, card), card.id, other, GROUNDS)
    reply = station_visit.authority.record_outcome(station_visit.visit, grant.journal, said)
    assert reply == Refusal(Reason.CARD_REFUSED)
    assert "card-set-aside" not in world.kinds()
    assert world.card(card).secret_tries_left in (3, 4), "the card has counted it"
    world.clock.forward(minutes=1)
    back = world.insert(card, blocked=True, station="B")
    back.to_new_pin()
    assert back.grant().secret.reveal() == other.reveal()


@pytest.mark.parametrize("left", [0, 1])
def test_the_last_try_is_never_spent(
    world: World, card: Card, station_visit: StationVisit, left: int
) -> None:
    reply = _settle(station_visit, station_visit.grant(), UnblockRefused(left, "63C0"))
    assert reason_of(reply) is Reason.SECRET_BLOCKED
    assert reason_of(world.insert(card, blocked=True).opened) is Reason.SECRET_BLOCKED


def test_a_new_pin_that_the_card_does_not_like_is_chosen_again(
    world: World, card: Card, station_visit: StationVisit
) -> None:
    for _ in range(3):
        grant = station_visit.grant()
        assert isinstance(_settle(station_visit, grant, UnblockRefused(None, "history")), SetPin)
        assert world.entry(grant.journal).state is UnblockState.REFUSED
        assert world.card(card).secret_exposure == 0
    assert _settle(station_visit, station_visit.grant(), UnblockDone()) == Finished(Purpose.UNLOCK)
    assert world.kinds().count("secret-released") == 4


def test_what_a_station_says_is_kept_short_and_plain(
    world: World, station_visit: StationVisit
) -> None:
    grant = station_visit.grant()
    _settle(station_visit, grant, UnblockRefused(3, "\x1b[2J<b>6A80" + "x" * 100))
    assert world.entry(grant.journal).detail == ("2Jb6A80" + "x" * 100)[:LONGEST_DETAIL]


def test_not_sent_leaves_the_proofs(world: World, card: Card, station_visit: StationVisit) -> None:
    grant = station_visit.grant()
    assert isinstance(_settle(station_visit, grant, UnblockNotSent()), SetPin)
    assert world.entry(grant.journal).state is UnblockState.NOT_SENT
    assert world.card(card).secret_exposure == 0
    again = station_visit.grant()
    assert again.journal != grant.journal
    assert _settle(station_visit, again, UnblockDone()) == Finished(Purpose.UNLOCK)


def test_not_sent_leaves_nothing_to_the_next_visit(
    world: World, card: Card, station_visit: StationVisit
) -> None:
    _settle(station_visit, station_visit.grant(), UnblockNotSent())
    station_visit.pull()
    back = world.insert(card, blocked=True)
    assert isinstance(back.questions(), AnswerQuestions)
    with pytest.raises(StepRefused):
        back.grant()


def test_unknown_stays_open_and_exposed(
    world: World, card: Card, station_visit: StationVisit
) -> None:
    grant = station_visit.grant()
    for _ in range(2):
        assert reason_of(_settle(station_visit, grant, UnblockUnknown())) is Reason.OUTCOME_UNKNOWN
    assert world.entry(grant.journal).state is UnblockState.UNKNOWN
    assert world.card(card).secret_exposure == 1
    with pytest.raises(StepRefused):
        station_visit.grant()
    assert world.kinds().count("unblock-unknown") == 1
    assert world.kinds().count("refused") == 1


@pytest.mark.parametrize(
    ("before", "now", "found"),
    [
        (True, False, "done"),
        (True, True, "not-done"),
        (False, False, "undetermined"),
        (False, True, "undetermined"),
    ],
)
def test_an_unknown_outcome_is_settled_by_the_card(
    world: World, card: Card, found: str, *, before: bool, now: bool
) -> None:
    grant = _unknown(world, card, blocked=before)
    world.insert(card, blocked=now, station="B")
    entry = world.entry(grant.journal)
    assert (entry.state, entry.detail) == (UnblockState.SETTLED, found)
    assert world.card(card).secret_exposure == (0 if found == "done" else 1)
    told = [one.params["station"] for one in world.outbox() if one.template == Notice.UNLOCKED]
    assert told == (["A"] if found == "done" else [])
    [event] = [event for event in world.events() if event.kind == "unblock-settled"]
    assert event.detail["found"] == found


def test_an_intent_without_any_outcome_is_settled_too(
    world: World, card: Card, station_visit: StationVisit
) -> None:
    grant = station_visit.grant()
    world.restart()
    opened = world.insert(card).opened
    assert isinstance(opened, VisitOpened)
    assert world.entry(grant.journal).detail == "done"
    late = station_visit.authority.record_outcome(station_visit.visit, grant.journal, UnblockDone())
    assert late == Finished(Purpose.UNLOCK)
    assert "unblock-reported-late" in world.kinds()
    assert [one.template for one in world.outbox()] == [Notice.UNLOCKED]


def test_lost_outcomes_never_reach_the_last_try(world: World) -> None:
    card = world.registered_card(secret_limit=3)
    for exposure in (1, 2):
        _unknown(world, card, blocked=True)
        world.clock.forward(hours=1)
        assert world.card(card).secret_exposure == exposure
    assert reason_of(world.insert(card, blocked=True).opened) is Reason.SECRET_BLOCKED
    assert world.kinds().count("secret-released") == 2


def test_a_second_unlock_starts_from_nothing(
    world: World, card: Card, station_visit: StationVisit
) -> None:
    _settle(station_visit, station_visit.grant(), UnblockDone())
    station_visit.pull()
    world.clock.forward(minutes=5)
    again = world.insert(card, blocked=True)
    assert isinstance(again.opened, VisitOpened)
    assert again.opened.resumed is None
    assert isinstance(again.to_code(), EnterCode)


def test_a_card_without_tries_has_compared_nothing(
    world: World, card: Card, station_visit: StationVisit
) -> None:
    blocked = UnblockRefused(0, "secret blocked")
    assert (
        reason_of(_settle(station_visit, station_visit.grant(), blocked)) is Reason.SECRET_BLOCKED
    )
    assert world.card(card).set_aside_at is None, "its secret may be the right one"
