"""The floor: the statements of visits, recorded once and sent again by psycopg alone."""

from __future__ import annotations

import re
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast
from unittest.mock import patch

import psycopg

from campaigns.load.people import CHEAP, Visitor, heads_for_writers
from campaigns.load.service import LoadedEstate, server_cpu_s
from campaigns.load.visits import unlock
from kiosk.authority.crypto.hashing import AnswerHasher
from kiosk.authority.crypto.keys import KeyRing
from kiosk.authority.enrolment import EnrolledStations
from kiosk.authority.mail.compose import Message
from kiosk.authority.mail.outbox import OutboxWorker
from kiosk.authority.records import AuditHead
from kiosk.authority.stations import CertificatePeer, Peer, StationIdentity
from kiosk.authority.store.gateway import Compiled
from kiosk.authority.store.postgresql import PipelinedConnection
from kiosk.contract.ports import Authority, SystemClock
from kiosk.contract.sensitive import Sensitive
from tests.authority.world import Relay, World
from tests.support.database import PostgresServer

Statement = tuple[Any, Any]
RoundTrip = list[Statement]
"""What is sent at once."""


@dataclass
class RecordedVisits:
    """Their statements, and the CPU that the use cases took for them without HTTP and mail."""

    visits: list[list[RoundTrip]] = field(default_factory=list)
    apart: int = 0
    """The round trips that are not of the use cases: identification of stations, and notices."""
    use_cases_s: float = 0.0

    @property
    def round_trips(self) -> float:
        """Return how many there are a visit."""
        return self._trips / len(self.visits)

    @property
    def of_use_cases(self) -> float:
        """Return how many round trips of a visit are the use cases'."""
        return (self._trips - self.apart) / len(self.visits)

    @property
    def _trips(self) -> int:
        return sum(map(len, self.visits))

    @contextmanager
    def counted_apart(self) -> Iterator[None]:
        before = self._trips
        yield
        self.apart += self._trips - before

    @property
    def statements(self) -> float:
        """Return how many there are a visit, BEGIN and COMMIT among them."""
        return sum(len(trip) for visit in self.visits for trip in visit) / len(self.visits)

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Record what any connection sends."""
        parameters, let_wait = Compiled.parameters, PipelinedConnection.let_wait
        run, run_compiled = PipelinedConnection.run, PipelinedConnection.run_compiled
        end = PipelinedConnection.end
        waiting: dict[PipelinedConnection, RoundTrip] = defaultdict(list)

        def named(compiled: Compiled, values: Any) -> _Named:
            return _Named(compiled.order, parameters(compiled, values))

        def waited(connection: PipelinedConnection, statement: str, given: Any) -> None:
            waiting[connection].append(_as_psycopg_has_it(statement, given))
            let_wait(connection, statement, given)

        def sent(connection: PipelinedConnection, statement: str, given: Any) -> None:
            self.visits[-1].append(
                [*waiting.pop(connection, ()), _as_psycopg_has_it(statement, given)]
            )

        def ran(connection: PipelinedConnection, cursor: Any, statement: str, given: Any) -> None:
            sent(connection, statement, given)
            run(connection, cursor, statement, given)

        def ran_compiled(connection: PipelinedConnection, statement: str, given: Any) -> Any:
            sent(connection, statement, given)
            return run_compiled(connection, statement, given)

        def ended(connection: PipelinedConnection, statement: str) -> None:
            if statement == "ROLLBACK":
                waiting.pop(connection, None)
            end(connection, statement)
            waiting.pop(connection, None)  # a BEGIN alone is not sent

        with (
            patch.object(Compiled, "parameters", named),
            patch.object(PipelinedConnection, "end", ended),
            patch.object(PipelinedConnection, "let_wait", waited),
            patch.object(PipelinedConnection, "run", ran),
            patch.object(PipelinedConnection, "run_compiled", ran_compiled),
        ):
            yield


class _Named(list[Any]):
    """Parameters that know the names of their places."""

    def __init__(self, names: Sequence[str], values: Sequence[Any]) -> None:
        super().__init__(values)
        self.names = names


def _as_psycopg_has_it(statement: str, given: Any) -> Statement:
    """Return a statement with psycopg's placeholders, and its parameters by name."""
    if not isinstance(given, _Named):
        return statement, given
    place = lambda found: f"%({given.names[int(found[1]) - 1]})s" if found[1] else "%%"  # noqa: E731
    named = re.sub(r"\$(\d+)|%", place, statement)
    return named, dict(zip(given.names, given, strict=True))


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


