"""What a process does for itself before it sees a secret."""

from __future__ import annotations

import ctypes
import os
import resource
import sys

_PR_SET_DUMPABLE = 4
"""From ``<sys/prctl.h>``; see prctl(2)."""


def isolate() -> None:
    """Start the interpreter again in isolated mode where the environment could steer it.

    ``PYTHON*`` variables can load code, and are read before any of ours runs. Does not
    return when it starts again.
    """
    if any(name.startswith("PYTHON") for name in os.environ):
        clean = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
        os.execve(sys.executable, [sys.executable, "-I", "-m", "kiosk", *sys.argv[1:]], clean)  # noqa: S606


def forbid_dumps() -> None:
    """Allow no core dump and no reading of this process's memory by others of the same user."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")
