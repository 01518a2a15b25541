"""What waits for a second member of staff."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from kiosk.roles import Action


@dataclass(frozen=True, slots=True)
class ProposalLine:
    """One act that waits: what it would do, to whom, and who proposed it, when and why.

    ``about`` names the person or the member of staff; it is empty where it is neither.
    ``why_not`` says why the one who looks cannot agree; empty: they can.
    """

    proposal_id: str
    action: Action
    told: str
    holder_id: str
    about: str
    proposed_by: str
    proposed_at: datetime
    expires_at: datetime
    reason: str
    identified_by: str
    reference: str
    is_mine: bool = False
    why_not: str = ""
