"""The settings file with all settings, generated from their fields."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping

from kiosk.config.kinds import InvalidValue, Section, settings_of
from kiosk.config.loading import Problem, problem_sentence
from kiosk.config.settings import SECTIONS, Settings
from kiosk.contract.errors import ConfigError

_HEAD = """\
# Settings of the unlock kiosk. Each line shows a default: remove the "#" to change it.
# A variable of the environment wins: KIOSK_MAIL__HOST=relay.example stands for host in [mail].
# There a list is one text with commas: KIOSK_CARDS__FAMILIES=piv,openpgp.
# An unknown name is an error.
"""

_NOTES = {
    "policy": "# What managers set in the RA application, or by `kiosk policy`, counts instead.",
}


def example_toml(sections: Collection[str] = tuple(SECTIONS)) -> str:
    """Return every setting, commented out with its default, its help and the allowed values."""
    return "\n".join([_HEAD, *(_section(name, SECTIONS[name]) for name in sections)])


def with_values(text: str, values: Mapping[tuple[str, str], str]) -> str:
    """Return a settings file's ``text`` with other values, by section and name, as words.

    Comments stay. Raises ``ConfigError`` for an unknown setting, or a value that it does not
    accept.
    """
    for (section, name), word in values.items():
        if section not in SECTIONS:
            raise ConfigError(problem_sentence(Problem(section, unknown=True), {}))
        known = {each.name: each for each in settings_of(SECTIONS[section])}
        if name not in known:
            raise ConfigError(problem_sentence(Problem(section, name, unknown=True), {}))
        try:
            line = f"{name} = {_toml(known[name].kind.read(word))}"
        except InvalidValue as unfit:
            allowed = known[name].kind.allowed
            raise ConfigError(f"{section}.{name}: {unfit}; allowed: {allowed}") from None
        head, title, rest = text.partition(f"[{section}]\n")
        if not title:
            text = f"{text.rstrip()}\n\n[{section}]\n{line}\n"
            continue
        own, following, others = rest.partition("\n[")
        as_it_is = line.replace("\\", "\\\\")
        own, found = re.subn(rf"^#?{name} *=.*$", as_it_is, own, count=1, flags=re.MULTILINE)
        text = "".join((head, title, "" if found else f"{line}\n", own, following, others))
    return text


def as_toml(settings: Settings) -> str:
    """Return a file with all differences from the defaults, including the database's password."""
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
    """Write a value as TOML; for text, numbers, booleans and lists JSON is the same."""
    return json.dumps(value, ensure_ascii=False)
