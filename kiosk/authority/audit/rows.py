"""The numbers of rows of the audit: a number contains the chain and the place in it.

Row 3,000,000,000,017 is the 17th of the fourth chain. People read it as ``4-17``, and a row of the
first chain as ``17``.
"""

from __future__ import annotations

import re
from typing import Final

ROWS_A_CHAIN: Final = 10**12
"""The numbers that a chain has room for."""

_ROW_NAME = re.compile(r"(?:(?P<chain>[1-9][0-9]{0,5})-)?(?P<place>[1-9][0-9]{0,11})", re.ASCII)


def before_first(chain: int) -> int:
    """Return the number below a chain's first row; chains count from 1."""
    return (chain - 1) * ROWS_A_CHAIN


def chain_of(row: int) -> int:
    return max(row, 0) // ROWS_A_CHAIN + 1


def place_of(row: int) -> int:
    """Return the place of a row in its chain: how many rows there are up to it."""
    return row - before_first(chain_of(row))


def row_name(row: int) -> str:
    """Return a row's number as people read it: ``17``, or ``4-17`` in the fourth chain."""
    chain = chain_of(row)
    return str(row) if chain == 1 else f"{chain}-{place_of(row)}"


def read_row_name(text: str) -> int | None:
    """Return the number of a row from its name; None for any other text."""
    named = _ROW_NAME.fullmatch(text)
    if named is None:
        return None
    return before_first(int(named["chain"] or 1)) + int(named["place"])
