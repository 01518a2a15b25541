"""What a process does before it holds a secret."""

from __future__ import annotations

import ctypes
import resource

_PR_SET_DUMPABLE = 4
"""From ``<sys/prctl.h>``; see prctl(2)."""


def forbid_dumps() -> None:
    """Prevent core dumps, and reads of this process's memory by others of the same user."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")
