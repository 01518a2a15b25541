"""Databases of older releases, to be brought up to date."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from kiosk.authority.store.engine import make_sqlite_file, parse_url
from kiosk.authority.store.schema import MIGRATIONS
from tests.support.database import PostgresServer, sqlite_url

DATABASES = ("sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql))


@contextmanager
def older_database(request: pytest.FixtureRequest, tmp_path: Path, revision: str) -> Iterator[str]:
    """Yield the address of an empty database with the schema of ``revision``."""
    if request.param == "sqlite":
        make_sqlite_file(tmp_path / "older.db")
        _upgrade(sqlite_url(tmp_path / "older.db"), revision)
        yield sqlite_url(tmp_path / "older.db")
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    name = f"older_{tmp_path.name[-20:].lower()}"
    server.execute(f"CREATE DATABASE {name}")
    _upgrade(server.url(name), revision)
    yield server.url(name)
    server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _upgrade(url: str, revision: str) -> None:
    engine = sa.create_engine(parse_url(url), poolclass=sa.NullPool)
    with engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
