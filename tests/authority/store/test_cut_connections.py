"""A connection to PostgreSQL that is cut after any byte: what is known then, and what goes on."""

from __future__ import annotations

import select
import socket
import socketserver
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from kiosk.authority.errors import StoreError
from kiosk.authority.records import ActionNote, OutboxMessage, new_id
from kiosk.authority.store.database import Store
from tests.authority.store import samples
from tests.support.database import MACS, PORT, PostgresServer, SetClock

pytestmark = pytest.mark.postgresql

CUTS = 40


class CuttingProxy(socketserver.ThreadingUnixStreamServer):
    """Passes on what a store and its server send; ``limits`` says after how many bytes it cuts."""

    daemon_threads = True

    def __init__(self, folder: Path, server: Path) -> None:
        super().__init__(str(folder / f".s.PGSQL.{PORT}"), _Passing)
        self.server = str(server / f".s.PGSQL.{PORT}")
        self.passed: Counter[str] = Counter()
        self.limits: dict[str, int] = {}

    def allowed(self, way: str, size: int) -> int:
        """Return how many of the next bytes are passed on: all of them, or the last ones."""
        self.passed[way] += size
        if way not in self.limits:
            return size
        if size < self.limits[way]:
            self.limits[way] -= size
            return size
        return self.limits.pop(way)


class _Passing(socketserver.BaseRequestHandler):
    server: CuttingProxy

    def handle(self) -> None:
        with socket.socket(socket.AF_UNIX) as there, suppress(OSError):
            there.connect(self.server.server)
            ends = {self.request: (there, "sent"), there: (self.request, "received")}
            while True:
                for end in select.select(ends, [], [])[0]:
                    other, way = ends[end]
                    data = end.recv(65536)
                    allowed = self.server.allowed(way, len(data))
                    other.sendall(data[:allowed])
                    if allowed < len(data) or not data:
                        return


@pytest.fixture
def proxy(postgres_server: PostgresServer) -> Iterator[CuttingProxy]:
    with (
        tempfile.TemporaryDirectory(prefix="kiosk-cut-") as folder,
        CuttingProxy(Path(folder), postgres_server.folder) as proxy,
    ):
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        yield proxy
        proxy.shutdown()


@pytest.mark.parametrize("way", ["sent", "received"])
def test_what_was_committed_is_there_and_nothing_that_was_not_begun_to_be(
    postgres_server: PostgresServer, proxy: CuttingProxy, way: str
) -> None:
    folder = str(Path(str(proxy.server_address)).parent)
    url = postgres_server.fresh().replace(str(postgres_server.folder), folder)
    store = Store(url, SetClock(), MACS, pool_size=1)

    def live(name: str) -> str:
        """Return what was reached."""
        reached = "begun"
        with suppress(StoreError):
            with store.begin() as uow:
                uow.notes.add(ActionNote(name, None, samples.NOW, "because", "", "salt"))
                uow.outbox.waiting()
                uow.outbox.add(OutboxMessage(new_id(), "a", "b", {}, samples.NOW, samples.NOW))
                reached = "committing"
                uow.commit()
                reached = "committed"
            with store.read() as uow:
                uow.notes.by_ids((name,))
                uow.outbox.waiting()
                reached = "read"
        return reached

    for turn in range(8):  # until all is prepared
        before = proxy.passed[way]
        assert live(f"whole {turn}") == "read"
    size = proxy.passed[way] - before
    every = []
    for at in range(0, size, size // CUTS):
        proxy.limits = {way: at}
        every.append(live(str(at)))
        proxy.limits = {}
        with store.read() as uow:
            found = len(uow.notes.by_ids((str(at),)))
        assert found in {"begun": (0,), "committing": (0, 1)}.get(every[-1], (1,))
        assert store.connections() == (0, 1)
    assert {*every} >= {"begun", "committing", "committed"}
    store.close()
