"""What a process asks of the kernel for itself (prctl(2); the numbers are of ``<sys/prctl.h>``)."""

from __future__ import annotations

import ctypes
import os
import resource
import signal

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_MEMORY_MERGE = 67


def forbid_dumps() -> None:
    """Prevent core dumps, and reads of this process's memory by others of the same user."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _set(_PR_SET_DUMPABLE, 0)


def end_with_parent(how: signal.Signals, parent: int) -> bool:
    """Have the kernel send this process ``how`` when its parent is gone; False if it is already.

    ``parent`` is the id that the parent read before it forked: a child may first run after its end.
    """
    _set(_PR_SET_PDEATHSIG, int(how))
    return os.getppid() == parent


def merge_equal_pages() -> bool:
    """Let the kernel share equal pages of this process and its children.

    It does where ``/sys/kernel/mm/ksm/run`` is 1. Returns False before Linux 6.4, or without KSM.
    """
    try:
        _set(_PR_SET_MEMORY_MERGE, 1)
    except OSError:
        return False
    return True


def _set(option: int, value: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")
