"""Sentences for settings that are wrong; a value that may hold a secret is never repeated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from kiosk.config.base import settings_of
from kiosk.config.reading import Problem
from kiosk.config.settings import SECTIONS

ENV_PREFIX = "KIOSK_"


def problem_lines(
    problems: Sequence[Problem], path: Path | None, environ: Mapping[str, str]
) -> str:
    """Return all problems, one a line, each naming its setting and source."""
    lines = [f"  {_sentence(each, environ)}" for each in problems]
    number = "1 setting is wrong" if len(lines) == 1 else f"{len(lines)} settings are wrong"
    return "\n".join([f"{number} ({path})" if path else number, *lines])


def _sentence(problem: Problem, environ: Mapping[str, str]) -> str:
    names = [name for name in (problem.section, problem.setting) if name]
    head = ".".join(names) + _source(names, environ)
    if problem.unknown:
        return f"{head}: there is no such {_what(problem)}"
    tail = f"; allowed: {problem.allowed}" if problem.allowed else ""
    return f"{head}: {problem.reason}{tail}"


def _source(names: Sequence[str], environ: Mapping[str, str]) -> str:
    variable = ENV_PREFIX + "__".join(names).upper()
    within = variable + "__" if len(names) == 1 else variable
    named = [name for name in environ if name == variable or name.startswith(within)]
    return f" (from {', '.join(sorted(named))})" if named else ""


def _what(problem: Problem) -> str:
    """Say which names there are instead, the nearest first."""
    import difflib  # rarely needed, and this is loaded before the first page

    kind, names = "section", list(SECTIONS)
    if problem.setting:
        kind = "setting"
        names = [about.name for about in settings_of(SECTIONS[problem.section])]
    near = difflib.get_close_matches(problem.setting or problem.section, names, n=1)
    return f"{kind}; " + (f"did you mean {near[0]}?" if near else f"allowed: {', '.join(names)}")
