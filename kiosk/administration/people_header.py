"""The header of a file of people: which columns there are, and in which order."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from kiosk.errors import ImportRefused

NEEDED = ("holder_number", "name", "email", "card_id", "unblock_secret")
OPTIONAL = ("card_driver", "expires", "secret_limit", "auth_key", "pin_key", "master_key")
_ALL = (*NEEDED, *OPTIONAL)


@dataclass(frozen=True, slots=True)
class Header:
    """Names the columns in the order of the file."""

    columns: tuple[str, ...]

    def cells(self, record: list[str]) -> dict[str, str]:
        """Return the cells of a record by column, without the spaces around them."""
        return {name: cell.strip() for name, cell in zip(self.columns, record, strict=True)}


def read_header(record: list[str]) -> Header:
    """Read the first record; raises ``ImportRefused`` naming each column that is wrong."""
    columns = tuple(cell.strip().lower() for cell in record)
    reasons = [*_not_commas(columns)] or [*_missing(columns), *_unknown(columns), *_twice(columns)]
    if reasons:
        raise ImportRefused(tuple((1, reason) for reason in reasons))
    return Header(columns)


def _not_commas(columns: tuple[str, ...]) -> list[str]:
    if not columns:
        return [f"the file is empty; its first line must be {','.join(NEEDED)}"]
    if len(columns) == 1:
        for mark, called in ((";", "semicolons"), ("\t", "tabs")):
            if mark in columns[0]:
                return [f"columns are parted by {called}; save the file with commas"]
    return []


def _missing(columns: tuple[str, ...]) -> list[str]:
    missing = [name for name in NEEDED if name not in columns]
    if len(missing) == len(NEEDED):
        return [f"this is not the header; the first line must be {','.join(NEEDED)}"]
    return [f"the column {name} is missing" for name in missing]


def _unknown(columns: tuple[str, ...]) -> list[str]:
    """Name what is not known; where nothing is, that this is no header has been said."""
    unknown = [name for name in columns if name not in _ALL]
    return [] if len(unknown) == len(columns) else [_hint(name) for name in unknown]


def _hint(name: str) -> str:
    near = difflib.get_close_matches(name, _ALL, n=1)
    hint = f"did you mean {near[0]}?" if near else f"allowed: {', '.join(_ALL)}"
    return f"there is no column {name!r:.40}; {hint}"


def _twice(columns: tuple[str, ...]) -> list[str]:
    return [f"the column {name} is there twice" for name in _ALL if columns.count(name) > 1]
