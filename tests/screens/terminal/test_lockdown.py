from __future__ import annotations

import os
import signal
import subprocess
import sys
import termios
import threading
from collections.abc import Iterator

import pytest

from screens.terminal import lockdown


def test_the_environment_is_scrubbed() -> None:
    environment = {
        "PATH": "/bin",
        "TERM": "foot",
        "TEXTUAL": "debug,devtools",
        "TEXTUAL_DRIVER": "evil:Driver",
        "TEXTUAL_LOG": "/tmp/keys",
        "TEXTUAL_PRESS": "a",
        "TEXTUAL_ALLOW_SIGNALS": "1",
        "TEXTUAL_SCREENSHOT": "1",
        "PYTHONINSPECT": "1",
        "PYTHONPATH": "/evil",
        "ESCDELAY": "9999999",
        "COLUMNS": "9",
        "LINES": "9",
        "NO_COLOR": "1",
    }
    lockdown.scrub_environment(environment)
    ours = {"TEXTUAL_DISABLE_KITTY_KEY": "1", "TEXTUAL_FPS": "1000"}
    assert environment == {"PATH": "/bin", "TERM": "foot", **ours}


@pytest.fixture
def terminal() -> Iterator[int]:
    """Return the program's end of a pseudo-terminal."""
    outside, inside = os.openpty()
    yield inside
    os.close(outside)
    os.close(inside)


def _flags(fd: int) -> tuple[int, int]:
    attributes = termios.tcgetattr(fd)
    return attributes[3], attributes[0]


def test_the_terminal_neither_echoes_nor_signals(
    terminal: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[tuple[object, ...]] = []
    monkeypatch.setattr("atexit.register", lambda *call: kept.append(call))
    before = _flags(terminal)
    lockdown.lock_keyboard(terminal)
    local, incoming = _flags(terminal)
    assert not local & (termios.ECHO | termios.ICANON | termios.ISIG | termios.IEXTEN)
    assert not incoming & (termios.IXON | termios.IXOFF)
    (restore, *arguments) = kept[0]
    restore(*arguments)  # type: ignore[operator]
    assert _flags(terminal) == before


def test_a_pipe_is_left_alone() -> None:
    outside, inside = os.pipe()
    lockdown.lock_keyboard(outside)
    os.close(outside)
    os.close(inside)


def test_keyboard_signals_are_ignored() -> None:
    numbers = (signal.SIGINT, signal.SIGQUIT, signal.SIGTSTP)
    before = [signal.getsignal(number) for number in numbers]
    try:
        lockdown.ignore_keyboard_signals()
        for number in numbers:
            os.kill(os.getpid(), number)
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def test_errors_of_any_thread_go_to_the_callable(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    seen: list[BaseException] = []
    lockdown.silence_errors(seen.append)

    def fail() -> None:
        secret = "canary-604918"
        raise RuntimeError(secret)

    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    sys.excepthook(ValueError, ValueError("canary-604918"), None)
    assert [type(error) for error in seen] == [RuntimeError, ValueError]
    assert capfd.readouterr() == ("", "")


def test_nothing_heavy_is_imported_before_the_lock() -> None:
    code = (
        "import sys, screens.terminal.lockdown;"
        "heavy = {'textual', 'rich', 'asyncio', 'kiosk', 'smartcard'} & set(sys.modules);"
        "sys.exit(', '.join(heavy) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
