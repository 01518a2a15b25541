"""Before: a stranger without a certificate connected, said nothing, and the authority was killed.

Each connection was dropped in its TLS handshake, and left 256 KiB that were not freed: 2 GB in a
minute.
"""

from __future__ import annotations

import gc
import re
import ssl
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from campaigns.failover.replicas import Relay, environ_of, set_up
from kiosk.authority.crypto.station_ca import StationCa
from kiosk.contract.messages import Heartbeat, StationStanding
from kiosk.contract.ports import SystemClock
from kiosk.station.client import HttpAuthority, TlsAddress, client_context
from kiosk.system.sockets import free_ports
from tests.attacks.certified import certificate_of
from tests.authority.world import World, copy_template
from tests.contract.silence import FEW, await_drop, calls_anew, silent
from tests.contract.wirings import HOST, wired
from tests.support.database import sqlite_url
from tests.support.flood import RECORD_BEGUN, flood, resident
from tests.support.waiting import wait_for

UNIT = Path(__file__).parents[3] / "systemd" / "kiosk-authority.service"
MANY = 1200
"""The connections to each port. A fifth of them took the authority half of its memory."""


class Flooded:
    """A ``kiosk authority`` of the installed program, with one station that is enrolled."""

    def __init__(self, folder: Path) -> None:
        config, relay = folder / "kiosk.toml", Relay(folder / "mail")
        url = sqlite_url(folder / "kiosk.db")
        try:
            set_up(config, url, relay)
        finally:
            relay.close()
        stations, enrolment, monitoring = self.ports = free_ports(3)
        self._log = folder / "authority.log"
        listens = {
            "KIOSK_AUTHORITY__LISTEN": f"127.0.0.1:{stations}",
            "KIOSK_AUTHORITY__ENROL_LISTEN": f"127.0.0.1:{enrolment}",
            "KIOSK_MONITORING__LISTEN": f"127.0.0.1:{monitoring}",
        }
        words = ["authority", "--config", str(config), "--log", str(self._log)]
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-m", "kiosk", *words], env=environ_of(config) | listens
        )
        wait_for(lambda: "enrolling stations" in self._written(), "the authority", self._written)
        world = World(folder, url=url, time=SystemClock())
        ca, self._ca = StationCa(world.ring), folder / "ca.pem"
        self._ca.write_text(ca.pem)
        self._own = certificate_of("A", world, ca)
        world.store.close()

    def _written(self) -> str:
        assert self._process.poll() is None, "it ended"
        return self._log.read_text() if self._log.exists() else ""

    @property
    def pid(self) -> int:
        return self._process.pid

    def call_as_a_station(self) -> None:
        """Have the station connect and call; it has to be served."""
        context = client_context(self._own, self._own, self._ca)
        client = HttpAuthority([TlsAddress(HOST, self.ports[0])], context)
        try:
            assert client.port.heartbeat(Heartbeat()) is StationStanding.IN_USE
        finally:
            client.close()

    def close(self) -> None:
        self._process.terminate()
        self._process.wait()


@pytest.fixture
def flooded(tmp_path: Path) -> Iterator[Flooded]:
    made = Flooded(tmp_path)
    yield made
    made.close()


def most_memory() -> int:
    """Return at how many bytes the kernel kills the unit."""
    found = re.search(r"^MemoryMax=(\d+)M$", UNIT.read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1]) << 20


@pytest.mark.parametrize(
    ("sources", "says"),
    [
        pytest.param(["127.0.0.9"], b"", id="one address, silent"),
        pytest.param(
            [f"127.0.1.{number}" for number in range(1, 201)],
            RECORD_BEGUN,
            id="200 addresses, a record begun",
        ),
    ],
)
def test_flood_of_silent_connections_leaves_memory_and_service(
    flooded: Flooded, sources: Sequence[str], says: bytes
) -> None:
    flooded.call_as_a_station()
    before = resident(flooded.pid)
    with flood(
        flooded.ports, MANY, sources=sources, says=says, meanwhile=flooded.call_as_a_station
    ):
        most = resident(flooded.pid, "VmHWM")
        assert most < most_memory() / 2
    wait_for(
        lambda: resident(flooded.pid) < (before + most) / 2,
        "the memory that it gives back",
        lambda: f"{before}, {most}, {resident(flooded.pid)} bytes before, at most and now",
    )
    flooded.call_as_a_station()


def test_dropped_handshakes_are_freed_without_the_collector(
    sqlite_template: Path, database_folder: Path
) -> None:
    """The error of each held its frames, and by them itself and 256 KiB."""

    def handshakes() -> int:
        return sum(isinstance(each, ssl.SSLObject) for each in gc.get_objects())

    folder = copy_template(sqlite_template, database_folder)
    with wired(folder, "mutual TLS", limits=FEW) as world:
        world.at("A")
        gc.collect()
        gc.disable()
        try:
            before = handshakes()
            with silent(world, *["127.0.0.9"] * 60) as held:
                for each in held[: -FEW.handshakes_each]:
                    await_drop(each)
                for _ in range(20):  # in whose turns of the loop the dropped ones are closed
                    calls_anew(world)
                # With the honest station's own.
                assert handshakes() <= before + FEW.handshakes_each + 2
        finally:
            gc.enable()
