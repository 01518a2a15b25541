"""``kiosk display``: compositor and terminal for a station, with text that is legible."""

from __future__ import annotations

import argparse
import os
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
from pathlib import Path

_HELP = """\
Runs the Wayland compositor cage, and the terminal foot full-screen in it, for the station that
takes the terminal at SOCKET (`kiosk station --terminal SOCKET`). The size of the text follows from
the display, and from how far people stand from it (`viewing_distance_cm` in [station]). The
terminal has no shortcuts, no clipboard and no way to another program; the station does not see the
compositor. It ends when one of its parts does, or another display is plugged in.
"""
_EXAMPLE = """\
example:
  kiosk display --config /etc/kiosk-station/station.toml --socket /run/kiosk-display/terminal.sock
"""
_CLOSE_KEYBOARD = "trap '' INT QUIT TSTP; stty -echo -icanon -isig -iexten min 1; exec \"$@\""
"""Before Python is up in the terminal, no key is echoed, and none ends or stops it."""

_LOOK_S = 1.0
_ANSWER_S = 5.0


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "display",
        help="run compositor and terminal for a station",
        description=_HELP,
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)
    parser.add_argument(
        "--config",
        metavar="FILE",
        help="settings (default: $KIOSK_SETTINGS, or /etc/kiosk/kiosk.toml)",
    )
    parser.add_argument(
        "--socket", metavar="SOCKET", required=True, help="where a station takes the terminal"
    )


def run(args: argparse.Namespace) -> int:
    """Run until a part ends; raises ``ConfigError``, or ``OSError`` where one is not installed."""
    from hardware.display import Display, connected_displays, text_size
    from kiosk.app.config.loading import load_settings, settings_path
    from kiosk.app.process import take_service_manager

    manager = take_service_manager(os.environ)
    settings = load_settings(settings_path(args.config, os.environ), os.environ)
    display = next(connected_displays(), Display("unknown", 1920, 1080))
    size = text_size(display, settings.station.viewing_distance_cm)
    folder = Path(args.socket).absolute().with_name("compositor")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    ready = "READY=1\n"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as beats:
        beats.bind(str(folder / "beats"))
        served = ("-I", "-m", "kiosk.app.terminal_socket", args.socket, str(folder / "beats"))
        words = ["sh", "-c", _CLOSE_KEYBOARD, "sh", sys.executable, *served]
        with subprocess.Popen(  # noqa: S603 - without a shell
            ["cage", "-d", "--", *terminal_command(size.pixels, words)],  # noqa: S607
            env={**os.environ, "XDG_RUNTIME_DIR": str(folder)},
        ) as compositor:
            signal.signal(signal.SIGTERM, lambda *_: compositor.terminate())
            while compositor.poll() is None and next(connected_displays(), display) == display:
                heard, _, _ = select.select([beats], [], [], _LOOK_S)
                if heard and beats.recv(64) and _compositor_answers(folder / "wayland-0"):
                    if manager is not None:
                        manager.notify(f"{ready}WATCHDOG=1")
                    ready = ""
            compositor.terminate()
    return 1


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
    """Return the line that runs ``words`` in the terminal, with text of this size."""
    from hardware.display import FONT

    return [
        "foot",
        f"--config={Path(__file__).with_name('foot.ini')}",
        f"--override=main.font={FONT}:pixelsize={pixels}",
        *("env", "-u", "WAYLAND_DISPLAY", "-u", "XDG_RUNTIME_DIR", "--"),
        *words,
    ]
