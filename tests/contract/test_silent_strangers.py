"""Strangers who connect over TLS and say nothing, while an honest station calls."""

from __future__ import annotations

import logging
import resource
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from kiosk.authority.connections import AT_ONCE
from kiosk.contract.messages import Heartbeat, StationStanding
from kiosk.station.client import client_context
from tests.contract.silence import FEW, await_drop, calls_anew, port_of, silent
from tests.contract.wirings import HOST, Served, WiredWorld, wired


@pytest.fixture
def tls(folder: Path) -> Iterator[WiredWorld]:
    with wired(folder, "mutual TLS", limits=FEW) as made:
        made.at("A")
        yield made


def is_dropped(connection: socket.socket) -> bool:
    connection.setblocking(False)
    try:
        with suppress(ConnectionError):
            return connection.recv(1) == b""
    except BlockingIOError:
        return False
    return True


def test_the_oldest_handshakes_of_one_address_are_dropped(tls: WiredWorld) -> None:
    with silent(tls, *["127.0.0.9"] * 10) as held:
        for each in held[:2]:
            await_drop(each)
        assert [is_dropped(each) for each in held[2:]] == [False] * 8


def test_the_oldest_handshakes_of_all_are_dropped(tls: WiredWorld) -> None:
    with silent(tls, *[f"127.0.0.{number}" for number in range(10, 35)]) as held:
        for each in held[:5]:
            await_drop(each)
        # The honest station's took the room of one more while it lasted.
        assert [is_dropped(each) for each in held[6:]] == [False] * 19


def test_who_waits_for_the_server_is_not_dropped(tls: WiredWorld) -> None:
    """Stations that come all at once would push each other out, and none would get in."""
    begun = bytes.fromhex("1603010200")  # a record of 512 bytes is to follow
    found = []
    with tls.served[0].stopped():
        for number in range(12):
            made = socket.create_connection((HOST, port_of(tls)), 30, ("127.0.0.9", 0))
            made.settimeout(30)
            if number < FEW.handshakes_each:
                made.sendall(begun)
            found.append(made)
    for made in found[FEW.handshakes_each :]:
        await_drop(made)
    assert not any(is_dropped(made) for made in found[: FEW.handshakes_each])
    for made in found:
        made.close()


def test_who_has_finished_the_handshake_is_not_dropped(tls: WiredWorld) -> None:
    standing = tls.at("A").heartbeat(Heartbeat())
    connected = tls.served[0].server.connected
    with silent(tls, *["127.0.0.1"] * 30):
        assert tls.at("A").heartbeat(Heartbeat()) is standing
        assert tls.served[0].server.connected >= connected


def test_what_was_dropped_is_counted_and_logged_once_a_minute(
    tls: WiredWorld, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    with silent(tls, *["127.0.0.9"] * 20) as held:
        for each in held[:12]:
            await_drop(each)
    assert tls.served[0].dropped == 12
    (line,) = [each for each in caplog.messages if "handshake" in each]
    assert "127.0.0.9" in line


CROWD = """
import socket, sys
held = []
for number in range(int(sys.argv[2])):
    made = socket.create_connection(("127.0.0.1", int(sys.argv[1])), 60)
    held.append(made)
print("connected", flush=True)
sys.stdin.read()
"""


def test_a_crowd_that_says_nothing_takes_no_files_of_the_authority(folder: Path) -> None:
    """Before: each took a file until its handshake timed out, and nobody else got in."""
    with wired(folder, "mutual TLS", limits=replace(FEW, handshakes_each=20)) as world:
        assert world.at("A").heartbeat(Heartbeat()) is StationStanding.IN_USE
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        crowd = subprocess.Popen(
            [sys.executable, "-c", CROWD, str(port_of(world)), "600"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        # What a turn of the loop drops is closed in the next ones.
        most = FEW.handshakes + 3 * AT_ONCE + 60
        files = sum(1 for _ in Path("/proc/self/fd").iterdir()) + most
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))
        try:
            assert crowd.stdout is not None
            assert crowd.stdout.readline() == b"connected\n"
            for _ in range(3):
                assert calls_anew(world) is StationStanding.IN_USE
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            crowd.communicate()


def test_clients_at_the_socket_are_not_counted(folder: Path) -> None:
    with wired(folder, "socket", limits=replace(FEW, handshakes=1, handshakes_each=1)) as world:
        assert world.at("A").heartbeat(Heartbeat()) is StationStanding.IN_USE
        path = str(folder / "1.sock")
        held = [socket.socket(socket.AF_UNIX) for _ in range(5)]
        for each in held:
            each.connect(path)
        assert world.at("A").heartbeat(Heartbeat()) is StationStanding.IN_USE
        assert not any(is_dropped(each) for each in held)
        for each in held:
            each.close()


def test_a_server_that_stops_ends_the_handshakes(tls: WiredWorld) -> None:
    with silent(tls, "127.0.0.9") as held:
        served: Served = tls.served.pop()
        served.close()
        await_drop(held[0])


def test_nothing_that_is_said_before_the_handshake_is_heard(tls: WiredWorld) -> None:
    """A call in clear, in the same segment as the first bytes of TLS or before them."""
    mine = tls.papers["A"]
    context = client_context(mine.certificate, mine.key, mine.ca)
    call = b"POST /v2/health HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}"
    into, out = ssl.MemoryBIO(), ssl.MemoryBIO()
    session = context.wrap_bio(into, out, server_hostname=HOST)
    with suppress(ssl.SSLWantReadError):
        session.do_handshake()
    hello = out.read()
    for segments in ([call + hello], [call, hello], [call]):
        with socket.create_connection((HOST, port_of(tls)), 30) as connection:
            connection.settimeout(30)
            with suppress(ConnectionError):
                for each in segments:
                    connection.sendall(each)
            heard = b""
            with suppress(ConnectionError):
                while some := connection.recv(4096):
                    heard += some
        assert b"HTTP" not in heard
    assert tls.at("A").heartbeat(Heartbeat()) is not None
