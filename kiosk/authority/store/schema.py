"""Schema changes, run by the program itself so that an installed copy can migrate."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.util.exc import CommandError
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError

from kiosk.authority.errors import StoreError
from kiosk.authority.store.engine import translated

if TYPE_CHECKING:
    from kiosk.authority.crypto.macs import KeyedRowMacs

MIGRATIONS = Path(__file__).parent / "migrations"

ENDS_VISITS: Final = "0002"
"""The newest migration that no visit outlives: it changes what was passed in one."""


def migrate(
    engine: Engine,
    macs: KeyedRowMacs | None = None,
    end_visits: Callable[[Connection], None] | None = None,
) -> str:
    """Run the missing migrations in one transaction, one process at a time; return the revision.

    ``macs`` check and make those of rows that a migration changes, and ``end_visits`` ends what is
    open where ``ENDS_VISITS`` is among them; a database without rows needs neither. Raises
    ``StoreError`` when the database is of a newer program than this, and ``KeyMissing`` where rows
    change and there are no keys.
    """
    try:
        with engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                # One migration at a time, without a time-out for an index on a large table.
                driver: Any = connection.connection.dbapi_connection
                driver.silent_limit_s = None
                connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
                connection.exec_driver_sql("SELECT pg_advisory_xact_lock(hashtext('kiosk-schema'))")
            config = Config()
            # Alembic reads this as a format string.
            config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
            config.attributes["connection"], config.attributes["macs"] = connection, macs
            before = MigrationContext.configure(connection).get_current_revision()
            command.upgrade(config, "head")
            revision = str(MigrationContext.configure(connection).get_current_revision())
            if before is None:  # no older program can have used it
                least = text("UPDATE served_program SET least_program = :revision")
                connection.execute(least, {"revision": revision})
            elif before < ENDS_VISITS and end_visits is not None:
                end_visits(connection)
            return revision
    except SQLAlchemyError as error:
        failure = translated(error)
    except CommandError:
        failure = StoreError("the database was made by a newer version of this program", "schema")
    raise failure
