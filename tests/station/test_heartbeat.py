"""A station's one call while nobody is there: about every half minute, sooner where it matters."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import pytest

from kiosk.contract.errors import AuthorityUnavailable
from kiosk.contract.messages import Heartbeat, ReaderState, Reason, StationStanding
from kiosk.contract.ports import CardInserted, CardRemoved, ReadersChanged, ServiceLost
from kiosk.station import events as e
from kiosk.station import states as s
from kiosk.station.executor import Actions
from kiosk.station.loop import IdleTimes
from tests.screens.idle_app import still
from tests.station.fakes import FakeAuthority, FakeCards
from tests.station.rig import Rig

READY, NO_READER, NO_SERVICE = ReaderState.READY, ReaderState.NO_READER, ReaderState.NO_SERVICE


@dataclass
class TimedAuthority(FakeAuthority):
    """Notes by the loop's clock when it is asked."""

    asked_at: list[float] = field(default_factory=list)

    def heartbeat(self, beat: Heartbeat) -> StationStanding:
        self.asked_at.append(asyncio.get_running_loop().time())
        return super().heartbeat(beat)

    @property
    def pauses(self) -> list[float]:
        return [later - earlier for earlier, later in pairwise(self.asked_at)]


class AtOnce(ThreadPoolExecutor):
    """Does what it is given on the loop's own thread, so that its clock stands until it is done."""

    def submit(self, work: Callable[..., Any], /, *given: Any, **named: Any) -> Future[Any]:
        done: Future[Any] = Future()
        done.set_result(work(*given, **named))
        return done


async def idle_rig(seed: int = 1) -> tuple[Rig, TimedAuthority]:
    asyncio.get_running_loop().set_default_executor(AtOnce())
    authority = TimedAuthority()
    rig = Rig(IdleTimes(60, 20), authority=authority, pauses=random.Random(seed))
    await rig.until(s.Attract)
    await still()
    return rig, authority


async def end(rig: Rig) -> None:
    await rig.loop.stop()
    await asyncio.wait_for(rig.task, 60)


def test_a_heartbeat_has_version_and_reader() -> None:
    authority = FakeAuthority()
    actions = Actions(authority, FakeCards(), Heartbeat("0.1.0"))
    assert actions.check_authority(READY, idle=True) is None
    assert authority.beats == [Heartbeat("0.1.0", READY)]
    authority.standing = StationStanding.RETIRED
    assert actions.check_authority(READY, idle=True) is s.Outage.RETIRED
    authority.heartbeat_raises = AuthorityUnavailable("locked")
    assert actions.check_authority(READY, idle=True) is s.Outage.AUTHORITY_AWAY


@pytest.mark.parametrize("seed", range(5))
async def test_an_idle_station_asks_once_in_about_half_a_minute(seed: int) -> None:
    rig, authority = await idle_rig(seed)
    await still(3600)
    assert all(24 <= pause <= 36 for pause in authority.pauses)
    assert 100 <= len(authority.asked_at) <= 151
    await end(rig)


async def test_stations_that_began_together_do_not_ask_together() -> None:
    asked = []
    for seed in (1, 2):
        rig, authority = await idle_rig(seed)
        await still(300)
        asked.append(authority.pauses)
        await end(rig)
    assert not set(asked[0]) & set(asked[1])


async def test_a_call_that_fails_is_repeated_soon_and_then_more_and_more_seldom() -> None:
    rig, authority = await idle_rig()
    authority.heartbeat_raises = AuthorityUnavailable("away")
    await still(36)
    await rig.until(s.OutOfService)
    before = len(authority.asked_at)
    await still(120)
    pauses = authority.pauses
    first = next(number for number, pause in enumerate(pauses) if pause < 2)
    for pause, expected in zip(pauses[first:], (1, 2, 4, 8, 15, 15, 15), strict=False):
        assert 0.8 * expected <= pause <= 1.2 * expected
    assert len(authority.asked_at) > before
    authority.heartbeat_raises = None
    await still(18)
    await rig.until(s.Attract)
    since = len(pauses) + 1
    await still(200)
    assert all(pause >= 24 for pause in authority.pauses[since:])
    await end(rig)


async def test_changed_reader_state_is_reported_at_once() -> None:
    rig, authority = await idle_rig()
    rig.monitor.post(ReadersChanged(("R",)))
    await still()
    rig.monitor.post(ReadersChanged(()))
    await still()
    rig.monitor.post(ReadersChanged(("R",)))
    await still()
    rig.monitor.post(ServiceLost())
    await still()
    reported = [beat.reader for beat in authority.beats]
    assert reported == [ReaderState.LOOKING, READY, NO_READER, READY, NO_SERVICE]
    await end(rig)


async def test_a_visit_that_gets_no_answer_puts_the_station_out_of_service_after_it() -> None:
    """The first card that goes in shows it, though the next heartbeat is far."""
    rig, authority = await idle_rig()
    authority.away, authority.heartbeat_raises = 1, AuthorityUnavailable("away")
    rig.monitor.post(CardInserted("R", 1))
    refused = await rig.until(s.Refused)
    assert isinstance(refused, s.Refused)
    assert refused.reason is Reason.AUTHORITY_AWAY
    await still()
    rig.monitor.post(CardRemoved("R", 1))
    await rig.until(s.OutOfService)
    await end(rig)


async def test_a_card_that_goes_in_while_it_is_away_asks_again() -> None:
    rig, authority = await idle_rig()
    authority.heartbeat_raises = AuthorityUnavailable("away")
    await still(200)
    await rig.until(s.OutOfService)
    authority.heartbeat_raises = None
    rig.monitor.post(CardInserted("R", 1))
    await rig.until(s.ConfirmOwner)
    await still()
    rig.loop.submit(e.Left(rig.visit))
    rig.monitor.post(CardRemoved("R", 1))
    assert await rig.until(s.Attract) == s.Attract()
    await end(rig)
