"""The steps on the machine of a station."""

from __future__ import annotations

import ipaddress
import socket
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from enum import StrEnum
from functools import partial
from pathlib import Path

from hardware.display import NO_GRAPHICS, WITHOUT_GRAPHICS, has_graphics
from kiosk.app.setup.steps import (
    BOOTED,
    UNITS,
    Step,
    link,
    mask,
    service,
    settings_file,
    systemctl,
    written,
)
from kiosk.config.example import example_toml, with_values
from kiosk.config.loading import (
    ENROLMENT,
    STATION_ACCOUNT,
    STATION_SETTINGS,
    STATION_STATE,
    SYSTEM_SETTINGS,
    Given,
    SettingsMissing,
    check_text,
    read_settings,
    read_toml,
)
from kiosk.config.settings import host_of
from kiosk.contract.enrolment import read_line
from kiosk.contract.errors import ConfigError
from kiosk.system import child

UNIT = "kiosk-station.service"
DISPLAY_UNIT = "kiosk-display.service"
_CONSOLE_UNIT = "kiosk-console.service"
READERS = (DISPLAY_UNIT, _CONSOLE_UNIT, UNIT)
"""The units that read the settings, when they start."""
_SEAT_UNIT = "seatd.service"
_READER_UNIT = "pcscd.service"
_SHIPPED = Path("/usr/share/unlock-kiosk-station")
_SECTIONS = ("service", "station", "authority", "pcsc", "cards", "pkcs11")
_SHARED = ("service", "station", "pcsc", "cards", "pkcs11")
"""Sections that the settings of an authority on the same machine have as well."""

WAYS_OUT = {
    "getty@tty1.service": "no log-in where the station is shown",
    "ctrl-alt-del.target": "Ctrl-Alt-Del restarts nothing",
    "kbrequest.target": "Alt-Up starts nothing",
    "sleep.target": "the Sleep key switches nothing off",
    "suspend.target": "nor does another key",
    "hibernate.target": "nor does another key",
    "hybrid-sleep.target": "nor does another key",
    "suspend-then-hibernate.target": "nor does another key",
}


class DisplayKind(StrEnum):
    """The program that displays a station."""

    COMPOSITOR = "compositor"
    CONSOLE = "console"


_ON_COMPOSITOR = UNITS / f"{UNIT}.d" / "50-compositor.conf"
_NEEDED = {
    DisplayKind.COMPOSITOR: {
        "/usr/bin/cage": "cage",
        "/usr/bin/foot": "foot",
        "/usr/sbin/seatd": "seatd",
        "/usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf": "fonts-dejavu-mono",
    },
    DisplayKind.CONSOLE: {
        "/usr/bin/setfont": "kbd",
        "/usr/share/consolefonts/Vietnamese-TerminusBold28x14.psf.gz": "console-setup-linux",
    },
}
"""Files that a kind of display needs, and Debian's package of each."""


def present_display() -> DisplayKind | None:
    """Return which display this machine was set up with as a station; None before that."""
    if not (UNITS / "multi-user.target.wants" / UNIT).is_symlink():
        return None
    return DisplayKind.COMPOSITOR if _ON_COMPOSITOR.is_symlink() else DisplayKind.CONSOLE


def enabled_units() -> tuple[str, ...]:
    """Return the units of a station that start with this machine: all of it once it was set up."""
    wants = UNITS / "multi-user.target.wants"
    return tuple(unit for unit in READERS if (wants / unit).is_symlink())


def require_graphics(kind: DisplayKind) -> None:
    """Raise ``ConfigError`` where the compositor has nothing to draw on, on a machine that runs.

    A drop-in of its unit may name another backend (``WLR_BACKENDS``).
    """
    if kind is not DisplayKind.COMPOSITOR or has_graphics() or not BOOTED.is_dir():
        return
    drop_ins = (UNITS / f"{DISPLAY_UNIT}.d").glob("*.conf")
    if not any("WLR_BACKENDS=" in drop_in.read_text(errors="replace") for drop_in in drop_ins):
        raise ConfigError(f"{NO_GRAPHICS}; {WITHOUT_GRAPHICS}")


def limits_usb() -> bool:
    return Path("/usr/sbin/usbguard-daemon").exists()


