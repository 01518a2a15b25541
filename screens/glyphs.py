"""The few signs that not every console font has.

Everything else that is drawn keeps to the characters of code page 437, which the Linux
console's own fonts carry.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Glyphs:
    """One sign each for: done, not yet, not so, a hidden character, one to come, chosen."""

    tick: str
    pending: str
    wrong: str
    dot: str
    empty: str
    pointer: str


RICH = Glyphs(tick="✓", pending="○", wrong="✗", dot="●", empty="□", pointer="►")
"""For a terminal emulator."""

PLAIN = Glyphs(tick="√", pending="○", wrong="x", dot="•", empty="·", pointer="►")
"""For a bare Linux console (``TERM=linux``)."""
