"""The memory of this process: when Python looks for garbage, and what the C library keeps."""

from __future__ import annotations

import ctypes
import gc

_M_MMAP_THRESHOLD = -3
_BLOCK_BYTES = 128 * 1024


def pause_collector() -> None:
    """Look for no garbage until ``resume_collector``.

    Python would scan every module again and again, for a tenth of the time until the first page.
    """
    gc.disable()


def resume_collector() -> None:
    """Look for garbage again where that was paused, and never again at what is there now."""
    if not gc.isenabled():
        gc.freeze()
        gc.enable()


def return_freed_blocks() -> None:
    """Return blocks of 128 KiB or more to the kernel as soon as they are freed (mallopt(3)).

    That is the C library's beginning. After the first such block was freed it keeps larger ones as
    well, and the memory of a thousand connections stays with the process.
    """
    ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _BLOCK_BYTES)
