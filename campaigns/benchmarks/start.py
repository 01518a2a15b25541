"""From the spawn of the process to the first page, and the memory that it settles at."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from functools import partial

import psutil

from campaigns.benchmarks.estate import Installation
from campaigns.benchmarks.one_word import WORDS
from campaigns.benchmarks.sampling import interleave
from campaigns.benchmarks.table import Row, Unit
from campaigns.benchmarks.timed_terminal import TimedTerminal
from screens.words.waiting import ATTRACT_TITLE

ROUNDS, MEMORY_ROUNDS = 15, 3
_SETTLED_S, _STEADY_S = 3.0, 1.0
_STEADY_KIB = 128

_HOW = (
    "Spawn of `kiosk station` in a pseudo-terminal to the read after which an emulator shows the "
    "first page's words, with compiled bytecode and warm files. The peer is a Textual program "
    "that shows one word, under the same interpreter."
)
_HOW_MEMORY = (
    "Resident memory (VmRSS) of the process of a visit of `kiosk station`, when it has not changed "
    "for a second and it has reached the authority, which runs as a process beside it. The peer as "
    "above."
)
_HOW_ALL = (
    "The same for the parent, this visit's process and the next one's, each with its share of what "
    "they have in common (Pss; only root may read it)."
)
_HOW_ADMIN = (
    "Spawn of `kiosk admin`, as sshd runs it, to the first page's numbers: the key was looked up, "
    "the login recorded, and the page's questions answered by the database. The peer as above."
)
_HOW_WHOLE = "The same of `kiosk run`, which has the authority in the same process."
_WHY = "what stands over Textual itself is the station's own code, the settings and the stylesheet."


def rows(installation: Installation) -> Iterator[Row]:
    """Start all in turns, then let them settle in turns."""
    staff = installation.logged_in()
    with installation.serving():
        starts = interleave(
            ROUNDS,
            {
                "station": lambda: _start(
                    TimedTerminal(installation.station_alone, installation.environ), ATTRACT_TITLE
                ),
                "whole": lambda: _start(
                    TimedTerminal(installation.station, installation.environ), ATTRACT_TITLE
                ),
                "admin": lambda: _start(TimedTerminal(installation.admin, staff), "Unlocked today"),
                "peer": lambda: _start(
                    TimedTerminal(installation.peer, installation.environ), WORDS[0]
                ),
            },
            warm_up=2,
        )
        station = partial(TimedTerminal, installation.station_alone, installation.environ)
        whole = partial(TimedTerminal, installation.station, installation.environ)
        program = partial(TimedTerminal, installation.peer, installation.environ)
        settling = {
            "station": lambda: _settle(station(), ATTRACT_TITLE, _of_the_visit),
            "whole": lambda: _settle(whole(), ATTRACT_TITLE, _resident),
            "peer": lambda: _settle(program(), WORDS[0], _resident),
        }
        if os.geteuid() == 0:
            settling["shared"] = lambda: _settle(station(), ATTRACT_TITLE, _shares)
            settling["shared peer"] = lambda: _settle(program(), WORDS[0], _shares)
        kept = interleave(MEMORY_ROUNDS, settling, warm_up=0)
    peer = "one-word program"
    what = "cold start of a station to the first page"
    yield Row(what, starts["station"], peer, starts["peer"], _HOW, aim=1.5, why=_WHY)
    what = "cold start of station and authority in one process"
    yield Row(what, starts["whole"], peer, starts["peer"], _HOW_WHOLE)
    what = "cold start of the RA application to its first page"
    yield Row(what, starts["admin"], peer, starts["peer"], _HOW_ADMIN)
    memory = Unit.MEBIBYTES
    what = "memory of a station when settled"
    yield Row(
        what,
        kept["station"],
        peer,
        kept["peer"],
        _HOW_MEMORY,
        aim=1.45,
        unit=memory,
        why=_WHY,
    )
    if "shared" in kept:
        what = "memory of the three processes of a station together"
        yield Row(what, kept["shared"], peer, kept["shared peer"], _HOW_ALL, unit=memory)
    what = "memory of station and authority in one process"
    yield Row(what, kept["whole"], peer, kept["peer"], _HOW_WHOLE, unit=memory)


def _start(terminal: TimedTerminal, words: str) -> float:
    try:
        return terminal.painted(words) - terminal.spawned_at
    finally:
        terminal.end()


def _settle(
    terminal: TimedTerminal, words: str, measure: Callable[[psutil.Process], float]
) -> float:
    """Wait until its memory stands still; return it in KiB."""
    try:
        terminal.painted(words)
        time.sleep(_SETTLED_S)
        process = psutil.Process(terminal.process.pid)
        now, before = measure(process), 0.0
        while abs(now - before) > _STEADY_KIB:
            time.sleep(_STEADY_S)
            now, before = measure(process), now
        return now
    finally:
        terminal.end()


def _resident(process: psutil.Process) -> float:
    return float(process.memory_info().rss) / 1024


def _of_the_visit(process: psutil.Process) -> float:
    """Measure the process whose turn it is: the parent forked it before the one that waits."""
    return _resident(min(process.children(), key=lambda child: child.create_time()))


def _shares(process: psutil.Process) -> float:
    shares = (one.memory_full_info().pss for one in (process, *process.children()))
    return float(sum(shares)) / 1024
