"""The terminal of a station: Textual's own driver with every way in narrowed.

It asks a terminal for nothing but a picture shown at once and, where there is touch, for
touches. What comes in goes through ``Decoder`` and ``TokenBucket``; a backlog is dropped.
When the terminal hangs up, the program is told to end, and writing to it does not fail.
"""

from __future__ import annotations

import os
import selectors
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, TextIO, cast

from textual import events, messages
from textual.drivers.linux_driver import LinuxDriver
from textual.message import Message

from screens.terminal.bucket import TokenBucket
from screens.terminal.decoder import Decoder, Input, Press, SmoothOffered, Touch

if TYPE_CHECKING:
    from textual.app import App

BACKLOG = 64
"""Messages that may wait for the program; beyond them what comes in is dropped."""

_CHUNK = 4096
_ESCAPE_S = 0.05
_WAKE_S = 0.1
_BIGGEST = 500
_TOUCHES_ON = "\x1b[?1000h\x1b[?1006h"
_TOUCHES_OFF = "\x1b[?1000l\x1b[?1006l"
_UNASKED = ("\x1b[?1004h", "\x1b[>", "\x1b]")
"""Requests of Textual's that a station does not make: focus reports, kitty keys, titles."""


class HungUp(Message):
    """The terminal is gone."""


class StationDriver(LinuxDriver):
    """See the module; ``mouse`` says whether there is touch.

    ``more_keys`` names control characters that are keys too; a station has none.
    """

    more_keys: ClassVar[Mapping[str, str]] = {}

    def __init__(
        self,
        app: App[Any],
        *,
        debug: bool = False,
        mouse: bool = True,
        size: tuple[int, int] | None = None,
    ) -> None:
        super().__init__(app, debug=False, mouse=mouse, size=size)
        self._file = cast(Any, _Lasting(sys.__stderr__))
        signal.signal(signal.SIGTSTP, signal.SIG_IGN)
        signal.signal(signal.SIGCONT, signal.SIG_DFL)

    # --- what is asked of the terminal -------------------------------------------------

    @property
    def can_suspend(self) -> bool:
        """A station has nothing to be suspended for."""
        return False

    def write(self, data: str) -> None:
        """Write to the terminal, leaving out requests that a station does not make."""
        if not data.startswith(_UNASKED):
            super().write(data)

    def open_url(self, url: str, new_tab: bool = True) -> None:
        """Open nothing."""

    def _get_terminal_size(self) -> tuple[int, int]:
        """Ask the terminal itself: the environment and the other streams may be anything."""
        try:
            width, height = os.get_terminal_size(self.fileno)
        except OSError:
            return 80, 24
        return min(width, _BIGGEST) or 80, min(height, _BIGGEST) or 24

    def _enable_mouse_support(self) -> None:
        if self._mouse:
            self.write(_TOUCHES_ON)

    def _disable_mouse_support(self) -> None:
        if self._mouse:
            self.write(_TOUCHES_OFF)

    def _enable_mouse_pixels(self) -> None:
        """Cells are fine enough."""

    def _enable_bracketed_paste(self) -> None:
        """Nobody pastes."""

    def _query_in_band_window_resize(self) -> None:
        """Sizes come by signal."""

    # --- what comes in -----------------------------------------------------------------

    def _run_input_thread(self) -> None:
        """Run the thread's whole life; a program that nobody can type to has to end."""
        try:
            self.run_input_thread()
        finally:
            if not self.exit_event.is_set():
                self.send_message(HungUp())

    def run_input_thread(self) -> None:
        """Read until the program ends; a fault of the decoder costs its input, not the thread."""
        selector = selectors.DefaultSelector()
        selector.register(self.fileno, selectors.EVENT_READ)
        bucket = TokenBucket(time.monotonic)
        try:
            while not self.exit_event.is_set():
                try:
                    self._read(selector, bucket)
                except (ArithmeticError, LookupError, TypeError, ValueError):
                    continue
        except (OSError, EOFError):
            return  # the terminal is gone
        finally:
            selector.close()

    def _read(self, selector: selectors.BaseSelector, bucket: TokenBucket) -> None:
        """Decode until the program ends; raises ``EOFError`` where the terminal did."""
        decoder = Decoder(self.more_keys)
        while not self.exit_event.is_set():
            if selector.select(_ESCAPE_S if decoder.waiting else _WAKE_S):
                data = os.read(self.fileno, _CHUNK)
                if not data:
                    raise EOFError
                self._pass_on(decoder.feed(data), bucket)
            else:
                self._pass_on(decoder.expire(), bucket)

    def _pass_on(self, inputs: Iterator[Input], bucket: TokenBucket) -> None:
        for item in inputs:
            message = self._message(item)
            if message and bucket.take() and self._app.message_queue_size < BACKLOG:
                self.process_message(message)

    def _message(self, item: Input) -> Message | None:
        match item:
            case Press():
                return events.Key(item.key, item.character)
            case Touch():
                return _mouse(item) if self._mouse else None
            case SmoothOffered():
                return messages.TerminalSupportsSynchronizedOutput()

    def process_message(self, message: Message) -> None:
        """Send to the app what ``_message`` makes, and nothing that the base class adds."""
        message.set_sender(self._app)
        self.send_message(message)


def _mouse(touch: Touch) -> events.MouseEvent:
    kind = events.MouseDown if touch.down else events.MouseUp
    return kind(
        None, touch.x, touch.y, 0, 0, 1, False, False, False, screen_x=touch.x, screen_y=touch.y
    )


class _Lasting:
    """A stream that can be written to when its terminal is gone; the reader notices that."""

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        try:
            if self._stream is not None:
                self._stream.write(text)
        except (OSError, ValueError):
            self._stream = None

    def flush(self) -> None:
        try:
            if self._stream is not None:
                self._stream.flush()
        except (OSError, ValueError):
            self._stream = None

    def fileno(self) -> int:
        return 2 if self._stream is None else self._stream.fileno()
