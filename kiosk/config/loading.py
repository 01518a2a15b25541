"""Reading the settings, once: file, then environment; all errors are reported together."""

from __future__ import annotations

import os
import pwd
import tomllib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any

from msgspec.structs import replace

from kiosk import HAS_AUTHORITY
from kiosk.config.kinds import InvalidValue
from kiosk.config.settings import DEFAULTS, SECTIONS, Section, Settings
from kiosk.contract.errors import ConfigError
from kiosk.contract.sensitive import Sensitive
from kiosk.system.files import other_owner
from kiosk.system.machine_seal import SUFFIX, unseal

SETTINGS_VARIABLE = "KIOSK_SETTINGS"
"""Names the settings file, where the command line does not."""

SYSTEM_SETTINGS = Path("/etc/kiosk/kiosk.toml")
_SYSTEM_STATE = Path("/var/lib/kiosk")
_ACCOUNT = "kiosk"

STATION_SETTINGS = Path("/etc/kiosk-station/station.toml")
STATION_STATE = Path("/var/lib/kiosk-station")
STATION_ACCOUNT = "kiosk-station"
_CREDENTIAL_MAX = 64 * 1024

ENROLMENT = "enrolment.toml"
"""In the state directory of an enrolled station: the results of `kiosk enrol`."""

CERTIFICATE = "station.pem"
"""There, the station's key and certificate, from the same command."""


def settings_path(given: str | None, environ: Mapping[str, str]) -> Path:
    """Return the settings file: as given, or from ``$KIOSK_SETTINGS``.

    Else it is that of the service whose account this is, or of the installed one.
    """
    if named := given or environ.get(SETTINGS_VARIABLE):
        return Path(named)
    is_stations = not HAS_AUTHORITY or _own_account() == STATION_ACCOUNT
    return STATION_SETTINGS if is_stations else SYSTEM_SETTINGS


def _own_account() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:  # a container's user may have no name
        return ""


def state_directory(environ: Mapping[str, str], settings: Path | None = None) -> Path:
    """Return ``$STATE_DIRECTORY`` (systemd sets it), or that of the service with these settings."""
    first = environ.get("STATE_DIRECTORY", "").split(":")[0]
    if first:
        return Path(first)
    return STATION_STATE if settings == STATION_SETTINGS else _SYSTEM_STATE


def as_account(path: str | Path) -> str:
    """Name the account with which a command can open a file that this account may not open.

    Where it is that account already, say what it lacks.
    """
    of_station = (str(STATION_SETTINGS.parent), str(STATION_STATE))
    is_stations = not HAS_AUTHORITY or str(path).startswith(of_station)
    account = STATION_ACCOUNT if is_stations else _ACCOUNT
    if path and account == _own_account():
        for folder in reversed(Path(path).absolute().parents):
            if folder.is_dir() and not os.access(folder, os.X_OK):
                return f"the account {account} may not enter {folder}"
        return f"it has to belong to this account; as root: chown -h {account}: {path}"
    return f"run this as the service's account: runuser -u {account} -- kiosk ..."


def refusal(error: OSError, path: str | Path) -> str:
    """Return why ``path`` was not opened, and what to do where this account may not."""
    text = error.strerror or str(error)
    return f"{text}; {as_account(path)}" if isinstance(error, PermissionError) else text


def require_own_folder(folder: Path) -> None:
    """Raise ``ConfigError`` for root in another account's folder, which could put links there."""
    if advice := _as_owner(folder):
        raise ConfigError(
            f"{folder} belongs to another account, which could lead what root writes there to "
            f"other files; {advice}"
        )


def _as_owner(path: Path) -> str:
    """Say as which account to run what root does not do to a file of another one.

    Empty for any other account than root, and for files of root's.
    """
    owner = other_owner(path) if os.geteuid() == 0 else None
    if owner is None:
        return ""
    try:
        return f"run this as that account: runuser -u {pwd.getpwuid(owner).pw_name} -- kiosk ..."
    except KeyError:  # of another machine, or a container
        return f"run this as that account, which has the number {owner} and no name here"


