"""Tables as CSV (RFC 4180) that a spreadsheet opens without running anything in it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""How a cell begins that a spreadsheet takes for a formula."""


def csv_line(cells: Sequence[object]) -> str:
    """Return one line; a cell that looks like a formula gets an apostrophe before it."""
    text = io.StringIO()
    csv.writer(text).writerow([_defused(str(cell)) for cell in cells])
    return text.getvalue()


def csv_text(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a whole table, its columns' names first."""
    return "".join(csv_line(row) for row in (columns, *rows))


def _defused(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
