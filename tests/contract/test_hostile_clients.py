"""Clients that are not ours, at the server's two doors."""

from __future__ import annotations

import asyncio
import http.client
import os
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme
from aiohttp import web

from kiosk.authority.connections import Connections, LaneLimits, Limits
from kiosk.authority.records import new_id
from kiosk.authority.stations import CertificatePeer, Peer
from kiosk.contract.errors import AuthorityBusy, AuthorityUnavailable, StepRefused
from kiosk.contract.messages import (
    Answer,
    Factor,
    Heartbeat,
    Purpose,
    Reason,
    Refusal,
    StationStanding,
    VisitId,
)
from kiosk.contract.routes import OPENAPI
from kiosk.station.client import HttpAuthority, TlsAddress, client_context
from tests.contract.wirings import HOST, ListedStations, Office, Papers, Served, WiredWorld, wired
from tests.support.exhausted import no_threads
from tests.support.routes import MADE_UP

TIGHT = Limits(
    headers_s=60,
    body_s=60,
    calls_a_second=1000,
    burst=1000,
    connections_each=4,
    quick=LaneLimits(2, 1),
)
HASTY = replace(TIGHT, headers_s=2, body_s=2)
ROOMY = Limits(calls_a_second=10_000, burst=10_000, connections_each=100)
REQUEST = b"POST /v2/%s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n"


@pytest.fixture
def tight(folder: Path) -> Iterator[WiredWorld]:
    with wired(folder, "socket", limits=TIGHT) as made:
        yield made


@pytest.fixture
def hasty(folder: Path) -> Iterator[WiredWorld]:
    with wired(folder, "socket", limits=HASTY) as made:
        yield made


@pytest.fixture
def tls(folder: Path) -> Iterator[WiredWorld]:
    with wired(folder, "mutual TLS", limits=ROOMY) as made:
        made.at("A")
        yield made


VISIT = VisitId("a" * 32)
BEAT = b'{"beat":{}}'


def dial(world: WiredWorld) -> socket.socket:
    """Connect to the socket as a program that speaks HTTP by itself."""
    world.at("A")
    address = world.addresses["A"]
    assert isinstance(address, str)
    made = socket.socket(socket.AF_UNIX)
    made.settimeout(30)
    made.connect(address)
    return made


def status_of(connection: socket.socket) -> int:
    """Return the status of the answer; 0 where the connection was closed without one."""
    heard = b""
    with suppress(ConnectionError):
        while b"\r\n" not in heard:
            more = connection.recv(4096)
            if not more:
                break
            heard += more
    return int(heard.split()[1]) if heard else 0


def ask(world: WiredWorld, path: str, body: bytes, method: str = "POST") -> int:
    with dial(world) as connection:
        head = f"{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
        connection.sendall(head.encode() + body)
        return status_of(connection)


def still_serves(world: WiredWorld) -> None:
    assert world.at("A").heartbeat(Heartbeat()) is StationStanding.IN_USE


async def test_certificates_of_one_key_share_its_connections() -> None:
    """Before: one line of enrolment, sent again and again, gave five times as many."""

    async def nothing(_request: web.BaseRequest, _peer: Peer) -> web.Response:
        return web.Response()

    open_ = Connections(Limits(connections_each=2), nothing)
    admitted = []
    for days in (1, 2, 3):
        connection = open_.connect(lambda _: None)
        connection.peer = CertificatePeer("key", datetime.now(UTC) + timedelta(days))
        admitted.append(open_.admit(asyncio.BaseTransport(), connection))
    assert admitted == [True, True, False]
    await open_.close()


