"""From the spawn of the process to the first page, and the memory that it settles at."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from screens.words.waiting import ATTRACT_TITLE
from tests.benchmarks.glass import Glass
from tests.benchmarks.house import House
from tests.benchmarks.one_word import WORDS
from tests.benchmarks.sampling import interleave
from tests.benchmarks.table import Row, Unit

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
    yield Row("cold start to the first page", starts["ours"], peer, starts["peer"], _HOW, aim=1.5)
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
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith("VmRSS:"))
