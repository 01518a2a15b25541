"""``python -m campaigns.benchmarks.people_import dry|real FILE DATABASE``: CPU s, peak KiB."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from kiosk.authority.administration.import_people import PeopleImport
from kiosk.authority.crypto.keys import KeyRing
from kiosk.authority.crypto.sealing import Sealer
from kiosk.authority.store.database import Store
from kiosk.contract.ports import SystemClock
from tests.support.database import MACS


def main(how: str, file: str, url: str) -> None:
    """Import a file for real or dry, and say what it took."""
    store = Store(url, SystemClock(), MACS)
    work = PeopleImport(store, Sealer(KeyRing.fresh()), number_digits=12)
    began = time.process_time()
    if how == "dry":
        work.rehearse(Path(file))
    else:
        work.run(Path(file), "benchmark")
    took = time.process_time() - began
    store.close()
    sys.stdout.write(f"{took} {_peak_kib()}\n")


def _peak_kib() -> int:
    # Not getrusage: its peak is handed on by whoever started the process.
    status = Path("/proc/self/status").read_text("ascii")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:"))


if __name__ == "__main__":
    main(*sys.argv[1:])
