"""A card goes in: who is it, and what may be done?"""

from __future__ import annotations

from datetime import timedelta

import pytest

from kiosk.authority.audit.events import audit_message
from kiosk.authority.records import AuditQuery, Card, CardStatus, new_id
from kiosk.contract.errors import StepRefused
from kiosk.contract.messages import (
    CardId,
    CardReport,
    Factor,
    Finished,
    Grant,
    Offer,
    PinState,
    ProvePin,
    Purpose,
    Reason,
    Refusal,
    SetPin,
    VisitId,
    VisitOpened,
    reference_of,
)
from kiosk.contract.policy import Policy
from tests.authority.card_in_reader import KeylessCard
from tests.authority.world import PUK, World
from tests.support.steps import offered

BLOCKED = Reason.REGISTRATION_BLOCKED


def _refused(world: World, card: Card | CardId, *, blocked: bool = False) -> Reason:
    station_visit = world.insert(card, blocked=blocked)
    assert isinstance(station_visit.opened, Refusal)
    [event] = [event for event in world.events() if event.kind == "refused"][-1:]
    assert event.reference == reference_of(station_visit.visit)
    assert event.detail["reason"] == station_visit.opened.reason.value
    with world.store.read() as uow:
        visit = uow.visits.get(station_visit.visit)
    assert visit is not None
    assert visit.closed_at is not None
    return station_visit.opened.reason


def _offers(world: World, card: Card, *, blocked: bool = False) -> tuple[Purpose, ...]:
    opened = world.insert(card, blocked=blocked).opened
    assert isinstance(opened, VisitOpened)
    assert opened.resumed is None
    return offered(opened)


def _block(world: World, card: Card) -> None:
    with world.store.begin() as uow:
        assert uow.registrations.block(card.holder_id)
        uow.commit()


def test_an_unknown_card(world: World) -> None:
    assert _refused(world, CardId("piv", "00ff")) is Reason.UNKNOWN_CARD


def test_identifier_of_another_family_is_another_card(world: World) -> None:
    card = world.registered_card()
    assert _refused(world, CardId("gids", card.identifier)) is Reason.UNKNOWN_CARD


def test_a_leaver(world: World) -> None:
    holder = world.add_holder(left_at=world.now)
    assert _refused(world, world.add_card(holder)) is Reason.LEAVER


def test_future_leaver_is_served_until_then(world: World) -> None:
    holder = world.add_holder(left_at=world.now + timedelta(seconds=1))
    card = world.add_card(holder)
    assert _offers(world, card)
    world.clock.forward(seconds=1)
    assert _refused(world, card) is Reason.LEAVER


def test_a_revoked_card(world: World) -> None:
    card = world.add_card(world.add_holder(), status=CardStatus.REVOKED)
    assert _refused(world, card) is Reason.CARD_REVOKED


def test_a_card_that_the_record_says_expired(world: World) -> None:
    card = world.add_card(world.add_holder(), expires_at=world.now)
    assert _refused(world, card) is Reason.CARD_EXPIRED


def test_a_card_that_says_itself_that_it_expired(world: World) -> None:
    card = world.add_card(world.add_holder(), expires_at=world.now + timedelta(days=1))
    named = CardId(card.driver, card.identifier)
    report = CardReport(named, PinState(blocked=False), expires_at=world.now)
    reply = world.authority.begin(VisitId(new_id()), report)
    assert isinstance(reply, Refusal)
    assert reply.reason is Reason.CARD_EXPIRED


def test_a_station_that_would_present_another_kind_of_secret(world: World) -> None:
    """Its count of tries is that of another secret, and changes nothing."""
    card = world.registered_card(driver="openpgp", secret_limit=3)
    before = world.card(card)
    opened = world.insert(card, blocked=True, secret_tries=1, secret_kind="resetting-code").opened
    assert opened == Refusal(Reason.SECRET_KIND_DIFFERS)
    assert world.card(card) == before
    (refused,) = world.events()
    assert refused.detail == {
        "reason": "secret-kind-differs",
        "presented": "resetting-code",
        "stored": "admin-pin",
        "setting": "cards.openpgp_secret",
    }
    assert audit_message(refused) == (
        "Turned away: the station would present the unblock secret as resetting-code, but the "
        "authority has admin-pin stored. Set cards.openpgp_secret the same for both."
    )


