"""``python -m campaigns.sim``: simulate seeds, for as long as wanted; print each, stop at the first
that breaks an invariant. The same seed lives the same again."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path

from campaigns.sim.invariants import Violation
from campaigns.sim.simulation import Simulation
from tests.support.database import migrated, sqlite_url


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m campaigns.sim", description=__doc__)
    parser.add_argument("--seeds", default="1:", help="FIRST:LAST, FIRST: or one SEED")
    parser.add_argument("--visits", type=int, default=60, help="visits with faults, a seed")
    parser.add_argument("--seconds", type=float, default=0.0, help="begin no seed after that")
    args = parser.parse_args()
    first, _, last = args.seeds.partition(":")
    end = int(last) if last else (int(first) if ":" not in args.seeds else sys.maxsize)
    started, seed = time.monotonic(), int(first)
    with tempfile.TemporaryDirectory() as folder:
        template = Path(folder) / "kiosk.db"
        migrated(sqlite_url(template))
        while seed <= end and (not args.seconds or time.monotonic() - started < args.seconds):
            with tempfile.TemporaryDirectory(dir=folder) as place:
                shutil.copy(template, Path(place) / "kiosk.db")
                try:
                    print(Simulation(seed, Path(place), args.visits).run(), flush=True)
                except Violation as broken:
                    print(f"seed {seed}: {broken}")
                    return 1
            seed += 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
