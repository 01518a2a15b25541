"""The settings file with everything in it, drawn from the fields themselves."""

from __future__ import annotations

import json

from kiosk.app.config.kinds import Section, settings_of
from kiosk.app.config.settings import SECTIONS, Settings

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


def as_toml(settings: Settings) -> str:
    """Return a file with all that differs from the defaults, the database's password too."""
    sections = []
    for name, section in ((each, getattr(settings, each)) for each in SECTIONS):
        chosen = {about.name: getattr(section, about.name) for about in settings_of(section)}
        defaults = {about.name: about.default for about in settings_of(section)}
        lines = [f"{key} = {_toml(it)}" for key, it in chosen.items() if it != defaults[key]]
        if lines:
            sections.append("\n".join([f"[{name}]", *lines, ""]))
    return "\n".join(sections)


def _section(name: str, section: Section) -> str:
    lines = [f"[{name}]", *([_NOTES[name]] if name in _NOTES else [])]
    for about in settings_of(section):
        lines.append(f"# {about.help} ({about.kind.allowed})")
        lines.append(f"#{about.name} = {_toml(about.default)}")
    return "\n".join([*lines, ""])


def _toml(value: object) -> str:
    """Write a value as TOML; for text, numbers, truth and lists JSON is the same."""
    return json.dumps(value, ensure_ascii=False)
