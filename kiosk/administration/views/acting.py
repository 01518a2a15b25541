"""Who acts, on what grounds, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass

from kiosk.roles import Role


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks: a member of staff, by the key that logged in, or whoever runs a command.

    ``staff_id`` is empty for the command line, which whoever holds the machine runs; then
    ``name`` is what the audit shows. ``key`` is the fingerprint, ``SHA256:...``.
    """

    name: str
    role: Role
    staff_id: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True)
class Grounds:
    """Why it is done, and for the actions of ``IDENTIFIES`` how the person was identified."""

    reason: str
    identified_by: str = ""


@dataclass(frozen=True, slots=True)
class Done:
    """What was done, in one plain sentence; ``reference`` finds it in the audit.

    Where it ``waits`` for a second member of staff, nothing was changed yet.
    """

    told: str
    reference: str
    waits: bool = False


@dataclass(frozen=True, slots=True)
class Seen:
    """The person that an action is about, as they were on the screen when it was decided."""

    holder_id: str
    revision: int
