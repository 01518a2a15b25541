"""What staff entered, read by the rules that a file of people is read by."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from kiosk.administration.people_fields import CellRefused
from kiosk.errors import NotTaken

Value = TypeVar("Value")

_ABOUT_IT = ("is ", "has ", "must ")


def entered(field: str, read: Callable[[], Value]) -> Value:
    """Return what ``read`` makes of it; raises ``NotTaken``, naming ``field``, with the reason.

    No reason repeats what was entered, so it may be used on secrets.
    """
    try:
        return read()
    except CellRefused as refused:
        reason = refused.reason
    # Raised out here, so that not even its context holds what was entered.
    raise NotTaken(field, _sentence(reason))


def _sentence(reason: str) -> str:
    told = f"it {reason}" if reason.startswith(_ABOUT_IT) else reason
    return f"{told[0].upper()}{told[1:]}."
