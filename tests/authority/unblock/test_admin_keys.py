"""A card with an admin key: the key stays, and each finds out whether the other one has it."""

from __future__ import annotations

import pytest

from kiosk.authority.records import Card, UnblockState
from kiosk.contract.errors import StepRefused
from kiosk.contract.messages import (
    CardProof,
    Factor,
    Finished,
    KeyGrant,
    KeyNonce,
    Purpose,
    UnblockDone,
)
from tests.authority.admin_key_card import (
    KEY,
    Chip,
    admitted,
    drawn,
    granted,
    registered,
    settled,
    visit_of,
)
from tests.authority.station_visit import StationVisit
from tests.authority.world import World
from tests.support.stored import live_code


@pytest.fixture
def world(each_world: World) -> World:
    return each_world


@pytest.fixture
def card(world: World) -> Card:
    return registered(world)


def test_the_whole_way(world: World, card: Card, station_visit: StationVisit) -> None:
    chip = Chip()
    grant = granted(station_visit, chip)
    assert world.card(card).secret_exposure == 1
    assert chip.takes(grant.cryptogram)
    assert admitted(station_visit, grant.journal, chip) is None
    assert world.card(card).secret_exposure == 0
    assert settled(station_visit, grant.journal, UnblockDone()) == Finished(Purpose.UNLOCK)
    assert station_visit.authority.rotate_secret(station_visit.visit, grant.journal) is None
    assert world.entry(grant.journal).state is UnblockState.DONE
    assert world.kinds()[-3:] == ["admin-key-used", "card-proven-by-key", "unblock-done"]
    with world.store.read() as uow:
        assert live_code(uow, card.id) is None
        assert uow.audit.verify().intact


def test_the_intent_is_written_before_anything_leaves(
    world: World, card: Card, station_visit: StationVisit
) -> None:
    grant = granted(station_visit, Chip())
    entry = world.entry(grant.journal)
    assert (entry.state, entry.was_blocked) == (UnblockState.INTENT, True)
    assert (entry.visit_id, entry.card_id) == (station_visit.visit, card.id)
    used = world.events()[-1]
    code = world.proofs(station_visit)[Factor.EMAIL_CODE].subject
    detail = {"journal": entry.id, "code": code, "left": 2}
    assert (used.kind, used.detail) == ("admin-key-used", detail)


def test_nothing_that_leaves_or_is_kept_holds_the_key_or_the_answer(
    world: World, station_visit: StationVisit
) -> None:
    chip = Chip()
    grant = granted(station_visit, chip)
    with world.store.read() as uow:
        (entry,) = uow.journal.of_visit(station_visit.visit)
    kept = f"{visit_of(world, station_visit)!r} {entry!r}"
    said = f"{grant!r} {chip.answer()!r} {kept} {world.events()!r}"
    answer = chip.answer().cryptogram[:32]
    for hidden in (bytes.fromhex(KEY), answer, grant.cryptogram):
        assert hidden.hex() not in said
        assert repr(hidden) not in said
    assert bytes.fromhex(KEY) not in grant.cryptogram
    assert entry.awaited is not None
    assert entry.awaited != answer
    if world.url.startswith("sqlite"):
        rows = (world.folder / "kiosk.db").read_bytes()
        assert bytes.fromhex(KEY) not in rows
        assert KEY.encode() not in rows
        assert answer not in rows


# --- the station skips or repeats something -------------------------------------------------


def test_no_factor_no_nonce(world: World, card: Card) -> None:
    station_visit = world.insert(card, blocked=True)
    station_visit.to_code()
    with pytest.raises(StepRefused):
        station_visit.authority.challenge(station_visit.visit)
    with pytest.raises(StepRefused):
        station_visit.authority.release(
            station_visit.visit, station_visit.attempt(), KeyNonce(bytes(16))
        )


