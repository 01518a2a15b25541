"""``kiosk display``: compositor and terminal for a station, with text that is legible."""

from __future__ import annotations

import argparse
import os
import select
import shutil
import signal
import socket
import struct
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import FrameType

from hardware.display import (
    FONT,
    NO_GRAPHICS,
    WITHOUT_GRAPHICS,
    Display,
    connected_displays,
    console_font,
    framebuffer,
    has_graphics,
    text_size,
)
from kiosk.app.cli.help import Commands, add_command
from kiosk.app.cli.printing import echo
from kiosk.app.service_manager import take_service_manager
from kiosk.config.loading import load_settings, settings_path
from kiosk.contract.errors import ConfigError
from kiosk.system import child

_HELP = """\
Runs the Wayland compositor cage, and the terminal foot full-screen in it, for the station that
takes the terminal at SOCKET (`kiosk station --terminal SOCKET`). The size of the text follows from
the display, and from how far people stand from it (`viewing_distance_cm` in [station]). The layout
of the keyboard is that of /etc/default/keyboard, from $XKBLAYOUT and its like. The terminal has no
shortcuts, no clipboard and no way to another program; the station does not see the compositor. It
ends when one of its parts does, or another display is plugged in.

With --console it sets the font of the bare console instead, by the same measure, and ends.
"""
_EXAMPLE = """\
  kiosk display --config /etc/kiosk-station/station.toml --socket /run/kiosk-display/terminal.sock
  kiosk display --console /dev/tty1
"""
_CLOSE_KEYBOARD = "trap '' INT QUIT TSTP; stty -echo -icanon -isig -iexten min 1; exec \"$@\""
"""Until Python runs in the terminal, no key is echoed, and none ends or stops it."""

_BACKENDS = frozenset({"WLR_BACKENDS", "WAYLAND_DISPLAY", "DISPLAY"})
"""With one of them the compositor draws on something else than a graphics card."""

_KEYBOARD = ("MODEL", "LAYOUT", "VARIANT", "OPTIONS")
"""What keyboard(5) names XKBMODEL and so on, cage(1) XKB_DEFAULT_MODEL."""

_CARD_S, _FAILED_S = 30, 10
"""Its unit never gives up, and would begin anew every second.

So long a driver may take that is loaded late, and so long a compositor that ended before it had
drawn anything is left alone.
"""
_LOOK_S = 1.0
_ANSWER_S = 5.0


def add_parser(commands: Commands) -> None:
    parser = add_command(
        commands, "display", "run compositor and terminal for a station", _HELP, _EXAMPLE, run
    )
    face = parser.add_mutually_exclusive_group(required=True)
    face.add_argument("--socket", metavar="SOCKET", help="where a station takes the terminal")
    face.add_argument("--console", metavar="TTY", help="a virtual console whose font is set")


def run(args: argparse.Namespace) -> int:
    """Raises ``ConfigError``, or ``OSError`` where a program is not installed."""
    settings = load_settings(settings_path(args.config, os.environ), os.environ)
    distance_cm = settings.station.viewing_distance_cm
    if args.console:
        return _set_font(args.console, distance_cm)
    return _run_compositor(args.socket, distance_cm)


def _set_font(console: str, distance_cm: float) -> int:
    """Return the exit code; a console without graphics keeps its font."""
    drawn_on = framebuffer()
    if drawn_on is None:
        echo(f"{console} has no graphics: it keeps its font")
        return 0
    same = (one for one in connected_displays() if one.pixels == drawn_on.pixels)
    font = console_font(next(same, drawn_on), distance_cm)
    double = ["--double"] if font.doubled else []
    return child.show("setfont", "--console", console, *double, font.name)


def _run_compositor(place: str, distance_cm: float) -> int:
    if _BACKENDS.isdisjoint(os.environ):
        _await_graphics()
    manager = take_service_manager(os.environ)
    display = next(connected_displays(), Display("unknown", 1920, 1080))
    size = text_size(display, distance_cm)
    folder = Path(place).absolute().with_name("compositor")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    keys = {f"XKB_DEFAULT_{each}": os.environ.get(f"XKB{each}") for each in _KEYBOARD}
    given = {name: value for name, value in keys.items() if value}
    code, has_answered = 1, False
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as beats:
        beats.bind(str(folder / "beats"))
        served = ("-I", "-m", "kiosk.app.terminal_socket", place, str(folder / "beats"))
        words = ["sh", "-c", _CLOSE_KEYBOARD, "sh", sys.executable, *served]
        with child.start(
            *("cage", "-d", "--", *terminal_command(size.pixels, words)),
            environ={**os.environ, **given, "XDG_RUNTIME_DIR": str(folder)},
            stdin=None,
        ) as compositor:

            def stop(_number: int, _frame: FrameType | None) -> None:
                nonlocal code
                code = 0
                compositor.terminate()

            signal.signal(signal.SIGTERM, stop)
            while compositor.poll() is None and next(connected_displays(), display) == display:
                if has_beat(beats, _LOOK_S) and _compositor_answers(folder / "wayland-0"):
                    has_answered = True
                    manager.beat()
            has_failed = compositor.poll() is not None and code and not has_answered
            compositor.terminate()
    if has_failed:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        time.sleep(_FAILED_S)
    return code


def _await_graphics() -> None:
    """Return once there is a graphics card; raise ``ConfigError`` where none comes."""
    for _ in range(_CARD_S):
        if has_graphics():
            return
        time.sleep(1)
    if not has_graphics():
        raise ConfigError(f"{NO_GRAPHICS}; {WITHOUT_GRAPHICS}")


def has_beat(beats: socket.socket, seconds: float) -> bool:
    """Wait up to the time-out for a beat; read all that have come, as old ones mean nothing."""
    heard, _, _ = select.select([beats], [], [], seconds)
    with suppress(BlockingIOError):
        while beats.recv(64, socket.MSG_DONTWAIT):
            pass
    return bool(heard)


def _compositor_answers(path: Path) -> bool:
    """Return whether the compositor at the socket ``path`` answers a ``wl_display.sync``."""
    with socket.socket(socket.AF_UNIX) as wire:
        wire.settimeout(_ANSWER_S)
        try:
            wire.connect(str(path))
            wire.sendall(struct.pack("=III", 1, 12 << 16, 2))
            return bool(wire.recv(1))
        except OSError:
            return False


def terminal_command(pixels: int, words: list[str]) -> list[str]:
    return [
        "foot",
        f"--config={Path(__file__).with_name('foot.ini')}",
        f"--override=main.font={FONT}:pixelsize={pixels}",
        *("env", "-u", "WAYLAND_DISPLAY", "-u", "XDG_RUNTIME_DIR", "--"),
        *words,
    ]
