"""Reading the settings, once: the file, then the environment over it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from kiosk.config.files import SETTINGS_VARIABLE, state_directory
from kiosk.config.problems import ENV_PREFIX, problem_lines
from kiosk.config.reading import read_settings
from kiosk.config.settings import Settings
from kiosk.errors import ConfigError

__all__ = ["ENV_PREFIX", "left_at_example", "load_settings"]

EXAMPLES = {
    "service": ("trust", "ra_contact", "ra_hours", "ra_email"),
    "mail": ("sender",),
    "policy": ("email_domains",),
}
"""Settings whose defaults are an example's: they are wrong for every real service but one."""


def load_settings(path: Path | None, environ: Mapping[str, str]) -> Settings:
    """Read ``path`` and the ``KIOSK_`` variables of ``environ``; the latter win.

    ``path`` None reads the environment alone. Raises ``ConfigError`` that names every
    setting that is wrong, what is wrong with it and what is allowed.
    """
    in_file = _read_toml(path) if path else {}
    settings, problems = read_settings(_over(in_file, _nested(environ)))
    if problems:
        raise ConfigError(problem_lines(problems, path, environ))
    return _with_places(settings, state_directory(environ))


def left_at_example(path: Path, environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return what people see and nobody has set, as ``setting in [section]``.

    A value that is set counts as chosen, also where it is the example's own.
    """
    given = _over(_read_toml(path), _nested(environ))
    return tuple(
        f"{name} in [{section}]"
        for section, names in EXAMPLES.items()
        for name in names
        if name not in given.get(section, {})
    )


def _over(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """Return the sections of both; what ``above`` says of a setting counts."""
    merged = dict(below)
    for name, section in above.items():
        both = isinstance(section, dict) and isinstance(below.get(name), dict)
        merged[name] = {**below[name], **section} if both else section
    return merged


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except FileNotFoundError:
        raise ConfigError(f"there is no settings file {path}; `kiosk setup` makes one") from None
    except PermissionError:
        run_as = "run this as the service's account: runuser -u kiosk -- kiosk ..."
        raise ConfigError(f"settings file {path}: Permission denied; {run_as}") from None
    except OSError as error:
        raise ConfigError(f"settings file {path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
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


def _with_places(settings: Settings, state: Path) -> Settings:
    """Fill in the places that follow from the state directory."""
    url = settings.store.url or f"sqlite:///{state.absolute() / 'kiosk.db'}"
    keys = settings.keys.file or str(state.absolute() / "keys.json")
    return replace(
        settings,
        store=replace(settings.store, url=url),
        keys=replace(settings.keys, file=keys),
        admin=replace(
            settings.admin,
            imports=settings.admin.imports or str(state.absolute() / "imports"),
            exports=settings.admin.exports or str(state.absolute() / "exports"),
        ),
    )
