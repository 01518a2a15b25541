"""How one station presents itself: settings, read once and passed down."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import tzinfo
from typing import Protocol

from textual.widget import Widget

from screens.glyphs import RICH, Glyphs


class Strip(Protocol):
    """Something of the demo's below every page; a real station has none.

    ``rows`` is its height: pages lay themselves out in what is left.
    """

    rows: int

    def widget(self) -> Widget:
        """Return a fresh widget to stand below one page; it need not set its height."""

    def key(self, key: str) -> bool:
        """Take a function key (``f5`` and the like); return whether it was of use."""


@dataclass(frozen=True, slots=True)
class Look:
    """Names, contacts and behaviour; the defaults belong to a fictional trust.

    Up to 28 characters of ``service``, 80 of ``contact`` and 40 of ``hours`` are shown whole
    on the smallest screen, ``trust`` where there is room for it.
    ``hold_s`` is how long at least a sentence about waiting stays up, and ``still_s`` how
    long "are you still there" counts down; both are seconds. ``zone`` is the one in which times
    of day are shown; None is the machine's.
    """

    service: str = "Smartcard self-service"
    trust: str = "Wexbridge Hospitals Trust"
    contact: str = "Registration Authority, Level 1, West Wing, extension 4400"
    hours: str = "Monday to Friday, 8 am to 6 pm"
    accent: str = "#0b5c8a"
    motion: bool = True
    touch: bool = True
    dark: bool = False
    hold_s: float = 0.7
    still_s: float = 20.0
    glyphs: Glyphs = RICH
    zone: tzinfo | None = None
    strip: Strip | None = None
