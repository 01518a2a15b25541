"""The settings file with everything in it, drawn from the fields themselves."""

from __future__ import annotations

import json

from pydantic import BaseModel

from kiosk.config.problems import allowed_text
from kiosk.config.settings import Settings

_HEAD = """\
# Settings of the unlock kiosk. Each line shows a default: remove the "#" to change it.
# A variable of the environment wins: KIOSK_MAIL__HOST=relay.example stands for host in [mail].
# An unknown name is an error.
"""


def example_toml() -> str:
    """Return every setting, commented out with its default, its help and what is allowed."""
    sections = (_section(name, value) for name, value in Settings.model_construct())
    return "\n".join([_HEAD, *sections])


def _section(name: str, section: BaseModel) -> str:
    lines = [f"[{name}]"]
    for setting, field in type(section).model_fields.items():
        lines.append(f"# {field.description} ({allowed_text(field)})")
        lines.append(f"#{setting} = {_toml(field.default)}")
    return "\n".join([*lines, ""])


def _toml(value: object) -> str:
    """Write a value as TOML; for text, numbers, truth and lists JSON is the same."""
    return json.dumps(value, ensure_ascii=False)
