"""Verifying the audit and every other row that has a MAC; accepting an altered row.

The audit is verified by its hashes, the MACs of its rows, and the anchors of its heads.

An anchor in the database is only as safe as the database. Anchors are therefore also exported, one
JSON object a line, to be kept where the database's owner has no access.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from kiosk.authority.administration.fields import read_reason
from kiosk.authority.administration.views import Progress, unseen
from kiosk.authority.audit import put_back
from kiosk.authority.audit.anchors import AnchorSigner, AnchorVerifier
from kiosk.authority.audit.events import ServiceKind
from kiosk.authority.errors import NotFound
from kiosk.authority.records import ActionNote, AuditAnchor, AuditVerdict, new_id
from kiosk.authority.store.database import Store
from kiosk.authority.store.repositories.mac_rows import TABLES, RowKey
from kiosk.authority.wording import numbered
from kiosk.contract.errors import ConfigError
from kiosk.contract.findings import Finding, fail, ok, warn

# Checking every row that has a MAC, and accepting an altered one.

ROWS_A_PIECE = 500
_RESTORE = (
    "restore the newest copy of the key file; only if no copy ever had that key were they altered"
)
_NAMED = 5
_LONGEST = 40
"""Of the name of a key: a row may name anything."""
RECORDS = "records"


@dataclass(slots=True)
class RowSweep:
    """How many rows there are, and which of them do not match their MACs, as table and key.

    ``unknown`` are those of them whose MAC names a key that the key file does not hold, with it.
    """

    rows: int = 0
    altered: list[tuple[str, str]] = field(default_factory=list)
    unknown: dict[tuple[str, str], str] = field(default_factory=dict)

    def findings(self) -> Iterator[tuple[str, str]]:
        """Yield what was found and the advice: altered rows, and those of a key that is missing."""
        if altered := [row for row in self.altered if row not in self.unknown]:
            text = f"{numbered(len(altered), 'was', 'were')} altered outside of the service"
            yield f"{text}: {_first(altered)}", "compare with a backup; see `kiosk rows --help`"
        if self.unknown:
            names = ", ".join(repr(key[:_LONGEST]) for key in sorted(set(self.unknown.values())))
            lacks = f"a MAC of a key that the key file lacks ({names})"
            yield (
                f"{numbered(len(self.unknown), 'has', 'have')} {lacks}: {_first(self.unknown)}",
                _RESTORE,
            )


def _first(rows: Iterable[tuple[str, str]]) -> str:
    names = [f"{table} {row}" for table, row in rows]
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def sweep(store: Store) -> RowSweep:
    """Check every row; each piece is one read, so that nobody waits for all of it."""
    found = RowSweep()
    for table in TABLES:
        after: RowKey | None = None
        while True:
            with store.read() as uow:
                piece = uow.mac_rows.check(table, after, ROWS_A_PIECE)
            found.rows += piece.rows
            found.altered += [(table, row) for row in piece.altered]
            found.unknown |= {(table, row): key for row, key in piece.unknown.items()}
            if piece.last is None:
                break
            after = piece.last
    return found


def check_rows(store: Store) -> Finding:
    found = sweep(store)
    if found.altered:
        texts, advices = zip(*found.findings(), strict=True)
        return fail(RECORDS, "; ".join(texts), "; ".join(advices))
    if older := put_back.find(store):
        rows = _first((error.table, error.row) for error in older)
        text = f"{numbered(len(older), 'says', 'say')} less than the audit: {rows}"
        advice = "somebody put back an older one, or deleted one: see `kiosk rows --help`"
        return fail(RECORDS, text, advice)
    with store.read() as uow:
        past = uow.mac_rows.made_by(store.macs.current_key_id, others=True)
    if past:
        advice = "run `kiosk keys rotate --purpose row-mac`"
        return warn(RECORDS, f"{past} of {found.rows} have a MAC of an older key", advice)
    return ok(RECORDS, f"{found.rows} fit their MACs")


def accept(store: Store, table: str, row: str, actor: str, reason: str) -> None:
    """Accept an altered row; audited. Raises ``NotFound`` and ``NotTaken``."""
    reason = read_reason("reason", reason)
    if table not in TABLES:
        raise NotFound(f"no table {table!r} has rows with MACs; they are {', '.join(TABLES)}")
    with store.begin() as uow:
        if not uow.mac_rows.accept(table, row):
            raise NotFound(f"there is no row {row!r} in {table}")
        note = ActionNote(new_id(), None, uow.now, reason)
        uow.notes.add(note)
        uow.audit.append(
            kind=ServiceKind.ROW_ACCEPTED.value,
            reference="",
            actor=actor,
            detail={"table": table, "row": row, **note.named()},
        )
        uow.commit()


def verify_audit(
    store: Store,
    signer: AnchorSigner,
    elsewhere: Iterable[AuditAnchor] = (),
    progress: Progress = unseen,
) -> AuditVerdict:
    """Walk every chain; they have to fit the anchors ``elsewhere`` and those in the database.

    Progress is in rows. The verdict names the first row that does not fit.
    """
    with store.read() as uow:
        return uow.audit.verify(progress=progress, elsewhere=elsewhere, check=signer.check)


def verify_without_key(
    store: Store,
    public_keys: Mapping[str, bytes],
    elsewhere: Iterable[AuditAnchor] = (),
    progress: Progress = unseen,
) -> AuditVerdict:
    """Verify without a key: the rows' MACs are not checked.

    ``public_keys`` check the signatures of anchors; without them nobody checks these.
    """
    check = AnchorVerifier(public_keys).check if public_keys else None
    with store.read() as uow:
        return uow.audit.verify(progress=progress, elsewhere=elsewhere, check=check, keyed=False)


def public_key_lines(signer: AnchorSigner) -> tuple[str, ...]:
    """Return the public keys of the anchors, a key id and 64 hexadecimal digits a line."""
    return tuple(f"{key_id} {raw.hex()}" for key_id, raw in signer.public_keys().items())


def read_public_keys(path: Path) -> dict[str, bytes]:
    """Read exported public keys, one at least; raises ``ConfigError`` naming the line."""
    keys: dict[str, bytes] = {}
    for number, line in enumerate(_lines("public keys", path), start=1):
        key_id, _, digits = line.strip().partition(" ")
        try:
            keys[key_id] = bytes.fromhex(digits)
            AnchorVerifier({key_id: keys[key_id]})
        except ValueError:
            raise ConfigError(f"public keys {path}: line {number} is not a key") from None
    if not keys:
        raise ConfigError(f"public keys {path}: there is none in it")
    return keys


def anchor_line(anchor: AuditAnchor) -> str:
    return json.dumps(
        {
            "seq": anchor.seq,
            "hash": anchor.hash,
            "signed_at": anchor.signed_at.isoformat(),
            "key_id": anchor.key_id,
            "signature": anchor.signature.hex(),
        }
    )


def read_anchors(path: Path, *, none_yet: bool = False) -> tuple[AuditAnchor, ...]:
    """Read exported anchors; raises ``ConfigError`` naming the line.

    A line of the log works as well: the text before the anchor is ignored. A file without any is an
    error, as it shows nothing, unless it is yet to be filled (``none_yet``).
    """
    lines = _lines("anchors", path)
    found = tuple(
        _anchor(path, number, line, is_last=number == len(lines))
        for number, line in enumerate(lines, start=1)
        if line.strip()
    )
    if not (found or none_yet):
        reason = "there is none in it; give the file that was kept, or leave --anchors out"
        raise ConfigError(f"anchors {path}: {reason}")
    return found


def _lines(what: str, path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8-sig").splitlines()  # some editors put a mark first
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "is not text in UTF-8"
        raise ConfigError(f"{what} {path}: {reason}") from None


def _anchor(path: Path, number: int, line: str, *, is_last: bool) -> AuditAnchor:
    try:
        read = json.loads(line[line.index("{") :])
        if "message" in read:
            return _anchor(path, number, read["message"], is_last=is_last)
        return AuditAnchor(
            seq=int(read["seq"]),
            hash=str(read["hash"]),
            signed_at=datetime.fromisoformat(read["signed_at"]),
            signature=bytes.fromhex(read["signature"]),
            key_id=str(read["key_id"]),
        )
    except (ValueError, KeyError, TypeError):
        cut = "; where it was cut off, delete it: `kiosk audit anchor --out` adds it again"
        text = f"anchors {path}: line {number} is not an anchor{cut if is_last else ''}"
        raise ConfigError(text) from None
