"""Verifying the audit, against the anchors that its head was signed with.

An anchor in the database itself is only as safe as the database. So anchors are also
written out, one JSON object a line, to be kept where the database's owner cannot reach.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from kiosk.administration.progress import Progress, unseen
from kiosk.errors import ConfigError
from kiosk.secrets.anchors import AnchorSigner
from kiosk.store.audit_records import AuditAnchor, AuditVerdict
from kiosk.store.database import Store
from kiosk.store.unit_of_work import UnitOfWork


def verify_audit(
    store: Store,
    signer: AnchorSigner,
    elsewhere: Iterable[AuditAnchor] = (),
    progress: Progress = unseen,
) -> AuditVerdict:
    """Walk the whole chain; it has to fit the anchors ``elsewhere`` and those in the database.

    Progress is told in rows. The verdict names the first row that does not fit.
    """
    with store.read() as uow:
        return verify_within(uow, signer, elsewhere, progress)


def verify_within(
    uow: UnitOfWork, signer: AnchorSigner, elsewhere: Iterable[AuditAnchor], progress: Progress
) -> AuditVerdict:
    """Do that in a unit of work that reads."""
    anchors = sorted({*elsewhere, *uow.audit.anchors()}, key=lambda anchor: anchor.seq)
    return uow.audit.verify(progress=progress, anchors=anchors, check=signer.check)


def anchor_line(anchor: AuditAnchor) -> str:
    """Write an anchor as one line of JSON."""
    return json.dumps(
        {
            "seq": anchor.seq,
            "hash": anchor.hash,
            "signed_at": anchor.signed_at.isoformat(),
            "key_id": anchor.key_id,
            "signature": anchor.signature.hex(),
        }
    )


def read_anchors(path: Path) -> tuple[AuditAnchor, ...]:
    """Read anchors that were written out; raises ``ConfigError`` naming the line."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "is not text"
        raise ConfigError(f"anchors {path}: {reason}") from None
    return tuple(
        _anchor(path, number, line) for number, line in enumerate(lines, start=1) if line.strip()
    )


def _anchor(path: Path, number: int, line: str) -> AuditAnchor:
    try:
        read = json.loads(line)
        return AuditAnchor(
            seq=int(read["seq"]),
            hash=str(read["hash"]),
            signed_at=datetime.fromisoformat(read["signed_at"]),
            signature=bytes.fromhex(read["signature"]),
            key_id=str(read["key_id"]),
        )
    except (ValueError, KeyError, TypeError):
        raise ConfigError(f"anchors {path}: line {number} is not an anchor") from None
