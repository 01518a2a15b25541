"""A station with several authorities goes on where one of them answers that it cannot serve."""

from __future__ import annotations

import os
import random
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import monotonic, sleep
from types import SimpleNamespace
from typing import Any

import pytest

from kiosk.authority.connections import LaneLimits, Limits
from kiosk.authority.crypto.derivation import FollowingSecrets
from kiosk.authority.errors import KeyMissing, KeysUnavailable
from kiosk.authority.server import Called, Service
from kiosk.authority.service import LocalAuthority
from kiosk.authority.store.database import Store
from kiosk.contract.errors import AuthorityBusy, AuthorityError, AuthorityUnavailable, StepRefused
from kiosk.contract.messages import Heartbeat, Purpose, StationStanding, VisitId
from kiosk.station.client import BUSY_S, LONGEST_PAUSE_S, HttpAuthority, TlsAddress, client_context
from tests.authority.world import World
from tests.contract.wirings import HOST, ListedStations, Office, Served
from tests.support.database import MACS, sqlite_url
from tests.support.vanishing import VanishingMachine

ROOMY = Limits(calls_a_second=10_000, burst=10_000, connections_each=100)
FULL = replace(ROOMY, quick=LaneLimits(threads=1, waiting=-1))
ASKED_TOO_MUCH = replace(ROOMY, calls_a_second=0.0, burst=0.0)
VISIT = VisitId("a" * 32)


class AwaySecrets(FollowingSecrets):
    """A token of the master keys that was pulled."""

    def ready(self) -> None:
        raise KeysUnavailable("pulled")


class Faulty:
    """An authority with a bug in every call."""

    def seen_by(self, station: object) -> Faulty:
        return self

    def heartbeat(self, beat: Heartbeat) -> StationStanding:
        raise RuntimeError("a bug")


def test_a_name_that_does_not_resolve_is_said_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    client = HttpAuthority([TlsAddress("kiosk.example", 8443)], None, "0.0")
    said = "the name kiosk.example does not resolve: DNS or /etc/hosts has to know it"
    with pytest.raises(AuthorityUnavailable, match=rf"^no answer \({said}\)$"):
        client.port.station_standing()
    assert [because for _, because in client.reach()] == [said]
    client.close()


class WithoutKeyFile:
    """An authority that cannot identify a station: its row names a key, and no key can be read."""

    def seen_by(self, station: object) -> WithoutKeyFile:
        raise KeyMissing("key file /srv/kiosk/keys.json: there is no such file")


def without_key_file(_: World) -> Service:
    return WithoutKeyFile()  # type: ignore[return-value]


def without_keys(world: World) -> Service:
    return LocalAuthority(replace(world.parts, source=AwaySecrets(world.ring)))


def without_database(world: World) -> Service:
    away = Store(sqlite_url(world.folder / "elsewhere"), world.clock, MACS)
    return LocalAuthority(replace(world.parts, store=away))


def faulty(_: World) -> Service:
    return Faulty()  # type: ignore[return-value]


def well(world: World) -> Service:
    return world.authority


Made = tuple[Callable[[World], Service], Limits]
AWAY: dict[str, tuple[Made, int]] = {
    "its keys are away": ((without_keys, ROOMY), 503),
    "its key file is away": ((without_key_file, ROOMY), 503),
    "its database is away": ((without_database, ROOMY), 503),
    "it is full": ((well, FULL), 503),
    "it was asked too much": ((well, ASKED_TOO_MUCH), 429),
    "it has a bug": ((faulty, ROOMY), 500),
}


