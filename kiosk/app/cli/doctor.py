"""``kiosk doctor``: check the whole installation."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path

from kiosk import HAS_AUTHORITY
from kiosk.app.cli import findings
from kiosk.app.cli.help import Commands, add_command, add_flag
from kiosk.app.cli.tools import Tools, print_json
from kiosk.config.loading import (
    EXAMPLES,
    STATION_SETTINGS,
    SYSTEM_SETTINGS,
    SettingsMissing,
    left_at_example,
    load_settings,
    state_directory,
)
from kiosk.config.settings import Settings
from kiosk.contract.errors import ConfigError
from kiosk.contract.findings import READER, Check, Condition, Finding, examine, fail, ok, warn

Hardware = Callable[[Settings], Iterable[tuple[str, Check]]]

_SETTINGS, _EXAMPLE = "settings", "example"

DESCRIPTION = """\
Looks at each part that a machine stands on and says in one line how it is and what to
do. On a station: settings, smartcard service, reader and card, display, the way to the
authority, the station's certificate and the clock. On an authority also: database,
questions, keys, mail relay, whether it serves, and waiting notices. On both, whether what
runs has the settings of the file. It changes nothing, spends no try of any card and sends
no mail.

The exit code is 1 when something fails, and 0 when all is well or only worth a look.
"""
_OF_AUTHORITY = "  runuser -u kiosk -- kiosk doctor\n" if HAS_AUTHORITY else ""
EXAMPLE = f"""\
{_OF_AUTHORITY}\
  runuser -u kiosk-station -- kiosk doctor
  kiosk doctor --json | jq '.[] | select(.condition != "ok")'
"""


def add_parser(subparsers: Commands) -> None:
    parser = add_command(
        subparsers, "doctor", "look everything over and say what to do", DESCRIPTION, EXAMPLE, run
    )
    add_flag(parser, "--json", "for a script")


def run(args: argparse.Namespace, hardware: Hardware | None = None) -> int:
    """Print every finding; ``hardware`` returns other checks of reader and card."""
    as_json, found = getattr(args, "json", False), []
    for finding in _findings(Tools(args), hardware or _hardware):
        found.append(finding)
        if not as_json:
            findings.show(finding)
    if as_json:
        print_json(found)
    return int(any(finding.condition is Condition.FAIL for finding in found))


def _findings(tools: Tools, hardware: Hardware) -> Iterator[Finding]:
    try:
        settings = tools.settings
    except ConfigError as error:
        enrolled = _enrolled(tools) if isinstance(error, SettingsMissing) else None
        if enrolled is None:
            yield fail(_SETTINGS, str(error), "nothing else was looked at")
            return
        settings = enrolled
        advice = "run that as root: this machine was enrolled, and was not set up as a station"
        yield fail(_SETTINGS, str(error), advice)
    else:
        yield ok(_SETTINGS, str(tools.path))
        yield from _running(tools.path)
    calls = settings.authority.addresses and not settings.authority.listen
    if not HAS_AUTHORITY or calls or tools.path == STATION_SETTINGS:
        from kiosk.app.cli.station_checks import station_checks

        if tools.path.exists():
            yield _example(tools, {"service": EXAMPLES["service"]})
        yield from examine(hardware(settings))
        yield from examine(station_checks(settings, tools.environ))
        return
    # Stations that call over the network have the names under which they enrolled.
    unused = "station" if settings.authority.listen else ""
    wanted = {name: names for name, names in EXAMPLES.items() if name != unused}
    yield _example(tools, wanted)
    by_role = tools.store_file is None or settings.store.staff_url
    yield from examine(hardware(settings))
    yield from examine(
        chain(
            findings.store_checks(tools),
            [findings.staff_check(tools)] if by_role else [],
            [findings.mail_check(tools)],
            findings.authority_checks(tools),
            findings.running_checks(tools),
        )
    )


def _running(path: Path) -> Iterator[Finding]:
    """Look at the units of this machine that read ``path`` when they start."""
    units: tuple[str, ...] = ()
    if path == STATION_SETTINGS:
        from kiosk.app.setup import station

        units = station.READERS
    elif path == SYSTEM_SETTINGS and HAS_AUTHORITY:
        from kiosk.app.setup import authority

        units = authority.READERS
    if units and (finding := findings.check_running(path, units)):
        yield finding


def _example(tools: Tools, wanted: Mapping[str, tuple[str, ...]]) -> Finding:
    """Warn of settings for people, or for registration, that are still the example's."""
    if left := left_at_example(tools.path, tools.environ, wanted):
        advice = f"set each in {tools.path}, also where the example fits"
        return warn(_EXAMPLE, f"still the example's: {', '.join(left)}", advice)
    return ok(_EXAMPLE, "nothing that people see is still the example's")


def _enrolled(tools: Tools) -> Settings | None:
    """Return the settings of `kiosk enrol`, where there is no settings file; None for none."""
    state = str(state_directory(tools.environ, tools.path))
    settings = load_settings(None, {**tools.environ, "STATE_DIRECTORY": state})
    return settings if settings.authority.addresses and settings.authority.certificate else None


def _hardware(settings: Settings) -> Iterable[tuple[str, Check]]:
    from kiosk.app.setup.station import DisplayKind, present_display

    calls = settings.authority.addresses and not settings.authority.listen
    kind = present_display()
    is_station = not HAS_AUTHORITY or bool(calls) or kind is not None
    if not is_station and not _loads("libpcsclite.so.1"):
        # Its package is a station's. pyscard prints that it is missing when it is imported.
        return [(READER, lambda: ok(READER, "there is none; only a station needs one"))]
    from kiosk.app.cli.hardware_checks import hardware_checks

    return hardware_checks(settings, needed=is_station, composed=kind is DisplayKind.COMPOSITOR)


def _loads(library: str) -> bool:
    import ctypes

    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True
