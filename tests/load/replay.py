"""The floor: the statements of visits, recorded once and sent again by psycopg alone."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import psycopg
from psycopg.pq import PipelineStatus

from kiosk.authority.crypto.hashing import AnswerHasher
from kiosk.authority.crypto.keys import KeyRing
from kiosk.authority.mail.message import Message
from kiosk.authority.store.records import AuditHead
from kiosk.contract.ports import SystemClock
from kiosk.contract.sensitive import Sensitive
from tests.authority.world import Relay, World
from tests.load.people import CHEAP, Visitor, heads_for_writers
from tests.load.service import LoadedEstate, server_cpu_s
from tests.load.visits import unlock
from tests.support.database import PostgresServer

Statement = tuple[Any, Any]
RoundTrip = list[Statement]
"""What is sent at once."""


@dataclass
class RecordedVisits:
    """Their statements, and the CPU that the use cases took for them without HTTP and mail."""

    visits: list[list[RoundTrip]] = field(default_factory=list)
    use_cases_s: float = 0.0
    _joined: bool = False

    @property
    def round_trips(self) -> float:
        """Return how many there are a visit."""
        return sum(map(len, self.visits)) / len(self.visits)

    @property
    def statements(self) -> float:
        """Return how many there are a visit, BEGIN and COMMIT among them."""
        return sum(len(trip) for visit in self.visits for trip in visit) / len(self.visits)

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Record what any connection sends."""
        execute, pipeline = psycopg.Cursor.execute, psycopg.Connection.pipeline

        def executed(cursor: Any, query: Any, params: Any = None, **named: Any) -> Any:
            visit = self.visits[-1]
            joins = cursor.connection.info.pipeline_status is PipelineStatus.ON
            if not (joins and self._joined):
                visit.append([])
            visit[-1].append((query, params))
            self._joined = joins
            return execute(cursor, query, params, **named)

        def joined(connection: Any) -> Any:
            self._joined = False
            return pipeline(connection)

        with (
            patch.object(psycopg.Cursor, "execute", executed),
            patch.object(psycopg.Connection, "pipeline", joined),
        ):
            yield


@dataclass(frozen=True)
class Took:
    """What some visits took, or their statements alone; the CPU is that of this process."""

    visits: int
    seconds: float
    cpu_s: float
    database_s: float


@contextmanager
def _measured(server: PostgresServer, visits: int) -> Iterator[list[Took]]:
    took: list[Took] = []
    database_s, cpu_s, began = server_cpu_s(server), time.process_time(), time.monotonic()
    yield took
    seconds, cpu_s = time.monotonic() - began, time.process_time() - cpu_s
    took.append(Took(visits, seconds, cpu_s, server_cpu_s(server) - database_s))


class _MailKept(Relay):
    """Keeps the code of each address: several visits are under way."""

    def __init__(self) -> None:
        super().__init__()
        self.codes: dict[str, Sensitive] = {}

    def send(self, message: Message) -> None:
        self.codes[message.to] = Sensitive(message.text)


class UseCases:
    """The use cases in this process, without HTTP and mail, on the database of an estate."""

    def __init__(self, estate: LoadedEstate) -> None:
        self._estate = estate
        ring_file = Path(estate.settings.keys.file)
        hasher = AnswerHasher(KeyRing.load(ring_file), CHEAP)
        self._world = World(ring_file.parent, url=estate.url, time=SystemClock(), hasher=hasher)
        self._world.policy = estate.settings.policy.policy()
        self._world.relay = self._relay = _MailKept()
        self._world.restart()
        for number, visitor in enumerate(estate.next_visitors(3)):
            self._live(visitor, number)  # the first ones build what later ones find

    def close(self) -> None:
        self._world.store.close()

    def recorded(self, visits: int) -> RecordedVisits:
        """Live visits one after the other, and keep what they send."""
        found = RecordedVisits()
        began = time.process_time()
        for number, visitor in enumerate(self._estate.next_visitors(visits)):
            found.visits.append([])
            with found.recording():
                self._live(visitor, number)
        found.use_cases_s = time.process_time() - began
        return found

    def at_once(self, many: int, visits: int) -> Took:
        """Live visits, so many at once."""
        visitors = self._estate.next_visitors(visits)
        with _measured(self._estate.server, visits) as took, ThreadPoolExecutor(many) as threads:
            list(threads.map(self._live, visitors, range(visits)))
        return took[0]

    def _live(self, visitor: Visitor, number: int) -> None:
        unlock(self._world.at(f"S{number % 16}"), visitor, self._relay.codes.__getitem__)


class Replay:
    """Sends the statements of visits to a copy of the database that they were recorded on.

    Each writer has a chain of the audit, as each thread of the authority comes to have one.
    """

    def __init__(self, estate: LoadedEstate, copy: str, writers: int) -> None:
        self._server = estate.server
        self._url = copy
        self._heads = heads_for_writers(copy, writers)
        self._connections = [psycopg.connect(copy, autocommit=True) for _ in self._heads]

    def run(self, visits: Sequence[list[RoundTrip]]) -> Took:
        """Send them, each writer its share of them, all at once."""
        writers = len(self._heads)
        before = sum(head.seq for head in self._heads)
        shares = [self._share(at, visits[at::writers]) for at in range(writers)]
        written = self._audit_rows() + sum(head.seq for head in self._heads) - before
        with (
            _measured(self._server, len(visits)) as took,
            ThreadPoolExecutor(writers) as threads,
        ):
            list(threads.map(_send, self._connections, shares))
        if (rows := self._audit_rows()) != written:
            raise AssertionError(f"{rows} audit rows in place of {written}: less was done")
        return took[0]

    def close(self) -> None:
        for connection in self._connections:
            connection.close()

    def _audit_rows(self) -> int:
        found = self._connections[0].execute("SELECT count(*) FROM audit_event").fetchone()
        assert found is not None
        return int(found[0])

    def _share(self, writer: int, visits: Sequence[list[RoundTrip]]) -> list[RoundTrip]:
        """Return the round trips of one writer, whose audit rows go to the end of its chain."""
        share: list[RoundTrip] = []
        for trip in (trip for visit in visits for trip in visit):
            share.append([self._at_the_end(writer, *each) for each in trip])
        return share

    def _at_the_end(self, writer: int, query: Any, params: Any) -> Statement:
        if not (isinstance(params, dict) and "chain_moved" in params):
            return query, params
        head = self._heads[writer]
        moved = params["seq_after"] - params["seq_before"]
        changed = {
            "chain_moved": 1000 + writer,
            "seq_before": head.seq,
            "hash_before": head.hash,
            "seq_after": head.seq + moved,
        }
        numbers = {f"seq_{at}": head.seq + 1 + at for at in range(moved)}
        self._heads[writer] = AuditHead(head.seq + moved, params["hash_after"])
        return query, params | changed | numbers


def _send(connection: psycopg.Connection[Any], trips: Sequence[RoundTrip]) -> None:
    for trip in trips:
        if len(trip) == 1:
            _fetch(connection.execute(*trip[0]))
            continue
        with connection.pipeline():
            sent = [connection.execute(*each) for each in trip]
        for cursor in sent:
            _fetch(cursor)


def _fetch(cursor: psycopg.Cursor[Any]) -> None:
    if cursor.description is not None:
        cursor.fetchall()