def test_a_number_that_is_none_costs_nothing(
    world: World, card: Card, station_visit: StationVisit
) -> None:
    right = Chip().meet(drawn(station_visit))
    wrong = [None, CardProof(bytes(16)), *(KeyNonce(bytes(size)) for size in (0, 15, 17, 40))]
    for given in wrong:
        with pytest.raises(StepRefused, match="missing"):
            station_visit.authority.release(station_visit.visit, station_visit.attempt(), given)
    assert world.kinds()[-6:] == ["step-refused"] * 6
    assert world.card(card).secret_exposure == 0
    with world.store.read() as uow:
        assert uow.journal.open_for(card.id) is None
        assert live_code(uow, card.id) is not None
    assert isinstance(
        station_visit.authority.release(station_visit.visit, station_visit.attempt(), right),
        KeyGrant,
    )


def test_a_number_without_ours_is_refused(
    world: World, card: Card, station_visit: StationVisit
) -> None:
    with pytest.raises(StepRefused):
        station_visit.authority.release(
            station_visit.visit, station_visit.attempt(), KeyNonce(bytes(range(16)))
        )
    assert world.card(card).secret_exposure == 0


@pytest.mark.parametrize("seconds", [60, -60])
def test_our_number_is_good_for_a_minute_of_a_right_clock(
    world: World, station_visit: StationVisit, seconds: int
) -> None:
    number = Chip().meet(drawn(station_visit))
    world.clock.forward(seconds=seconds)
    with pytest.raises(StepRefused, match="too old"):
        station_visit.authority.release(station_visit.visit, station_visit.attempt(), number)


def test_a_newer_number_takes_the_place_of_an_older_one(
    world: World, station_visit: StationVisit
) -> None:
    chip = Chip()
    older = drawn(station_visit)
    assert drawn(station_visit) == older, "a request that arrives twice spoils nothing"
    world.clock.forward(seconds=31)
    assert drawn(station_visit).nonce != older.nonce
    number = chip.meet(older)
    grant = station_visit.authority.release(station_visit.visit, station_visit.attempt(), number)
    assert isinstance(grant, KeyGrant)
    assert not chip.takes(grant.cryptogram)


def test_nonce_gets_one_cryptogram(world: World, card: Card, station_visit: StationVisit) -> None:
    chip = Chip()
    granted(station_visit, chip)
    for number in (KeyNonce(chip.own), KeyNonce(bytes(range(16)))):
        with pytest.raises(StepRefused):
            station_visit.authority.release(station_visit.visit, station_visit.attempt(), number)
    assert world.card(card).secret_exposure == 1
    assert world.kinds().count("admin-key-used") == 1


def test_an_exchange_whose_cryptogram_was_lost_begins_anew_and_is_charged_again(
    world: World, card: Card, station_visit: StationVisit
) -> None:
    """Once it is held again the card draws another nonce: it takes no earlier cryptogram."""
    before = Chip()
    lost, grant = granted(station_visit, before), granted(station_visit, Chip())
    assert grant.journal != lost.journal
    assert world.entry(lost.journal).state is UnblockState.NOT_SENT
    assert world.card(card).secret_exposure == 2
    assert world.kinds().count("admin-key-used") == 2
    with pytest.raises(StepRefused):
        station_visit.authority.admit(station_visit.visit, lost.journal, before.answer())


def test_an_exchange_that_the_card_answered_does_not_begin_anew(
    world: World, station_visit: StationVisit
) -> None:
    chip = Chip()
    grant = granted(station_visit, chip)
    chip.takes(grant.cryptogram)
    answered = station_visit.authority.admit(station_visit.visit, grant.journal, chip.answer())
    assert answered is None
    with pytest.raises(StepRefused):
        station_visit.authority.challenge(station_visit.visit)
    assert world.entry(grant.journal).state is UnblockState.INTENT


def test_a_card_with_two_visits_has_one_nonce(
    world: World, card: Card, station_visit: StationVisit
) -> None:
    """What one visit learns cannot be the answer in another: only one of them waits."""
    drawn(station_visit)
    assert world.visit(station_visit).nonce is not None
    other = world.insert(card, blocked=True, station="B")
    other.enter(world.relay.code)
    drawn(other)
    assert world.visit(station_visit).nonce is None
    assert world.visit(other).nonce is not None
    drawn(station_visit)
    assert world.visit(other).nonce is None
