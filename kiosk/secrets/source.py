"""Where another unblock secret comes from, when a card is to take one."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Protocol

from kiosk.secrets.deriving import DIGITS, Derivation
from kiosk.secrets.masters import Masters
from kiosk.sensitive import Sensitive


class SecretSource(Protocol):
    """Makes new unblock secrets for the families that are given one after each use."""

    def ready(self) -> None:
        """Do nothing where one can be made now; raises ``KeyMissing`` or ``KeysAway``."""

    def draw(self, generation: Callable[[], int]) -> Sensitive | Derivation:
        """Return a secret that no card ever had, or how it derives; both can be sealed.

        ``generation`` counts the card's derived secrets, and is only called for one. Raises
        ``KeyMissing`` or ``KeysAway``.
        """


class RandomSecrets:
    """Digits that nobody can know but from where they are sealed; the default."""

    def ready(self) -> None:
        """Digits can be drawn at any time."""

    def draw(self, generation: Callable[[], int]) -> Sensitive:
        """Draw digits."""
        return Sensitive(f"{secrets.randbelow(10**DIGITS):0{DIGITS}d}")


class DerivedSecrets:
    """Secrets of the current master key: what is kept of them is only how they derive."""

    def __init__(self, masters: Masters) -> None:
        self._masters = masters

    def ready(self) -> None:
        """See that there is a current master key."""
        self._masters.current()

    def draw(self, generation: Callable[[], int]) -> Derivation:
        """Take the card's next generation."""
        return Derivation(self._masters.current(), generation())
