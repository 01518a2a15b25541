"""Alembic's entry: the connection comes from ``store.schema``, inside a transaction."""

from __future__ import annotations

from alembic import context

from kiosk.authority.store.tables import Row

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Row.metadata,
    render_as_batch=True,
)
context.run_migrations()
