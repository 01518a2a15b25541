"""The records of RA staff and of what they leave behind."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from kiosk.roles import Role

__all__ = [
    "ActionNote",
    "Outcome",
    "PolicySetting",
    "ProposedAct",
    "Role",
    "StaffKey",
    "StaffMember",
]


@dataclass(frozen=True, slots=True)
class StaffMember:
    """One member of staff; ``removed_at`` marks one who may not log in any more.

    ``revision`` grows with every change: a change that was decided on an older one loses.
    ``added_by`` is who let them in, by id, or the command line's name; ``agreed_by`` is the
    second member who agreed to that, empty where nobody had to.
    """

    id: str
    name: str
    role: Role
    added_at: datetime
    removed_at: datetime | None = None
    revision: int = 0
    added_by: str = ""
    agreed_by: str = ""


@dataclass(frozen=True, slots=True)
class StaffKey:
    """One SSH public key; ``fingerprint`` as OpenSSH writes it, ``SHA256:...``.

    ``public_key`` is its type and base64 body, as a line of an ``authorized_keys`` file
    begins; ``label`` is its comment. ``added_by`` and ``agreed_by`` as of a member.
    """

    fingerprint: str
    staff_id: str
    public_key: str
    label: str
    added_at: datetime
    added_by: str = ""
    agreed_by: str = ""


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


class Outcome(StrEnum):
    """What became of a proposed act."""

    WAITING = "waiting"
    AGREED = "agreed"
    DECLINED = "declined"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class ProposedAct:
    """An act of staff that waits for a second member, or did.

    ``act`` names the use case and ``action`` what it asks of a role. ``revision`` is that of
    the subject when it was proposed: of the person, the member of staff or the setting.
    ``parameters`` are sealed, and bound to everything else that decides what is done; they
    are emptied with the decision. ``proposed_by`` and ``decided_by`` are as in the audit.
    """

    id: str
    act: str
    action: str
    holder_id: str | None
    card_id: str | None
    staff_id: str | None
    revision: int
    parameters: bytes = field(repr=False)
    key_id: str
    proposed_by: str
    proposed_key: str
    proposed_at: datetime
    expires_at: datetime
    note_id: str
    reference: str
    outcome: Outcome = Outcome.WAITING
    decided_at: datetime | None = None
    decided_by: str = ""
