"""The installed program, which says what it holds: ``python looked_into.py DUMP kiosk-arguments``.

As soon as the file DUMP is there and empty, each process that the program forked writes its
modules, mappings and open files beside it, in DUMP.PID.json: a station forbids others to read them,
and what its parent holds, a forked process holds as well.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

from kiosk.__main__ import main


def watch(dump: Path) -> None:
    """Wait to be asked, and answer."""
    while not dump.exists():
        time.sleep(0.05)
    open_files = []
    for one in Path("/proc/self/fd").iterdir():
        with suppress(OSError):  # the one by which the folder is read
            open_files.append(str(one.readlink()))
    lines = Path("/proc/self/maps").read_text().splitlines()
    maps = {line.split(maxsplit=5)[5] for line in lines if "/" in line}
    found = {"modules": sorted(sys.modules), "maps": sorted(maps), "files": open_files}
    part = dump.with_name(f"{dump.name}.{os.getpid()}.part")
    part.write_text(json.dumps(found))
    part.rename(part.with_suffix(".json"))


if __name__ == "__main__":
    dump = Path(sys.argv.pop(1))
    os.register_at_fork(
        after_in_child=lambda: threading.Thread(target=watch, args=(dump,), daemon=True).start()
    )
    sys.exit(main())