def test_what_is_no_call_is_refused(tight: WiredWorld, caplog: pytest.LogCaptureFixture) -> None:
    for path, body, method, status in (
        ("/", b"", "GET", 404),
        ("/v2/erase_everything", b"{}", "POST", 404),
        ("/v1/heartbeat", BEAT, "POST", 404),
        ("/v2/heartbeat", b"", "GET", 405),
        ("/v2/heartbeat", BEAT, "PUT", 405),
        ("/v2/heartbeat", b"", "POST", 400),
        ("/v2/heartbeat", b"null", "POST", 400),
        ("/v2/heartbeat", b'{"station": "B"}', "POST", 400),
        ("/v2/heartbeat", b"\xff\xfe", "POST", 400),
        ("/v2/heartbeat", b"[" * 60_000, "POST", 400),
        ("/v2/heartbeat", BEAT, "POST", 200),
        (OPENAPI, b"", "GET", 200),
    ):
        assert ask(tight, path, body, method) == status, (path, method)
    (line,) = [each for each in caplog.messages if "another release" in each]
    assert "the protocol v1 (here it is v2)" in line


def test_a_body_of_ten_megabytes_is_refused_unread(tight: WiredWorld) -> None:
    with dial(tight) as connection:
        connection.sendall(REQUEST % (b"heartbeat", 10_000_000))
        with suppress(ConnectionError):
            for _ in range(160):
                connection.sendall(b"x" * 65_536)
        assert status_of(connection) in (413, 0)
    with dial(tight) as connection:
        head = b"POST /v2/heartbeat HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        connection.sendall(head)
        with suppress(ConnectionError):
            for _ in range(20):
                connection.sendall(b"2000\r\n" + b" " * 8192 + b"\r\n")
        assert status_of(connection) in (413, 0)
    still_serves(tight)


def test_a_header_without_end_is_refused(tight: WiredWorld) -> None:
    with dial(tight) as connection:
        with suppress(ConnectionError):  # it may be closed before all of it was sent
            connection.sendall(b"POST /v2/heartbeat HTTP/1.1\r\nX: " + b"x" * 300_000)
        assert status_of(connection) in (400, 0)
    still_serves(tight)


def test_slow_headers_and_bodies_are_ended_while_others_are_served(hasty: WiredWorld) -> None:
    with ExitStack() as stack:
        silent, slow, body = (stack.enter_context(dial(hasty)) for _ in range(3))
        slow.sendall(b"POST /v2/hea")
        body.sendall(REQUEST % (b"heartbeat", 2))
        still_serves(hasty)
        assert status_of(silent) == 0
        assert status_of(slow) == 0
        assert status_of(body) == 408


def test_a_body_that_is_late_may_be_sent_again(hasty: WiredWorld) -> None:
    """On a busy machine an honest station's visit ended with a fault."""
    with dial(hasty) as connection:
        connection.sendall(REQUEST % (b"heartbeat", 2))
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        assert (answer.status, answer.headers["Retry-After"]) == (408, "1")


def test_headers_that_are_slow_the_second_time_are_ended_too(hasty: WiredWorld) -> None:
    with dial(hasty) as connection:
        connection.sendall(REQUEST % (b"heartbeat", len(BEAT)) + BEAT)
        assert status_of(connection) == 200
        connection.sendall(b"POST /v2/hea")
        while connection.recv(4096):
            pass


def test_peer_has_so_many_connections_and_no_more(tight: WiredWorld) -> None:
    with ExitStack() as stack:
        held = [stack.enter_context(dial(tight)) for _ in range(TIGHT.connections_each)]
        for each in held:
            each.sendall(REQUEST % (b"heartbeat", len(BEAT)) + BEAT)
            assert status_of(each) == 200
        more = stack.enter_context(dial(tight))
        with suppress(ConnectionError):
            more.sendall(REQUEST % (b"heartbeat", len(BEAT)) + BEAT)
        assert status_of(more) == 0


@pytest.mark.parametrize(("life_s", "ends"), [(0.0, True), (3600.0, False)])
def test_a_connection_ends_after_its_life(folder: Path, life_s: float, *, ends: bool) -> None:
    with wired(folder, "socket", limits=Limits(life_s=life_s)) as world, dial(world) as connection:
        connection.sendall(REQUEST % (b"heartbeat", len(BEAT)) + BEAT)
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        assert (answer.status, answer.will_close) == (200, ends)


