"""What the libraries below remember of texts they have measured, cut and drawn, forgotten.

Rich and Textual keep the last few thousand in caches of their own; without this, an answer
that was shown, or an address, would stay in one until others push it out.
"""

from __future__ import annotations

from rich.cells import cached_cell_len
from rich.segment import Segment
from textual._styles_cache import StylesCache


def forget_texts() -> None:
    """Empty the caches that hold text; call it when a visit has left the glass.

    The names are private: a test searches the program for what was typed, and the
    versions are pinned.
    """
    cached_cell_len.cache_clear()
    Segment._split_cells.cache_clear()  # noqa: SLF001
    StylesCache.get_inner_outer.cache_clear()
