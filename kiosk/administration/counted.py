"""What counts as unlocked, registered, refused and failed, by the events that say so."""

from __future__ import annotations

from typing import Final

from kiosk.authority.audit import AuditKind
from kiosk.authority.journal import SettledAs
from kiosk.dialogue import Reason
from kiosk.store.repositories.statistics import Sought

UNLOCKED: Final = (
    Sought(AuditKind.UNBLOCK_DONE),
    Sought(AuditKind.UNBLOCK_SETTLED, "found", SettledAs.DONE.value),
)
"""An unblock whose answer was lost counts when the card shows later that it was done."""

REGISTERED: Final = (Sought(AuditKind.REGISTERED),)

REASON: Final = "reason"
"""Where a refusal's detail says why."""

REFUSED: Final = (Sought(AuditKind.REFUSED), Sought(AuditKind.REFUSED_AT_STATION))

NOT_GENUINE: Final = tuple(Sought(each.kind, REASON, Reason.NOT_GENUINE.value) for each in REFUSED)

FAILED: Final = (
    Sought(AuditKind.ANSWERS_WRONG),
    Sought(AuditKind.CODE_WRONG),
    Sought(AuditKind.UNBLOCK_REFUSED),
    *REFUSED,
)
