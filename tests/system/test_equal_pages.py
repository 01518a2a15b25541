"""Sessions that are forked tell the kernel that it may keep one copy of their equal pages."""

from __future__ import annotations

import subprocess
import sys

_MERGE = """
import ctypes, os
from kiosk.system.prctl import merge_equal_pages
done = merge_equal_pages()
if os.fork() == 0:
    print(done, ctypes.CDLL(None).prctl(68, 0, 0, 0, 0), flush=True)
    os._exit(0)
os.wait()
"""
"""68 is PR_GET_MEMORY_MERGE, which a kernel that cannot do it does not know either."""


def test_a_child_inherits_it() -> None:
    out = subprocess.run([sys.executable, "-c", _MERGE], capture_output=True, text=True, check=True)
    assert out.stdout.split() in (["True", "1"], ["False", "-1"])
