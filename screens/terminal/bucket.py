"""A token bucket: a keyboard types, it does not flood."""

from __future__ import annotations

from collections.abc import Callable

RATE = 30.0
"""Keys a second that go through for as long as one likes."""

BURST = 20
"""Keys that go through at once after a pause."""


class TokenBucket:
    """Lets ``BURST`` keys through at once and ``RATE`` a second after that."""

    def __init__(
        self, clock: Callable[[], float], rate: float = RATE, burst: float = BURST
    ) -> None:
        self._clock = clock
        self._rate = rate
        self._burst = burst
        self._tokens = burst
        self._filled_at = clock()

    def take(self) -> bool:
        """Say whether one more key may pass."""
        now = self._clock()
        earned = (now - self._filled_at) * self._rate
        self._tokens = min(self._burst, self._tokens + max(0.0, earned))
        self._filled_at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
