"""Two replicas of the authority and many stations, each a process, that call at the same moment."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

from kiosk.authority.connections import Limits
from kiosk.authority.mail.compose import Message
from kiosk.authority.server import AuthorityServer
from kiosk.contract.errors import AuthorityError
from kiosk.contract.policy import Policy
from kiosk.contract.ports import SystemClock
from kiosk.contract.routes import decode, encode, routes
from kiosk.station.client import Address, HttpAuthority
from tests.authority.world import World
from tests.contract.wirings import ListedStations

REPLICAS = ("one", "two")
STATIONS = ("A", "B")
POLICY = Policy(code_gap=timedelta(0), visits_a_minute=1000)
_LIMITS = Limits(calls_a_second=1e6, burst=1e6, refused_burst=1e6, connections_each=1000)
_PATIENCE_S = 120.0

# What each of them imports is imported once.
_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload([__name__])


def _mail(folder: Path, address: str) -> Path:
    return folder / f"{address}.mail"


def mailed_to(folder: Path, address: str) -> str:
    """Return the code that was mailed last."""
    return _mail(folder, address).read_text()


class FileRelay:
    """A relay that keeps the last mail to each address where other processes find it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def send(self, message: Message) -> None:
        made = _mail(self._folder, message.to)
        made.with_suffix(".new").write_text(message.text)
        made.with_suffix(".new").replace(made)

    def check(self) -> None:
        """Answer."""


def socket_of(folder: Path, replica: str, station: str) -> Path:
    return folder / f"{replica}-{station}.sock"


def _serve(
    folder: Path, url: str, replica: str, stations: Sequence[str], ready: Connection
) -> None:
    """One replica, until SIGTERM: a socket for each station, whose user id is the same here."""
    asyncio.run(_serving(folder, url, replica, stations, ready))


async def _serving(
    folder: Path, url: str, replica: str, stations: Sequence[str], ready: Connection
) -> None:
    world = World(folder, url=url, time=SystemClock())
    world.policy = POLICY
    world.relay = FileRelay(folder)  # type: ignore[assignment]
    world.restart()
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    servers = []
    for station in stations:
        known = ListedStations({os.getuid(): station})
        server = AuthorityServer(world.authority, known, _LIMITS)
        await server.listen_on_socket(socket_of(folder, replica, station))
        servers.append(server)
    ready.send("ready")
    await stop.wait()
    for server in servers:
        await server.close()
    world.store.close()


class Replica:
    """One replica as a process, which answers when this has been made."""

    def __init__(
        self, folder: Path, url: str, name: str, stations: Sequence[str] = STATIONS
    ) -> None:
        ready, theirs = _processes.Pipe()
        self.process = _processes.Process(target=_serve, args=(folder, url, name, stations, theirs))
        self.process.start()
        if not ready.poll(_PATIENCE_S):
            raise TimeoutError("the replica did not start")
        ready.recv()

    def kill(self) -> None:
        """End it by SIGKILL, whatever it does."""
        self.process.kill()
        self.process.join()

    def close(self) -> None:
        """End it by SIGTERM."""
        self.process.terminate()
        self.process.join(_PATIENCE_S)


@dataclass(frozen=True)
class Call:
    """One call of a station, by the name of its method; secrets travel as they do on the wire."""

    station: str
    name: str
    request: bytes

    @staticmethod
    def of(station: str, name: str, *given: object) -> Call:
        """Return a call with these arguments."""
        return Call(station, name, encode(routes()[name].request(*given)))


def _call(addresses: Sequence[tuple[str, str]], start: Barrier, orders: Connection) -> None:
    """One station process: make each call that is ordered when the others make theirs."""
    clients = {
        station: HttpAuthority([path for name, path in addresses if name == station])
        for station in STATIONS
    }
    while (call := orders.recv()) is not None:
        route = routes()[call.name]
        asked = decode(route.request, call.request)
        given = [getattr(asked, name) for name in asked.__struct_fields__]
        start.wait(_PATIENCE_S)
        try:
            orders.send(encode(getattr(clients[call.station], call.name)(*given)))
        except AuthorityError as error:
            orders.send(error)
    for client in clients.values():
        client.close()


class RacingEstate:
    """The processes; ``at`` is a client of its own for what is not raced for."""

    def __init__(self, folder: Path, url: str, stations: int) -> None:
        self.folder = folder
        self._replicas = [Replica(folder, url, name) for name in REPLICAS]
        self._start = _processes.Barrier(stations)
        self._stations = []
        for number in range(stations):
            mine, theirs = _processes.Pipe()
            # Half of them begin at the one replica, half at the other.
            order = REPLICAS[number % 2 :] + REPLICAS[: number % 2]
            process = _processes.Process(
                target=_call, args=(self._addresses(order), self._start, theirs)
            )
            process.start()
            self._stations.append((process, mine))
        self.clients = {
            station: HttpAuthority(self._paths(station, REPLICAS)) for station in STATIONS
        }

    def _addresses(self, order: Sequence[str]) -> list[tuple[str, str]]:
        return [(s, str(socket_of(self.folder, r, s))) for r in order for s in STATIONS]

    def _paths(self, station: str, replicas: Sequence[str]) -> list[Address]:
        return [str(socket_of(self.folder, each, station)) for each in replicas]

    def code_of(self, address: str) -> str:
        """Return the code that was mailed last."""
        return mailed_to(self.folder, address)

    def race(self, calls: Sequence[Call]) -> list[Any]:
        """Have every station make its call at the same moment; return replies and errors."""
        for (_, orders), call in zip(self._stations, calls, strict=True):
            orders.send(call)
        replies = []
        for _, orders in self._stations:
            if not orders.poll(_PATIENCE_S):
                raise TimeoutError("a station gave no answer")
            replies.append(orders.recv())
        return [
            decode(routes()[call.name].reply, reply) if isinstance(reply, bytes) else reply
            for call, reply in zip(calls, replies, strict=True)
        ]

    @property
    def size(self) -> int:
        return len(self._stations)

    def close(self) -> None:
        """End the processes."""
        for client in self.clients.values():
            client.close()
        for process, orders in self._stations:
            orders.send(None)
            process.join(_PATIENCE_S)
        for replica in self._replicas:
            replica.close()


@contextmanager
def racing(folder: Path, url: str, stations: int) -> Iterator[RacingEstate]:
    """Start the estate and end it."""
    estate = RacingEstate(folder, url, stations)
    try:
        yield estate
    finally:
        estate.close()
