"""The settings file with all settings, generated from their fields."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress

from kiosk.config.kinds import InvalidValue
from kiosk.config.loading import no_such
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
    lines = [_HEAD]
    for name in sections:
        lines += [f"[{name}]", *([_NOTES[name]] if name in _NOTES else [])]
        for about in SECTIONS[name].settings:
            lines.append(f"# {about.help} ({about.kind.allowed})")
            lines.append(f"#{about.name} = {_toml(about.default)}")
        lines.append("")
    return "\n".join(lines)


def with_values(text: str, values: Mapping[tuple[str, str], str]) -> str:
    """Return a settings file's ``text`` with other values, by section and name, as words.

    Comments stay. Raises ``ConfigError`` for an unknown setting or a wrong value.
    """
    for (section, name), word in values.items():
        if section not in SECTIONS:
            raise ConfigError(f"{section}: {no_such(section)}")
        known = {each.name: each for each in SECTIONS[section].settings}
        if name not in known:
            raise ConfigError(f"{section}.{name}: {no_such(section, name)}")
        try:
            line = f"{name} = {_toml(known[name].kind.read(word))}"
        except InvalidValue as unfit:
            allowed = known[name].kind.allowed
            raise ConfigError(f"{section}.{name}: {unfit}; allowed: {allowed}") from None
        text = _with_line(text, section, name, line)
    return text


def _with_line(text: str, section: str, name: str, line: str) -> str:
    """Put ``line`` in the place of the one that sets ``name``, else of the example's default."""
    lines = text.split("\n")
    headings = [number for number, each in enumerate(lines) if each.lstrip().startswith("[")]
    title = re.compile(rf"\s*\[\s*{section}\s*\]\s*(#.*)?")
    begin = next((number for number in headings if title.fullmatch(lines[number])), None)
    if begin is None:
        return f"{text.rstrip()}\n\n[{section}]\n{line}\n"
    end = next((number for number in headings if number > begin), len(lines))
    first, after = begin + 1, begin + 1
    for setting in (rf"#{name}\s*=", rf"\s*{name}\s*="):
        for number in range(begin + 1, end):
            if re.match(setting, lines[number]):
                first, after = number, _end_of_value(lines, number)
                break
    return "\n".join([*lines[:first], line, *lines[after:]])


def _end_of_value(lines: Sequence[str], first: int) -> int:
    """Return the line after a setting, whose list may have several lines."""
    for after in range(first + 1, len(lines) + 1):
        with suppress(tomllib.TOMLDecodeError):
            tomllib.loads("\n".join(lines[first:after]))
            return after
    return first + 1


def as_toml(settings: Settings) -> str:
    """Return a file with all differences from the defaults, including the database's password."""
    sections = []
    for name in SECTIONS:
        section = getattr(settings, name)
        chosen = [(about, getattr(section, about.name)) for about in section.settings]
        lines = [f"{about.name} = {_toml(it)}" for about, it in chosen if it != about.default]
        if lines:
            sections.append("\n".join([f"[{name}]", *lines, ""]))
    return "\n".join(sections)


def _toml(value: object) -> str:
    """Write a value as TOML; for text, numbers, booleans and lists JSON is the same."""
    if isinstance(value, Mapping):
        rows = [f"{name} = {_toml(each)}" for name, each in value.items()]
        return f"{{ {', '.join(rows)} }}" if rows else "{}"
    return json.dumps(value, ensure_ascii=False)
