"""What the terminal of somebody at a desk may say: a station's keys, and those of a desk.

Beyond ``Decoder``: Ctrl and a letter, arrows with modifiers, Alt and a digit, every button
of a mouse with its moves and wheel, and a paste as one text. All else is swallowed as there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from screens.terminal.decoder import Decoder, Input, Paste, Pointer, Press

PASTE = 4000
"""Characters of one paste that are kept."""

_PASTE_BEGINS, _PASTE_ENDS = "200~", "\x1b[201~"
_PASTE_PATIENCE_S = 0.3
_CONTROL = {chr(code): f"ctrl+{chr(code + 96)}" for code in range(1, 27)}
_MODIFIED = re.compile(r"(?:1;([2-8])([ABCDHFPQRS])|(\d{1,2});([2-8])~)")
_PLAIN = {"A": "up", "B": "down", "C": "right", "D": "left", "H": "home", "F": "end"}
_PLAIN |= {"P": "f1", "Q": "f2", "R": "f3", "S": "f4"}
_PLAIN |= {"3": "delete", "5": "pageup", "6": "pagedown"}
_POINTER = re.compile(r"<(\d{1,3});([1-9]\d{0,3});([1-9]\d{0,3})([Mm])")


class DeskDecoder(Decoder):
    """Turns bytes into ``Input``; a paste that is silent for a moment has ended."""

    def __init__(self) -> None:
        super().__init__(_CONTROL)
        self._pasted: list[str] | None = None
        self._last = ""

    @property
    def patience_s(self) -> float | None:
        """A paste may come in pieces with gaps, over a slow line."""
        return super().patience_s if self._pasted is None else _PASTE_PATIENCE_S

    def expire(self) -> Iterator[Input]:
        """Give up on what is unfinished; what was pasted so far is kept."""
        if self._pasted is not None:
            yield from self._end_paste()
        yield from super().expire()

    def _take(self, char: str) -> Iterator[Input]:
        if self._pasted is None:
            yield from super()._take(char)
        else:
            yield from self._take_pasted(char, self._pasted)

    def _take_pasted(self, char: str, pasted: list[str]) -> Iterator[Input]:
        """Keep a character of a paste, or end it; no key and no sequence is in one."""
        self._last = (self._last + char)[-len(_PASTE_ENDS) :]
        if len(pasted) < PASTE + len(_PASTE_ENDS) and (char.isprintable() or char in "\r\n\t"):
            pasted.append(char)
        if self._last == _PASTE_ENDS:
            yield from self._end_paste()

    def _end_paste(self) -> Iterator[Input]:
        text = "".join(self._pasted or ()).removesuffix(_PASTE_ENDS[1:])[:PASTE]
        self._pasted, self._last = None, ""
        if text:
            yield Paste(text)

    def _after_escape(self, char: str) -> Iterator[Input]:
        if char in "0123456789" or char == "\x7f":
            self._held = ""
            yield Press("alt+backspace" if char == "\x7f" else f"alt+{char}")
        else:
            yield from super()._after_escape(char)

    def _sequence(self, body: str) -> Iterator[Input]:
        if body == _PASTE_BEGINS:
            self._pasted = []
        elif found := _POINTER.fullmatch(body):
            yield Pointer(int(found[2]) - 1, int(found[3]) - 1, int(found[1]), found[4] == "M")
        elif found := _MODIFIED.fullmatch(body):
            name = _PLAIN.get(found[2] or found[3])
            if name is not None:
                yield Press(_with_modifiers(int(found[1] or found[4]) - 1, name))
        else:
            yield from super()._sequence(body)


def _with_modifiers(bits: int, name: str) -> str:
    """Name a key as Textual does; ``bits`` are xterm's: 1 Shift, 2 Alt, 4 Ctrl."""
    held = [word for bit, word in ((2, "alt"), (4, "ctrl"), (1, "shift")) if bits & bit]
    return "+".join([*held, name])
