"""Visits at stations: so many at once, or as people arrive on a Monday at eight."""

from __future__ import annotations

import math
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from random import Random
from typing import Any, TypeVar, cast

from campaigns.load.people import Visitor
from campaigns.load.service import LoadedEstate, Spent
from kiosk.authority.records import new_id
from kiosk.contract.messages import (
    AnswerQuestions,
    Answers,
    CardChallenge,
    CardReport,
    Code,
    EnterCode,
    Factor,
    Finished,
    Grant,
    PinState,
    Purpose,
    SendCode,
    SetPin,
    UnblockDone,
    VisitEnd,
    VisitId,
    VisitOpened,
)
from kiosk.contract.ports import Authority
from kiosk.contract.sensitive import Sensitive
from tests.authority.station_visit import answers_to
from tests.authority.world import KNOWN

T = TypeVar("T")


class AnotherReplyError(Exception):
    """A visit did not go the way of an unlock."""


def unlock(at: Authority, visitor: Visitor, mailed: Callable[[str], Sensitive]) -> None:
    """Live one visit from the card in the reader to its end, with the card's own signatures."""
    visit, blocked = VisitId(new_id()), PinState(blocked=True)
    report = CardReport(visitor.card, blocked, certificate=KNOWN.shows)
    asked = _as(CardChallenge, at.begin(visit, report))
    _as(VisitOpened, at.prove(visit, _signed(asked)))
    questions = _as(AnswerQuestions, at.choose(visit, Purpose.UNLOCK))
    send = _as(SendCode, at.submit(visit, new_id(), Answers(answers_to(questions))))
    _as(EnterCode, at.prepare(visit, new_id(), Factor.EMAIL_CODE, send.routes[0].id))
    _as(SetPin, at.submit(visit, new_id(), Code(mailed(visitor.email))))
    challenge = _as(CardChallenge, at.challenge(visit))
    journal = _as(Grant, at.release(visit, new_id(), _signed(challenge))).journal
    _as(Finished, at.record_outcome(visit, journal, UnblockDone()))
    _as(Sensitive, at.rotate_secret(visit, journal))
    at.confirm_rotation(visit, journal, UnblockDone())
    at.end(visit, VisitEnd.CARD_REMOVED)


def _signed(challenge: CardChallenge) -> Any:
    return KNOWN.answer(challenge)


def _as(kind: type[T], reply: object) -> T:
    if not isinstance(reply, kind):
        raise AnotherReplyError(f"{type(reply).__name__} instead of {kind.__name__}")
    return reply


class _TimedAuthority:
    """The port, which keeps the seconds of each call."""

    def __init__(self, at: Authority, took: dict[str, list[float]]) -> None:
        self._at = at
        self._took = took

    def __getattr__(self, name: str) -> Callable[..., Any]:
        call = getattr(self._at, name)

        def timed(*given: object) -> Any:
            began = time.perf_counter()
            reply = call(*given)
            self._took[name].append(time.perf_counter() - began)
            return reply

        return timed


@dataclass(frozen=True)
class Load:
    """What some visits took, and the seconds of every call of theirs by its name."""

    visits: int
    spent: Spent
    calls: Mapping[str, Sequence[float]]

    @property
    def a_second(self) -> float:
        return self.visits / self.spent.seconds


def at_once(estate: LoadedEstate, many: int, visits: int) -> Load:
    """Live ``visits``, so many at once: where one has ended the next one begins."""
    return _lived(estate, many, [0.0] * visits)


def on_monday(estate: LoadedEstate, seconds: float, most: float, seed: int) -> Load:
    """Let people arrive at random: few, then up to ``most`` a second, then fewer again."""
    random, moment, arrivals = Random(seed), 0.0, []
    while (moment := moment + random.expovariate(most)) < seconds:
        if random.random() < _crowd(moment / seconds):
            arrivals.append(moment)
    return _lived(estate, _COUNTERS, arrivals)


_COUNTERS = 128
"""How many visits can be under way: more than ever are, so that nobody waits to begin."""


def _crowd(part: float) -> float:
    """Return how many come, of the most: they are most at a third of the time."""
    return 0.2 + 0.8 * math.exp(-(((part - 1 / 3) / 0.2) ** 2))


def _lived(estate: LoadedEstate, most: int, arrivals: Sequence[float]) -> Load:
    """Live a visit from each arrival on, told in seconds from now."""
    took: dict[str, list[float]] = defaultdict(list)
    visitors = estate.next_visitors(len(arrivals))
    with estate.spending() as spent, ThreadPoolExecutor(most) as threads:
        began = time.monotonic()
        visits = []
        for visitor, arrival in zip(visitors, arrivals, strict=True):
            time.sleep(max(0.0, began + arrival - time.monotonic()))
            visits.append(threads.submit(_visit, estate, visitor, took))
        for visit in visits:
            visit.result()
    return Load(len(visits), spent[0], took)


def _visit(estate: LoadedEstate, visitor: Visitor, took: dict[str, list[float]]) -> None:
    station = estate.stations.get()
    try:
        at = cast(Authority, _TimedAuthority(station.port, took))
        unlock(at, visitor, estate.mailbox.code)
    finally:
        estate.stations.put(station)
