"""What the libraries below remember of texts they have measured and cut, forgotten.

Rich keeps the last few thousand in caches of its own; without this, an answer that was
shown, or an address, would stay in one until others push it out.
"""

from __future__ import annotations

from rich.cells import cached_cell_len
from rich.segment import Segment


def forget_texts() -> None:
    """Empty the caches that hold text; call it when a visit has left the glass."""
    cached_cell_len.cache_clear()
    Segment._split_cells.cache_clear()  # noqa: SLF001 - tested, and the version is pinned
