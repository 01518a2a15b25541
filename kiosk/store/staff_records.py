"""The records of RA staff and of what they leave behind."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from kiosk.roles import Role

__all__ = ["ActionNote", "PolicySetting", "Role", "StaffKey", "StaffMember"]


@dataclass(frozen=True, slots=True)
class StaffMember:
    """One member of staff; ``removed_at`` marks one who may not log in any more.

    ``revision`` grows with every change: a change that was decided on an older one loses.
    """

    id: str
    name: str
    role: Role
    added_at: datetime
    removed_at: datetime | None = None
    revision: int = 0


@dataclass(frozen=True, slots=True)
class StaffKey:
    """One SSH public key; ``fingerprint`` as OpenSSH writes it, ``SHA256:...``.

    ``public_key`` is its type and base64 body, as a line of an ``authorized_keys`` file
    begins; ``label`` is its comment.
    """

    fingerprint: str
    staff_id: str
    public_key: str
    label: str
    added_at: datetime


@dataclass(frozen=True, slots=True)
class PolicySetting:
    """One policy setting that staff changed: ``value`` as JSON, None: the file's counts again."""

    name: str
    value: str | None
    changed_at: datetime
    changed_by: str
    note_id: str
    revision: int = 0


@dataclass(frozen=True, slots=True)
class ActionNote:
    """Why staff acted, in their own words; apart from the audit, so that it can be erased.

    The audit keeps its salted digest: a note that was altered afterwards shows.
    """

    id: str
    holder_id: str | None
    at: datetime
    reason: str
    identified_by: str
    salt: str = field(repr=False)
