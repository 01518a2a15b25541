"""Codes that staff gave by word of mouth, to somebody who cannot read their email.

Such a code replaces the mailed one and nothing else: it carries no answers, no visit resumes by it,
and it is valid only as long as those who gave it may give codes.
"""

from __future__ import annotations

from datetime import timedelta

from kiosk.authority.roles import Action, may
from kiosk.authority.store.database import UnitOfWork
from kiosk.authority.store.records import EmailCode, Scalar

ASSISTED_LIFE = timedelta(minutes=15)
"""How long one is valid, and how long it waits for a second member of staff before that."""


def is_assisted(code: EmailCode) -> bool:
    """Return whether staff gave it."""
    return code.issued_by is not None


def is_vouched_for(uow: UnitOfWork, code: EmailCode) -> bool:
    """Return whether everybody who gave a code, or agreed to it, may still do so.

    A mailed code needs nobody. The code of a former member of staff may be the reason for their
    dismissal, and the key with which one was given has to be theirs still.
    """
    if code.issued_key:
        key = uow.staff.key(code.issued_key)
        if key is None or key.staff_id != code.issued_by:
            return False
    for who, action in (code.issued_by, Action.ISSUE_CODE), (code.agreed_by, Action.AGREE_CODE):
        # Nobody recorded gave it on the command line, with control of the machine.
        member = uow.staff.get(who) if who is not None else None
        if member is not None and (member.removed_at is not None or not may(member.role, action)):
            return False
    return True


def given_by(code: EmailCode) -> dict[str, Scalar]:
    """Return what the audit adds to each row about a code that staff gave: who gave it."""
    givers = {"given_by": code.issued_by, "agreed_by": code.agreed_by}
    return {part: who for part, who in givers.items() if who is not None}
