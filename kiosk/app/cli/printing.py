"""Output of commands: no character in it controls a terminal, whatever its source."""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from enum import Enum
from typing import Any, TextIO

_STEERING = re.compile(
    r"\r(?!\n)|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]"
)
"""Control characters (C0 and C1) but line ends and tabs, and what reorders or hides text."""


def printable(text: str) -> str:
    """Return ``text`` with each control character escaped, as ``\x1b``."""
    return _STEERING.sub(lambda found: ascii(found[0])[1:-1], text)


def as_json(value: object) -> str:
    """Return JSON for a script, times as ISO 8601; control characters are escaped."""
    text = json.dumps(value, indent=2, ensure_ascii=False, default=_plain)
    return _STEERING.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, frozenset | set):
        return sorted(one if isinstance(one, str) else _plain(one) for one in value)
    raise TypeError(f"{type(value).__name__} is not for a script")


def echo(text: str = "", end: str = "\n") -> None:
    """Write one line of output; ``end`` is empty for a text with its own line ends."""
    _write(sys.stdout, printable(text), end)


def echo_row(*cells: str) -> None:
    """Write a line of those cells that hold something."""
    echo("  ".join(cell for cell in cells if cell))


def print_marked(mark: str, colour: str, text: str) -> None:
    """Write one line after ``mark``, which is coloured on a terminal."""
    head = f"\x1b[{colour}m{mark}\x1b[0m" if sys.stdout.isatty() else mark
    _write(sys.stdout, f"{head}{printable(text)}")


def complain(text: str) -> None:
    _write(sys.stderr, printable(text))


def ask(text: str) -> str:
    _write(sys.stderr, printable(text), end="")
    answer = sys.stdin.readline()
    if not (sys.stdin.isatty() and answer):  # no Enter ended the line
        _write(sys.stderr, "")
    return answer.strip()


def _write(stream: TextIO, text: str, end: str = "\n") -> None:
    """Write a line; a character that the terminal cannot show becomes a question mark."""
    charset = stream.encoding or "utf-8"
    stream.write(text.encode(charset, "replace").decode(charset) + end)
    stream.flush()


# Progress of long work: one line that changes on a terminal, a line now and then elsewhere.

_SHOWN_EVERY_S = 0.1
_LINE_EVERY_S = 10.0


@contextmanager
def progress_line(
    called: str,
    stream: TextIO | None = None,
    monotonic: Callable[[], float] = time.monotonic,
) -> Iterator[Callable[[int, int], None]]:
    """Yield what shows the progress of the work ``called``; call it with done and total."""
    shown_on = stream or sys.stderr
    live = shown_on.isatty()
    every_s = _SHOWN_EVERY_S if live else _LINE_EVERY_S
    began = last = monotonic()
    shown = False

    def show(done: int, total: int) -> None:
        nonlocal last, shown
        now = monotonic()
        if now - last < every_s and done < total:
            return
        if done >= total and not live and not shown:
            return  # quick work needs no line in a log
        last, shown = now, True
        percent = 100 if done >= total else 100 * done // total
        text = f"{called}: {percent}%, {now - began:.0f} s"
        shown_on.write(f"\r\x1b[K{text}" if live else f"{text}\n")
        shown_on.flush()

    try:
        yield show
    finally:
        if live and shown:
            shown_on.write("\r\x1b[K")
            shown_on.flush()
