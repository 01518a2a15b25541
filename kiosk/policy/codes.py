"""When another code may be sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from kiosk.policy.limits import Policy

HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class SendVerdict:
    """``wait`` is zero where a code may go out now; ``too_many`` tells the hour from the gap."""

    wait: timedelta
    too_many: bool = False


def may_send_code(sent: Sequence[datetime], now: datetime, policy: Policy) -> SendVerdict:
    """Judge by the times at which codes for this card went out, in any order."""
    recent = sorted(at for at in sent if at > now - HOUR)
    if len(recent) >= policy.codes_an_hour:
        return SendVerdict(recent[-policy.codes_an_hour] + HOUR - now, too_many=True)
    if recent and now < recent[-1] + policy.code_gap:
        return SendVerdict(recent[-1] + policy.code_gap - now)
    return SendVerdict(timedelta(0))
