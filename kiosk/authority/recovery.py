"""Which unblock secret a card has, when a change of it may or may not have taken place: pure.

A card that was torn out while its secret was changed has the old one or the new one, and
nobody can ask which. So the next unlock tells: RESET RETRY COUNTER does the same with
either, and a right one fills the card's counter up again. A wrong answer costs one try
and names the other secret, for there are only two. One whose answer was lost names
neither, so the other one is presented next: whatever the card did then, one try more at
most is spent until the right one is found. Whether a card tells the number of its tries is
not asked here: a certain "wrong" names the other secret with a number and without.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

FEWEST_TRIES: Final = 3
"""A card that takes fewer wrong secrets leaves none for a wrong guess beside the last."""


class Which(StrEnum):
    """One of the two secrets that a card may have."""

    CURRENT = "current"
    NEW = "new"


class Finding(StrEnum):
    """What an answer says about the two."""

    CURRENT_HOLDS = "current"
    NEW_HOLDS = "new"
    NEITHER = "neither"


def to_present(*, waits: bool, last: Which) -> Which:
    """Choose what the card is given; ``last`` is what it was given last while both may hold.

    The new one first (nothing was presented since it was drawn: ``last`` is the current).
    """
    if not waits or last is Which.NEW:
        return Which.CURRENT
    return Which.NEW


def told(presented: Which, *, right: bool, waits: bool) -> Finding:
    """Conclude from a certain answer; ``waits`` tells whether there was a new one at all."""
    if right:
        return Finding.NEW_HOLDS if presented is Which.NEW else Finding.CURRENT_HOLDS
    if presented is Which.NEW:
        return Finding.CURRENT_HOLDS
    return Finding.NEW_HOLDS if waits else Finding.NEITHER


def spent(presentations: int, *, waits: bool) -> int:
    """Say what a certain "wrong" without a number may have cost, those in doubt before it included.

    Two secrets take turns, so every other one of them was the right one, which costs nothing.
    """
    return (presentations + 1) // 2 if waits else presentations


def leaves_enough(limit: int | None, *, assumed_limit: int) -> bool:
    """Tell whether a card takes so many wrong secrets that it may be given another one."""
    return (assumed_limit if limit is None else limit) >= FEWEST_TRIES
