"""Only a card that has its admin key answers rightly, once, in the visit in which it was asked."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kiosk.authority.records import Card, UnblockState, new_id
from kiosk.authority.visit.rules import MOST_EXCHANGES
from kiosk.contract.errors import StepRefused
from kiosk.contract.messages import (
    CardId,
    CardReport,
    JournalId,
    KeyAnswer,
    KeyNonce,
    PinState,
    Reason,
    UnblockDone,
    VisitId,
)
from tests.authority.admin_key_card import (
    KEY,
    OTHER_KEY,
    Chip,
    admitted,
    drawn,
    encrypted,
    granted,
    registered,
    settled,
    unlocked,
)
from tests.authority.card_in_reader import ReaderCard
from tests.authority.refused import is_turned_away, reason_of
from tests.authority.station_visit import StationVisit, ready
from tests.authority.world import World
from tests.support.stored import live_code


@pytest.fixture
def world(each_world: World) -> World:
    return each_world


@pytest.fixture
def card(world: World) -> Card:
    return registered(world)


def forged_answers(chip: Chip, grant: bytes, before: bytes) -> dict[str, bytes]:
    return {
        "another key": Chip(OTHER_KEY, chip.theirs, chip.own).answer().cryptogram,
        "ours, given back": grant,
        "of another visit": before,
        "the other way round": encrypted(KEY, chip.own + chip.theirs + bytes(8)),
        "in the clear": chip.theirs + chip.own + bytes(8),
        "nothing": b"",
        "cut": chip.answer().cryptogram[:-1],
        "too long": chip.answer().cryptogram + bytes(8),
    }


def test_a_card_without_the_key_gets_no_pin(world: World) -> None:
    card = registered(world, secret_limit=15)
    before, chip = unlocked(world, card), Chip(theirs=bytes(16))
    for how in forged_answers(chip, b"", before):
        station_visit, chip = ready(world, card), Chip()
        grant = granted(station_visit, chip)
        answer = KeyAnswer(forged_answers(chip, grant.cryptogram, before)[how])
        reply = station_visit.authority.admit(station_visit.visit, grant.journal, answer)
        assert is_turned_away(world, reply, "no-admin-key"), how
        assert is_over(world, station_visit, grant.journal, chip)
        assert world.card(card).secret_exposure == 0, "no try of the genuine card was spent"
        world.clock.forward(hours=25)


def is_over(world: World, station_visit: StationVisit, journal: JournalId, chip: Chip) -> bool:
    """Tell whether a refused answer ended it; nothing that is said later changes that."""
    for call in (lambda: admitted(station_visit, journal, chip), lambda: drawn(station_visit)):
        with pytest.raises(StepRefused, match="over"):
            call()
    settled(station_visit, journal, UnblockDone())
    assert world.kinds()[-1] == "unblock-reported-late"
    entry = world.entry(journal)
    return (entry.state, entry.detail) == (UnblockState.REFUSED, "not genuine")


def test_a_repeated_release_makes_no_cryptogram_for_another_number(
    station_visit: StationVisit,
) -> None:
    challenge, chip, attempt = drawn(station_visit), Chip(), station_visit.attempt()
    grant = station_visit.authority.release(station_visit.visit, attempt, chip.meet(challenge))
    for other in (Chip().meet(challenge), None):
        with pytest.raises(StepRefused, match="another nonce"):
            station_visit.authority.release(station_visit.visit, attempt, other)
    assert (
        station_visit.authority.release(station_visit.visit, attempt, KeyNonce(chip.own)) == grant
    )


def test_the_genuine_card_comes_back_after_a_forged_one(world: World, card: Card) -> None:
    station_visit = ready(world, card)
    grant = granted(station_visit, Chip(OTHER_KEY))
    reply = admitted(station_visit, grant.journal, Chip(OTHER_KEY, bytes(16)))
    assert reason_of(reply) is Reason.NOT_GENUINE
    world.clock.forward(hours=1)
    unlocked(world, card)
    assert world.card(card).secret_exposure == 0


def test_forged_cards_are_given_a_few_cryptograms_a_day(world: World, card: Card) -> None:
    for _ in range(MOST_EXCHANGES):
        station_visit, chip = ready(world, card), Chip()
        grant = granted(station_visit, chip)
        copy = Chip(OTHER_KEY, chip.theirs, chip.own)
        assert reason_of(admitted(station_visit, grant.journal, copy)) is Reason.NOT_GENUINE
        world.clock.forward(hours=1)
    assert reason_of(world.authority.challenge(ready(world, card).visit)) is Reason.NOT_GENUINE
    assert world.kinds().count("admin-key-used") == MOST_EXCHANGES
    world.clock.forward(hours=24)
    unlocked(world, card)


def test_a_card_that_gives_our_number_back_is_sent_nothing(world: World, card: Card) -> None:
    """In whole, its halves exchanged, and one half alone, in its place or not."""
    for blocks in ((0, 1), (1, 0), (0, None), (None, 0)):
        station_visit = ready(world, card)
        ours = drawn(station_visit).nonce
        halves = (ours[:8], ours[8:])
        mirrored = b"".join(bytes(8) if block is None else halves[block] for block in blocks)
        reply = station_visit.authority.release(
            station_visit.visit, station_visit.attempt(), KeyNonce(mirrored)
        )
        assert is_turned_away(world, reply, "mirrored")
        with world.store.read() as uow:
            assert live_code(uow, card.id) is not None, "the holder can come back with the code"
        world.clock.forward(hours=1)
    assert world.card(card).secret_exposure == 0
    assert "admin-key-used" not in world.kinds()


def test_the_right_answer_is_taken_once(world: World, station_visit: StationVisit) -> None:
    chip = Chip()
    grant = granted(station_visit, chip)
    for _ in range(2):
        assert admitted(station_visit, grant.journal, chip) is None, "the same when told twice"
    with pytest.raises(StepRefused):
        station_visit.authority.admit(station_visit.visit, grant.journal, KeyAnswer(bytes(40)))
    assert world.kinds().count("card-proven-by-key") == 1


def test_no_answer_is_judged_where_none_is_waited_for(
    world: World, card: Card, station_visit: StationVisit
) -> None:
    chip, mine = Chip(), station_visit.visit
    with pytest.raises(StepRefused):
        world.authority.admit(mine, JournalId(new_id()), KeyAnswer(bytes(40)))
    drawn(station_visit)
    with pytest.raises(StepRefused):
        world.authority.admit(mine, JournalId(new_id()), KeyAnswer(bytes(40)))
    grant = granted(station_visit, chip)
    other = world.insert(world.add_card(world.add_holder(number="2")))
    calls: tuple[Callable[[], object], ...] = (
        lambda: other.authority.admit(other.visit, grant.journal, chip.answer()),
        lambda: world.authority.admit(VisitId(new_id()), grant.journal, chip.answer()),
        lambda: world.authority.admit(mine, JournalId(new_id()), chip.answer()),
    )
    for call in calls:
        with pytest.raises(StepRefused):
            call()
    assert admitted(station_visit, grant.journal, chip) is None


def test_an_answer_is_waited_for_a_minute(world: World, station_visit: StationVisit) -> None:
    chip = Chip()
    grant = granted(station_visit, chip)
    world.clock.forward(seconds=60)
    with pytest.raises(StepRefused, match="too old"):
        admitted(station_visit, grant.journal, chip)


def test_no_answer_is_taken_after_the_visit(world: World, station_visit: StationVisit) -> None:
    chip = Chip()
    grant = granted(station_visit, chip)
    station_visit.pull()
    with pytest.raises(StepRefused, match="is over"):
        admitted(station_visit, grant.journal, chip)
    assert "card-proven-by-key" not in world.kinds()


def test_a_card_of_another_family_is_not_admitted(world: World) -> None:
    station_visit = ready(world, world.registered_card())
    grant = station_visit.grant()
    with pytest.raises(StepRefused, match="no admin key"):
        station_visit.authority.admit(station_visit.visit, grant.journal, KeyAnswer(bytes(40)))
    with pytest.raises(StepRefused):
        station_visit.authority.release(
            station_visit.visit, station_visit.attempt(), KeyNonce(bytes(16))
        )


def test_answer_is_judged_by_another_process_than_asked(
    world: World, card: Card, station_visit: StationVisit
) -> None:
    chip = Chip()
    grant = granted(station_visit, chip)
    beside = World(world.folder, url=world.url)
    object.__setattr__(beside, "clock", world.clock)
    assert beside.authority.admit(station_visit.visit, grant.journal, chip.answer()) is None
    assert world.card(card).secret_exposure == 0
    beside.store.close()


@pytest.mark.parametrize("over", [True, False], ids=["over", "open"])
def test_what_a_card_owes_is_not_forgotten_by_beginning_anew(
    world: World, card: Card, station_visit: StationVisit, *, over: bool
) -> None:
    """A station could have as many cryptograms as it likes, and say each time that it is done."""
    grant, mine = granted(station_visit, Chip(OTHER_KEY)), station_visit.visit
    if over:
        station_visit.pull()
    named, made_up = CardId(card.driver, card.identifier), ReaderCard()
    report = CardReport(named, PinState(True), certificate=made_up.shows)
    with pytest.raises(StepRefused):
        world.authority.begin(mine, report)
    with pytest.raises(StepRefused):
        world.authority.prove(mine, None)
    with pytest.raises(StepRefused):
        settled(station_visit, grant.journal, UnblockDone())
    assert world.card(card).secret_exposure == 1
    assert "unblock-done" not in world.kinds()
