"""From a card that goes in to the first page on which its holder can do something."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from smartcard import scard

from campaigns.benchmarks.bare import establish
from campaigns.benchmarks.estate import Installation
from campaigns.benchmarks.sampling import Series
from campaigns.benchmarks.table import Row
from campaigns.benchmarks.timed_terminal import TimedTerminal
from screens.words.choices import MENU_TITLE
from screens.words.frame import FINISH
from screens.words.waiting import ATTRACT_TITLE

ROUNDS = 10
"""Few: so many visits of one card at a time are taken, and no more."""

_BETWEEN_S = 2.0
"""From one visitor's first page to the next card: nobody is quicker, and pages are built in it."""

_HOW = (
    "A program in a pseudo-terminal; the card of a registered holder is pushed in, and the "
    "time is that of the read after which an emulator shows the menu: the card was read, the "
    "authority opened the visit, the page is painted. The other is the return of a bare "
    "SCardGetStatusChange, in another process, on the same insertion; both are told by the same "
    "pcscd, which looks at the reader every 400 ms. Both count from the push; what is compared is "
    "their difference, insertion by insertion. The first one after a start is left out, and two "
    "seconds lie between a first page and the next card."
)
_HOW_FORKED = (
    "How much later than the bare watcher's the menu is with `kiosk station`, which forks a "
    "process for each visit ahead of it and asks an authority beside it, and with `kiosk run`, "
    "which is one process for all visits and the authority, one program after the other."
)
_HOW_NEXT = (
    "From the removal to the first page that the next visitor finds, of the same visits: in `kiosk "
    "station` another process paints it, once that of the visit has ended."
)
_WHY = (
    "the card is read and the visit opened, in 10 to 20 ms; then a name is put on a page that was "
    "built ahead, and it is drawn."
)


@dataclass(frozen=True, slots=True)
class _Visit:
    """Seconds from the push to the menu and to the bare watcher, and from the pull to attract."""

    menu: float
    seen: float
    next_page: float


def rows(installation: Installation) -> Iterator[Row]:
    """Push the card in and out."""
    visits = {
        "run": _visits(installation, TimedTerminal(installation.station, installation.environ))
    }
    with installation.serving():
        visits["station"] = _visits(
            installation, TimedTerminal(installation.station_alone, installation.environ)
        )
    late = {
        name: Series(tuple(one.menu - one.seen for one in each)) for name, each in visits.items()
    }
    for name, each in visits.items():
        menu, seen = Series(tuple(v.menu for v in each)), Series(tuple(v.seen for v in each))
        what = f"`kiosk {name}`: insertion to the menu, later than the bare watcher"
        yield Row(what, menu, "bare watcher", seen, _HOW, aim=0.060, extra=True, why=_WHY)
    yield Row(
        "the same, later with a process for each visit",
        late["station"],
        "one process",
        late["run"],
        _HOW_FORKED,
        aim=0.010,
        extra=True,
        why="each visit is the first of its process, and the authority is another process.",
    )
    ended = {name: Series(tuple(one.next_page for one in each)) for name, each in visits.items()}
    what = "card out to the next visit's first page"
    yield Row(what, ended["station"], "one process", ended["run"], _HOW_NEXT, extra=True)


def _visits(installation: Installation, terminal: TimedTerminal) -> list[_Visit]:
    try:
        terminal.painted(ATTRACT_TITLE)
        while not _is_served(installation, terminal):
            time.sleep(1)  # the authority is opened behind the first page
        return [_once(installation, terminal) for _ in range(ROUNDS)]
    finally:
        terminal.end()


def _is_served(installation: Installation, terminal: TimedTerminal) -> bool:
    installation.card.push_in()
    terminal.when(lambda shown: MENU_TITLE in shown or FINISH in shown)
    is_served = MENU_TITLE in terminal.text
    installation.card.remove()
    terminal.painted(ATTRACT_TITLE)
    return is_served


def _once(installation: Installation, terminal: TimedTerminal) -> _Visit:
    time.sleep(_BETWEEN_S)
    watcher = _Watcher(installation.card.reader)
    pushed_at = time.monotonic()
    installation.card.push_in()
    painted_at = terminal.painted(MENU_TITLE)
    seen_at = watcher.seen_at()
    pulled_at = time.monotonic()
    installation.card.remove()
    next_at = terminal.painted(ATTRACT_TITLE)
    return _Visit(painted_at - pushed_at, seen_at - pushed_at, next_at - pulled_at)


class _Watcher:
    """Waits for one insertion, and for nothing else."""

    def __init__(self, reader: str) -> None:
        self._context = establish()
        self._reader = reader
        self._seen_at = 0.0
        state = self._wait(scard.SCARD_STATE_UNAWARE)
        self._thread = threading.Thread(target=self._watch, args=(state,), daemon=True)
        self._thread.start()

    def seen_at(self) -> float:
        """Return when the call came back that told of the card."""
        self._thread.join(10)
        scard.SCardReleaseContext(self._context)
        return self._seen_at

    def _watch(self, state: int) -> None:
        while not state & scard.SCARD_STATE_PRESENT:
            state = self._wait(state)
        self._seen_at = time.monotonic()

    def _wait(self, known: int) -> Any:
        _, states = scard.SCardGetStatusChange(self._context, 10_000, [(self._reader, known)])
        return states[0][1]
