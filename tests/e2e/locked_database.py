"""Another process that holds the database, as a backup or a stuck writer would.

Run with the database's path: it says ``locked``, and lets go at the first line it is sent.
"""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(slots=True)
class Hold:
    """A lock on a database; ``let_go`` returns when it is off."""

    process: subprocess.Popen[str]
    since: float

    def let_go(self, after_s: float = 0.0) -> None:
        """Take the lock off, ``after_s`` seconds after it was put on."""
        time.sleep(max(0.0, self.since + after_s - time.monotonic()))
        out, _ = self.process.communicate("go\n", timeout=300)
        assert out == "free\n"


@contextmanager
def held(database: Path) -> Iterator[Hold]:
    """Hold ``database`` for the block, or until ``let_go``."""
    command = [sys.executable, "-m", "tests.e2e.locked_database", str(database)]
    with subprocess.Popen(
        command, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "locked\n"
            yield Hold(process, time.monotonic())
        finally:
            process.kill()


def main() -> None:
    """Hold it."""
    connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=300)
    connection.execute("BEGIN EXCLUSIVE")
    sys.stdout.write("locked\n")
    sys.stdout.flush()
    sys.stdin.readline()
    connection.execute("ROLLBACK")
    connection.close()
    sys.stdout.write("free\n")


if __name__ == "__main__":
    main()
