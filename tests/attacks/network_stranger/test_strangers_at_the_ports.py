"""Before: a few idle connections kept stations from enrolling, and small bodies all calls waiting.

Whoever reaches the port for enrolment, or that of the monitoring, needs no certificate.
"""

from __future__ import annotations

import asyncio
import gzip
import logging
import os
import socket
import ssl
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack, closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pytest

from kiosk.authority.connections import Limits
from kiosk.authority.metrics import MonitoringServer
from kiosk.contract.enrolment import GIVE_CA
from kiosk.contract.routes import LONGEST_REQUEST, OPENAPI
from tests.attacks.certified import Estate
from tests.contract.wirings import HOST

T = TypeVar("T")

LONG = Limits(headers_s=3600, answer_s=3600, body_s=3600, tries_a_second=1000, tries_burst=1000)
ASKS_MONITORING = b"GET %s HTTP/1.1\r\nHost: x\r\n\r\n"
ASKS = b"POST %s HTTP/1.1\r\nHost: x\r\n%sContent-Length: %d\r\n\r\n"


def until(is_so: Callable[[], object]) -> None:
    ends = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < ends
        time.sleep(0.01)


def lines_of_the_server(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the lines of the program and of its HTTP library."""
    of = [each for each in caplog.records if each.name.partition(".")[0] in ("kiosk", "aiohttp")]
    return [each.getMessage() for each in of]


@pytest.fixture(params=[LONG])
def estate(request: pytest.FixtureRequest, folder: Path) -> Iterator[Estate]:
    with closing(Estate(folder, request.param)) as made:
        yield made


def stranger(estate: Estate, source: str = "127.0.0.1") -> ssl.SSLSocket:
    """Connect to the port for enrolment, and finish the handshake."""
    context = ssl.create_default_context(cafile=str(estate.ca_file))
    bare = socket.create_connection((HOST, estate.enrol_address.port), 30, (source, 0))
    return context.wrap_socket(bare, server_hostname=HOST)


def asks_for_the_ca(connection: socket.socket, body: bytes = b"{}", headers: bytes = b"") -> int:
    """Return the status of the answer; 0 where there is none."""
    with suppress(ConnectionError, ssl.SSLError):
        connection.sendall(ASKS % (GIVE_CA.path.encode(), headers, len(body)) + body)
        return int((connection.recv(1 << 16).split() or [b"0", b"0"])[1])
    return 0


def test_a_body_is_not_inflated(estate: Estate) -> None:
    """64 KiB became 64 MiB on the loop that serves everybody."""
    packed = gzip.compress(b"{}")
    bomb = gzip.compress(bytes(32 << 20))
    assert len(bomb) < LONGEST_REQUEST
    for body in (packed, bomb):
        with stranger(estate) as one:
            assert asks_for_the_ca(one, body, b"Content-Encoding: gzip\r\n") == 400


@pytest.mark.parametrize("addresses", [["127.0.0.9"], ["127.0.0.8", "127.0.0.9"]])
def test_held_connections_keep_no_station_from_enrolling(
    addresses: list[str], estate: Estate
) -> None:
    """They held all of them, and no station could enrol."""
    limits = estate.served.server.limits
    with ExitStack() as held:
        for each in addresses:
            theirs = [held.enter_context(stranger(estate, each)) for _ in range(limits.anonymous)]
            assert asks_for_the_ca(theirs[-1]) == 200
        assert estate.served.server.connected <= limits.anonymous_each * len(addresses)
        with stranger(estate, "127.0.0.10") as honest:
            assert asks_for_the_ca(honest) == 200


@pytest.mark.parametrize("estate", [replace(LONG, anonymous=4, anonymous_each=2)], indirect=True)
def test_who_connects_too_often_takes_only_their_own_places(estate: Estate) -> None:
    """Their oldest connection made room, and the oldest of somebody else was closed as well."""
    with ExitStack() as held:
        honest, *_ = made = [
            held.enter_context(stranger(estate, f"127.0.0.{number}")) for number in (10, 9, 9, 11)
        ]
        for each in made:
            assert asks_for_the_ca(each) == 200
        for _ in range(3):
            assert asks_for_the_ca(held.enter_context(stranger(estate, "127.0.0.9"))) == 200
        assert asks_for_the_ca(honest) == 200


@pytest.mark.parametrize("estate", [replace(LONG, answer_s=0.5)], indirect=True)
def test_who_takes_no_answer_is_cut_off(estate: Estate) -> None:
    """They held their connections for ever."""
    asked = 300
    with stranger(estate) as one:
        assert asks_for_the_ca(one) == 200
        with suppress(ConnectionError, ssl.SSLError):
            one.sendall(f"GET {OPENAPI} HTTP/1.1\r\nHost: x\r\n\r\n".encode() * asked)
        until(lambda: estate.served.server.connected == 0)
        heard = b""
        with suppress(ConnectionError, ssl.SSLError):
            while more := one.recv(1 << 16):
                heard += more
        assert heard.count(b"HTTP/1.1 200") < asked


@pytest.mark.parametrize(
    "nonsense",
    [
        b"GET http://[ HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\nnonsense",
        ASKS % (GIVE_CA.path.encode(), b"Content-Encoding: br\r\n", 2) + b"{}",
        b"POST %s HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"
        % GIVE_CA.path.encode(),
        ASKS % (GIVE_CA.path.encode(), b"", 9) + b"{}",
    ],
)
def test_nonsense_is_no_line_of_the_log(
    nonsense: bytes, estate: Estate, caplog: pytest.LogCaptureFixture
) -> None:
    """Each was one, without a limit, so that the journal left out others: those of the audit."""
    caplog.set_level(logging.DEBUG)
    with stranger(estate) as one:
        one.sendall(nonsense)
        if nonsense.endswith(b"{}"):
            until(lambda: estate.served.server.connected == 1)
        else:
            with suppress(ConnectionError, ssl.SSLError):
                one.recv(1 << 16)
    until(lambda: estate.served.server.connected == 0)
    assert lines_of_the_server(caplog) == []


def test_a_broken_record_of_tls_is_no_line_of_the_log(
    estate: Estate, caplog: pytest.LogCaptureFixture
) -> None:
    """It was one where the server was reading a body."""
    whole, part = (ASKS % (GIVE_CA.path.encode(), b"", length) + b"{}" for length in (2, 9))
    with stranger(estate) as one:
        one.sendall(whole + part)
        assert one.recv(1 << 16).startswith(b"HTTP/1.1 200")  # the other is being read now
        with socket.socket(fileno=os.dup(one.fileno())) as bare:
            bare.sendall(bytes.fromhex("1703030020") + bytes(32))
        with suppress(ConnectionError, ssl.SSLError):
            one.recv(1)
    until(lambda: estate.served.server.connected == 0)
    assert lines_of_the_server(caplog) == []


class Monitored:
    """The monitoring's port of an authority whose database does not answer."""

    def __init__(self, limits: Limits) -> None:
        self.quick = ""
        """The path that is answered before ``answers`` is set."""
        self.fault: Exception | None = None
        self.asked = 0
        self.answers = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self.port = self.run(self._listen(limits))

    async def _listen(self, limits: Limits) -> int:
        self.server = MonitoringServer(self._readiness, self._metrics, limits)
        return await self.server.listen("127.0.0.1:0")

    def _readiness(self) -> tuple[bool, str]:
        return self._is_answered("/readyz"), "ready"

    def _metrics(self) -> bytes:
        return str(self._is_answered("/metrics")).encode()

    def _is_answered(self, path: str) -> bool:
        self.asked += 1
        if self.fault is not None:
            raise self.fault
        return path == self.quick or self.answers.wait(60)

    def run(self, work: Coroutine[None, None, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    def dial(self, source: str = "127.0.0.1") -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), 30, (source, 0))

    def close(self) -> None:
        self.answers.set()
        self.run(self.server.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


def test_the_monitoring_takes_no_files_of_the_authority() -> None:
    """It accepted any number of connections, until stations got none."""
    with (
        closing(Monitored(replace(LONG, anonymous=8, anonymous_each=8))) as monitored,
        ExitStack() as held,
    ):
        made = [held.enter_context(monitored.dial()) for _ in range(20)]
        for each in made[:12]:
            with suppress(ConnectionError):
                assert each.recv(1) == b""
        made[-1].sendall(ASKS_MONITORING % b"/healthz")
        assert made[-1].recv(1000).startswith(b"HTTP/1.1 200")


def test_the_monitoring_takes_no_threads_of_the_authoritys_work() -> None:
    """What staff are told, and the renewal of certificates, waited behind its requests."""
    with (
        closing(Monitored(replace(LONG, anonymous=64, anonymous_each=64))) as monitored,
        ExitStack() as held,
    ):
        for _ in range(40):
            one = held.enter_context(monitored.dial())
            one.sendall(ASKS_MONITORING % b"/readyz")
        with monitored.dial() as last:  # the others came before it
            last.sendall(ASKS_MONITORING % b"/healthz")
            last.recv(1000)
        assert monitored.run(asyncio.to_thread(lambda: 1)) == 1


def test_the_end_of_the_monitoring_waits_for_no_connection_that_rests() -> None:
    """Who had asked and stayed connected held it up for ten seconds."""
    monitored = Monitored(replace(LONG, stop_s=3600))  # ``close`` gives up long before
    with monitored.dial() as one:
        one.sendall(ASKS_MONITORING % b"/healthz")
        assert one.recv(1000).startswith(b"HTTP/1.1 200")
        monitored.close()


@pytest.mark.parametrize(("slow", "quick"), [("/readyz", "/metrics"), ("/metrics", "/readyz")])
def test_monitoring_path_waits_for_no_other_and_is_answered_once_for_all(
    slow: str, quick: str
) -> None:
    """Who asked often kept others waiting, or had them refused: a load balancer, by 503."""
    with closing(Monitored(LONG)) as monitored, ExitStack() as held:
        monitored.quick = quick
        made = [held.enter_context(monitored.dial()) for _ in range(5)]
        for each in made:
            each.sendall(ASKS_MONITORING % slow.encode())
        with monitored.dial() as other:  # the others came before it
            other.sendall(ASKS_MONITORING % quick.encode())
            assert other.recv(1000).startswith(b"HTTP/1.1 200")
        monitored.answers.set()
        for each in made:
            assert each.recv(1000).startswith(b"HTTP/1.1 200")
        assert monitored.asked == 2


def test_flood_of_connections_keeps_no_monitor_out() -> None:
    """Of 60 looks 23 were answered, while one address asked on 60 connections."""
    with (
        closing(Monitored(replace(LONG, anonymous=4, anonymous_each=2))) as monitored,
        ExitStack() as held,
    ):
        for address in ("127.0.0.8", "127.0.0.9"):
            for _ in range(3):
                one = held.enter_context(monitored.dial(address))
                with suppress(ConnectionError):
                    one.sendall(ASKS_MONITORING % b"/readyz")
        for _ in range(20):  # turns of the loop, until their requests are under way
            monitored.run(asyncio.sleep(0))
        for _ in range(2):
            honest = held.enter_context(monitored.dial("127.0.0.10"))
            honest.sendall(ASKS_MONITORING % b"/healthz")
            assert honest.recv(1000).startswith(b"HTTP/1.1 200")


def test_a_fault_of_the_monitoring_is_a_line_of_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """Every error of a connection was taken for its client's."""
    with closing(Monitored(LONG)) as monitored, monitored.dial() as one:
        monitored.fault = ConnectionRefusedError("of something that it looks at")
        one.sendall(ASKS_MONITORING % b"/readyz")
        assert one.recv(1000).startswith(b"HTTP/1.1 500")
    assert len(lines_of_the_server(caplog)) == 1
