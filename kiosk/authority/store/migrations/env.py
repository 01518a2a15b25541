"""Alembic's entry: the connection comes from ``store.schema``, inside a transaction."""

from __future__ import annotations

from alembic import context

from kiosk.authority.store.tables import TableRow

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=TableRow.metadata,
    render_as_batch=True,
)
context.run_migrations()
