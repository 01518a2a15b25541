"""What a walk knows of a code: how it came to the holder, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from kiosk.authority.administration.views import IssuedCode
from kiosk.contract.messages import Factor
from kiosk.contract.policy import Policy
from kiosk.contract.sensitive import Sensitive


@dataclass
class Code:
    """A code that went out: when, and what had been proven by then; ``given`` by staff or not."""

    code: Sensitive
    at: datetime
    basis: tuple[Factor, ...] = ()
    given: IssuedCode | None = None
    withdrawn: bool = False
    released: int = 0

    def is_good(self, now: datetime, policy: Policy) -> bool:
        """Tell whether it may be entered, as far as this code alone is concerned."""
        alive = now < self.at + policy.code_life
        return alive and not self.withdrawn and not self.released
