"""Prefixes of a command that let it meet what an ordinary account meets, also where root tests."""

from __future__ import annotations

import os


def obeying_modes() -> list[str]:
    """Return what keeps a command to the modes of files and folders."""
    capabilities = "-dac_override,-dac_read_search"
    return ["setpriv", f"--bounding-set={capabilities}"] if os.geteuid() == 0 else []


def on_a_full_disk(size: int) -> list[str]:
    """Return what lets a command write no file beyond ``size`` bytes."""
    return ["prlimit", f"--fsize={size}"]
