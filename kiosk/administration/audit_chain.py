"""Verifying the audit: its hashes, the MACs of its rows, and the anchors of its head.

An anchor in the database itself is only as safe as the database. So anchors are also
written out, one JSON object a line, to be kept where the database's owner cannot reach.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path

from kiosk.administration.progress import Progress, unseen
from kiosk.errors import ConfigError
from kiosk.secrets.anchors import AnchorSigner, AnchorVerifier
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
    anchors = _with_own(uow, elsewhere)
    return uow.audit.verify(progress=progress, anchors=anchors, check=signer.check)


def verify_without_key(
    store: Store,
    public_keys: Mapping[str, bytes],
    elsewhere: Iterable[AuditAnchor] = (),
    progress: Progress = unseen,
) -> AuditVerdict:
    """Do the same as somebody does who has no key: the rows' MACs are not checked.

    ``public_keys`` check the signatures of anchors; where there are none, nobody checks them.
    """
    check = AnchorVerifier(public_keys).check if public_keys else None
    with store.read() as uow:
        anchors = _with_own(uow, elsewhere)
        return uow.audit.verify(progress=progress, anchors=anchors, check=check, keyed=False)


def _with_own(uow: UnitOfWork, elsewhere: Iterable[AuditAnchor]) -> list[AuditAnchor]:
    return sorted({*elsewhere, *uow.audit.anchors()}, key=lambda anchor: anchor.seq)


def public_key_lines(signer: AnchorSigner) -> tuple[str, ...]:
    """Write the public keys that check anchors, a key id and 64 hexadecimal digits a line."""
    return tuple(f"{key_id} {raw.hex()}" for key_id, raw in signer.public_keys().items())


def read_public_keys(path: Path) -> dict[str, bytes]:
    """Read public keys that were written out; raises ``ConfigError`` naming the line."""
    keys = {}
    for number, line in enumerate(_lines("public keys", path), start=1):
        key_id, _, digits = line.strip().partition(" ")
        try:
            keys[key_id] = bytes.fromhex(digits)
            AnchorVerifier({key_id: keys[key_id]})
        except ValueError:
            raise ConfigError(f"public keys {path}: line {number} is not a key") from None
    return keys


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
    """Read anchors that were written out; raises ``ConfigError`` naming the line.

    A line of the log serves as it is: what stands before the anchor is not looked at.
    """
    return tuple(
        _anchor(path, number, line)
        for number, line in enumerate(_lines("anchors", path), start=1)
        if line.strip()
    )


def _lines(what: str, path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "is not text"
        raise ConfigError(f"{what} {path}: {reason}") from None


def _anchor(path: Path, number: int, line: str) -> AuditAnchor:
    try:
        read = json.loads(line[line.index("{") :])
        return AuditAnchor(
            seq=int(read["seq"]),
            hash=str(read["hash"]),
            signed_at=datetime.fromisoformat(read["signed_at"]),
            signature=bytes.fromhex(read["signature"]),
            key_id=str(read["key_id"]),
        )
    except (ValueError, KeyError, TypeError):
        raise ConfigError(f"anchors {path}: line {number} is not an anchor") from None
