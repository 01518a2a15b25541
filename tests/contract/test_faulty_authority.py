"""An authority with a bug: what the card has done counts, and what it has not done is a fault."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kiosk.authority.audit.events import AuditKind
from kiosk.authority.records import Card
from kiosk.authority.stations import StationIdentity
from kiosk.contract.errors import AuthorityError, AuthorityUnavailable
from kiosk.contract.messages import CardId, Finished, Heartbeat, Purpose, SetPin
from kiosk.contract.ports import CardAddress, CardCheck
from kiosk.contract.sensitive import Sensitive
from kiosk.station.commands import ChangePin, UnblockPin
from kiosk.station.events import Replied
from kiosk.station.executor import Actions
from tests.authority.card_in_reader import ReaderCard
from tests.authority.station_visit import StationVisit
from tests.contract.wirings import WiredWorld, wired
from tests.station.fakes import FakeCards

OLD, NEW = Sensitive("482916"), Sensitive("60514273")


class Faulty:
    """The authority with a bug in ``calls``."""

    def __init__(self, inner: Any, calls: set[str]) -> None:
        self._inner = inner
        self.calls = calls

    def seen_by(self, station: StationIdentity) -> Faulty:
        return Faulty(self._inner.seen_by(station), self.calls)

    def __getattr__(self, name: str) -> object:
        if name in self.calls:
            raise RuntimeError("a bug")
        return getattr(self._inner, name)


class Chip(FakeCards):
    """Proves itself with its key."""

    def __init__(self, reader_card: ReaderCard) -> None:
        super().__init__()
        self.prove = reader_card.answer  # type: ignore[method-assign]


@pytest.fixture
def world(folder: Path) -> Iterator[WiredWorld]:
    with wired(folder, "socket") as made:
        made.authority = Faulty(made.authority, set())  # type: ignore[assignment]
        yield made


def bugs(world: WiredWorld) -> set[str]:
    authority: object = world.authority
    assert isinstance(authority, Faulty)
    return authority.calls


def at(card: Card) -> CardAddress:
    return CardAddress("R", CardId(card.driver, card.identifier))


def actions(world: WiredWorld, chip: FakeCards) -> Actions:
    return Actions(world.at("A"), chip, Heartbeat(), sleep=lambda _: None)


def to_new_pin(world: WiredWorld, card: Card) -> tuple[StationVisit, Chip]:
    station_visit = world.insert(card, blocked=True)
    station_visit.to_new_pin()
    return station_visit, Chip(station_visit.reader_card)


@pytest.mark.parametrize("calls", [{"record_outcome"}, {"record_outcome", "rotate_secret"}])
def test_a_card_with_its_new_pin_is_unlocked_and_counted_when_it_is_next_seen(
    world: WiredWorld, calls: set[str]
) -> None:
    card = world.registered_card()
    station_visit, chip = to_new_pin(world, card)
    bugs(world).update(calls)
    done = actions(world, chip).perform(UnblockPin(station_visit.visit, at(card), NEW, "1"))
    assert done == Replied(station_visit.visit, Finished(Purpose.UNLOCK), CardCheck())
    assert chip.pin == NEW.reveal()
    assert AuditKind.UNBLOCK_DONE not in world.kinds()
    bugs(world).clear()
    station_visit.pull()
    world.insert(card)
    settled = [each for each in world.events() if each.kind == AuditKind.UNBLOCK_SETTLED]
    assert [each.detail["found"] for each in settled] == ["done"]
    assert world.card(card).secret_exposure == 0


def test_a_changed_pin_is_changed(world: WiredWorld) -> None:
    card = world.registered_card()
    station_visit = world.insert(card)
    station_visit.authority.choose(station_visit.visit, Purpose.CHANGE_PIN)
    assert isinstance(station_visit.verify_pin(), SetPin)
    chip = Chip(station_visit.reader_card)
    bugs(world).add("pin_changed")
    done = actions(world, chip).perform(ChangePin(station_visit.visit, at(card), OLD, NEW))
    assert done == Replied(station_visit.visit, Finished(Purpose.CHANGE_PIN))
    assert chip.pin == NEW.reveal()


@pytest.mark.parametrize("call", ["challenge", "release"])
def test_a_bug_before_the_card_changed_is_a_fault(world: WiredWorld, call: str) -> None:
    card = world.registered_card()
    station_visit, chip = to_new_pin(world, card)
    bugs(world).add(call)
    with pytest.raises(AuthorityError) as raised:
        actions(world, chip).perform(UnblockPin(station_visit.visit, at(card), NEW, "1"))
    assert not isinstance(raised.value, AuthorityUnavailable)
    assert chip.pin is None
