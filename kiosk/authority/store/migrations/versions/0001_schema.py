"""The whole schema: the tables of ``store.tables``, their first rows and their triggers.

Until version 0.1 is released the tables are made as they stand there. From then on a change is
a migration of its own, and ``alembic revision --autogenerate`` writes out here what was released.
"""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa
from alembic import op

from kiosk.authority.store.tables import TableRow

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    TableRow.metadata.create_all(op.get_bind())
    head = sa.table("audit_head", sa.column("chain"), sa.column("seq"), sa.column("hash"))
    op.execute(head.insert().values(chain=1, seq=0, hash="0" * 64))
    served = sa.table("served_program", sa.column("id"), sa.column("least_program"))
    op.execute(served.insert().values(id=1, least_program=revision))
    on_sqlite = op.get_bind().dialect.name == "sqlite"
    for statement in _sqlite_triggers() if on_sqlite else _postgresql_triggers():
        op.execute(sa.text(statement))


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead: going back would lose rows")


# --- append only -----------------------------------------------------------------------

KEY_OF = {"audit_event": "seq", "audit_anchor": "seq", "audit_gap": "last_row"}

# Rows that a signed gap covers were purged, and may go; of anchors, those before its last row.
# The triggers keep mistakes out. What keeps out somebody who can drop a trigger is the
# signature of the gap, at which a verification looks.
PURGED = {
    "audit_event": "OLD.seq BETWEEN first_row AND last_row",
    "audit_anchor": "OLD.seq >= first_row AND OLD.seq < last_row",
}
IS_PURGED = "EXISTS (SELECT 1 FROM audit_gap WHERE kind = 'purged' AND {})"

REFUSE_ON_SQLITE = "BEGIN SELECT RAISE(ABORT, 'append only'); END"
REFUSE_ON_POSTGRESQL = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'append only' USING ERRCODE = '42501'; END $$
"""
REFUSE_UNLESS_PURGED = """
CREATE FUNCTION {table}_purged() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN
  IF {purged} THEN RETURN OLD; END IF;
  RAISE EXCEPTION 'append only' USING ERRCODE = '42501';
END $$
"""


# Redacting takes a detail and its salt out of a row, and changes nothing else in it.
KEPT_WHEN_REDACTED = (
    "seq", "at", "kind", "reference", "visit_id", "card_id", "holder_id", "station", "actor",
    "detail_sha256", "previous", "hash", "mac", "mac_key",
)  # fmt: skip


def _unless_redacted(same: str) -> str:
    kept = " AND ".join(f"NEW.{name} {same} OLD.{name}" for name in KEPT_WHEN_REDACTED)
    return f"WHEN (NOT (NEW.detail IS NULL AND NEW.salt IS NULL AND {kept}))"


def _sqlite_triggers() -> Iterator[str]:
    for table, key in KEY_OF.items():
        unless = _unless_redacted("IS") if table == "audit_event" else ""
        purged = f"WHEN NOT {IS_PURGED.format(PURGED[table])}" if table in PURGED else ""
        key_exists = f"EXISTS (SELECT 1 FROM {table} WHERE {key} = NEW.{key})"  # noqa: S608 - ours
        moments = {
            "update": f"BEFORE UPDATE ON {table} {unless}",
            "delete": f"BEFORE DELETE ON {table} {purged}",
            # INSERT OR REPLACE would delete without a DELETE trigger.
            "replace": f"BEFORE INSERT ON {table} WHEN {key_exists}",
        }
        for act, moment in moments.items():
            yield f"CREATE TRIGGER {table}_no_{act} {moment} {REFUSE_ON_SQLITE}"


def _postgresql_triggers() -> Iterator[str]:
    yield REFUSE_ON_POSTGRESQL
    acts = {
        "audit_event": "TRUNCATE",
        "audit_anchor": "UPDATE OR TRUNCATE",
        "audit_gap": "UPDATE OR DELETE OR TRUNCATE",
    }
    for table, act in acts.items():
        yield (
            f"CREATE TRIGGER {table}_append_only BEFORE {act} ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
    for table, purged in PURGED.items():
        yield REFUSE_UNLESS_PURGED.format(table=table, purged=IS_PURGED.format(purged))
        yield (
            f"CREATE TRIGGER {table}_only_purged BEFORE DELETE ON {table} "
            f"FOR EACH ROW EXECUTE FUNCTION {table}_purged()"
        )
    yield (
        "CREATE TRIGGER audit_event_only_redacted BEFORE UPDATE ON audit_event "
        f"FOR EACH ROW {_unless_redacted('IS NOT DISTINCT FROM')} EXECUTE FUNCTION refuse_change()"
    )
