"""The hand of somebody who owns the database: it changes rows behind the product's back."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from kiosk.authority.audit.rows import chain_of
from kiosk.authority.store.audit_chain import detail_digest, link_hash
from kiosk.authority.store.engine import parse_url
from kiosk.authority.store.tables import (
    AuditAnchorRow,
    AuditEventRow,
    AuditGapRow,
    AuditHeadRow,
    TableRow,
)
from tests.support.database import TestDatabase

EVENT = AuditEventRow.metadata.tables["audit_event"]
NOTE = AuditEventRow.metadata.tables["action_note"]
HEAD = AuditHeadRow.metadata.tables["audit_head"]
ANCHOR = AuditAnchorRow.metadata.tables["audit_anchor"]
GAP = AuditGapRow.metadata.tables["audit_gap"]

SQLITE_TRIGGERS = [
    f"DROP TRIGGER {table}_no_{act}"
    for table in ("audit_event", "audit_anchor", "audit_gap")
    for act in ("update", "delete", "replace")
]
NO_TRIGGERS = {"options": "-c session_replication_role=replica"}


class Forger:
    """A connection of its own, with the triggers out of the way unless they are kept."""

    def __init__(self, database: TestDatabase, *, keep_triggers: bool = False) -> None:
        on_sqlite = database.dialect == "sqlite"
        arguments = {} if on_sqlite or keep_triggers else NO_TRIGGERS
        self._engine = sa.create_engine(parse_url(database.url), connect_args=arguments)
        if on_sqlite and not keep_triggers:
            self.run(*map(sa.text, SQLITE_TRIGGERS))

    def run(self, *statements: sa.Executable) -> None:
        """Run them in one transaction."""
        with self._engine.begin() as connection:
            for statement in statements:
                connection.execute(statement)

    def change(self, seq: int, /, **columns: Any) -> None:
        """Overwrite columns of one event."""
        self.run(sa.update(EVENT).where(EVENT.c.seq == seq).values(columns))

    def rewrite(self, seq: int, /, **columns: Any) -> None:
        """Overwrite columns of one event and make its own hash fit again."""
        self.change(seq, **columns)
        if "detail" in columns:
            self.change(
                seq, detail_sha256=detail_digest(self.event(seq).salt or "", columns["detail"])
            )
        self.change(seq, hash=link_hash(self.event(seq)))

    def rewrite_from(self, seq: int, /, **columns: Any) -> None:
        """Overwrite columns of one event and recompute every hash from there on, the head's too."""
        self.rewrite(seq, **columns)
        while self.exists(seq + 1):
            seq += 1
            self.rewrite(seq, previous=self.event(seq - 1).hash)
        self.set_head(seq)

    def add(self, like: AuditEventRow, /, **columns: Any) -> None:
        """Put a new row at the end, with a hash and a head that fit."""
        row = like.model_dump() | columns
        row["detail_sha256"] = detail_digest(row["salt"], row["detail"])
        self.run(sa.insert(EVENT).values(row))
        self.rewrite(row["seq"], kind=row["kind"])
        self.set_head(row["seq"])

    def dump(self) -> str:
        """Return all that the tables hold."""
        with self._engine.connect() as connection:
            tables = TableRow.metadata.sorted_tables
            return "\n".join(str(connection.execute(sa.select(each)).all()) for each in tables)

    def redact_notes(self) -> None:
        """Blank every reason as the service does, without a word in the audit."""
        self.run(sa.update(NOTE).values(reason="(redacted)", identified_by="", salt=""))

    def exists(self, seq: int) -> bool:
        """Tell whether there is a row of this number."""
        with self._engine.connect() as connection:
            return (
                connection.execute(sa.select(EVENT).where(EVENT.c.seq == seq)).first() is not None
            )

    def remove(self, *seqs: int) -> None:
        """Delete events."""
        self.run(sa.delete(EVENT).where(EVENT.c.seq.in_(seqs)))

    def move(self, seq: int, to: int) -> None:
        """Give an event another number."""
        self.change(seq, seq=to)

    def swap(self, one: int, other: int) -> None:
        """Exchange the numbers of two events."""
        self.move(one, 999_999)
        self.move(other, one)
        self.move(999_999, other)

    def set_head(self, seq: int, hash_: str | None = None) -> None:
        """Let the row's chain have another head; by default what the row ``seq`` says."""
        said = {"seq": seq, "hash": hash_ or self.event(seq).hash}
        self.run(sa.update(HEAD).where(HEAD.c.chain == chain_of(seq)).values(said))

    def event(self, seq: int) -> AuditEventRow:
        """Return a row as it stands."""
        with self._engine.connect() as connection:
            found = connection.execute(sa.select(EVENT).where(EVENT.c.seq == seq)).one()
        return AuditEventRow(**found._mapping)

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()
