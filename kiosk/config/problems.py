"""Sentences for settings that are wrong; a value that may hold a secret is never repeated."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

import annotated_types
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from kiosk.config.settings import Settings

ENV_PREFIX = "KIOSK_"

_PLAIN = {
    "int_parsing": "is not a whole number",
    "int_type": "is not a whole number",
    "int_from_float": "is not a whole number",
    "float_parsing": "is not a number",
    "float_type": "is not a number",
    "bool_parsing": "is neither true nor false",
    "bool_type": "is neither true nor false",
    "string_type": "is not text",
    "string_too_short": "is empty",
    "too_short": "is empty",
    "tuple_type": "is not a list",
    "model_type": "is not a section",
}
_SHOWN = 60


def problem_lines(error: ValidationError, path: Path | None, environ: Mapping[str, str]) -> str:
    """Return all problems of ``error``, one a line, each naming its setting and source."""
    problems = error.errors(include_url=False)
    lines = [f"  {_sentence(each, environ)}" for each in problems]
    number = "1 setting is wrong" if len(lines) == 1 else f"{len(lines)} settings are wrong"
    return "\n".join([f"{number} ({path})" if path else number, *lines])


def allowed_text(field: FieldInfo) -> str:
    """Say what a field takes: its mark, its choices, its bounds, or its kind."""
    extra = field.json_schema_extra
    if isinstance(extra, dict) and "allowed" in extra:
        return str(extra["allowed"])
    if field.annotation is bool:
        return "true or false"
    if choices := get_args(field.annotation):
        return " or ".join(f'"{choice}"' for choice in choices)
    low = next((m.ge for m in field.metadata if isinstance(m, annotated_types.Ge)), None)
    high = next((m.le for m in field.metadata if isinstance(m, annotated_types.Le)), None)
    return "one line of text" if low is None else f"{low} to {high}"


def _sentence(problem: ErrorDetails, environ: Mapping[str, str]) -> str:
    name, where = _name(problem), _source(problem, environ)
    field = _field(problem["loc"])
    if problem["type"] == "extra_forbidden":
        return f"{name}{where}: there is no such {_what(problem)}"
    if field is None and problem["type"] == "value_error":  # its text begins with the setting
        return f"{name}.{_reason(problem, shown=False)}{where}"
    if field is None:
        return f"{name}{where}: {_reason(problem, shown=False)}"
    return f"{name}{where}: {_reason(problem, field.repr)}; allowed: {allowed_text(field)}"


def _name(problem: ErrorDetails) -> str:
    return ".".join(str(part) for part in problem["loc"][:2])


def _source(problem: ErrorDetails, environ: Mapping[str, str]) -> str:
    variable = ENV_PREFIX + "__".join(str(part) for part in problem["loc"][:2]).upper()
    within = variable + "__" if len(problem["loc"]) == 1 else variable
    named = [name for name in environ if name == variable or name.startswith(within)]
    return f" (from {', '.join(sorted(named))})" if named else ""


def _field(loc: tuple[int | str, ...]) -> FieldInfo | None:
    if len(loc) < 2:
        return None
    section = _section(loc[0])
    return section.model_fields.get(str(loc[1])) if section else None


def _section(name: int | str) -> type[BaseModel] | None:
    field = Settings.model_fields.get(str(name))
    kind: Any = field.annotation if field else None
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def _what(problem: ErrorDetails) -> str:
    """Say which names there are instead, the nearest first."""
    section = _section(problem["loc"][0])
    names = list((section or Settings).model_fields)
    near = difflib.get_close_matches(str(problem["loc"][-1]), names, n=1)
    hint = f"did you mean {near[0]}?" if near else f"allowed: {', '.join(names)}"
    return f"{'setting' if section else 'section'}; {hint}"


def _reason(problem: ErrorDetails, shown: bool) -> str:
    value = f"{problem['input']!r:.{_SHOWN}} " if shown else ""
    if problem["type"] == "value_error":
        return problem["msg"].removeprefix("Value error, ")
    if problem["type"] in ("greater_than_equal", "less_than_equal"):
        return f"{value}is out of bounds"
    return value + _PLAIN.get(problem["type"], "is not allowed here")
