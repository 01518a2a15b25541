"""Codes that staff gave by word of mouth, to somebody who cannot read their email.

Such a code stands in for the mailed one and for nothing else: it carries no answers, is
never resumed by, and counts only as long as those who gave it may give codes.
"""

from __future__ import annotations

from datetime import timedelta

from kiosk.roles import Action, may
from kiosk.store.records import Scalar
from kiosk.store.unit_of_work import UnitOfWork
from kiosk.store.visit_records import EmailCode

ASSISTED_LIFE = timedelta(minutes=15)
"""How long one works, and how long it waits for a second member of staff before that."""


def is_assisted(code: EmailCode) -> bool:
    """Tell whether staff gave it."""
    return code.issued_by is not None


def is_vouched_for(uow: UnitOfWork, code: EmailCode) -> bool:
    """Tell whether everybody who gave a code, or agreed to it, may still do so.

    A mailed one needs nobody. A code that somebody gave who is no member of staff any more
    may be what they were sent away for.
    """
    givers = (code.issued_by, Action.ISSUE_CODE), (code.agreed_by, Action.AGREE_CODE)
    return all(_may_still(uow, who, action) for who, action in givers if who is not None)


def given_by(code: EmailCode) -> dict[str, Scalar]:
    """Return what the audit adds to each row about a code that staff gave: who did."""
    givers = {"given_by": code.issued_by, "agreed_by": code.agreed_by}
    return {part: who for part, who in givers.items() if who is not None}


def _may_still(uow: UnitOfWork, who: str, action: Action) -> bool:
    member = uow.staff.get(who)
    if member is None:
        # Given on the command line, which whoever holds the machine runs.
        return True
    return member.removed_at is None and may(member.role, action)