def test_a_station_that_would_present_another_kind_of_secret_does_the_rest(world: World) -> None:
    """Nothing else needs the secret; what the card counts of another one is not recorded.

    Another station can unlock the card: who chooses that reads so, in place of a menu without it.
    """
    card = world.registered_card()
    world.known_reader_card(card)
    before = world.card(card)
    station_visit = world.insert(card, secret_tries=1, secret_kind="resetting-code")
    assert isinstance(station_visit.opened, VisitOpened)
    others = (Purpose.CHANGE_PIN, Purpose.CHANGE_QUESTIONS, Purpose.CHANGE_EMAIL)
    assert offered(station_visit.opened) == (Purpose.UNLOCK, *others)
    authority, visit = station_visit.authority, station_visit.visit
    differs = Refusal(Reason.SECRET_KIND_DIFFERS)
    assert authority.choose(visit, Purpose.UNLOCK) == differs
    refused = world.events()[-1].detail
    assert (refused["presented"], refused["stored"]) == ("resetting-code", "puk")
    assert isinstance(authority.choose(visit, Purpose.CHANGE_PIN), ProvePin)
    station_visit.verify_pin()
    assert station_visit.change_pin() == Finished(Purpose.CHANGE_PIN)
    assert world.card(card) == before


def test_a_code_waits_for_a_station_that_presents_the_stored_kind(world: World) -> None:
    card = world.registered_card(driver="openpgp")
    world.insert(card, blocked=True, secret_kind="admin-pin").to_code()
    elsewhere = world.insert(card, station="B", secret_kind="resetting-code")
    assert isinstance(elsewhere.opened, VisitOpened)
    assert elsewhere.opened.resumed is None
    differs = Refusal(Reason.SECRET_KIND_DIFFERS)
    assert elsewhere.authority.choose(elsewhere.visit, Purpose.UNLOCK) == differs
    back = world.insert(card, blocked=True, secret_kind="admin-pin")
    assert isinstance(back.opened, VisitOpened)
    assert back.opened.resumed is not None
    assert isinstance(back.enter(world.relay.code), SetPin)
    assert isinstance(back.release(), Grant)


@pytest.mark.parametrize("kind", [None, "admin-pin"])
def test_an_older_station_and_one_with_the_same_kind_are_served(
    world: World, kind: str | None
) -> None:
    card = world.registered_card(driver="openpgp", secret_limit=3)
    opened = world.insert(card, blocked=True, secret_kind=kind).opened
    assert isinstance(opened, VisitOpened)


def test_offers_by_state(world: World) -> None:
    holder = world.add_holder()
    card = world.add_card(holder)
    assert _offers(world, card) == (Purpose.REGISTER, Purpose.CHANGE_PIN)
    assert _refused(world, card, blocked=True) is Reason.NOT_REGISTERED
    world.register(holder)
    assert _offers(world, card, blocked=True) == (Purpose.UNLOCK,)
    assert _offers(world, card) == (
        Purpose.UNLOCK,
        Purpose.CHANGE_PIN,
        Purpose.CHANGE_QUESTIONS,
        Purpose.CHANGE_EMAIL,
    )


def test_a_blocked_registration_may_only_change_a_working_pin(world: World) -> None:
    card = world.registered_card()
    _block(world, card)
    assert _refused(world, card, blocked=True) is BLOCKED
    assert _offers(world, card) == (Purpose.CHANGE_PIN,)


def test_a_station_learns_that_self_service_is_blocked(world: World) -> None:
    card = world.registered_card()
    for blocked in (False, True):
        if blocked:
            _block(world, card)
        opened = world.insert(card).opened
        assert isinstance(opened, VisitOpened)
        assert opened.blocked is blocked


def test_without_questions_in_the_policy_there_are_none_to_change(world: World) -> None:
    card = world.registered_card()
    world.policy = Policy(verification=((Factor.EMAIL_CODE,),))
    assert Purpose.CHANGE_QUESTIONS not in _offers(world, card)
    assert Purpose.CHANGE_EMAIL in _offers(world, card)


def test_holder_without_questions_registers_again_when_they_are_asked(
    world: World,
) -> None:
    holder = world.add_holder()
    world.register(holder, hashes=(), question_ids=())
    card = world.add_card(holder)
    assert _offers(world, card) == (Purpose.REGISTER, Purpose.CHANGE_PIN)
    assert _refused(world, card, blocked=True) is Reason.NOT_REGISTERED
    world.policy = Policy(verification=((Factor.EMAIL_CODE,),))
    assert _offers(world, card, blocked=True) == (Purpose.UNLOCK,)


