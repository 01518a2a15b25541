"""Decodes the terminal's input by an allow-list: keys and touches, at a desk also a mouse.

``Decoder`` is for a station: printable characters, the keys of ``_CSI``, ``_SS3`` and ``_CONTROL``,
and the first button of a touch. Everything else is dropped whole: pastes lose their markers and
become typing; unrequested reports of size, position, focus or version, chords, and sequences
without an end do nothing. ``DeskDecoder`` is for the administration over SSH and knows more. Both
keep little input and raise nothing for any input.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Mapping
from typing import ClassVar

from msgspec import Struct

_ESC = "\x1b"
_DIGITS = "0123456789"
_LONGEST = 32
_SEQUENCE_TIMEOUT_S = 0.05
_RUN_S = 0.05
"""A hand leaves more than it between the keys of a number (0.1 s and more), a scanner less."""

_STX = "\x02"
_LONGEST_SCAN = 64
_FRAME_TIMEOUT_S = 0.5
"""Longer than a scanner waits between two signs, or before its Enter."""

_REPEATS_S = 0.12
"""A key that is held down repeats within it: 25 times a second by the compositor, 30 by Linux."""

_CONTROL = {
    "\r": "enter", "\n": "enter", "\t": "tab", "\x7f": "backspace", "\x08": "backspace",
    "\x15": "ctrl+u",
}  # fmt: skip
_ARROWS = {"A": "up", "B": "down", "C": "right", "D": "left", "H": "home", "F": "end"}
_SS3 = {**_ARROWS, "P": "f1", "Q": "f2", "R": "f3", "S": "f4", "M": "enter"}
_NUMBERED = {
    "1~": "home", "7~": "home", "4~": "end", "8~": "end", "3~": "delete",
    "5~": "pageup", "6~": "pagedown", "11~": "f1", "12~": "f2", "13~": "f3", "14~": "f4",
    "15~": "f5", "17~": "f6", "18~": "f7", "19~": "f8", "20~": "f9", "21~": "f10",
    "23~": "f11", "24~": "f12",
}  # fmt: skip
_CONSOLE = {"[A": "f1", "[B": "f2", "[C": "f3", "[D": "f4", "[E": "f5"}
_CSI = {**_ARROWS, **_NUMBERED, **_CONSOLE, "Z": "shift+tab"}

_TOUCH = re.compile(r"<0;([1-9]\d{0,3});([1-9]\d{0,3})([Mm])")
_THERE = "0n"
_SMOOTH = re.compile(r"\?2026;[1-4]\$y")


class Press(Struct, frozen=True):
    """A key: its name, and the character that it writes, if any.

    ``run`` counts the characters, up to this one, that came without ``_RUN_S`` of silence between
    them, ``digits`` those at its end that are digits; of another key both are 0. Silence counts
    only while somebody listens for it: what a slow machine reads at once is one run, and so is all
    that a scanner types, on any machine.
    """

    key: str
    character: str | None = None
    run: int = 0
    digits: int = 0

    def __repr__(self) -> str:
        return "Press(…)"


class RunEnded(Struct, frozen=True):
    """No other character follows a run: there was silence, or another key comes next."""


class Scan(Struct, frozen=True):
    """What a scanner read: it sends STX before it (Ctrl+B), and Enter after it."""

    text: str

    def __repr__(self) -> str:
        return "Scan(…)"


class Touch(Struct, frozen=True):
    """The first button or a finger, down or up, in cells from the top left."""

    x: int
    y: int
    down: bool


class SmoothOffered(Struct, frozen=True):
    """The terminal supports synchronized output (mode 2026), after a request."""


class TerminalReply(Struct, frozen=True):
    """A device status report, after a request: the terminal answers."""


class Paste(Struct, frozen=True):
    """A pasted text; only at a desk."""

    text: str

    def __repr__(self) -> str:
        return "Paste(…)"


class Pointer(Struct, frozen=True):
    """A mouse, in cells from the top left; only at a desk.

    ``buttons`` is coded as in xterm's SGR reports: buttons, modifiers, moves and the wheel.
    """

    x: int
    y: int
    buttons: int
    down: bool


Input = Press | RunEnded | Scan | Touch | SmoothOffered | TerminalReply | Paste | Pointer


class Decoder:
    """Turns bytes into ``Input``; keeps an unfinished sequence until ``expire``.

    From STX to Enter it is a ``Scan``, of printable ASCII, and nothing else is one. A frame that is
    too long, or has another sign in it, is dropped up to its Enter, and each after some silence:
    nothing in a frame is ever a key.

    ``more`` are control characters that are keys too; a station has none. Of an Escape that is held
    down only the first counts: its second could end a visit.
    """

    escape_repeats: ClassVar[bool] = False
    """Whether each Escape of one that is held down counts."""

    counts_runs: ClassVar[bool] = True
    """Whether a scanner may type here: no page of the RA application asks how fast a text came."""

    def __init__(self, more: Mapping[str, str] | None = None) -> None:
        self._control = {**(more or {}), **_CONTROL}
        self._text = codecs.getincrementaldecoder("utf-8")("ignore")
        self._held = ""
        self._escapes = 0
        self._run = self._digits = 0
        self._frame: str | None = None
        self._frame_is_good = False

    @property
    def timeout_s(self) -> float | None:
        """Seconds of silence after which to ``expire``; None where nothing is unfinished."""
        if self._frame is not None:
            return _FRAME_TIMEOUT_S
        if self._held == _ESC and not self.escape_repeats:
            return _REPEATS_S
        if self._held:
            return _SEQUENCE_TIMEOUT_S
        return _RUN_S if self._run else None

    def feed(self, data: bytes) -> Iterator[Input]:
        for char in self._text.decode(data):
            yield from self._take(char)

    def expire(self) -> Iterator[Input]:
        """Drop an unfinished sequence; a lone Escape was the key itself. A run is over."""
        self._frame = None
        yield from self._end_run()
        held, self._held = self._held, ""
        if held == _ESC and self._escapes == 1:
            yield Press("escape")

    def _end_run(self) -> Iterator[Input]:
        if self._run:
            self._run = self._digits = 0
            yield RunEnded()

    def _within_frame(self, frame: str, char: str) -> Iterator[Input]:
        if char == "\r":
            self._frame = None
            if frame and self._frame_is_good:
                yield Scan(frame)
        elif " " <= char <= "~" and len(frame) < _LONGEST_SCAN:
            self._frame = frame + char
        else:
            self._frame_is_good = False

    def _take(self, char: str) -> Iterator[Input]:
        if self._frame is not None:
            yield from self._within_frame(self._frame, char)
        elif char == _STX and char not in self._control:
            yield from self.expire()
            self._frame, self._frame_is_good = "", True
        elif char == _ESC and self._held == _ESC and not self.escape_repeats:
            self._escapes += 1
        elif char == _ESC:
            yield from self.expire()
            self._held, self._escapes = _ESC, 1
        elif self._held == _ESC:
            yield from self._after_escape(char)
        elif self._held:
            yield from self._within(char)
        elif char in self._control:
            yield from self._end_run()
            yield Press(self._control[char])
        elif char.isprintable():
            if self.counts_runs:
                self._run += 1
                self._digits = self._digits + 1 if char in _DIGITS else 0
            yield Press("space" if char == " " else char, char, self._run, self._digits)

    def _after_escape(self, char: str) -> Iterator[Input]:
        if self._escapes == 2:
            yield Press("escape")  # the second one begins what is not a key, or another
        self._held = _ESC + char if char in "[O" else ""
        if char == "\t":
            yield Press("shift+tab")  # as the Linux console sends it

    def _within(self, char: str) -> Iterator[Input]:
        kind, body = self._held[1], self._held[2:] + char
        self._held += char
        if kind == "O":
            self._held = ""
            if body in _SS3:
                yield Press(_SS3[body])
        elif " " <= char <= "?" or body == "[":  # the final byte is to come (ECMA-48, 5.4)
            if len(body) > _LONGEST:
                self._held = ""
        else:
            self._held = ""
            yield from self._sequence(body)

    def _sequence(self, body: str) -> Iterator[Input]:
        """Yield the input of a whole control sequence, given without its introducer."""
        if found := _TOUCH.fullmatch(body):
            yield Touch(int(found[1]) - 1, int(found[2]) - 1, found[3] == "M")
        elif _SMOOTH.fullmatch(body):
            yield SmoothOffered()
        elif body == _THERE:
            yield TerminalReply()
        elif body in _CSI:
            yield Press(_CSI[body])


PASTE = 4000
"""Characters of one paste that are kept."""

_PASTE_BEGINS, _PASTE_ENDS = "200~", "\x1b[201~"
_PASTE_TIMEOUT_S = 0.3
_TYPED = 16
"""Bytes that a few keys may have at once; what comes with more was pasted."""

_CONTROL_CHORDS = {chr(code): f"ctrl+{chr(code + 96)}" for code in range(1, 27)}
_MODIFIED = re.compile(r"(?:1;([2-8])([ABCDHFPQRS])|(\d{1,2});([2-8])~)")
_PLAIN = {**_SS3, "3": "delete", "5": "pageup", "6": "pagedown"}
_POINTER = re.compile(r"<(\d{1,3});([1-9]\d{0,3});([1-9]\d{0,3})([Mm])")


class DeskDecoder(Decoder):
    """Also knows Ctrl and a letter, arrows with modifiers, Alt and a digit, a mouse, and pastes.

    A paste is one text, and ends after a moment of silence. Over a line that loses packets it may
    go on after that: its rest is another paste, and no keys.
    """

    escape_repeats = True
    counts_runs = False

    def __init__(self) -> None:
        super().__init__(_CONTROL_CHORDS)
        self._pasted: list[str] | None = None
        self._last = ""
        self._fell_silent = False

    @property
    def timeout_s(self) -> float | None:
        """A paste may come in pieces with gaps, over a slow line."""
        return super().timeout_s if self._pasted is None else _PASTE_TIMEOUT_S

    def feed(self, data: bytes) -> Iterator[Input]:
        if self._fell_silent and data:
            self._fell_silent = False
            if len(data) > _TYPED or _PASTE_ENDS.encode() in data:
                self._pasted = []
        yield from super().feed(data)

    def expire(self) -> Iterator[Input]:
        """Drop what is unfinished; what was pasted so far is kept."""
        if self._pasted is not None:
            yield from self._end_paste()
            self._fell_silent = True
        yield from super().expire()

    def _take(self, char: str) -> Iterator[Input]:
        if self._pasted is None:
            yield from super()._take(char)
            return
        # No key and no sequence is in a paste.
        self._last = (self._last + char)[-len(_PASTE_ENDS) :]
        has_room = len(self._pasted) < PASTE + len(_PASTE_ENDS)
        if has_room and (char.isprintable() or char in "\r\n\t"):
            self._pasted.append(char)
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
                bits = int(found[1] or found[4]) - 1  # of xterm; below in Textual's order
                held = [word for bit, word in ((2, "alt"), (4, "ctrl"), (1, "shift")) if bits & bit]
                yield Press("+".join([*held, name]))
        else:
            yield from super()._sequence(body)
