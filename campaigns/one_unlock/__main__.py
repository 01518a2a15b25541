"""``python -m campaigns.one_unlock`` prints ``docs/one-unlock.md`` anew."""

from __future__ import annotations

import sys

from campaigns.one_unlock.page import KEEP, OneUnlock
from campaigns.one_unlock.recording import Recording
from campaigns.one_unlock.visit import live


def main() -> None:
    """Print the page, and on standard error how much of the product it ran through."""
    recording = Recording(KEEP)
    live(recording)
    unlock = OneUnlock(recording)
    sys.stdout.write(unlock.page())
    files, functions = unlock.run_through()
    sys.stderr.write(f"one unlock ran through {files} files and {functions} functions\n")


if __name__ == "__main__":
    main()
