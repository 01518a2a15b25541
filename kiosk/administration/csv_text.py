"""Tables as CSV (RFC 4180) that a spreadsheet opens without running anything in it.

Spreadsheets of some countries split a line at each semicolon, whatever is quoted by commas. So a
formula is looked for wherever a cell could begin, and not only where one of ours does.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from typing import Final

_FORMULA: Final = re.compile(
    r"""
    (?: ^ | (?<=[;,|\t\r\n]) )        # where a cell begins, however the line is split
    (?P<before> (?: [^\S\t\r\n] | ["'] )* )    # what a spreadsheet may strip
    (?= [=+\-@\t\r＝＋－＠] )          # with what a formula begins, in full width too
    """,
    re.VERBOSE,
)


def csv_line(cells: Sequence[object]) -> str:
    """Return one line, every cell quoted; a formula gets an apostrophe before it."""
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL).writerow([_defused(str(cell)) for cell in cells])
    return text.getvalue()


def csv_text(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a whole table, its columns' names first."""
    return "".join(csv_line(row) for row in (columns, *rows))


def _defused(cell: str) -> str:
    return _FORMULA.sub(r"'\g<before>", cell)
