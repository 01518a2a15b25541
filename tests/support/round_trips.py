"""Counts what a store asks of PostgreSQL: each answer of the server ends one round trip.

libpq traces the messages of every connection, so BEGIN, COMMIT and pings count as well.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import sqlalchemy as sa

from kiosk.authority.store.postgresql import PipelinedConnection

ANSWERED = b"ReadyForQuery"
"""What the server says at the end of each round trip."""


@dataclass
class Asked:
    """What one call asked: its round trips, its transactions and the texts of its statements."""

    name: str
    round_trips: int = 0
    transactions: int = 0
    statements: list[str] = field(default_factory=list)


@dataclass
class RoundTrips:
    """What each named call asked, in the order of the calls."""

    calls: list[Asked] = field(default_factory=list)
    _trace: Path = Path()

    @contextmanager
    def of(self, name: str) -> Iterator[Asked]:
        """Count what the block asks."""
        asked = Asked(name)
        before = self._answers()
        self.calls.append(asked)
        yield asked
        asked.round_trips = self._answers() - before

    def _answers(self) -> int:
        return self._trace.read_bytes().count(ANSWERED)

    def table(self) -> str:
        """Return one line a call, and the sum."""
        counts = {a.name: (a.round_trips, len(a.statements), a.transactions) for a in self.calls}
        first, second, third = zip(*counts.values(), strict=True)
        counts["in all"] = sum(first), sum(second), sum(third)
        head = f"{'call':<18}{'round trips':>13}{'statements':>12}{'transactions':>14}"
        lines = (f"{name:<18}{a:>13}{b:>12}{c:>14}" for name, (a, b, c) in counts.items())
        return "\n".join((head, *lines))


@contextmanager
def counted_round_trips() -> Iterator[RoundTrips]:
    """Count on every engine whose connections are opened within the block."""
    with tempfile.NamedTemporaryFile("ab") as trace:
        counted = RoundTrips(_trace=Path(trace.name))

        def connected(connection: Any, _record: object) -> None:
            connection.pgconn.trace(trace.fileno())

        let_wait, run = PipelinedConnection.let_wait, PipelinedConnection.run
        run_compiled = PipelinedConnection.run_compiled

        def asked(statement: str) -> None:
            if counted.calls and not statement.startswith("BEGIN"):
                counted.calls[-1].statements.append(statement)

        def waited(connection: PipelinedConnection, statement: str, parameters: Any) -> None:
            asked(statement)
            let_wait(connection, statement, parameters)

        def ran(connection: PipelinedConnection, cursor: Any, statement: str, given: Any) -> None:
            asked(statement)
            run(connection, cursor, statement, given)

        def ran_compiled(connection: PipelinedConnection, statement: str, given: Any) -> Any:
            if statement not in ("COMMIT", "ROLLBACK"):
                asked(statement)
            return run_compiled(connection, statement, given)

        def began(_c: object) -> None:
            if counted.calls:
                counted.calls[-1].transactions += 1

        heard = (
            (sa.pool.Pool, "connect", connected),
            (sa.Engine, "begin", began),
        )
        for target, name, function in heard:
            sa.event.listen(target, name, function)
        try:
            with (
                patch.object(PipelinedConnection, "let_wait", waited),
                patch.object(PipelinedConnection, "run", ran),
                patch.object(PipelinedConnection, "run_compiled", ran_compiled),
            ):
                yield counted
        finally:
            for target, name, function in heard:
                sa.event.remove(target, name, function)
