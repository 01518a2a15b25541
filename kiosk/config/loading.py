"""Reading the settings, once: the file, then the environment over it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from kiosk.config.files import SETTINGS_VARIABLE, state_directory
from kiosk.config.problems import ENV_PREFIX, problem_lines
from kiosk.config.settings import Settings
from kiosk.errors import ConfigError

__all__ = ["ENV_PREFIX", "load_settings"]


def load_settings(path: Path | None, environ: Mapping[str, str]) -> Settings:
    """Read ``path`` and the ``KIOSK_`` variables of ``environ``; the latter win.

    ``path`` None reads the environment alone. Raises ``ConfigError`` that names every
    setting that is wrong, what is wrong with it and what is allowed.
    """
    in_file = _read_toml(path) if path else {}
    in_environ = _nested(environ)
    try:
        settings = _from_sources(in_environ, in_file)
    except ValidationError as error:
        raise ConfigError(problem_lines(error, path, environ)) from None
    return _with_places(settings, state_directory(environ))


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
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


class _Given(PydanticBaseSettingsSource):
    """A source that was read before."""

    def __init__(self, settings_cls: type[BaseSettings], values: dict[str, Any]) -> None:
        super().__init__(settings_cls)
        self._values = values

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        return self._values.get(field_name), field_name, False

    def __call__(self) -> dict[str, Any]:
        return self._values


def _from_sources(*values: dict[str, Any]) -> Settings:
    class Sourced(Settings):
        @classmethod
        def settings_customise_sources(
            cls, settings_cls: type[BaseSettings], *_: Any, **__: Any
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return tuple(_Given(settings_cls, each) for each in values)

    return Settings.model_construct(**{name: value for name, value in Sourced()})  # noqa: C416


def _with_places(settings: Settings, state: Path) -> Settings:
    """Fill in the places that follow from the state directory."""
    url = settings.store.url or f"sqlite:///{state.absolute() / 'kiosk.db'}"
    keys = settings.keys.file or str(state.absolute() / "keys.json")
    return settings.model_copy(
        update={
            "store": settings.store.model_copy(update={"url": url}),
            "keys": settings.keys.model_copy(update={"file": keys}),
        }
    )