def test_a_station_that_asks_too_much_is_slowed(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    limits = Limits(calls_a_second=0.5, burst=5)
    with wired(folder, "socket", limits=limits) as world, dial(world) as connection:
        seen = []
        for _ in range(7):
            connection.sendall(REQUEST % (b"heartbeat", len(BEAT)) + BEAT)
            seen.append(status_of(connection))
        assert seen == [200] * 5 + [429] * 2
    (line,) = [each for each in caplog.messages if "asked to come again" in each]
    assert "1 call, one of them of A, which" in line


class Stuck:
    """A service whose calls wait until they are let go."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.under_way = threading.Semaphore(0)

    def seen_by(self, station: object) -> Stuck:
        return self

    def heartbeat(self, beat: Heartbeat) -> StationStanding:
        return StationStanding.IN_USE

    def challenge(self, visit: VisitId) -> None:
        self._wait()

    def save_questions(self, visit: VisitId, answers: tuple[Answer, ...]) -> Refusal:
        self._wait()
        return Refusal(Reason.FAULT)

    def _wait(self) -> None:
        self.under_way.release()
        self.go.wait(60)


def test_a_busy_authority_says_so_and_serves_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two threads, one call that waits: the fourth is refused, and the client asks again."""
    stuck = Stuck()
    directory = ListedStations({os.getuid(): "A"})
    limits = Limits(quick=LaneLimits(2, 1), connections_each=10)
    served = Served(stuck, directory, limits)  # type: ignore[arg-type]
    client = HttpAuthority([served.on_socket(tmp_path / "s")])
    answers: list[object] = []
    calls = [
        threading.Thread(target=lambda: answers.append(client.port.challenge(VisitId(new_id()))))
        for _ in range(3)
    ]
    for each in calls:
        each.start()
    for _ in range(limits.quick.threads):
        stuck.under_way.acquire(timeout=60)
    while served.server.under_way < 3:
        time.sleep(0.01)
    monkeypatch.setattr("kiosk.station.client.BUSY_S", 0.0)
    with pytest.raises(AuthorityBusy):
        client.port.challenge(VISIT)
    stuck.go.set()
    for each in calls:
        each.join(60)
    assert client.port.heartbeat(Heartbeat()) is StationStanding.IN_USE
    assert len(answers) == 3
    client.close()
    served.close()


def test_an_authority_without_another_thread_is_busy_and_decides_nothing_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Before: the visit ended with a fault, and the call was decided with the next one."""
    stuck = Stuck()
    stuck.go.set()
    served = Served(stuck, ListedStations({os.getuid(): "A"}), Limits())  # type: ignore[arg-type]
    client = HttpAuthority([served.on_socket(tmp_path / "s")])
    monkeypatch.setattr("kiosk.station.client.BUSY_S", 0.0)
    with no_threads("use-case"):
        for _ in range(2):
            with pytest.raises(AuthorityBusy):
                client.port.challenge(VISIT)
    assert client.port.heartbeat(Heartbeat()) is StationStanding.IN_USE
    client.close()
    served.close()
    assert not stuck.under_way.acquire(blocking=False)
    assert [each for each in caplog.messages if "thread" in each] == [
        "calls are refused as busy: no thread can be started: too many run, or memory is short"
    ]


def test_calls_of_one_visit_wait_for_each_other_on_no_thread_that_others_need(
    tmp_path: Path,
) -> None:
    """Before: a station that was taken over could send sixteen while one of them took long."""
    stuck = Stuck()
    limits = Limits(quick=LaneLimits(2, 10), connections_each=10)
    served = Served(stuck, ListedStations({os.getuid(): "A"}), limits)  # type: ignore[arg-type]
    client = HttpAuthority([served.on_socket(tmp_path / "s")])
    calls = [threading.Thread(target=client.port.challenge, args=(VISIT,)) for _ in range(5)]
    for each in calls:
        each.start()
    while served.server.under_way < len(calls):
        time.sleep(0.01)
    assert client.port.heartbeat(Heartbeat()) is StationStanding.IN_USE
    assert stuck.under_way.acquire(timeout=60)
    assert not stuck.under_way.acquire(blocking=False)
    stuck.go.set()
    for each in calls:
        each.join(60)
    client.close()
    served.close()


def test_many_registrations_at_once_leave_room_for_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They wait for Argon2: before, they waited on the threads that everybody needs."""
    stuck = Stuck()
    limits = Limits(connections_each=100, calls_a_second=1000, burst=1000)
    served = Served(stuck, ListedStations({os.getuid(): "A"}), limits)  # type: ignore[arg-type]
    client = HttpAuthority([served.on_socket(tmp_path / "s")])
    monkeypatch.setattr("kiosk.station.client.CALL_S", 600.0)
    most = limits.hashing.threads + limits.hashing.waiting
    replies: list[object] = []
    calls = [
        threading.Thread(target=lambda: replies.append(client.port.save_questions(VISIT, ())))
        for _ in range(most)
    ]
    for each in calls:
        each.start()
    while served.server.under_way < most:
        time.sleep(0.01)
    for _ in range(100):
        assert client.port.heartbeat(Heartbeat()) is StationStanding.IN_USE
    monkeypatch.setattr("kiosk.station.client.BUSY_S", 0.0)
    with pytest.raises(AuthorityBusy):
        client.port.save_questions(VISIT, ())
    assert client.port.heartbeat(Heartbeat()) is StationStanding.IN_USE
    stuck.go.set()
    for each in calls:
        each.join(60)
    assert replies == [Refusal(Reason.FAULT)] * most
    client.close()
    served.close()


def test_a_server_that_stops_waits_for_no_connection_that_rests(folder: Path) -> None:
    with wired(folder, "socket") as world:
        limits = Limits(stop_s=3600)  # ``close`` gives up long before
        served = Served(world.authority, ListedStations({os.getuid(): "A"}), limits)
        client = HttpAuthority([served.on_socket(folder / "rests.sock")])
        assert client.port.heartbeat(Heartbeat()) is StationStanding.IN_USE
        served.close()
        client.close()


def test_foreign_user_id_is_refused_at_the_socket(folder: Path) -> None:
    with wired(folder, "socket") as world:
        served = Served(world.authority, ListedStations({os.getuid() + 1: "A"}), ROOMY)
        client = HttpAuthority([served.on_socket(folder / "other.sock")])
        with pytest.raises(AuthorityUnavailable):
            client.port.heartbeat(Heartbeat())
        client.close()
        served.close()


# --- TLS --------------------------------------------------------------------------------


def answers_to(world: WiredWorld, papers: Papers) -> StationStanding:
    context = client_context(papers.certificate, papers.key, papers.ca)
    client = HttpAuthority([world.addresses["*"]], context)
    try:
        return client.port.heartbeat(Heartbeat())
    finally:
        client.close()


def test_no_certificate_and_one_of_another_ca_end_in_the_handshake(tls: WiredWorld) -> None:
    other = Office(tls.office.folder, trustme.CA())
    with pytest.raises(AuthorityUnavailable):
        answers_to(tls, other.papers("foreign.example", believes=tls.office.ca))
    address = tls.addresses["*"]
    assert isinstance(address, TlsAddress)
    bare = ssl.create_default_context(cafile=str(tls.papers["A"].ca))
    connection = http.client.HTTPSConnection(HOST, address.port, timeout=30, context=bare)
    connection.connect()
    with suppress(OSError):
        connection.request("POST", "/v2/heartbeat", BEAT)
    with pytest.raises((OSError, http.client.HTTPException)):
        connection.getresponse()
    connection.close()
    still_serves(tls)


def test_a_certificate_of_ours_that_is_no_stations_is_refused(tls: WiredWorld) -> None:
    with pytest.raises(AuthorityUnavailable, match="does not know this station"):
        answers_to(tls, tls.office.papers("nobody.example"))


def test_an_expired_certificate_is_refused(tls: WiredWorld) -> None:
    old = tls.office.papers("old.example", not_after=datetime.now(UTC) - timedelta(days=1))
    tls.directory.keys[old.fingerprint] = "A"
    with pytest.raises(AuthorityUnavailable):
        answers_to(tls, old)


def test_a_kept_connection_ends_with_the_certificate_and_with_the_row(tls: WiredWorld) -> None:
    soon = datetime.now(UTC) + timedelta(days=1)
    papers = tls.office.papers("soon.example", not_after=soon)
    tls.directory.keys[papers.fingerprint] = "B"
    context = client_context(papers.certificate, papers.key, papers.ca)
    client = HttpAuthority([tls.addresses["*"]], context)
    assert client.port.heartbeat(Heartbeat()) is StationStanding.IN_USE
    tls.served[0].ahead = timedelta(days=2)
    with pytest.raises(AuthorityUnavailable):
        client.port.heartbeat(Heartbeat())
    client.close()
    tls.served[0].ahead = timedelta(0)
    still_serves(tls)
    tls.directory.keys.clear()
    with pytest.raises(AuthorityUnavailable, match="does not know this station"):
        tls.at("A").heartbeat(Heartbeat())


def test_a_client_believes_the_estates_ca_alone(tls: WiredWorld) -> None:
    mine = tls.papers["A"]
    other = trustme.CA()
    elsewhere = mine.ca.with_name("elsewhere.pem")
    other.cert_pem.write_to_path(elsewhere)
    with pytest.raises(AuthorityUnavailable):
        answers_to(tls, Papers(mine.certificate, mine.key, elsewhere, ""))


def test_tls_before_1_3_is_refused(tls: WiredWorld) -> None:
    mine = tls.papers["A"]
    context = client_context(mine.certificate, mine.key, mine.ca)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    client = HttpAuthority([tls.addresses["*"]], context)
    with pytest.raises(AuthorityUnavailable):
        client.port.heartbeat(Heartbeat())
    client.close()


def test_what_one_station_recorded_another_cannot_replay(served: WiredWorld) -> None:
    """The very bytes of a call, sent over another station's connection: refused, nothing mailed."""
    card = served.registered_card()
    station_visit = served.insert(card, blocked=True)
    task = station_visit.questions()
    station_visit.answer(task)
    mailed = len(served.relay.sent)
    with pytest.raises(StepRefused):
        served.at("B").prepare(station_visit.visit, "1", Factor.EMAIL_CODE, MADE_UP)
    with pytest.raises(StepRefused):
        served.at("B").choose(VisitId(new_id()), Purpose.UNLOCK)
    assert len(served.relay.sent) == mailed


def test_second_replica_takes_over(folder: Path) -> None:
    """Two servers on one database: the client goes on at the other one when one is gone."""
    with wired(folder, "socket") as world:
        directory = ListedStations({os.getuid(): "A"})
        replicas = [Served(world.authority, directory, ROOMY) for _ in range(2)]
        addresses = [each.on_socket(folder / f"r{n}") for n, each in enumerate(replicas)]
        client = HttpAuthority(addresses)
        assert client.port.heartbeat(Heartbeat()) is StationStanding.IN_USE
        replicas[0].close()
        assert client.port.heartbeat(Heartbeat()) is StationStanding.IN_USE
        replicas[1].close()
        with pytest.raises(AuthorityUnavailable):
            client.port.heartbeat(Heartbeat())
        again = Served(world.authority, directory, ROOMY)
        again.on_socket(folder / "r0")
        assert client.port.heartbeat(Heartbeat()) is StationStanding.IN_USE
        client.close()
        again.close()
