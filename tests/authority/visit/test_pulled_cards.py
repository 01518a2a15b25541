"""A card that is pulled ends its visit: nobody was refused, and nothing is wrong with the card."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import pytest

from kiosk.authority.administration.standing import card_observations
from kiosk.authority.records import Card, new_id
from kiosk.contract.errors import CardGone
from kiosk.contract.messages import (
    AnswerQuestions,
    Answers,
    CardChallenge,
    CardId,
    CardProof,
    CardReport,
    Heartbeat,
    PinEntry,
    Purpose,
    ReadFault,
    VisitEnd,
    VisitId,
)
from kiosk.contract.ports import CardAddress, CardHold
from kiosk.contract.sensitive import Sensitive
from kiosk.station.commands import Command, OpenVisit, SubmitEntry, UnblockPin, VerifyPin
from kiosk.station.events import GaveUp
from kiosk.station.executor import Actions
from tests.authority.station_visit import StationVisit, answers_to
from tests.authority.world import World
from tests.station.fakes import FakeCards

T = TypeVar("T")
NEW = Sensitive("60514273")


@dataclass
class _Pulled(FakeCards):
    """A card that proves itself, and is out as soon as it is needed."""

    station_visit: StationVisit | None = None
    pull: Callable[[], None] = lambda: None

    def read(self, reader: str) -> CardReport:
        self._leave()
        raise AssertionError

    def verify_pin(self, at: CardAddress, pin: PinEntry, challenge: object = None) -> None:
        self._leave()

    def prove(self, challenge: CardChallenge) -> CardProof | None:
        assert self.station_visit is not None
        return self.station_visit.reader_card.answer(challenge)

    def _leave(self) -> None:
        self.pull()
        raise CardGone("out")


class _PulledAtOnce(_Pulled):
    def hold(self, at: CardAddress, use: Callable[[CardHold], T]) -> T:
        self._leave()
        raise AssertionError


class _PulledAfterRelease(_Pulled):
    def unblock(self, secret: Sensitive, new: PinEntry) -> None:
        self._leave()


def _kinds(world: World, visit: VisitId) -> list[str]:
    return [event.kind for event in world.events() if event.visit_id == visit]


def _has_no_trouble(world: World, card: Card) -> bool:
    with world.store.read() as uow:
        return not card_observations(uow, card.holder_id).refused


@pytest.mark.parametrize("first", ["the end", "the error"])
@pytest.mark.parametrize(
    ("cards", "known"), [(_PulledAtOnce, []), (_PulledAfterRelease, ["unblock-not-sent"])]
)
def test_while_the_pin_is_set(
    world: World, card: Card, cards: type[_Pulled], known: list[str], first: str
) -> None:
    station_visit = world.insert(card, blocked=True)
    station_visit.to_new_pin()
    before = len(_kinds(world, station_visit.visit))
    at = CardAddress("R", CardId(card.driver, card.identifier))
    in_reader = cards(station_visit=station_visit)
    if first == "the end":
        in_reader.pull = station_visit.pull
    gave_up = _perform(world, in_reader, UnblockPin(station_visit.visit, at, NEW, "one"))
    assert isinstance(gave_up, GaveUp)
    station_visit.authority.end(station_visit.visit, gave_up.how)
    after = [
        kind for kind in _kinds(world, station_visit.visit)[before:] if kind != "secret-released"
    ]
    assert sorted(after) == sorted([*known, "visit-ended"])
    (ended,) = [event for event in world.events() if event.kind == "visit-ended"]
    assert ended.detail == {"how": "card-removed"}
    assert _has_no_trouble(world, card)


def test_while_its_pin_is_verified(world: World, card: Card) -> None:
    station_visit = world.insert(card)
    station_visit.authority.choose(station_visit.visit, Purpose.CHANGE_PIN)
    at = CardAddress("R", CardId(card.driver, card.identifier))
    _perform(world, _Pulled(pull=station_visit.pull), VerifyPin(station_visit.visit, at, NEW))
    assert _kinds(world, station_visit.visit)[-1] == "visit-ended"


def test_while_answers_are_checked(world: World, card: Card) -> None:
    """The call does not fit a visit that is over: that is no refusal that anybody saw."""
    station_visit = world.insert(card, blocked=True)
    task = station_visit.questions()
    assert isinstance(task, AnswerQuestions)
    station_visit.pull()
    _perform(world, _Pulled(), SubmitEntry(station_visit.visit, "one", Answers(answers_to(task))))
    assert _kinds(world, station_visit.visit)[-2:] == ["visit-ended", "step-refused"]


def test_while_it_is_read_for_the_first_time(world: World) -> None:
    visit = VisitId(new_id())
    gave_up = _perform(world, _Pulled(), OpenVisit(visit, "R"))
    assert isinstance(gave_up, GaveUp)
    world.authority.end(visit, gave_up.how)
    with world.store.read() as uow:
        kept = uow.visits.get(visit)
    assert kept is not None
    assert (kept.unread, kept.how, kept.refusal) == (
        ReadFault.TAKEN_OUT,
        VisitEnd.CARD_REMOVED,
        None,
    )
    (event,) = [event for event in world.events() if event.visit_id == visit]
    assert (event.kind, event.detail) == ("card-pulled", {})


def _perform(world: World, cards: FakeCards, command: Command) -> object:
    return Actions(world.authority, cards, Heartbeat()).perform(command)
