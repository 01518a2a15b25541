"""Who is at the door: the key that OpenSSH let in, matched to a member of staff, audited."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from kiosk.administration.free_text import cleaned
from kiosk.administration.kinds import StaffKind
from kiosk.administration.public_keys import fingerprint_of
from kiosk.administration.views.acting import Actor
from kiosk.authority.audit import AuditKind, altered
from kiosk.dialogue import VisitId
from kiosk.errors import NotPermitted, NotTaken, RowAltered
from kiosk.reference import reference_of
from kiosk.store.database import Store
from kiosk.store.records import Scalar, new_id

VARIABLE = "SSH_USER_AUTH"
"""Names the file in which sshd tells how its user logged in (ExposeAuthInfo, sshd_config(5))."""

_LONGEST = 64 * 1024


def key_at_the_door(environ: Mapping[str, str]) -> str:
    """Return the fingerprint of the key that logged in.

    Raises ``NotPermitted`` unless sshd names exactly one public key: nothing else, and
    nothing beside it, is a way in.
    """
    named = environ.get(VARIABLE, "")
    if not named:
        raise NotPermitted("Log in by SSH: this opens only for the key that logged in.")
    try:
        with Path(named).open(encoding="ascii") as file:
            lines = file.read(_LONGEST).splitlines()
    except (OSError, UnicodeDecodeError):
        raise NotPermitted("It cannot be told which key logged in.") from None
    return _fingerprint(lines)


def _fingerprint(lines: list[str]) -> str:
    words = lines[0].split(" ") if len(lines) == 1 else []
    if len(words) != 3 or words[0] != "publickey":
        raise NotPermitted("Log in with one SSH key, and with nothing else.")
    try:
        return fingerprint_of(words[2])
    except NotTaken:
        raise NotPermitted("It cannot be told which key logged in.") from None


def admit(store: Store, fingerprint: str, source: str = "") -> Actor:
    """Let the member of staff with this key in; ``source`` is the address they come from.

    Raises ``NotPermitted`` for anybody else. Either is audited, and so is a record of staff
    that was altered outside of the service.
    """
    try:
        return _admit(store, fingerprint, source)
    except RowAltered as error:
        reference = record_altered(store, error, {"key": fingerprint, "from": source})
    raise NotPermitted(
        f"The records of staff are not right (reference {reference}). Please tell the service's "
        "administrator: `kiosk doctor` says what was altered."
    )


def record_altered(store: Store, error: RowAltered, more: dict[str, Scalar]) -> str:
    """Tell the audit of an altered row that staff came upon; return the reference."""
    reference = reference_of(VisitId(new_id()))
    with store.begin() as uow:
        detail = more | altered(error)
        uow.audit.append(kind=AuditKind.ROW_ALTERED.value, reference=reference, detail=detail)
        uow.commit()
    return reference


def _admit(store: Store, fingerprint: str, source: str) -> Actor:
    with store.begin() as uow:
        member = uow.staff.by_key(fingerprint)
        kind = StaffKind.LOGGED_IN if member else StaffKind.TURNED_AWAY
        detail: dict[str, Scalar] = {"key": fingerprint, "from": cleaned(source)}
        reference = reference_of(VisitId(new_id()))
        actor = member.id if member else None
        uow.audit.append(kind=kind.value, reference=reference, actor=actor, detail=detail)
        uow.commit()
    if member is None:
        raise NotPermitted(
            f"This key belongs to no member of staff (reference {reference}). "
            "Ask a manager of the Registration Authority to add it."
        )
    return Actor(member.name, member.role, member.id, fingerprint)


def turn_away(store: Store, because: str, source: str = "") -> None:
    """Write down that somebody came without a key that could be told."""
    with store.begin() as uow:
        uow.audit.append(
            kind=StaffKind.TURNED_AWAY.value,
            reference=reference_of(VisitId(new_id())),
            detail={"because": because, "from": cleaned(source)},
        )
        uow.commit()


def see_off(store: Store, actor: Actor, how: str) -> None:
    """Write down that a session ended, and ``how``."""
    with store.begin() as uow:
        uow.audit.append(
            kind=StaffKind.LOGGED_OUT.value,
            reference=reference_of(VisitId(new_id())),
            actor=actor.staff_id,
            detail={"key": actor.key, "how": how},
        )
        uow.commit()
