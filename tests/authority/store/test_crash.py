from __future__ import annotations

import os

from kiosk.authority.records import AuditQuery
from kiosk.authority.store.database import Store
from tests.support.database import TestDatabase
from tests.support.prepared import ForkedPython, prepared_program


def writer(database: TestDatabase, mode: str) -> ForkedPython:
    """Start a writer, which is killed with SIGKILL at the end of the block."""
    words = ("-m", "tests.authority.store.writer", database.url, mode)
    return prepared_program().start_python(words, os.environ)


def test_killed_writers_lose_nothing_that_they_acknowledged(database: TestDatabase) -> None:
    store = database.store()
    before = 0
    for acknowledged in (1, 7, 20):
        with writer(database, "acknowledged") as process:
            said = [int(process.stdout.readline()) for _ in range(acknowledged)]
            process.kill()
            said += [int(line) for line in process.stdout if line.endswith("\n")]
        assert said == list(range(before + 1, before + 1 + len(said)))
        with store.read() as uow:
            verdict = uow.audit.verify()
        assert verdict.intact
        # What was committed but not yet told may be there, too.
        assert verdict.rows in {said[-1], said[-1] + 1}
        before = verdict.rows


def test_killed_in_the_middle_of_a_transaction(database: TestDatabase) -> None:
    store = database.store()
    with writer(database, "inside") as process:
        assert process.stdout.readline() == "inside\n"
    assert events(store) == []
    with store.begin() as uow:
        uow.audit.append(kind="next", reference="K")
        uow.commit()
    assert events(store) == ["next"]


def events(store: Store) -> list[str]:
    with store.read() as uow:
        return [event.kind for event in uow.trail.newest(AuditQuery())]
