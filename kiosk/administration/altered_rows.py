"""Looking at every row that has a MAC, and taking an altered one as it is."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field

from kiosk.administration.doctor import Finding, fail, ok, warn
from kiosk.administration.free_text import need_words
from kiosk.administration.office import LONGEST_REASON, SHORTEST_REASON
from kiosk.errors import NothingThere, NotTaken
from kiosk.store.database import Store
from kiosk.store.records import Scalar, new_id
from kiosk.store.repositories.mac_rows import TABLES, Piece, RowKey
from kiosk.store.repositories.staff import note_digest
from kiosk.store.staff_records import ActionNote

ROWS_A_PIECE = 500
_NAMED = 5
_PART = "records"


@dataclass(slots=True)
class Sweep:
    """How many rows there are, and which of them do not fit their MACs, as table and key."""

    rows: int = 0
    altered: list[tuple[str, str]] = field(default_factory=list)


def sweep(store: Store) -> Sweep:
    """Look at every row; each piece is read by itself, so nobody waits for all of it."""
    found = Sweep()
    for table in TABLES:
        for piece in _pieces(store, table):
            found.rows += piece.rows
            found.altered += [(table, row) for row in piece.altered]
    return found


def check_rows(store: Store) -> Finding:
    """Does every row that grants access fit its MAC."""
    found = sweep(store)
    if found.altered:
        named = ", ".join(f"{table} {row}" for table, row in found.altered[:_NAMED])
        more = f" and {len(found.altered) - _NAMED} more" if len(found.altered) > _NAMED else ""
        text = f"{len(found.altered)} were altered outside of the service: {named}{more}"
        return fail(_PART, text, "compare them with a backup; see `kiosk rows --help`")
    with store.read() as uow:
        older = uow.mac_rows.made_otherwise(store.macs.current_key_id)
    if older:
        advice = "run `kiosk keys rotate --purpose row-mac`"
        return warn(_PART, f"{older} of {found.rows} have a MAC of an older key", advice)
    return ok(_PART, f"{found.rows} fit their MACs")


def accept(store: Store, table: str, row: str, actor: str, reason: str) -> None:
    """Take an altered row as it is; audited. Raises ``NothingThere`` and ``NotTaken``."""
    if not SHORTEST_REASON <= len(reason) <= LONGEST_REASON or not reason.isprintable():
        raise NotTaken("reason", f"say why, in {SHORTEST_REASON} to {LONGEST_REASON} characters")
    need_words("reason", reason)
    if table not in TABLES:
        raise NothingThere(f"no table {table!r} has rows with MACs; they are {', '.join(TABLES)}")
    with store.begin() as uow:
        if not uow.mac_rows.accept(table, row):
            raise NothingThere(f"there is no row {row!r} in {table}")
        note = ActionNote(new_id(), None, uow.now, reason, "", secrets.token_hex(16))
        uow.notes.add(note)
        detail: dict[str, Scalar] = {
            "table": table,
            "row": row,
            "note": note.id,
            "note_sha256": note_digest(note),
        }
        uow.audit.append(kind="row-accepted", reference="", actor=actor, detail=detail)
        uow.commit()


def _pieces(store: Store, table: str) -> Iterator[Piece]:
    after: RowKey | None = None
    while True:
        with store.read() as uow:
            piece = uow.mac_rows.check(table, after, ROWS_A_PIECE)
        yield piece
        if piece.last is None:
            return
        after = piece.last
