"""How many colours a terminal shows."""

from __future__ import annotations

from collections.abc import Mapping


def has_few_colours(environ: Mapping[str, str]) -> bool:
    """Whether COLORTERM does not announce true colour: SSH carries TERM, but not COLORTERM."""
    return environ.get("COLORTERM", "").strip().lower() not in {"truecolor", "24bit"}
