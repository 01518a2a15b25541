"""Two surfaces, light and dark, made from one accent colour.

Body text keeps at least 7:1 against what it stands on (WCAG 2.2, 1.4.6), whatever accent
an organisation sets: ``ink_on`` darkens or lightens the accent until it does.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import tzinfo
from typing import Protocol

from msgspec import Struct
from rich.color import Color, ColorSystem
from textual.theme import Theme
from textual.widget import Widget

from kiosk.contract.language import ENGLISH, Language
from screens.terminal.colours import channels


class Glyphs(Struct, frozen=True):
    """One character each: done, not yet, not so, a hidden one, one to come, chosen, back.

    Some console fonts lack those of ``RICH``.
    """

    tick: str
    pending: str
    wrong: str
    dot: str
    empty: str
    pointer: str
    back: str


RICH = Glyphs(tick="✓", pending="○", wrong="✗", dot="●", empty="□", pointer="►", back="◄")
"""For a terminal emulator."""

PLAIN = Glyphs(tick="√", pending="○", wrong="x", dot="•", empty="·", pointer="→", back="←")
"""For a bare Linux console (``TERM=linux``)."""


class ExtraBar(Protocol):
    """The demo's strip below every page, ``rows`` high; a real station has none."""

    rows: int

    def widget(self) -> Widget:
        """Return a fresh widget to stand below one page; it need not set its height."""

    def key(self, key: str) -> bool:
        """Handle a function key (``f5`` and the like); return whether it was used."""


class Appearance(Struct, frozen=True):
    """Names, contacts and behaviour; the defaults belong to a fictional trust.

    Up to 28 characters of ``service``, 80 of ``contact`` and 40 of ``hours`` are shown whole
    on the smallest screen, ``trust`` where there is room for it.
    These four may be ``OwnText``, and ``language`` is that of the pages while nobody is here.
    ``shown_s`` is how long at least a sentence about waiting stays up, and ``still_s`` how
    long "are you still there" counts down; both are seconds. ``zone`` is the one in which times
    of day are shown; None is the machine's.
    """

    service: str = "Smartcard self-service"
    trust: str = "Wexbridge Hospitals Trust"
    contact: str = "Registration Authority, Level 1, West Wing, extension 4400"
    hours: str = "Monday to Friday, 8 am to 6 pm"
    language: Language = ENGLISH
    accent: str = "#0b5c8a"
    motion: bool = True
    touch: bool = True
    dark: bool = False
    shown_s: float = 0.7
    still_s: float = 20.0
    glyphs: Glyphs = RICH
    zone: tzinfo | None = None
    extra_bar: ExtraBar | None = None


LIGHT = "station-light"
DARK = "station-dark"
ENOUGH = 7.0
"""The contrast ratio that all text keeps."""

_STEP = 0.02
_SHADE = "#000000"
"""Covers a waiting page, half transparent."""

_COLOURS = {
    "paper": ("#ffffff", "#000000", "#ffffff", "#000000"),
    "ground": ("#e9eef2", "#1b2127", "#d7ffff", "#262626"),
    "well": ("#f3f6f8", "#12171c", "#ffffff", "#1c1c1c"),
    "ink": ("#14212b", "#ffffff", "#000000", "#ffffff"),
    "quiet": ("#3c4a55", "#d3dbe1", "#3a3a3a", "#d7d7ff"),
    "line": ("#6b7a86", "#94a2ad", "#767676", "#949494"),
    "on-brand": ("#ffffff", "#000000", "#ffffff", "#000000"),
    "alarm": ("#8c1212", "#ffb0a8", "#870000", "#ffafaf"),
    "done": ("#0a5429", "#8ff0b2", "#005f00", "#87ffaf"),
}
"""The colours of the light and the dark surface: in true colour, and in the 256 that SSH has.

``paper`` is the card, ``ground`` the area around it, ``ink`` and ``quiet`` are text; ``alarm`` and
``done`` are text too. ``brand`` is the accent, which fills; ``on-brand`` is text on it and on
``done``.
"""


def themes(accent: str, *, few_colours: bool = False) -> tuple[Theme, Theme]:
    """Return the light and the dark theme for ``accent``; in 256 colours if there are so few."""
    legible = ink_of_256 if few_colours else ink_on
    light, dark = (2, 3) if few_colours else (0, 1)
    return _theme(LIGHT, accent, light, legible), _theme(DARK, accent, dark, legible)


def _theme(name: str, accent: str, column: int, legible: Callable[[str, str], str]) -> Theme:
    colours = {role: columns[column] for role, columns in _COLOURS.items()}
    brand = legible(accent, colours["ground"])
    return Theme(
        name=name,
        primary=brand,
        foreground=colours["ink"],
        background=colours["ground"],
        surface=colours["paper"],
        panel=colours["well"],
        error=colours["alarm"],
        success=colours["done"],
        dark=name == DARK,
        variables={**colours, "brand": brand, "on-done": colours["on-brand"], "shade": _SHADE},
    )


def ink_on(colour: str, ground: str) -> str:
    """Return ``colour``, moved towards black or white until it is legible on ``ground``."""
    target = "#000000" if _luminance(ground) > _luminance("#808080") else "#ffffff"
    share = 0.0
    while share < 1.0:
        pairs = zip(channels(colour), channels(target), strict=True)
        mixed = "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)
        if contrast(mixed, ground) >= ENOUGH:
            return mixed
        share += _STEP
    return target


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours, 1 to 21 (WCAG 2.2, "contrast ratio")."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def as_256(colour: str) -> str:
    """Return what a terminal of 256 colours shows for ``colour``, as Textual maps it."""
    return Color.parse(colour).downgrade(ColorSystem.EIGHT_BIT).get_truecolor().hex


def ink_of_256(colour: str, ground: str) -> str:
    """Return the colour of the 256 that is nearest to ``colour`` and legible on ``ground``."""
    levels = ("00", "5f", "87", "af", "d7", "ff")
    cube = (f"#{r}{g}{b}" for r in levels for g in levels for b in levels)
    exact = (one for one in cube if as_256(one) == one)
    legible = (one for one in exact if contrast(one, as_256(ground)) >= ENOUGH)
    return min(legible, key=lambda one: math.dist(channels(one), channels(colour)))


def _luminance(colour: str) -> float:
    shares = [channel / 255 for channel in channels(colour)]
    red, green, blue = (
        share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
