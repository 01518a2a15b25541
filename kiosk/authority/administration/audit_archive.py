"""The chains of the audit as a file of JSON lines, which can be verified without the database.

The first line says for each chain after which row it continues, and holds the signed anchor of its
last row; then comes each row as it is stored, one a line, chain by chain. The public keys of the
anchors therefore show that no row was changed, added or left out between the two, for as long as
the file is kept.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import IO, Any, Final

from kiosk.authority.administration.files import recorded, write_file
from kiosk.authority.administration.views import Progress
from kiosk.authority.audit.anchors import AnchorSigner, AnchorVerifier, newest_good, sign_heads
from kiosk.authority.audit.events import StaffKind, new_reference
from kiosk.authority.audit.rows import chain_of, read_row_name, row_name
from kiosk.authority.crypto.macs import AuditMacs
from kiosk.authority.records import (
    AuditAnchor,
    AuditFault,
    AuditGap,
    AuditHead,
    AuditQuery,
    AuditVerdict,
    FaultKind,
    GapKind,
    Scalar,
)
from kiosk.authority.store.audit_chain import REDACTED, ChainWalk
from kiosk.authority.store.database import Store, UnitOfWork
from kiosk.authority.store.tables import AuditEventRow
from kiosk.contract.errors import ConfigError

FORMAT: Final = 1
BATCH: Final = 1000


@dataclass(frozen=True, slots=True)
class WrittenArchive:
    """What was written; ``until`` names the last row of each chain."""

    rows: int
    sha256: str
    until: str


@dataclass(frozen=True, slots=True)
class ArchivedChain:
    """The part of a chain that a file holds."""

    after: AuditHead
    anchor: AuditAnchor


def exported_rows(uow: UnitOfWork) -> dict[int, int]:
    """Return the last row of each chain that was written into such a file.

    By the audit's own rows, which nobody can write without its keys. One of a clock that was ahead
    is the newest for years, and so the next ones count as well.
    """
    query = AuditQuery(kind=StaffKind.AUDIT_EXPORTED.value)
    last: dict[int, int] = {}
    before = None
    while events := uow.trail.newest(query, before):
        for event in events:
            names = event.detail.get("chains_until")
            if isinstance(names, str) and uow.audit.is_ours(event.seq):
                for row in map(read_row_name, filter(None, names.split(", "))):
                    if row is not None:
                        last[chain_of(row)] = max(row, last.get(chain_of(row), 0))
                if event.at <= uow.now:
                    return last
        before = events[-1].seq
    return last


def archive_audit(
    store: Store,
    signer: AnchorSigner,
    folder: Path,
    actor: str,
    progress: Progress,
    *,
    whole: bool = False,
) -> tuple[Path, WrittenArchive]:
    """Write a new file from the end of the last one, or ``whole``, to the last rows there are.

    A file that was certainly not audited is deleted. Raises ``AuditNotIntact``, ``NotTaken``.
    """
    sign_heads(store, signer)
    name = f"audit-chain-{store.machine_clock.now().astimezone(UTC):%Y%m%d-%H%M%S}"

    def write(file: IO[bytes]) -> WrittenArchive:
        with store.read() as uow:
            exported = {} if whole else exported_rows(uow)
            return write_archive(uow, signer, file, exported, progress)

    path, written = write_file(folder, name, "jsonl", write)
    detail: dict[str, Scalar] = {
        "file": path.name,
        "rows": written.rows,
        "sha256": written.sha256,
        "chains_until": written.until,
    }
    with recorded(path):
        kind, reference = StaffKind.AUDIT_EXPORTED.value, new_reference()
        store.record_event(kind, actor=actor, reference=reference, detail=detail)
    return path, written


def write_archive(
    uow: UnitOfWork,
    signer: AnchorSigner,
    file: IO[bytes],
    exported: Mapping[int, int],
    progress: Progress,
) -> WrittenArchive:
    """Write what follows the exported rows, up to the last signed row of each chain."""
    digest = sha256()

    def plain(value: bytes | datetime) -> str:
        return value.hex() if isinstance(value, bytes) else value.astimezone(UTC).isoformat()

    def put(line: dict[str, Any]) -> None:
        written = json.dumps(line, separators=(",", ":"), default=plain).encode("ascii") + b"\n"
        digest.update(written)
        file.write(written)

    chains = list[ArchivedChain]()
    for number in uow.audit.chains():
        after = uow.audit.begin(number, uow.audit.gaps(number))
        row = exported.get(number, 0)
        if row > after.seq and (last := uow.audit.get(row)) is not None:
            after = AuditHead(last.seq, last.hash)
        anchor = newest_good(uow, signer, number)
        if anchor is not None and anchor.seq > after.seq:
            chains.append(ArchivedChain(after, anchor))
    total = sum(uow.audit.count_between(one.after.seq, one.anchor.seq) for one in chains)
    put(
        {
            "kiosk_audit": FORMAT,
            "made_at": uow.now,
            "chains": [asdict(one) for one in chains],
            "lost": [asdict(gap) for gap in uow.audit.gaps() if gap.kind is GapKind.RESTORED],
        }
    )
    rows = 0
    for one in chains:
        reached = one.after.seq
        while some := uow.audit.rows(reached, one.anchor.seq, BATCH):
            for each in some:
                put(each.model_dump() | {"at": each.at.isoformat()})
            rows, reached = rows + len(some), some[-1].seq
            progress(rows, total)
    until = {**exported, **{chain_of(one.anchor.seq): one.anchor.seq for one in chains}}
    names = ", ".join(row_name(row) for row in until.values() if row)
    return WrittenArchive(rows, digest.hexdigest(), names)


# Reading one back, without a database.


def verify_archives(
    paths: Iterable[Path], verifier: AnchorVerifier | AnchorSigner, macs: AuditMacs | None
) -> tuple[AuditVerdict, tuple[str, ...]]:
    """Walk the chains of some files, the oldest first; each continues where the one before ended.

    Return the verdict, and for each chain the first and last row. ``macs``: None checks the hashes
    and the signatures only. Raises ``ConfigError`` for any other file.
    """
    files = [_File(path) for path in paths]
    redacted = frozenset(row for file in files for row in file.redacted())
    begins: dict[int, AuditHead] = {}
    ends: dict[int, AuditHead] = {}
    rows = anchors = 0
    fault: AuditFault | None = None
    for file in files:
        lost = [gap for gap in file.lost if verifier.check(gap)]
        walks = {
            chain_of(one.anchor.seq): ChainWalk(
                AuditHead(one.anchor.seq, one.anchor.hash),
                [one.anchor],
                verifier.check,
                one.after,
                macs,
                redacted,
                lost,
            )
            for one in file.chains
        }
        fault = _discontinued(file, ends) or _walked(file, walks)
        rows += sum(walk.rows for walk in walks.values())
        anchors += sum(walk.anchors_seen for walk in walks.values())
        if fault is not None:
            break
        for one in file.chains:
            begins.setdefault(chain_of(one.anchor.seq), one.after)
        ends |= {chain: walk.last for chain, walk in walks.items()}
    parts = tuple(
        f"{row_name(begins[chain].seq + 1)} to {row_name(end.seq)}" for chain, end in ends.items()
    )
    return AuditVerdict(rows, anchors, rows, fault, macs is not None), parts


class _File:
    """One file; its rows are read on demand."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with path.open("rb") as file:
                first = json.loads(file.readline(), object_pairs_hook=_once)
            if first["kiosk_audit"] != FORMAT:
                raise ConfigError(f"{path} was written by another version of this program")
            self.chains = tuple(
                ArchivedChain(AuditHead(**one["after"]), _signed(AuditAnchor, one["anchor"]))
                for one in first["chains"]
            )
            self.lost = tuple(_signed(AuditGap, one) for one in first["lost"])
        except OSError as error:
            raise ConfigError(f"{path}: {error.strerror}") from None
        except (ValueError, KeyError, TypeError):
            raise ConfigError(f"{path} is no export of the audit's chains") from None
        if len({chain_of(one.anchor.seq) for one in self.chains}) < len(self.chains):
            # One entry would be walked, and the other shown.
            raise ConfigError(f"{path} is no export of the audit's chains: it names one twice")

    def rows(self) -> Iterator[AuditEventRow]:
        """Read them; raises ``ConfigError`` naming the line."""
        with self.path.open("rb") as file:
            next(file)
            for number, line in enumerate(file, start=2):
                try:
                    fields = json.loads(line, object_pairs_hook=_once)
                    if not fields.keys() <= AuditEventRow.model_fields.keys():
                        raise ValueError  # noqa: TRY301 - nothing would verify it
                    at = datetime.fromisoformat(fields["at"])
                    row = AuditEventRow(**{**fields, "at": at})
                    chain_of(row.seq), at.astimezone(UTC)
                except (ValueError, KeyError, TypeError):
                    where = f"{self.path}: line {number}"
                    raise ConfigError(f"{where} is no row of the audit") from None
                yield row

    def redacted(self) -> Iterator[int]:
        """Return the rows that it records as redacted."""
        for row in self.rows():
            if row.kind == REDACTED and row.detail:
                detail = json.loads(row.detail)
                if detail.get("what") == "detail" and isinstance(detail.get("row"), int):
                    yield detail["row"]


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object of JSON; ``ValueError`` for a name twice: a reader may take the other."""
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise ValueError
    return fields


def _signed(kind: type[Any], fields: Mapping[str, Any]) -> Any:
    read: dict[str, Any] = {
        **fields,
        "signed_at": datetime.fromisoformat(fields["signed_at"]),
        "signature": bytes.fromhex(fields["signature"]),
    }
    if kind is AuditGap:
        read["kind"] = GapKind(fields["kind"])
    return kind(**read)


def _discontinued(file: _File, ends: Mapping[int, AuditHead]) -> AuditFault | None:
    for one in file.chains:
        end = ends.get(chain_of(one.anchor.seq), one.after)
        if one.after.seq < end.seq:
            first = row_name(one.after.seq + 1)
            because = (
                f"{file.path} begins at row {first}, which a file before it has, too: name the "
                "oldest first, and leave out one whose rows another has: it was cut short before "
                "the audit had it, or two were made at once"
            )
            return AuditFault(FaultKind.ADDED, one.after.seq + 1, because)
        if end != one.after:
            first = row_name(end.seq + 1)
            because = f"{file.path} does not go on from row {first}, where the file before ended"
            return AuditFault(FaultKind.REMOVED, end.seq + 1, because)
    return None


def _walked(file: _File, walks: Mapping[int, ChainWalk]) -> AuditFault | None:
    for row in file.rows():
        walk = walks.get(chain_of(row.seq))
        if walk is None:
            because = f"row {row_name(row.seq)} is of a chain that the file does not name"
            return AuditFault(FaultKind.ADDED, row.seq, because)
        if (fault := walk.step(row)) is not None:
            return fault
    return next((fault for walk in walks.values() if (fault := walk.finish())), None)
