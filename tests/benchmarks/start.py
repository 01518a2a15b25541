"""From the spawn of the process to the first page, and the memory that it settles at."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from screens.words.waiting import ATTRACT_TITLE
from tests.benchmarks.estate import ROOT, House
from tests.benchmarks.one_word import WORDS
from tests.benchmarks.sampling import interleave
from tests.benchmarks.table import Row, Unit
from tests.benchmarks.timed_terminal import Glass

ROUNDS, MEMORY_ROUNDS = 15, 3
_SETTLED_S, _STEADY_S = 3.0, 1.0
_STEADY_KIB = 128

_HOW = (
    "Spawn of the installed program in a pseudo-terminal to the read after which an emulator "
    "shows the first page's words, with compiled bytecode and warm files. The peer is a Textual "
    "program that shows one word, under the same interpreter."
)
_HOW_MEMORY = (
    "Resident memory (VmRSS) of the one process, when it has not changed for a second and the "
    "authority behind the first page is open: database, keys, mail and all. The peer as above."
)
_WHY = (
    "what stands over Textual itself is the station's frozen dataclasses (about a hundred, each "
    "compiled when it is imported), the stylesheet, and the first page with its layout."
)
_WHY_MEMORY = (
    "both halves live in this one process. What the station half imports comes to {station:.1f} "
    "MiB, {ratio:.2f} of the peer; the authority behind it (SQLModel on SQLAlchemy and Pydantic, "
    "sealing and hashing, mail) brings it to {both:.1f} MiB, and the rest is at work. It goes "
    "down when the authority is a process of its own."
)
_STATION_HALF = (
    "screens.kiosk.app, screens.kiosk.visit_pages, kiosk.app.composition.station, "
    "kiosk.app.composition.cards, kiosk.station.executor, hardware.monitor"
)
_AUTHORITY_HALF = "kiosk.app.composition.authority"


def rows(house: House) -> Iterator[Row]:
    """Start both in turns, then let both settle in turns."""
    starts = interleave(
        ROUNDS,
        {
            "ours": lambda: _start(Glass(house.station, house.environ), ATTRACT_TITLE),
            "peer": lambda: _start(Glass(house.peer, house.environ), WORDS[0]),
        },
        warm_up=2,
    )
    peer = "one-word program"
    what = "cold start to the first page"
    yield Row(what, starts["ours"], peer, starts["peer"], _HOW, aim=1.5, why=_WHY)
    kept = interleave(
        MEMORY_ROUNDS,
        {
            "ours": lambda: _settle(Glass(house.station, house.environ), ATTRACT_TITLE),
            "peer": lambda: _settle(Glass(house.peer, house.environ), WORDS[0]),
        },
        warm_up=0,
    )
    yield Row(
        "memory when settled",
        kept["ours"],
        peer,
        kept["peer"],
        _HOW_MEMORY,
        aim=2.5,
        unit=Unit.MEBIBYTES,
        why=_why_memory(kept["peer"].median),
    )


def _start(glass: Glass, words: str) -> float:
    try:
        return glass.painted(words) - glass.spawned_at
    finally:
        glass.end()


def _settle(glass: Glass, words: str) -> float:
    """Wait until its memory stands still; return it in KiB."""
    try:
        glass.painted(words)
        time.sleep(_SETTLED_S)
        now, before = _resident(glass.process.pid), 0.0
        while abs(now - before) > _STEADY_KIB:
            time.sleep(_STEADY_S)
            now, before = _resident(glass.process.pid), now
        return now
    finally:
        glass.end()


def _resident(pid: int) -> float:
    # Not the proportional share of smaps: nobody but root may read that of a process that
    # forbids dumps, as a station does.
    return _vm_rss(Path(f"/proc/{pid}/status").read_text())


def _vm_rss(status: str) -> float:
    lines = status.splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith("VmRSS:"))


def _why_memory(peer: float) -> str:
    station = _imported(_STATION_HALF)
    both = _imported(f"{_STATION_HALF}, {_AUTHORITY_HALF}")
    return _WHY_MEMORY.format(station=station / 1024, ratio=station / peer, both=both / 1024)


def _imported(modules: str) -> float:
    """Return the resident memory of a process that has imported ``modules``, in KiB."""
    code = f"import {modules}; print(open('/proc/self/status').read())"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return _vm_rss(done.stdout)
