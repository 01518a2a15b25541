"""Strangers who connect to a served authority over TLS and say nothing."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from kiosk.authority.connections import Limits
from kiosk.contract.messages import Heartbeat, StationStanding
from kiosk.station.client import HttpAuthority, TlsAddress, client_context
from tests.contract.wirings import HOST, WiredWorld

# A handshake ends by itself after ``headers_s``: not while a test runs.
FEW = Limits(headers_s=3600, handshakes=20, handshakes_each=8, connections_each=100)


def port_of(world: WiredWorld) -> int:
    address = world.addresses["*"]
    assert isinstance(address, TlsAddress)
    return address.port


def calls_anew(world: WiredWorld) -> StationStanding:
    """Call on another connection, as a station that was just started."""
    mine = world.papers["A"]
    context = client_context(mine.certificate, mine.key, mine.ca)
    client = HttpAuthority([world.addresses["*"]], context)
    try:
        return client.port.heartbeat(Heartbeat())
    finally:
        client.close()


@contextmanager
def silent(world: WiredWorld, *addresses: str) -> Iterator[list[socket.socket]]:
    """Connect from each of ``addresses`` and send nothing; the server has taken up each."""
    found = []
    for each in addresses:
        made = socket.create_connection((HOST, port_of(world)), 30, (each, 0))
        made.settimeout(30)
        found.append(made)
    calls_anew(world)
    yield found
    for made in found:
        made.close()


def await_drop(connection: socket.socket) -> None:
    with suppress(ConnectionError):
        assert connection.recv(1) == b""
