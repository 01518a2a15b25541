"""Steps of a visit, for tests that ask what a task is and not how far the holder is."""

from __future__ import annotations

from typing import Final

from kiosk.contract.messages import Offer, Position, Purpose, VisitOpened

STEP: Final = Position(2, 4)


def offers(*purposes: Purpose) -> tuple[Offer, ...]:
    """Offer ``purposes``."""
    return tuple(Offer(purpose, STEP.count) for purpose in purposes)


def offered(opened: VisitOpened) -> tuple[Purpose, ...]:
    """Return what the holder may choose."""
    return tuple(offer.purpose for offer in opened.offers)
