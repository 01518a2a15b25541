"""A station tells that it lives every half minute, and at once when its reader changes."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from kiosk.contract.errors import AuthorityUnavailable
from kiosk.contract.messages import Heartbeat, ReaderState, StationStanding
from kiosk.station.executor import BEAT_S, HeartbeatSender
from kiosk.station.states import Outage
from tests.station.fakes import FakeAuthority
from tests.support.database import SetClock

FIRST = Heartbeat("0.1.0")
READY, NO_READER = ReaderState.READY, ReaderState.NO_READER


@dataclass
class AwayAuthority(FakeAuthority):
    """Takes no heartbeat while it is ``deaf``."""

    deaf: bool = True

    def heartbeat(self, beat: Heartbeat) -> StationStanding:
        if self.deaf:
            raise AuthorityUnavailable("locked")
        return super().heartbeat(beat)


@dataclass
class Bench:
    """A pulse on a clock that the test moves."""

    authority: FakeAuthority = field(default_factory=FakeAuthority)
    clock: SetClock = field(default_factory=SetClock)

    def __post_init__(self) -> None:
        self.heartbeats = HeartbeatSender(self.authority, FIRST, self.clock.monotonic)

    def check_authority(self, reader: ReaderState = READY) -> Outage | None:
        return self.heartbeats.check_authority(reader)

    @property
    def reported(self) -> list[ReaderState]:
        return [beat.reader for beat in self.authority.beats]


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_a_heartbeat_has_version_and_reader(bench: Bench) -> None:
    assert bench.check_authority() is None
    assert bench.authority.beats == [Heartbeat("0.1.0", READY)]


def test_it_is_written_down_every_half_minute_and_no_more(bench: Bench) -> None:
    for _ in range(61):
        bench.check_authority()
        bench.clock.forward(seconds=1)
    assert bench.reported == [READY] * 3
    assert BEAT_S == 30


def test_another_reader_state_is_reported_at_once_and_once(bench: Bench) -> None:
    for reader in (READY, READY, NO_READER, NO_READER, READY):
        bench.check_authority(reader)
    assert bench.reported == [READY, NO_READER, READY]


def test_what_was_answered_last_counts_until_the_next_heartbeat(bench: Bench) -> None:
    bench.authority.standing = StationStanding.RETIRED
    assert bench.check_authority() is Outage.RETIRED
    bench.authority.standing = StationStanding.IN_USE
    assert bench.check_authority() is Outage.RETIRED
    bench.clock.forward(seconds=BEAT_S)
    assert bench.check_authority() is None


def test_an_authority_that_was_away_gets_the_report_when_it_is_back(
    bench: Bench,
) -> None:
    bench.authority.healthy = False
    assert bench.check_authority() is Outage.AUTHORITY_AWAY
    assert bench.reported == []
    bench.authority.healthy = True
    assert bench.check_authority() is None
    assert bench.reported == [READY]


def test_an_authority_that_cannot_write_is_away_and_asked_again_with_the_next_look() -> None:
    deaf = AwayAuthority()
    bench = Bench(deaf)
    assert bench.check_authority() is Outage.AUTHORITY_AWAY
    deaf.deaf = False
    assert bench.check_authority() is None
    assert bench.reported == [READY]


def test_a_station_whose_master_keys_are_away_lives_and_serves_nobody(bench: Bench) -> None:
    bench.authority.keys_answer = False
    assert bench.check_authority() is Outage.AUTHORITY_AWAY
    assert bench.reported == [READY]
    bench.authority.keys_answer = True
    assert bench.check_authority() is None
