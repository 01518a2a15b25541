"""Progress of long work: one line that changes on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self, TextIO

_SHOWN_EVERY_S = 0.1
_LINE_EVERY_S = 10.0


class ProgressLine:
    """Shows how far the work ``called`` is; call it with what is done and what there is."""

    def __init__(
        self,
        called: str,
        stream: TextIO | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._called = called
        self._stream = stream or sys.stderr
        self._monotonic = monotonic
        self._live = self._stream.isatty()
        self._every = _SHOWN_EVERY_S if self._live else _LINE_EVERY_S
        self._began = self._last = monotonic()
        self._shown = False

    def __call__(self, done: int, total: int) -> None:
        """Show it, unless it was shown just before."""
        now = self._monotonic()
        if now - self._last < self._every and done < total:
            return
        if done >= total and not self._live and not self._shown:
            return  # quick work needs no line in a log
        self._last, self._shown = now, True
        self._write(f"{self._called}: {self._percent(done, total)}%, {now - self._began:.0f} s")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live and self._shown:
            self._stream.write("\r\x1b[K")
            self._stream.flush()

    def _write(self, text: str) -> None:
        self._stream.write(f"\r\x1b[K{text}" if self._live else f"{text}\n")
        self._stream.flush()

    @staticmethod
    def _percent(done: int, total: int) -> int:
        return 100 if done >= total else 100 * done // total
