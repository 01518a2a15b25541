"""How a person's standing is shown: always a word, with a sign before it, never colour alone."""

from __future__ import annotations

from textual.content import Content

from kiosk.administration.views.people import Standing

WORDS = {
    Standing.READY: ("✓", "Ready", "$done"),
    Standing.CARD_TROUBLE: ("!", "Card trouble", "$alarm"),
    Standing.NOT_REGISTERED: ("○", "Not registered", "$ink"),
    Standing.NO_CARD: ("□", "No card", "$ink"),
    Standing.BLOCKED: ("✗", "Blocked", "$alarm"),
    Standing.LEFT: ("–", "Left", "$quiet"),
}

WIDEST = max(len(word) for _sign, word, _colour in WORDS.values()) + 2
"""The cells that the longest of them takes."""


def standing(of: Standing) -> Content:
    """Return sign and word."""
    sign, word, colour = WORDS[of]
    return Content.assemble((f"{sign} {word}", colour))