@dataclass
class Estate:
    """Authorities that serve one station over TLS, in the order in which it tries them."""

    world: World
    office: Office
    at: float = 0.0
    """The station's clock, in seconds: it goes on only while the station waits."""

    served: list[Served] = field(default_factory=list)
    answers: list[tuple[int, int]] = field(default_factory=list)
    """The number of the authority and its status, for each call."""

    clients: list[HttpAuthority] = field(default_factory=list)
    directory: ListedStations = field(default_factory=ListedStations)

    def sleep(self, seconds: float) -> None:
        self.at += seconds

    machines: list[VanishingMachine] = field(default_factory=list)

    def station(
        self,
        *authorities: Made,
        now: Callable[[], float] | None = None,
        vanishing: bool = False,
    ) -> HttpAuthority:
        """Return a station's client; where ``vanishing``, the first one's machine can vanish."""
        papers = self.office.papers("station.example")
        self.directory.keys[papers.fingerprint] = "A"
        addresses = []
        for number, (make, limits) in enumerate(authorities):

            def answered(called: Called, number: int = number) -> None:
                self.answers.append((number, called.status))

            made = Served(make(self.world), self.directory, limits, answered)
            self.served.append(made)
            addresses.append(made.on_tls(self.office.papers(HOST)))
        if vanishing:
            self.machines.append(VanishingMachine(addresses[0].port))
            addresses[0] = TlsAddress(HOST, self.machines[0].port)
        context = client_context(papers.certificate, papers.key, papers.ca)
        self.clients.append(HttpAuthority(addresses, context, "0.0", now or (lambda: self.at)))
        return self.clients[-1]

    def asked(self) -> list[int]:
        """Return the numbers of the authorities that answered since the last time."""
        numbers = [number for number, _ in self.answers]
        self.answers.clear()
        return numbers


@pytest.fixture
def estate(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Estate]:
    world = World(folder)
    (folder / "papers").mkdir()
    made = Estate(world, Office(folder / "papers"))
    monkeypatch.setattr(random, "sample", lambda population, k: list(population)[:k])
    monkeypatch.setattr("kiosk.station.client.time", SimpleNamespace(sleep=made.sleep))
    yield made
    for client in made.clients:
        client.close()
    for machine in made.machines:
        machine.close()
    for each in made.served:
        each.close()
    world.store.close()


@pytest.mark.parametrize("how", AWAY)
def test_the_next_one_answers_in_the_same_call(estate: Estate, how: str) -> None:
    away, status = AWAY[how]
    at = estate.station(away, (well, ROOMY)).port
    assert at.heartbeat(Heartbeat()) is StationStanding.IN_USE
    assert estate.answers == [(0, status), (1, 200)]
    assert estate.at == 0.0, "it did not wait"


def test_authority_that_cannot_serve_is_left_alone_for_a_while(estate: Estate) -> None:
    at = estate.station((without_keys, ROOMY), (well, ROOMY)).port
    at.heartbeat(Heartbeat())
    assert estate.asked() == [0, 1]
    for _ in range(3):
        at.heartbeat(Heartbeat())
    assert estate.asked() == [1, 1, 1]
    for _ in range(20):
        estate.at += LONGEST_PAUSE_S
        at.heartbeat(Heartbeat())
    assert estate.asked() == [0, 1] * 20, "after the longest pause it is asked first again"
    estate.at += LONGEST_PAUSE_S / 4
    at.heartbeat(Heartbeat())
    assert estate.asked() == [1], "but it is left alone for longer each time"


def test_a_refusal_is_the_answer_of_all(estate: Estate) -> None:
    at = estate.station((well, ROOMY), (well, ROOMY)).port
    with pytest.raises(StepRefused):
        at.choose(VISIT, Purpose.UNLOCK)
    assert estate.answers == [(0, 409)]


def test_a_station_that_nobody_knows_asks_one(estate: Estate) -> None:
    at = estate.station((well, ROOMY), (well, ROOMY)).port
    estate.directory.keys.clear()
    with pytest.raises(AuthorityUnavailable):
        at.heartbeat(Heartbeat())
    assert estate.answers == [(0, 403)]


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("made", [(well, FULL), (well, ASKED_TOO_MUCH)], ids=["full", "too much"])
def test_busy_ones_are_asked_again_for_as_long_as_one_is(
    estate: Estate, count: int, made: Made
) -> None:
    at = estate.station(*[made] * count).port
    with pytest.raises(AuthorityBusy):
        at.heartbeat(Heartbeat())
    assert BUSY_S < estate.at < BUSY_S + 1.5
    asked = estate.asked()
    rounds = len(asked) / count
    assert 4 <= rounds <= 9, "each once in about a second"
    assert asked[:count] == list(range(count))


def test_a_busy_one_is_awaited_though_the_other_is_away(estate: Estate) -> None:
    at = estate.station((without_keys, ROOMY), (well, FULL)).port
    with pytest.raises(AuthorityBusy):
        at.heartbeat(Heartbeat())
    assert BUSY_S < estate.at < BUSY_S + 1.5
    assert estate.asked().count(0) == 1, "one that is away is not asked again in one call"


