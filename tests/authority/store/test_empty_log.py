"""What was deleted does not linger in a database file or its log."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from kiosk.authority.store.engine import parse_url
from tests.authority.store import samples
from tests.support.database import TestDatabase

CANARY = "canary-4711"


def test_a_deleted_row_is_not_in_the_files_any_more(sqlite_database: TestDatabase) -> None:
    store = sqlite_database.store()
    holder = samples.holder(CANARY)
    with store.begin() as uow:
        uow.holders.put([holder])
        uow.commit()
    assert CANARY.encode() in bytes_of(sqlite_database)
    with store.begin() as uow:
        uow.holders.erase(holder.id)
        uow.commit()
    store.empty_log()
    assert CANARY.encode() not in bytes_of(sqlite_database)
    assert holder.id.encode() not in bytes_of(sqlite_database)


def test_a_reader_only_puts_it_off(sqlite_database: TestDatabase) -> None:
    store = sqlite_database.store(busy_timeout_s=0.05)
    with store.begin() as uow:
        uow.holders.put([samples.holder(CANARY)])
        uow.commit()
    with store.read() as reading:
        reading.questions.current()
        assert not store.empty_log()
    assert store.empty_log()
    log = path_of(sqlite_database).with_name("kiosk.db-wal")
    assert log.stat().st_size == 0


def test_log_can_be_emptied_on_either_database(database: TestDatabase) -> None:
    store = database.store()
    store.empty_log()
    assert store.schema_serves()


def bytes_of(database: TestDatabase) -> bytes:
    path = path_of(database)
    return b"".join(each.read_bytes() for each in sorted(path.parent.glob("kiosk.db*")))


def path_of(database: TestDatabase) -> Path:
    url: sa.URL = parse_url(database.url)
    return Path(str(url.database))
