"""How the C library keeps the memory that this process has freed (mallopt(3))."""

from __future__ import annotations

import ctypes

_M_MMAP_THRESHOLD = -3
_BLOCK_BYTES = 128 * 1024


def return_freed_blocks() -> None:
    """Return blocks of 128 KiB or more to the kernel as soon as they are freed.

    That is the C library's beginning. After the first such block was freed it keeps larger ones as
    well, and the memory of a thousand connections stays with the process.
    """
    ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _BLOCK_BYTES)
