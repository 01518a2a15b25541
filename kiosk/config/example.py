"""The settings file with everything in it, drawn from the fields themselves."""

from __future__ import annotations

import json

from kiosk.config.base import Section, settings_of
from kiosk.config.settings import SECTIONS

_HEAD = """\
# Settings of the unlock kiosk. Each line shows a default: remove the "#" to change it.
# A variable of the environment wins: KIOSK_MAIL__HOST=relay.example stands for host in [mail].
# There a list is one text with commas: KIOSK_CARDS__FAMILIES=piv,openpgp.
# An unknown name is an error.
"""

_NOTES = {
    "policy": "# What managers set in the RA application, or by `kiosk policy`, counts instead.",
}


def example_toml() -> str:
    """Return every setting, commented out with its default, its help and what is allowed."""
    return "\n".join([_HEAD, *(_section(*pair) for pair in SECTIONS.items())])


def _section(name: str, section: Section) -> str:
    lines = [f"[{name}]", *([_NOTES[name]] if name in _NOTES else [])]
    for about in settings_of(section):
        lines.append(f"# {about.help} ({about.kind.allowed})")
        lines.append(f"#{about.name} = {_toml(about.default)}")
    return "\n".join([*lines, ""])


def _toml(value: object) -> str:
    """Write a value as TOML; for text, numbers, truth and lists JSON is the same."""
    return json.dumps(value, ensure_ascii=False)
