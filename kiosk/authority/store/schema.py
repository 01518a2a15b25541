"""Schema changes, run by the program itself so that an installed copy can migrate."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.util.exc import CommandError
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from kiosk.authority.errors import StoreError
from kiosk.authority.store.engine import translated

MIGRATIONS = Path(__file__).parent / "migrations"


def migrate(engine: Engine) -> str:
    """Run the missing migrations in one transaction, one process at a time; return the revision.

    Raises ``StoreError`` when the database is of a newer program than this.
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
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            return str(MigrationContext.configure(connection).get_current_revision())
    except SQLAlchemyError as error:
        failure = translated(error)
    except CommandError:
        failure = StoreError("the database was made by a newer version of this program", "schema")
    raise failure