def test_where_all_are_away_it_says_so_at_once(estate: Estate) -> None:
    at = estate.station((without_keys, ROOMY), (without_database, ROOMY)).port
    with pytest.raises(AuthorityUnavailable) as raised:
        at.heartbeat(Heartbeat())
    assert not isinstance(raised.value, AuthorityBusy)
    assert str(raised.value) == "the authority cannot serve now: its log says why"
    assert estate.asked() == [0, 1]
    assert estate.at == 0.0


def test_a_bug_in_all_of_them_is_no_absence(estate: Estate) -> None:
    at = estate.station((faulty, ROOMY), (faulty, ROOMY)).port
    with pytest.raises(AuthorityError) as raised:
        at.heartbeat(Heartbeat())
    assert not isinstance(raised.value, AuthorityUnavailable)
    assert str(raised.value) == "the authority has a fault, or is of another release: see its log"
    assert estate.asked() == [0, 1]


def test_a_request_is_sent_in_one_piece(estate: Estate, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[bytes] = []

    class RecordingSocket(socket.socket):
        def sendall(self, data: Any, flags: int = 0) -> None:
            sent.append(bytes(data))
            super().sendall(data, flags)

    served = Served(well(estate.world), ListedStations({os.getuid(): "A"}), ROOMY)
    estate.served.append(served)
    station = HttpAuthority([served.on_socket(estate.world.folder / "s")])
    estate.clients.append(station)
    monkeypatch.setattr(socket, "socket", RecordingSocket)
    station.port.heartbeat(Heartbeat())
    (request,) = sent
    assert b"\r\n\r\n{" in request


def test_an_address_is_reached_over_a_new_connection(estate: Estate) -> None:
    """The kept one may have been closed by the authority since."""
    limits = replace(ROOMY, idle_s=0.1)
    served = Served(well(estate.world), ListedStations({os.getuid(): "A"}), limits)
    estate.served.append(served)
    station = HttpAuthority([served.on_socket(estate.world.folder / "s")])
    estate.clients.append(station)
    station.port.heartbeat(Heartbeat())
    while served.server.connected:
        sleep(0.01)
    assert [trouble for _, trouble in station.reach()] == [""]


class Stuck:
    """An authority that never answers, until it is let go."""

    def __init__(self) -> None:
        self.called, self.go = threading.Event(), threading.Event()

    def seen_by(self, station: object) -> Stuck:
        return self

    def heartbeat(self, beat: Heartbeat) -> StationStanding:
        self.called.set()
        self.go.wait()
        return StationStanding.IN_USE


@pytest.fixture
def slow_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kiosk.station.client.CALL_S", 60.0)


@pytest.mark.usefixtures("slow_machine")
def test_the_next_one_answers_where_the_machine_has_vanished_since(estate: Estate) -> None:
    station = estate.station((well, ROOMY), (well, ROOMY), now=monotonic, vanishing=True)
    assert station.port.heartbeat(Heartbeat()) is StationStanding.IN_USE
    estate.machines[0].vanish()
    assert station.port.heartbeat(Heartbeat()) is StationStanding.IN_USE
    assert estate.asked() == [0, 1]


@pytest.mark.usefixtures("slow_machine")
def test_the_next_one_answers_where_the_machine_vanishes_in_a_call(estate: Estate) -> None:
    stuck = Stuck()
    first = (lambda _: stuck, ROOMY)
    station = estate.station(first, (well, ROOMY), now=monotonic, vanishing=True)  # type: ignore[arg-type]
    with ThreadPoolExecutor() as pool:
        call = pool.submit(station.port.heartbeat, Heartbeat())
        assert stuck.called.wait(60)
        estate.machines[0].vanish()
        try:
            assert call.result() is StationStanding.IN_USE
        finally:
            stuck.go.set()


def test_authority_that_is_gone_beside_one_that_cannot_serve(estate: Estate) -> None:
    at = estate.station((well, ROOMY), (without_keys, ROOMY)).port
    estate.served.pop(0).close()
    with pytest.raises(AuthorityUnavailable):
        at.heartbeat(Heartbeat())
    assert estate.asked() == [1]