def shared_values() -> dict[tuple[str, str], str]:
    """Return what the settings of an authority on this machine contain for a station's pages.

    Raises ``ConfigError`` for a file that cannot be read.
    """
    try:
        given = read_toml(SYSTEM_SETTINGS)
    except SettingsMissing:
        return {}
    return {
        (section, name): ",".join(value) if isinstance(value, list) else str(value)
        for section in _SHARED
        for name, value in given.get(section, {}).items()
    }


def station_steps(
    values: Mapping[tuple[str, str], str],
    line: str | None,
    kind: DisplayKind,
    *,
    undo: bool,
    dry_run: bool,
) -> Iterator[Step]:
    """Yield the steps, each once those before it are done, unless it is a ``dry_run``.

    ``line`` enrols the station. ``undo``: also the steps of other settings. Raises ``ConfigError``
    where something is not installed, or the line cannot be read.
    """
    missing = [package for path, package in _NEEDED[kind].items() if not Path(path).exists()]
    if missing and not undo:
        raise ConfigError(
            f"the display needs {', '.join(missing)}: install what is missing, "
            "or choose another with --display"
        )
    if undo:
        text = ""
    elif STATION_SETTINGS.exists():
        # An error in it is named before anything is done.
        read_toml(STATION_SETTINGS)
        text = with_values(STATION_SETTINGS.read_text(encoding="utf-8-sig"), values)
        check_text(text, STATION_SETTINGS, _enrolment())
    else:
        text = with_values(example_toml(_SECTIONS), {**shared_values(), **values})
    settings = settings_file(STATION_SETTINGS, text, ("root", STATION_ACCOUNT), 0o640)
    yield settings.followed_by(partial(systemctl, "try-restart", *READERS))
    try:
        named = () if line is None else read_line(line).addresses
    except ValueError as wrong:
        raise ConfigError(f"the line was not read: {wrong}") from None
    if line is not None:
        what = "a key of this station, and its certificate by the authority's line"
        yield Step("enrolment", what, lambda: False, partial(_enrol, line))
    # Before it is asked, the authority may name others than the line.
    enrolled = named if dry_run and named else () if undo else _addresses(_enrolment())
    addresses = _addresses(tomllib.loads(text)) or enrolled
    if addresses or undo:
        yield written(
            "network",
            f"{UNIT} reaches {', '.join(addresses) or 'the authority'} and nothing else",
            UNITS / f"{UNIT}.d" / "authority.conf",
            "" if undo else network_drop_in(addresses),
            0o644,
            "daemon-reload",
        ).followed_by(partial(systemctl, "try-restart", UNIT))
    for unit, text in WAYS_OUT.items():
        yield mask(unit, text)
    place, name = Path("/etc/systemd"), "50-kiosk-station.conf"
    yield link(
        "keys",
        "no other console; the keys of keyboard and case switch nothing off",
        place / "logind.conf.d" / name,
        _SHIPPED / "logind.conf",
        "try-reload-or-restart",
        "systemd-logind.service",
    )
    yield link(
        "keys",
        "Ctrl-Alt-Del restarts nothing however often",
        place / "system.conf.d" / name,
        _SHIPPED / "system.conf",
        "daemon-reload",
    )
    yield link(
        "keys",
        "SysRq does nothing, the kernel writes on no console (undone at the next start)",
        Path("/etc/sysctl.d/50-kiosk-station.conf"),
        _SHIPPED / "sysctl.conf",
        "restart",
        "systemd-sysctl.service",
    )
    yield link(
        "reader",
        f"{_READER_UNIT} is started however often it fails, and leaves nothing on the disk",
        UNITS / f"{_READER_UNIT}.d" / name,
        _SHIPPED / "pcscd.conf",
        "daemon-reload",
    ).followed_by(partial(systemctl, "try-restart", _READER_UNIT), also_undone=True)
    if limits_usb():
        yield mask("usbguard-dbus.service", "no program changes what may be plugged in")
        yield written(
            "usb",
            "keyboards, touch screens and card readers may be plugged in, and nothing else",
            Path("/etc/usbguard/rules.d/90-kiosk-station.conf"),
            (_SHIPPED / "usbguard.conf").read_text(),
            0o600,
            "try-restart",
            "usbguard.service",
        )
    font = service(_CONSOLE_UNIT, "the font of the console, as large as there is room for")
    steps = {DisplayKind.COMPOSITOR: list(compositor_steps()), DisplayKind.CONSOLE: [font]}
    for other in DisplayKind:
        if undo and other is not kind:
            yield from steps[other]
        elif other is not kind:
            undone = (step.undone() for step in reversed(steps[other]))
            yield from (step for step in undone if not step.is_done())
    yield from steps[kind]
    yield service(UNIT, "the station")


