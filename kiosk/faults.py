"""Describes an unexpected error without saying anything that it carries.

An exception's text, its arguments and the locals of its frames may hold a PIN. Its type
and the places in the code cannot.
"""

from __future__ import annotations

import traceback


def describe_fault(fault: BaseException) -> str:
    """Return the type of ``fault`` and of what caused it, with where each was raised."""
    lines: list[str] = []
    seen: BaseException | None = fault
    while seen is not None and len(lines) < 200:
        lines.append(f"{type(seen).__module__}.{type(seen).__qualname__}")
        for frame in traceback.extract_tb(seen.__traceback__):
            lines.append(f"  {frame.filename}:{frame.lineno} in {frame.name}")
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)
    return "\n".join(lines)
