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

    @property
    def is_low(self) -> bool:
        """Whether next to nothing may pass: a flood has drained it."""
        self._fill()
        return self._tokens < max(1.0, self._burst / 10)

    def _fill(self) -> None:
        now = self._clock()
        earned = (now - self._filled_at) * self._rate
        self._tokens = min(self._burst, self._tokens + max(0.0, earned))
        self._filled_at = now

    def take(self) -> bool:
        """Say whether one more key may pass."""
        self._fill()
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