def compositor_steps() -> Iterator[Step]:
    yield link(
        "display",
        f"{_SEAT_UNIT} passes devices to the compositor alone",
        UNITS / f"{_SEAT_UNIT}.d" / "50-kiosk-station.conf",
        _SHIPPED / "seat.conf",
        "daemon-reload",
    ).followed_by(partial(systemctl, "try-restart", _SEAT_UNIT), also_undone=True)
    shown = service(DISPLAY_UNIT, "the compositor, and the terminal in it")

    def start() -> None:
        try:
            shown.do()
        except ConfigError:
            if has_graphics():
                raise
            raise ConfigError(f"{NO_GRAPHICS}; {WITHOUT_GRAPHICS}") from None

    yield replace(shown, do=start)
    yield link(
        "display",
        f"{UNIT} is on the compositor",
        _ON_COMPOSITOR,
        _SHIPPED / "compositor.conf",
        "daemon-reload",
    ).followed_by(partial(systemctl, "try-restart", UNIT))


def _enrol(line: str) -> None:
    """Enrol as the account of the station, which owns the key."""
    done = child.run(
        *child.this_program("enrol"),
        given=f"{line}\n",
        environ={"PATH": "/usr/bin", "STATE_DIRECTORY": str(STATION_STATE)},
        account=STATION_ACCOUNT,
    )
    if done.code:
        raise ConfigError(done.errors.strip().removeprefix("kiosk: "))


def _enrolment() -> Given:
    try:
        return read_toml(STATION_STATE / ENROLMENT)
    except SettingsMissing:
        return {}


def named_addresses() -> tuple[str, ...]:
    """Return the addresses of an authority in the network that settings or enrolment name."""
    return _addresses(read_toml(STATION_SETTINGS)) or _addresses(_enrolment())


def _addresses(given: Given) -> tuple[str, ...]:
    return read_settings(given)[0].authority.addresses


def ip_addresses(addresses: Iterable[str]) -> list[str]:
    """Return the IP addresses of ``host:port``; raises ``ConfigError`` where there are none."""
    found = set[str]()
    for host in map(host_of, addresses):
        try:
            answers = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        except OSError as error:
            raise ConfigError(f"the address of {host} was not found: {error.strerror}") from None
        found |= {str(answer[4][0]) for answer in answers}
    return sorted(found)


ETC = Path("/etc")
RESOLVED = Path("/run/systemd/resolve/io.systemd.Resolve")
"""The socket of systemd-resolved, which a unit without a way to a name server can ask."""


def not_looked_up(addresses: Iterable[str]) -> list[str]:
    """Return the names that the station's unit, which reaches no name server, cannot look up."""
    hosts, order = (_words_of(ETC / name) for name in ("hosts", "nsswitch.conf"))
    if RESOLVED.exists() and any("hosts:" in line and "resolve" in line for line in order):
        return []
    known = {word.lower() for line in hosts for word in line[1:]}
    names = set[str]()
    for host in map(host_of, addresses):
        try:
            ipaddress.ip_address(host)
        except ValueError:
            names.add(host)
    return sorted(name for name in names if name.lower() not in known)


def _words_of(file: Path) -> list[list[str]]:
    try:
        lines = file.read_text(errors="replace").splitlines()
    except OSError:
        return []
    return [line.partition("#")[0].split() for line in lines]


def network_drop_in(addresses: tuple[str, ...]) -> str:
    return (
        "# Made by `kiosk setup station` from [authority] in the settings: run it again after a"
        " change.\n"
        "# The names are looked up outside of the unit, by systemd-resolved or in /etc/hosts.\n"
        "[Service]\n"
        "PrivateNetwork=no\n"
        "RestrictAddressFamilies=AF_INET AF_INET6\n"
        f"IPAddressAllow={' '.join(ip_addresses(addresses))}\n"
    )
