"""The login of staff: the key that OpenSSH accepted, matched to a member of staff, audited."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_ssh_public_key

from kiosk.authority.administration.fields import cleaned
from kiosk.authority.administration.views import Actor
from kiosk.authority.audit.events import AuditKind, StaffKind, altered, new_reference
from kiosk.authority.audit.put_back import member_by_key
from kiosk.authority.errors import NotPermitted, NotTaken, RowAltered
from kiosk.authority.records import Scalar
from kiosk.authority.refusals import (
    KeyOfNobody,
    LoginNeedsSecurityKey,
    NothingForRole,
    PlainRefusal,
    RsaKeyTooShort,
    StaffRecordsAltered,
)
from kiosk.authority.roles import Action, may
from kiosk.authority.store.database import Store
from kiosk.authority.store.key_lookup import lets_in

# SSH public keys: parsed strictly from what staff paste, and identified by fingerprint.

FIELD: Final = "public_key"
LONGEST_KEY: Final = 8192
FEWEST_RSA_BITS: Final = 3072

KINDS: Final = frozenset(
    {
        "ssh-ed25519",
        "ssh-rsa",
        "ecdsa-sha2-nistp256",
        "ecdsa-sha2-nistp384",
        "ecdsa-sha2-nistp521",
        "sk-ssh-ed25519@openssh.com",
        "sk-ecdsa-sha2-nistp256@openssh.com",
    }
)
"""The kinds with which staff may log in; ``sk-`` ones live in a hardware token."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """One key: ``body`` is its base64, ``label`` its comment, ``fingerprint`` ``SHA256:...``."""

    kind: str
    body: str
    label: str
    fingerprint: str

    @property
    def line(self) -> str:
        """The key as ``authorized_keys`` has it, without its label."""
        return f"{self.kind} {self.body}"


def read_public_key(text: str) -> PublicKey:
    """Read one line of a ``.pub`` file; raises ``NotTaken`` that says what is wrong."""
    line = text.removeprefix("\ufeff").strip()  # some editors put this mark first
    if "PRIVATE KEY" in line:
        raise NotTaken(FIELD, PlainRefusal.PRIVATE_KEY)
    if "\n" in line or len(line) > LONGEST_KEY:
        raise NotTaken(FIELD, PlainRefusal.NOT_ONE_KEY)
    words = line.split(None, 2)
    if len(words) < 2 or words[0] not in KINDS:
        raise NotTaken(FIELD, PlainRefusal.KEY_WITHOUT_KIND)
    kind, body = words[0], words[1]
    try:
        key = load_ssh_public_key(f"{kind} {body}".encode())
    except (ValueError, UnsupportedAlgorithm, NotImplementedError):  # the last: half a point
        raise NotTaken(FIELD, PlainRefusal.KEY_DAMAGED) from None
    if isinstance(key, RSAPublicKey) and key.key_size < FEWEST_RSA_BITS:
        raise NotTaken(FIELD, RsaKeyTooShort(FEWEST_RSA_BITS))
    label = words[2] if len(words) > 2 and words[2].isprintable() else ""
    return PublicKey(kind, body, label[:80], fingerprint_of(body))


def fingerprint_of(body: str) -> str:
    """Return the fingerprint as OpenSSH writes it; raises ``NotTaken`` for no base64."""
    try:
        key = base64.b64decode(body, validate=True)
    except ValueError:
        raise NotTaken(FIELD, PlainRefusal.KEY_DAMAGED) from None
    digest = base64.b64encode(hashlib.sha256(key).digest()).decode("ascii")
    return f"SHA256:{digest.rstrip('=')}"


VARIABLE = "SSH_USER_AUTH"
"""Names the file in which sshd records how its user logged in (ExposeAuthInfo, sshd_config(5))."""

_LONGEST = 64 * 1024


def login_key(environ: Mapping[str, str]) -> str:
    """Return the fingerprint of the key that logged in.

    Raises ``NotPermitted`` unless sshd names exactly one public key and nothing else.
    """
    named = environ.get(VARIABLE, "")
    if not named:
        raise NotPermitted(PlainRefusal.LOGIN_NOT_BY_SSH)
    try:
        with Path(named).open(encoding="ascii") as file:
            lines = file.read(_LONGEST).splitlines()
    except (OSError, UnicodeDecodeError):
        raise NotPermitted(PlainRefusal.LOGIN_KEY_NOT_KNOWN) from None
    words = lines[0].split(" ") if len(lines) == 1 else []
    if len(words) != 3 or words[0] != "publickey":
        raise NotPermitted(PlainRefusal.LOGIN_NOT_BY_ONE_KEY)
    try:
        return fingerprint_of(words[2])
    except NotTaken:
        raise NotPermitted(PlainRefusal.LOGIN_KEY_NOT_KNOWN) from None


def admit(store: Store, fingerprint: str, source: str = "", *, verified: bool = False) -> Actor:
    """Admit the member of staff with this key; ``source`` is the address they come from.

    ``verified``: only by a key in a security key. sshd, which saw the signature, has to ask that
    the user was verified. Raises ``NotPermitted`` for anybody else. Either is audited, and so is an
    altered row of staff.
    """
    reference = new_reference()
    detail: dict[str, Scalar] = {"key": fingerprint, "from": cleaned(source)}
    try:
        with store.begin() as uow:
            member, key = member_by_key(uow, fingerprint), uow.staff.key(fingerprint)
            is_accepted = key is not None and lets_in(key.public_key, verified=verified)
            comes_in = member is not None and is_accepted and may(member.role, Action.SEE_TODAY)
            kind = StaffKind.LOGGED_IN if comes_in else StaffKind.TURNED_AWAY
            actor = member.id if member else None
            uow.audit.append(kind=kind.value, reference=reference, actor=actor, detail=detail)
            uow.commit()
    except RowAltered as error:
        detail |= altered(error)
        store.record_event(AuditKind.ROW_ALTERED.value, reference=reference, detail=detail)
        raise NotPermitted(StaffRecordsAltered(reference)) from None
    if member is None:
        raise NotPermitted(KeyOfNobody(reference))
    if not is_accepted:
        raise NotPermitted(LoginNeedsSecurityKey(reference))
    if not comes_in:
        raise NotPermitted(NothingForRole(member.role, reference))
    return Actor(member.name, member.role, member.id, fingerprint)


def refuse_login(store: Store, because: str, source: str) -> None:
    """Record a login without a key that could be determined."""
    detail = {"because": because, "from": cleaned(source)}
    store.record_event(StaffKind.TURNED_AWAY.value, reference=new_reference(), detail=detail)


def record_logout(store: Store, actor: Actor, how: str) -> None:
    store.record_event(
        StaffKind.LOGGED_OUT.value,
        actor=actor.staff_id,
        reference=new_reference(),
        detail={"key": actor.key, "how": how},
    )