def credential_file(named: str, environ: Mapping[str, str]) -> Path:
    """Return the file of a credential: a path as it is, a bare name in the credentials directory.

    Raises ``ConfigError`` for a bare name without ``$CREDENTIALS_DIRECTORY``.
    """
    if "/" in named:
        return Path(named)
    directory = environ.get("CREDENTIALS_DIRECTORY", "")
    if not directory:
        raise ConfigError(f"{named}: a bare name needs $CREDENTIALS_DIRECTORY; or give a path")
    return Path(directory) / named


def credential_text(named: str, environ: Mapping[str, str]) -> Sensitive:
    """Read a credential without its last line break; raises ``ConfigError`` naming the file.

    One whose name ends in ``.cred`` is sealed to this machine, under the rest of its name.
    """
    path = credential_file(named, environ)
    try:
        with path.open("rb") as file:
            raw = file.read(_CREDENTIAL_MAX)
        if path.suffix == SUFFIX:
            raw = unseal(path.stem, raw)
        return Sensitive(raw.decode().rstrip("\r\n"))
    except OSError as error:
        raise ConfigError(f"credential {path}: {refusal(error, path)}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"credential {path}: is not UTF-8 text") from None


Given = Mapping[str, Any]

Problem = tuple[tuple[str, ...], str]
"""One error: the section, with the setting where it is of one alone, and what is wrong."""


def read_settings(given: Given) -> tuple[Settings, list[Problem]]:
    """Return the settings, with defaults for missing and wrong values, and the errors."""
    problems: list[Problem] = [((name,), no_such(name)) for name in given if name not in SECTIONS]
    sections: dict[str, Any] = {
        name: _section(name, defaults, given[name], problems)
        for name, defaults in SECTIONS.items()
        if name in given
    }
    return replace(DEFAULTS, **sections), problems


def _section(name: str, defaults: Section, given: object, problems: list[Problem]) -> Section:
    if not isinstance(given, Mapping):
        problems.append(((name,), "is not a section"))
        return defaults
    known = {about.name: about for about in defaults.settings}
    before = len(problems)
    values: dict[str, Any] = {}
    for setting, value in given.items():
        if (about := known.get(setting)) is None:
            problems.append(((name, setting), no_such(name, setting)))
            continue
        try:
            values[setting] = about.kind.read(value)
        except InvalidValue as unfit:
            shown = f"{value!r:.{_SHOWN}} " if unfit.quotes and not about.hidden else ""
            problems.append(((name, setting), f"{shown}{unfit}; allowed: {about.kind.allowed}"))
    section: Section = replace(defaults, **values)
    if len(problems) == before:
        try:
            section.check()
        except ValueError as error:
            setting, _, reason = str(error).partition(": ")
            problems.append(((name, setting), reason))
    return section


_SHOWN = 60
"""Characters of a wrong value that are repeated."""


# Sentences for wrong settings; a value that may hold a secret is never repeated.

ENV_PREFIX = "KIOSK_"


def problem_lines(
    problems: Sequence[Problem], path: Path | None, environ: Mapping[str, str]
) -> str:
    """Return all errors, one a line, each naming its setting and source."""
    number = "1 setting is" if len(problems) == 1 else f"{len(problems)} settings are"
    lines = [f"{number} wrong ({path})" if path else f"{number} wrong"]
    for names, reason in problems:
        variable = ENV_PREFIX + "__".join(names).upper()
        within = variable + "__" if len(names) == 1 else variable
        named = sorted(name for name in environ if name == variable or name.startswith(within))
        source = f" (from {', '.join(named)})" if named else ""
        lines.append(f"  {'.'.join(names)}{source}: {reason}")
    return "\n".join(lines)


def no_such(section: str, setting: str | None = None) -> str:
    """Say that there is no such section, or no such setting in it, and which there are instead."""
    import difflib  # rarely needed, and this is loaded before the first page

    kind, name, names = "section", section, list(SECTIONS)
    if setting is not None:
        kind, name = "setting", setting
        names = [about.name for about in SECTIONS[section].settings]
    near = difflib.get_close_matches(name, names, n=1)
    instead = f"did you mean {near[0]}?" if near else f"allowed: {', '.join(names)}"
    return f"there is no such {kind}; {instead}"


EXAMPLES = {
    "service": ("trust", "ra_contact", "ra_hours", "ra_email"),
    "station": ("name",),
    "mail": ("sender",),
    "policy": ("email_domains",),
}
"""Settings whose defaults are examples: they are wrong for every real service but one."""


def load_settings(path: Path | None, environ: Mapping[str, str]) -> Settings:
    """Read ``path`` and the ``KIOSK_`` variables of ``environ``, which take precedence.

    ``path`` None reads the environment alone. The results of `kiosk enrol` in the state directory
    come below both. Raises ``ConfigError`` that names every wrong setting, the error and the
    allowed values; and to root for a file of another account, which could name files of root's as
    passwords to be sent.
    """
    in_file: dict[str, Any] = {}
    if path:
        _require_own_settings(path)
        in_file = read_toml(path)
    state = state_directory(environ, path)
    with suppress(SettingsMissing):  # of a station that did not enrol
        enrolled = read_toml(state / ENROLMENT)
        _require_own_settings(state / ENROLMENT)
        in_file = _over(enrolled, in_file)
    settings, problems = read_settings(_over(in_file, _nested(environ)))
    if problems:
        raise ConfigError(problem_lines(problems, path, environ))
    state = state.absolute()
    return replace(
        settings,
        store=replace(settings.store, url=settings.store.url or f"sqlite:///{state / 'kiosk.db'}"),
        keys=replace(settings.keys, file=settings.keys.file or str(state / "keys.json")),
        admin=replace(
            settings.admin,
            imports=settings.admin.imports or str(state / "imports"),
            exports=settings.admin.exports or str(state / "exports"),
        ),
    )


def _require_own_settings(path: Path) -> None:
    if advice := _as_owner(path):
        raise ConfigError(f"{path} belongs to another account; {advice}")


def check_text(text: str, path: Path, below: Given = MappingProxyType({})) -> None:
    """Raise ``ConfigError`` where ``text`` could not be read as the settings file ``path``.

    Settings in ``below`` hold where it has none.
    """
    if problems := read_settings(_over(dict(below), _parse(text, path)))[1]:
        raise ConfigError(problem_lines(problems, path, {}))


def left_at_example(
    path: Path,
    environ: Mapping[str, str],
    wanted: Mapping[str, tuple[str, ...]],
) -> tuple[str, ...]:
    """Return settings for people that nobody has set, as ``setting in [section]``.

    A value that is set counts as chosen, even if it is the example's.
    """
    given = _over(read_toml(path), _nested(environ))
    return tuple(
        f"{name} in [{section}]"
        for section, names in wanted.items()
        for name in names
        if name not in given.get(section, {})
    )


def _over(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """Merge the sections of both; settings in ``above`` take precedence."""
    merged = dict(below)
    for name, section in above.items():
        both = isinstance(section, dict) and isinstance(below.get(name), dict)
        merged[name] = {**below[name], **section} if both else section
    return merged


class SettingsMissing(ConfigError):
    """There is no such settings file."""


def read_toml(path: Path) -> dict[str, Any]:
    """Return the tables of a settings file; raises ``ConfigError``, ``SettingsMissing``."""
    try:
        text = path.read_bytes().decode("utf-8-sig")  # some editors put a mark first
    except FileNotFoundError:
        made_by = "kiosk setup station" if path == STATION_SETTINGS else "kiosk setup authority"
        raise SettingsMissing(f"there is no settings file {path}; `{made_by}` makes one") from None
    except OSError as error:
        raise ConfigError(f"settings file {path}: {refusal(error, path)}") from None
    except UnicodeDecodeError as error:
        raise not_utf_8(path, error) from None
    return _parse(text, path)


def not_utf_8(path: Path, error: UnicodeDecodeError) -> ConfigError:
    """Return the error of a whole file that names the line."""
    line = error.object.count(b"\n", 0, error.start) + 1
    return ConfigError(f"{path}: line {line} is not UTF-8: save the file as text in UTF-8")


def _parse(text: str, path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"settings file {path} is not TOML: {error}") from None


def _nested(environ: Mapping[str, str]) -> dict[str, Any]:
    """Turn ``KIOSK_MAIL__HOST=x`` into ``{"mail": {"host": "x"}}``, known or not."""
    nested: dict[str, Any] = {}
    for name, value in environ.items():
        if not name.startswith(ENV_PREFIX) or name == SETTINGS_VARIABLE:
            continue
        section, _, setting = name.removeprefix(ENV_PREFIX).lower().partition("__")
        table = nested.setdefault(section, {})
        if setting and isinstance(table, dict):
            table[setting] = value
        else:
            nested[section] = value
    return nested