def test_missing_secret_is_refused_early_where_nothing_else_is_possible(world: World) -> None:
    """With a working PIN, who has forgotten it and chooses an unlock reads what to do."""
    card = world.registered_card(sealed_secret=None)
    assert _refused(world, card, blocked=True) is Reason.SECRET_MISSING
    assert Purpose.UNLOCK in _offers(world, card)
    station_visit = world.insert(card)
    chosen = station_visit.authority.choose(station_visit.visit, Purpose.UNLOCK)
    assert chosen == Refusal(Reason.SECRET_MISSING)


@pytest.mark.parametrize(
    ("limit", "exposure", "left", "blocked"),
    [
        (5, 3, None, False),
        (5, 4, None, True),
        (None, 1, None, False),
        (None, 2, None, True),
        (5, 0, 1, True),
        (5, 0, 0, True),
        (5, 0, 2, False),
        (5, 1, 2, True),
        (1, 0, None, True),
    ],
)
def test_the_last_try_of_a_secret_is_never_spent(
    world: World, limit: int | None, exposure: int, left: int | None, *, blocked: bool
) -> None:
    card = world.registered_card(
        secret_limit=limit, secret_exposure=exposure, secret_tries_left=left
    )
    if blocked:
        assert _refused(world, card, blocked=True) is Reason.SECRET_BLOCKED
        assert Purpose.UNLOCK in _offers(world, card), "its page says what to do"
        station_visit = world.insert(card)
        reply = station_visit.authority.choose(station_visit.visit, Purpose.UNLOCK)
        assert isinstance(reply, Refusal)
        assert reply.reason is Reason.SECRET_BLOCKED
    else:
        assert _offers(world, card, blocked=True) == (Purpose.UNLOCK,)


def test_what_is_shown_of_a_visit(world: World) -> None:
    station_visit = world.insert(world.registered_card())
    opened = station_visit.opened
    assert isinstance(opened, VisitOpened)
    assert (opened.visit, opened.holder_name) == (station_visit.visit, "Asha Okafor")
    assert opened.offers[0] == Offer(Purpose.UNLOCK, 4)
    assert PUK not in repr(opened)
    with world.store.read() as uow:
        events = uow.trail.oldest(AuditQuery(reference=reference_of(station_visit.visit)))
    assert [event.kind for event in events] == ["visit-opened"]
    assert events[0].station == "A"


def test_a_card_has_one_open_visit(world: World) -> None:
    card = world.registered_card()
    older = world.insert(card, station="A")
    newer = world.insert(card, station="B")
    with pytest.raises(StepRefused):
        older.authority.choose(older.visit, Purpose.UNLOCK)
    newer.authority.choose(newer.visit, Purpose.UNLOCK)
    assert "visit-superseded" in world.kinds()


def test_begin_again_gives_the_same_answer(world: World) -> None:
    card = world.registered_card()
    station_visit = world.insert(card, reader_card=KeylessCard())
    report = CardReport(CardId(card.driver, card.identifier), PinState(blocked=False))
    assert station_visit.authority.begin(station_visit.visit, report) == station_visit.opened
    station_visit.authority.choose(station_visit.visit, Purpose.UNLOCK)
    unknown = CardReport(CardId("piv", "00"), PinState(blocked=False))
    visit = VisitId(new_id())
    refusal = world.authority.begin(visit, unknown)
    assert world.authority.begin(visit, unknown) == refusal


def test_an_id_is_not_used_for_another_card_station_or_time(world: World) -> None:
    card, other = world.registered_card(), world.add_card(world.add_holder(number="1"))
    station_visit = world.insert(card, station="A")
    report = CardReport(CardId(card.driver, card.identifier), PinState(blocked=False))
    with pytest.raises(StepRefused):
        world.at("B").begin(station_visit.visit, report)
    another = CardReport(CardId(other.driver, other.identifier), PinState(blocked=False))
    with pytest.raises(StepRefused):
        station_visit.authority.begin(station_visit.visit, another)
    station_visit.pull()
    with pytest.raises(StepRefused):
        station_visit.authority.begin(station_visit.visit, report)


@pytest.mark.parametrize("visit", ["", "x" * 32, "A" * 32, "0" * 31, "0" * 33])
def test_an_id_that_no_station_draws(world: World, visit: str) -> None:
    card = world.registered_card()
    report = CardReport(CardId(card.driver, card.identifier), PinState(blocked=False))
    with pytest.raises(StepRefused):
        world.authority.begin(VisitId(visit), report)
    assert "step-refused" in world.kinds()