class _Identified:
    """The port, which first identifies the station by its key, as the server does at each call."""

    def __init__(
        self, at: Authority, stations: EnrolledStations, peer: Peer, recorded: RecordedVisits
    ) -> None:
        self._at = at
        self._stations = stations
        self._peer = peer
        self._recorded = recorded

    def __getattr__(self, name: str) -> Callable[..., Any]:
        call = getattr(self._at, name)

        def identified(*given: object) -> Any:
            with self._recorded.counted_apart():
                assert isinstance(self._stations.identify(self._peer), StationIdentity)
            return call(*given)

        return identified


class UseCases:
    """The use cases in this process, without HTTP, on the database of an estate; mail is stubbed.

    Stations are identified, and notices sent, as by ``kiosk authority``.
    """

    def __init__(self, estate: LoadedEstate) -> None:
        self._estate = estate
        ring_file = Path(estate.settings.keys.file)
        hasher = AnswerHasher(KeyRing.load(ring_file), CHEAP)
        self._world = World(ring_file.parent, url=estate.url, time=SystemClock(), hasher=hasher)
        self._world.policy = estate.settings.policy.policy()
        self._world.relay = self._relay = _MailKept()
        self._world.restart()
        store = self._world.store
        self._stations = EnrolledStations(store, {})
        notice = Message("somebody@trust.nhs.uk", "", "", "")
        self._notices = OutboxWorker(store, self._relay, SystemClock(), lambda _: notice)
        self._recorded = RecordedVisits()
        for number, visitor in enumerate(estate.next_visitors(3)):
            self._live(visitor, number)  # the first ones build what later ones find

    def close(self) -> None:
        self._world.store.close()

    def recorded(self, visits: int) -> RecordedVisits:
        """Live visits one after the other, and keep what they send."""
        found = self._recorded = RecordedVisits()
        self._notices.drain_once()
        began = time.process_time()
        for number, visitor in enumerate(self._estate.next_visitors(visits)):
            found.visits.append([])
            with found.recording():
                self._live(visitor, number)
                if number % NOTICES == NOTICES - 1:
                    with found.counted_apart():
                        self._notices.drain_once()
        found.use_cases_s = time.process_time() - began
        return found

    def at_once(self, many: int, visits: int) -> Took:
        """Live visits, so many at once, and send their notices."""
        visitors, self._recorded = self._estate.next_visitors(visits), RecordedVisits()
        ended = threading.Event()
        with (
            _measured(self._estate.server, visits) as took,
            ThreadPoolExecutor(many) as threads,
            ThreadPoolExecutor(1) as other,
        ):
            notices = other.submit(self._send_notices, ended)
            list(threads.map(self._live, visitors, range(visits)))
            ended.set()
            notices.result()
        return took[0]

    def _send_notices(self, ended: threading.Event) -> None:
        last = False
        while not last:
            last = ended.wait(1)
            self._notices.drain_once()

    def _live(self, visitor: Visitor, number: int) -> None:
        name, key = self._estate.station_keys[number % len(self._estate.station_keys)]
        peer = CertificatePeer(key, datetime.max.replace(tzinfo=UTC))
        at = _Identified(self._world.at(name), self._stations, peer, self._recorded)
        unlock(cast("Authority", at), visitor, self._relay.codes.__getitem__)


NOTICES = 5
"""How many notices are sent one after the other; their visits are not all of one writer."""


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
