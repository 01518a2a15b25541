"""Two neighbouring releases on one database: each writes all that it can, and the other serves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.support.database import PostgresServer
from tests.support.next_release import NEXT, ROOT, TABLES, Release, next_release

pytestmark = pytest.mark.postgresql

SOUND: dict[str, object] = {"altered": [], "refused": [], "fault": None}


def rows(url: str, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(query.encode()).fetchall()


def remarks(url: str) -> int:
    """How many rows have what the older release does not know."""
    each = [f"SELECT remark FROM {table} WHERE remark IS NOT NULL" for table in TABLES]
    each.append("SELECT how FROM visit WHERE how = 'moved'")
    return len(rows(url, " UNION ALL ".join(each)))


def test_two_releases_each_serve_whom_the_other_has_written(
    postgres_server: PostgresServer, tmp_path: Path
) -> None:
    url = postgres_server.fresh()
    older = Release(ROOT, tmp_path, url)
    newer = Release(next_release(tmp_path / "next"), tmp_path, url)
    now: dict[str, str] = {}

    def served_by(server: Release, made: dict[str, Any]) -> None:
        served = server.does("serve", made)
        assert {name: served[name] for name in SOUND} == SOUND
        now["now"] = served["now"]

    made = older.does("write", {"mark": "1"})
    assert newer.does("migrate")["revision"] == NEXT
    served_by(newer, made)
    served_by(older, newer.does("write", {"mark": "2", **now}))
    served_by(newer, older.does("write", {"mark": "3", **now}))
    assert rows(url, "SELECT count(*) FROM arrival") != [(0,)]
    assert rows(url, "SELECT count(*) FROM audit_event WHERE kind = 'arrived'") != [(0,)]
    assert remarks(url) == 0

    assert newer.does("finish", now)["raised"]
    made = newer.does("write", {"mark": "4", **now})
    assert remarks(url) > 50
    assert "as old as this one" in older.does("try_visit", made)["away"]
    served_by(newer, made)


def test_release_that_does_not_wait_has_its_people_refused_by_the_older(
    postgres_server: PostgresServer, tmp_path: Path
) -> None:
    """What the waiting is for: without it the older release takes each row for altered."""
    url = postgres_server.fresh()
    older = Release(ROOT, tmp_path, url)
    newer = Release(next_release(tmp_path / "next", waits=False), tmp_path, url)
    older.does("write", {"mark": "1"})
    newer.does("migrate")
    made = newer.does("write", {"mark": "2"})
    assert remarks(url) > 50
    with pytest.raises(AssertionError, match="RECORD_ALTERED"):
        older.does("serve", made)
