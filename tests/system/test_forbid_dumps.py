"""A station's process leaves no core, and the environment cannot steer its interpreter."""

from __future__ import annotations

import os
import subprocess
import sys

_FORBID = """
import resource
from kiosk.system.prctl import forbid_dumps
forbid_dumps()
print(resource.getrlimit(resource.RLIMIT_CORE))
import ctypes
print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))
"""


def test_no_core_and_not_dumpable() -> None:
    out = subprocess.run(
        [sys.executable, "-c", _FORBID], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert out[0].startswith("(0, 0)")
    assert out[1] == "0"


def test_python_variables_are_gone_before_anything_runs() -> None:
    poisoned = {**os.environ, "PYTHONSTARTUP": "/nonexistent", "PYTHONINSPECT": "1"}
    script = (
        "import sys; sys.argv = ['kiosk', 'run', '--help'];"
        "from screens.terminal.lockdown import isolate; isolate(); print('steered')"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], env=poisoned, capture_output=True, text=True, input=""
    )
    assert done.returncode == 0
    assert "steered" not in done.stdout
    assert "--config" in done.stdout
