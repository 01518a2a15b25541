"""The garbage collector while a program comes up: loading makes next to no garbage.

It would look at every module again and again, for a tenth of the time until the first
page. Once all is loaded it need never look at that again, which keeps its later rounds
short while somebody types.
"""

from __future__ import annotations

import gc


def rest() -> None:
    """Let it rest until ``resume``."""
    gc.disable()


def resume() -> None:
    """Let it work, and pass over what is there by now; does nothing when it works already."""
    if not gc.isenabled():
        gc.freeze()
        gc.enable()
