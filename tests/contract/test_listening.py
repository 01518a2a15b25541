"""Where the authority listens in the network, and what an error of it does."""

from __future__ import annotations

import errno
import logging
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from kiosk.authority.connections import remove_stale
from kiosk.contract.errors import ConfigError
from kiosk.contract.messages import Heartbeat, StationStanding
from tests.contract.silence import calls_anew, port_of
from tests.contract.wirings import HOST, Papers, WiredWorld, wired

ELSEWHERE = "2001:db8::1"
"""No address of this machine (RFC 3849)."""


@pytest.fixture
def tls(folder: Path) -> Iterator[WiredWorld]:
    with wired(folder, "mutual TLS") as made:
        made.at("A")
        yield made


def names(monkeypatch: pytest.MonkeyPatch, *addresses: tuple[int, str]) -> None:
    """Let every name have these addresses, by their family."""
    found = [(family, socket.SOCK_STREAM, 6, "", (each, 0)) for family, each in addresses]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)


def lacks_ipv6(monkeypatch: pytest.MonkeyPatch) -> None:
    made = socket.create_server

    def refuse(address: tuple[str, int], *, family: int, backlog: int) -> socket.socket:
        if family == socket.AF_INET6:
            raise OSError(errno.EAFNOSUPPORT, os.strerror(errno.EAFNOSUPPORT))
        return made(address, family=family, backlog=backlog)

    monkeypatch.setattr(socket, "create_server", refuse)


def on_tls(world: WiredWorld) -> int:
    mine: Papers = world.papers["A"]
    return world.served[0].on_context(mine.ca.read_text(), mine.certificate, mine.key).port


def test_a_machine_without_ipv6_serves_a_name_that_has_an_address_of_it(
    tls: WiredWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    names(monkeypatch, (socket.AF_INET6, "::1"), (socket.AF_INET, HOST))
    lacks_ipv6(monkeypatch)
    with socket.socket() as connection:
        connection.connect((HOST, on_tls(tls)))


def test_an_address_that_this_machine_lacks_does_not_keep_it_from_the_others(
    tls: WiredWorld, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    names(monkeypatch, (socket.AF_INET6, ELSEWHERE), (socket.AF_INET, HOST))
    with socket.socket() as connection:
        connection.connect((HOST, on_tls(tls)))
    assert caplog.messages == [f"not served at {ELSEWHERE}: Cannot assign requested address"]


def test_a_machine_that_has_none_of_the_addresses_says_so(
    tls: WiredWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    names(monkeypatch, (socket.AF_INET6, ELSEWHERE))
    with pytest.raises(ConfigError, match=r"^authority\.listen: "):
        on_tls(tls)


def test_a_port_that_is_taken_is_an_error_of_the_settings(
    tls: WiredWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server((HOST, 0)) as taken:
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", taken.getsockname())]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
        with pytest.raises(ConfigError, match="already in use"):
            on_tls(tls)


def refuse_accepting(monkeypatch: pytest.MonkeyPatch, at: object, troubles: list[int]) -> None:
    """Let ``accept`` of the socket with this name fail, once for each of ``troubles``."""
    accept = socket.socket.accept

    def refuse(listening: socket.socket) -> tuple[socket.socket, object]:
        named = listening.getsockname()
        if troubles and at in (named, named[1]):
            trouble = troubles.pop(0)
            raise OSError(trouble, os.strerror(trouble))
        return accept(listening)

    monkeypatch.setattr(socket.socket, "accept", refuse)


def test_at_the_socket_too_many_open_files_are_one_line_a_second(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Before: a hundred lines at once, and a second later a hundred for each of them."""
    caplog.set_level(logging.ERROR)
    with wired(folder, "socket") as world:
        station, troubles = world.at("A"), [errno.EMFILE] * 2
        refuse_accepting(monkeypatch, world.addresses["A"], troubles)
        assert station.heartbeat(Heartbeat()) is StationStanding.IN_USE
    assert caplog.messages == ["no connection can be accepted: Too many open files"] * 2


def test_after_too_many_open_files_it_accepts_again(
    tls: WiredWorld, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    troubles = [errno.EMFILE, errno.ECONNABORTED]
    refuse_accepting(monkeypatch, port_of(tls), troubles)
    assert calls_anew(tls) is StationStanding.IN_USE
    assert troubles == []
    (line,) = caplog.messages
    assert line == "no connection can be accepted: Too many open files"
    assert tls.at("A").heartbeat(Heartbeat()) is StationStanding.IN_USE


def test_the_socket_of_a_process_that_is_busy_is_left_alone(tmp_path: Path) -> None:
    """Before: a second process that was started took it away, and stations reached that one."""
    path = tmp_path / "authority.sock"
    with ExitStack() as ends, socket.socket(socket.AF_UNIX) as busy:
        busy.bind(str(path))
        busy.listen(0)
        with suppress(BlockingIOError):
            while True:
                waiting = ends.enter_context(socket.socket(socket.AF_UNIX))
                waiting.setblocking(False)
                waiting.connect(str(path))
        with pytest.raises(ConfigError, match=r"another process has .* and does not answer"):
            remove_stale(path)
        assert path.exists()
    remove_stale(path)
    assert not path.exists()


def test_a_folder_of_the_socket_that_is_not_there_is_named(tmp_path: Path) -> None:
    """Before: no such file or directory, of the socket that was to be made."""
    place, settings = tmp_path / "run" / "authority.sock", tmp_path / "kiosk.toml"
    settings.write_text(f'[authority]\nsocket = "{place}"\nstation_user = "root"\n')
    listen = {"KIOSK_MONITORING__LISTEN": f"{tmp_path}/monitoring.sock"}
    for words in (("setup", "authority"), ("authority",)):
        done = subprocess.run(
            [Path(sys.executable).with_name("kiosk"), *words, "--config", settings],
            env={"STATE_DIRECTORY": str(tmp_path / "state")} | listen,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert done.returncode == 2
    assert f"authority.socket: there is no folder {place.parent}: make it first" in done.stderr


def test_a_server_may_be_closed_twice(tls: WiredWorld) -> None:
    """Before: the loop was asked to watch a closed socket no more, and raised ValueError."""
    served = tls.served[0]
    for _ in range(2):
        served._do(served.server.close())
