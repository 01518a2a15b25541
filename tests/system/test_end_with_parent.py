"""A forked process does not outlive its parent, also where that was killed right after the fork."""

from __future__ import annotations

import subprocess
import sys

_LATE = """
import os, signal, time
from kiosk.system.prctl import end_with_parent
if os.fork() == 0:
    parent = os.getpid()
    if os.fork() == 0:
        while os.getppid() == parent:
            time.sleep(0.01)
        print(end_with_parent(signal.SIGKILL, parent), flush=True)
        os._exit(0)
    os._exit(0)
os.wait()
"""
_IN_TIME = """
import os, signal, time
from kiosk.system.prctl import end_with_parent
reading, writing = os.pipe()
parent = os.getpid()
if os.fork() == 0:
    print(end_with_parent(signal.SIGKILL, parent), flush=True)
    os.write(writing, b".")
    while True:
        time.sleep(1)
os.read(reading, 1)
os._exit(0)
"""


def _said(program: str) -> str:
    """Return what ``program`` printed once all of its processes have ended."""
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout.strip()


def test_a_parent_that_is_gone_already_is_noticed() -> None:
    assert _said(_LATE) == "False"


def test_forked_process_ends_with_its_parent() -> None:
    assert _said(_IN_TIME) == "True"
