"""The terminal of a member of staff: their own, at the other end of an SSH connection.

A station's, but with the keys, the mouse and the paste of a desk. It has the same filter, a
rate that suits somebody who types as fast as they can, and a bound on what waits. What a
station never asks a terminal for (focus reports, titles, sizes, the clipboard) is not asked
for here either. When the connection is lost the program ends, in order if it can.
"""

from __future__ import annotations

import os
import threading

from textual import events
from textual.drivers.linux_driver import LinuxDriver
from textual.message import Message

from screens.terminal.decoder import Decoder, DeskDecoder, Input, Paste, Pointer, Press
from screens.terminal.driver import StationDriver

LAST_S = 60.0
"""Seconds after the connection was lost when the program ends, whatever it is doing."""

_POINTER_ON = "\x1b[?1000h\x1b[?1002h\x1b[?1006h"
_POINTER_OFF = "\x1b[?1006l\x1b[?1002l\x1b[?1000l"
_WHEEL = (
    events.MouseScrollUp,
    events.MouseScrollDown,
    events.MouseScrollLeft,
    events.MouseScrollRight,
)


class AdminDriver(StationDriver):
    """See the module."""

    rate = 100.0
    burst = 250.0
    backlog = 250

    _enable_bracketed_paste = LinuxDriver._enable_bracketed_paste  # noqa: SLF001

    def _enable_mouse_support(self) -> None:
        """Ask for buttons, the wheel, and moves while a button is down."""
        if self._mouse:
            self.write(_POINTER_ON)

    def _disable_mouse_support(self) -> None:
        if self._mouse:
            self.write(_POINTER_OFF)

    def new_decoder(self) -> Decoder:
        """Return what turns bytes into the input of a desk."""
        return DeskDecoder()

    def message_of(self, item: Input) -> Message | None:
        """Return what the program is told of ``item``; None where that is nothing."""
        match item:
            case Press(key="enter"):
                return events.Key("enter", "\r")
            case Press(key="?"):
                return events.Key("question_mark", "?")  # as Textual names it for bindings
            case Paste():
                return events.Paste(item.text)
            case Pointer():
                return _mouse(item)
            case _:
                return super().message_of(item)

    def run_input_thread(self) -> None:
        """Read until the program ends; see to it that it does when the terminal is gone."""
        try:
            super().run_input_thread()
        finally:
            if not self.exit_event.is_set():
                last = threading.Timer(LAST_S, os._exit, (1,))
                last.daemon = True
                last.start()


def _mouse(pointer: Pointer) -> events.MouseEvent:
    code, x, y = pointer.buttons, pointer.x, pointer.y
    button = 0 if code & 64 else (code + 1) & 3
    if code & 64:
        kind: type[events.MouseEvent] = _WHEEL[code & 3]
    elif code & 32 or not button:
        kind = events.MouseMove
    else:
        kind = events.MouseDown if pointer.down else events.MouseUp
    held = bool(code & 4), bool(code & 8), bool(code & 16)
    return kind(None, x, y, 0, 0, button, *held, screen_x=x, screen_y=y)
