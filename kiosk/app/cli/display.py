"""``kiosk display``: a station in a terminal of a Wayland compositor, with text that is legible."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

_HELP = """\
Runs COMMAND full-screen in the terminal foot, for a compositor that shows nothing else, such as
cage. The size of the text follows from the display, and from how far people stand from it
(`viewing_distance_cm` in [station]). The terminal has no shortcuts, no clipboard and no way to
another program; COMMAND does not see the compositor.
"""
_EXAMPLE = """\
example:
  kiosk display -- kiosk station      as the one program of a compositor: cage -d -- ...
"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "display",
        help="run a station in a terminal of a Wayland compositor",
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
    parser.add_argument("words", nargs="+", metavar="COMMAND", help="what to run, behind --")


def run(args: argparse.Namespace) -> int:
    """Become the terminal; raises ``ConfigError``, or ``OSError`` where it is not installed."""
    from hardware.display import Display, connected_displays, text_size
    from kiosk.app.config.loading import load_settings, settings_path

    settings = load_settings(settings_path(args.config, os.environ), os.environ)
    display = next(connected_displays(), Display("unknown", 1920, 1080))
    size = text_size(display, settings.station.viewing_distance_cm)
    line = terminal_command(size.pixels, args.words)
    os.execvp(line[0], line)  # noqa: S606 - the administrator's command, without a shell


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
