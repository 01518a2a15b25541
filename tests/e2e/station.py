"""A station as the person in front of it has it: what is on the display, keys and touches."""

from __future__ import annotations

import itertools
import re
import threading
import time
from collections.abc import Mapping
from pathlib import Path

from screens.terminal.driver import TokenBucket
from tests.support.prepared import Forked, prepared
from tests.support.terminal import Terminal

KEYS = {
    "enter": "\r",
    "escape": "\x1b",
    "tab": "\t",
    "backspace": "\x7f",
    "up": "\x1b[A",
    "down": "\x1b[B",
    "right": "\x1b[C",
    "left": "\x1b[D",
    "pageup": "\x1b[5~",
    "pagedown": "\x1b[6~",
    "f2": "\x1bOQ",
    "f3": "\x1bOR",
    "space": " ",
}
_NO_ONES_KEY = "\x1bOP"
"""F1, with which no page does anything."""

_KEYPAD = re.compile(r"([┌│└][─ \w←]{5}[┐│┘]){3}")
_BORDERS = re.compile(r"[│║┃▌▐█▎▕▏]")


class Station(Terminal):
    """One ``kiosk run`` in its terminal, used at the pace that it takes keys at."""

    tells_presses_apart = True
    """Whether a key that comes again soon is taken for one that is held, as at a station."""

    _last_key = ""

    def __init__(self, *args: object, **options: object) -> None:
        super().__init__(*args, **options)  # type: ignore[arg-type]
        # The station takes 30 keys a second, and more at once: stay below both.
        self._pace = TokenBucket(time.monotonic, rate=29, burst=19)

    # --- what a person sees ------------------------------------------------------------

    @property
    def read(self) -> str:
        """All that is on the display as one line, without frames and gaps."""
        return _in_one_line(self.text)

    def see(self, *texts: str) -> str:
        """Wait until all of ``texts`` can be read, over breaks of lines; return all there is."""

        def all_there(shown: str) -> bool:
            line = _in_one_line(shown)
            return all(text in line for text in texts)

        return _in_one_line(self.wait_until(all_there, f"{texts}"))

    def see_any(self, *texts: str) -> str:
        """Wait until one of ``texts`` can be read; return which."""

        def found(shown: str) -> list[str]:
            return [text for text in texts if text in _in_one_line(shown)]

        return found(self.wait_until(lambda shown: bool(found(shown)), f"any of {texts}"))[0]

    def see_gone(self, text: str) -> None:
        """Wait until ``text`` can no longer be read."""
        self.wait_until(lambda shown: text not in _in_one_line(shown), f"no {text}")

    def row_of(self, number: int) -> str:
        """Return the label of a row of a list, over its breaks of lines."""
        lines = [_BORDERS.sub(" ", line).strip() for line in self.text.split("\n")]
        first = next(at for at, line in enumerate(lines) if line.startswith(f"{number}  "))
        label = itertools.takewhile(lambda line: line and line[0] not in "─└", lines[first:])
        return " ".join(label).removeprefix(f"{number}  ")

    def number_of(self, label: str) -> int:
        """Return the number in front of a label in a list."""
        found = re.search(rf"(\d)  {re.escape(label)}", self.text)
        assert found, f"no {label} in a list on the display:\n{self.text}"
        return int(found[1])

    # --- keys --------------------------------------------------------------------------

    def press(self, *keys: str) -> None:
        """Press keys: one character each, or a name of ``KEYS``."""
        for key in keys:
            self._wait_for_pace()
            if (
                self.tells_presses_apart and key == self._last_key
            ):  # without another key between them the first may be held
                self.send(_NO_ONES_KEY)
                self._wait_for_pace()
            self._last_key = key
            self.send(KEYS.get(key, key))

    def type(self, text: str) -> None:
        """Type a text."""
        self.press(*text)

    def enter(self, text: str) -> None:
        """Type a text and press Enter."""
        self.press(*text, "enter")

    # --- touches -----------------------------------------------------------------------

    def touch(self, label: str) -> None:
        """Touch the middle of a text on the display; waits until it is there."""
        self.touch_at(*self._find(label))

    def touch_at(self, x: int, y: int) -> None:
        """Touch one cell, from 0 at the top left."""
        for kind in "Mm":
            self._wait_for_pace()
            self.send(f"\x1b[<0;{x + 1};{y + 1}{kind}")

    def touch_keys(self, text: str) -> None:
        """Touch the keys of the on-screen keypad or keyboard, one for each character."""
        for char in text:
            self.touch_at(*self._find_key(char))

    def _find(self, label: str) -> tuple[int, int]:
        lines = self.wait_for(label).split("\n")
        row = next(number for number, line in enumerate(lines) if label in line)
        return lines[row].index(label) + len(label) // 2, row

    def _find_key(self, char: str) -> tuple[int, int]:
        """Find a key by its face: its label alone between two walls."""
        face = re.compile(rf"(?<=│)\s*{'Space' if char == ' ' else re.escape(char)}\s*(?=│)")
        lines = self.text.split("\n")
        found = [(row, one) for row, line in enumerate(lines) for one in face.finditer(line)]
        # The cells of an entry look like keys: they share their walls, and are above a keyboard.
        boxed = [(row, one) for row, one in found if _is_boxed(lines[row - 1], one)]
        for row, one in reversed(boxed or found):
            return (one.start() + one.end()) // 2, row
        raise AssertionError(f"no key {char!r} on the display:\n{self.text}")

    def _wait_for_pace(self) -> None:
        while not self._pace.take():
            threading.Event().wait(0.02)


class PreparedStation(Station):
    """One of ``tests.e2e.quick_pages``, forked: it is there in half a second of the processor less.

    The command begins with ``run`` or ``station``. ``module`` is another program of tests in a
    subclass.
    """

    module = "tests.e2e.quick_pages"

    def _start(
        self, command: list[str], environ: Mapping[str, str], terminal: int, cwd: Path | None
    ) -> Forked:
        return prepared(self.module).start_on(terminal, command, environ, cwd or Path.cwd())


def _is_boxed(above: str, face: re.Match[str]) -> bool:
    """Whether a face has a box of its own, by the line above it."""
    return above[face.start() - 1 : face.start()] == "┌" and above[face.end() :][:1] == "┐"


def _in_one_line(shown: str) -> str:
    """Read as a person does: down the left column, past the keypad."""
    shown = _KEYPAD.sub("", shown)
    return " ".join(_BORDERS.sub(" ", shown).split())
