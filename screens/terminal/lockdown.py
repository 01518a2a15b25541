"""Closes the terminal in the first milliseconds, before anything heavy is imported.

Until Textual takes the terminal over, a key is otherwise echoed, and Ctrl+C, Ctrl+Z and
Ctrl+\\ stop the program with a traceback. Only the standard library is imported here.
"""

from __future__ import annotations

import atexit
import os
import signal
import sys
import termios
import threading
from collections.abc import Callable, MutableMapping

OnFault = Callable[[BaseException], None]
"""Called with an uncaught error; must not write to the terminal."""

_UNSAFE = ("PYTHON", "SSL", "OPENSSL")
"""Beginnings of variables that load code, log the keys of TLS, or choose trusted servers: only
the settings choose a relay's certificate authority (``[mail] ca_file``)."""

_SCRUBBED = ("TEXTUAL", *_UNSAFE)
_SCRUBBED_NAMES = frozenset({"ESCDELAY", "COLUMNS", "LINES", "NO_COLOR"})
_IGNORED = (signal.SIGINT, signal.SIGQUIT, signal.SIGTSTP)

_IFLAG, _LFLAG, _CC = 0, 3, 6


def lock_terminal(on_fault: OnFault) -> None:
    """Close the terminal of standard input until the program ends.

    First of all: Textual reads its environment when it is imported.
    """
    scrub_environment(os.environ)
    lock_keyboard(0)
    ignore_keyboard_signals()
    silence_errors(on_fault)


def isolate() -> None:
    """Start the interpreter again in isolated mode where the environment could steer it.

    ``PYTHON*`` variables can load code, and are read before any of ours runs. Does not
    return when it starts again. Signals that are ignored stay so.
    """
    if any(name.startswith("PYTHON") for name in os.environ):
        clean = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
        os.execve(sys.executable, [sys.executable, "-I", "-m", "kiosk", *sys.argv[1:]], clean)  # noqa: S606


def remove_unsafe_variables(environment: MutableMapping[str, str]) -> None:
    """Remove variables that could load code or weaken TLS, in place."""
    for name in list(environment):
        if name.startswith(_UNSAFE):
            del environment[name]


def scrub_environment(environment: MutableMapping[str, str]) -> None:
    """Remove variables that could log keys, change the driver or enable signals, in place."""
    for name in list(environment):
        if name.startswith(_SCRUBBED) or name in _SCRUBBED_NAMES:
            del environment[name]
    environment["TEXTUAL_DISABLE_KITTY_KEY"] = "1"
    # A new page is first painted one frame after it is mounted. A frame of a millisecond costs
    # nothing more: no page is animated by frames.
    environment["TEXTUAL_FPS"] = "1000"


def lock_keyboard(fd: int) -> None:
    """Close the keyboard until the program ends; no terminal, no change."""
    try:
        before = termios.tcgetattr(fd)
        close_keyboard(fd)
    except termios.error:
        return
    atexit.register(_restore, fd, before)


def close_keyboard(fd: int) -> None:
    """Turn off echo, line editing, signal keys and flow control; raises ``termios.error``."""
    attributes = termios.tcgetattr(fd)
    attributes[_IFLAG] &= ~(termios.IXON | termios.IXOFF)
    attributes[_IFLAG] &= ~(termios.ICRNL | termios.INLCR | termios.IGNCR)
    attributes[_LFLAG] &= ~(termios.ECHO | termios.ICANON | termios.ISIG | termios.IEXTEN)
    attributes[_CC][termios.VMIN] = 1
    termios.tcsetattr(fd, termios.TCSANOW, attributes)


def wipe(fd: int) -> None:
    """Clear the terminal at ``fd``: a program that was killed left its page."""
    if os.isatty(fd):
        os.write(fd, b"\x1b[?25l\x1b[H\x1b[2J")


def ignore_keyboard_signals() -> None:
    for number in _IGNORED:
        signal.signal(number, signal.SIG_IGN)


class HangUps:
    """Keeps SIGHUP and SIGTERM from ending the program; it asks here, and ends in order.

    Not by the event loop, whose handlers go with it: several signals tell of one lost connection,
    and a late one would end the program before it has noted its end.
    """

    def __init__(self) -> None:
        self._came = False
        for number in (signal.SIGHUP, signal.SIGTERM):
            signal.signal(number, self._note)

    def __call__(self) -> bool:
        return self._came

    def _note(self, _number: int, _frame: object) -> None:
        self._came = True


def silence_errors(on_fault: OnFault) -> None:
    """Hand uncaught errors of any thread, and those of finalisers, to ``on_fault`` alone."""

    def report(args: threading.ExceptHookArgs | sys.UnraisableHookArgs) -> None:
        if args.exc_value is not None:
            on_fault(args.exc_value)

    sys.excepthook = lambda _kind, error, _trace: on_fault(error)
    sys.unraisablehook = threading.excepthook = report


def _restore(fd: int, before: list[int | list[bytes | int]]) -> None:
    """Not by TCSAFLUSH, which waits for output: a terminal that hangs would block the program."""
    try:
        termios.tcflush(fd, termios.TCIFLUSH)
        termios.tcsetattr(fd, termios.TCSANOW, before)
    except termios.error:
        return
