"""Keeping, sealed, what derives from an older master key, so that this one can be destroyed.

A card cannot be told from afar that it is to take another secret. So each is derived a last
time and sealed as it is; the card takes one of the new master key's once it is unlocked here.
"""

from __future__ import annotations

from collections import Counter

from kiosk.secrets.sealing import Sealer, SealLabel
from kiosk.store.records import Card, SealedSecret
from kiosk.store.secret_records import KeptSecret
from kiosk.store.unit_of_work import UnitOfWork


def derived_by_key(uow: UnitOfWork) -> dict[str, int]:
    """Return how many secrets derive from each master key, kept ones too."""
    return dict(Counter(uow.cards.count_derived()) + Counter(uow.kept.count_derived()))


class OlderMasters:
    """Secrets that derive from another master key than ``current``: a ``Work`` of a rotation."""

    def __init__(self, sealer: Sealer, current: str) -> None:
        self._sealer = sealer
        self._current = current

    def left(self, uow: UnitOfWork) -> int:
        """Return how many there are."""
        return sum(count for key, count in derived_by_key(uow).items() if key != self._current)

    def cards(self, uow: UnitOfWork, after: str) -> tuple[Card, ...]:
        """Return some cards."""
        return uow.cards.derived_otherwise(self._current, after=after)

    def kept(self, uow: UnitOfWork, after: str) -> tuple[KeptSecret, ...]:
        """Return some that are kept."""
        return uow.kept.derived_otherwise(self._current, after=after)

    def anew(self, sealed: SealedSecret, old: SealLabel, new: SealLabel) -> SealedSecret:
        """Derive it a last time, and seal it as it is."""
        return self._sealer.seal(self._sealer.open(sealed, old), new)
