"""Reads what the file and the environment say into settings, and collects what is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from kiosk.config.base import About, Section, settings_of
from kiosk.config.kinds import Unfit
from kiosk.config.settings import DEFAULTS, SECTIONS, Settings

Given = Mapping[str, Any]


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: ``reason``, and what is ``allowed`` where that is known.

    ``setting`` is empty for a problem of a whole section. Where ``unknown``, there is no
    such name, and nothing more is said.
    """

    section: str
    setting: str = ""
    reason: str = ""
    allowed: str = ""
    unknown: bool = False


def read_settings(given: Given) -> tuple[Settings, list[Problem]]:
    """Return the settings, with defaults for what is not given or wrong, and the problems."""
    problems = [Problem(name, unknown=True) for name in given if name not in SECTIONS]
    sections: dict[str, Any] = {}
    for name, defaults in SECTIONS.items():
        if name in given:
            sections[name] = _section(name, defaults, given[name], problems)
    return replace(DEFAULTS, **sections), problems


def _section(name: str, defaults: Section, given: object, problems: list[Problem]) -> Section:
    if not isinstance(given, Mapping):
        problems.append(Problem(name, reason="is not a section"))
        return defaults
    known = {about.name: about for about in settings_of(defaults)}
    before = len(problems)
    values: dict[str, Any] = {}
    for setting, value in given.items():
        if setting in known:
            _read(name, known[setting], value, values, problems)
        else:
            problems.append(Problem(name, setting, unknown=True))
    section: Section = replace(defaults, **values)  # type: ignore[type-var]
    return section if len(problems) > before else _checked(name, section, problems)


def _read(
    section: str, about: About, value: object, values: dict[str, Any], problems: list[Problem]
) -> None:
    try:
        values[about.name] = about.kind.read(value)
    except Unfit as unfit:
        shown = f"{value!r:.{_SHOWN}} " if unfit.quotes and not about.hidden else ""
        problem = Problem(section, about.name, f"{shown}{unfit}", about.kind.allowed)
        problems.append(problem)


def _checked(name: str, section: Section, problems: list[Problem]) -> Section:
    try:
        section.check()
    except ValueError as error:
        setting, _, reason = str(error).partition(": ")
        problems.append(Problem(name, setting, reason))
    return section


_SHOWN = 60
"""Characters of a wrong value that are repeated."""
