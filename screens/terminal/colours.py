"""How many colours a terminal shows, and the sixteen of the bare console of Linux."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from textual.theme import Theme


def has_few_colours(environ: Mapping[str, str]) -> bool:
    """Return whether COLORTERM lacks true colour: SSH passes TERM, but not COLORTERM."""
    return environ.get("COLORTERM", "").strip().lower() not in {"truecolor", "24bit"}


def has_sixteen_colours(environ: Mapping[str, str]) -> bool:
    """Return whether TERM names no larger number either, by which Textual draws in sixteen."""
    _, _, number = environ.get("TERM", "").strip().lower().rpartition("-")
    return has_few_colours(environ) and number not in {"256color", "kitty"}


def is_bare_console(environ: Mapping[str, str]) -> bool:
    """Return whether it is a virtual console of the kernel, without a graphical terminal on it."""
    return environ.get("TERM") == "linux"


def channels(colour: str) -> tuple[int, int, int]:
    """Return red, green and blue of ``#rrggbb``."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


# The bare console: a program may choose its sixteen colours. Eight can be backgrounds; the other
# eight are used for bold, which it cannot draw (console_codes(4)).

_PLACES = ("ground", "alarm", "done", "line", "brand", "well", "paper", "ink", "quiet")
"""The colours of a surface, by number. Text without a colour is ink on ground."""

_BEHIND = 8
_INK = _PLACES.index("ink")
_SGR = re.compile(r"\x1b\[([\d;]+)m")
_FRONT, _BACK = (re.compile(rf"{code};2;(\d+);(\d+);(\d+)") for code in (38, 48))


class ConsoleColours:
    """Those of one surface, which ``palette`` sets; any other is drawn in the nearest."""

    def __init__(self, surface: Theme) -> None:
        colours = [surface.variables[name] for name in _PLACES]
        self.palette = "".join(
            f"\x1b]P{number:X}{colour[1:]}" for number, colour in enumerate(colours)
        )
        self._colours = [channels(colour) for colour in colours]
        self._rendition = lru_cache(1024)(self._render)

    def recolour(self, text: str) -> str:
        """Return ``text``, which Textual drew in true colour, in these."""
        return _SGR.sub(lambda found: self._rendition(found[1]), text)

    def _render(self, codes: str) -> str:
        front, back = _FRONT.search(codes), _BACK.search(codes)
        ink = self._nearest(front, len(_PLACES)) if front else _INK
        ground = self._nearest(back, _BEHIND) if back else 0
        if ink == ground:
            ink = _INK
        bold = "1;" if ink >= _BEHIND else ""
        return f"\x1b[0;{bold}3{ink % _BEHIND};4{ground}m"

    def _nearest(self, found: re.Match[str], among: int) -> int:
        wanted = [int(level) for level in found.groups()]
        return min(range(among), key=lambda number: math.dist(self._colours[number], wanted))
