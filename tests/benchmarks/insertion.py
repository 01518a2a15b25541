"""From a card that goes in to the first page on which its holder can do something."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

from smartcard import scard

from screens.words.choices import MENU_TITLE
from screens.words.waiting import ATTRACT_TITLE
from tests.benchmarks.bare import establish
from tests.benchmarks.estate import House
from tests.benchmarks.sampling import Series
from tests.benchmarks.table import Row
from tests.benchmarks.timed_terminal import Glass

ROUNDS = 20

_HOW = (
    "`kiosk run` in a pseudo-terminal; the card of a registered holder is pushed in, and the "
    "time is that of the read after which an emulator shows the menu: the card was read, the "
    "authority opened the visit, the page is painted. The other is the return of a bare "
    "SCardGetStatusChange, in another process, on the same insertion; both are told by the same "
    "pcscd, which looks at the reader every 400 ms. Both count from the push; what is compared is "
    "their difference, insertion by insertion."
)
_WHY = (
    "reading the card and opening the visit take a few milliseconds of it; the rest is Textual "
    "building, styling, laying out and painting a page anew."
)


def rows(house: House) -> Iterator[Row]:
    """Push the card in and out."""
    glass = Glass(house.station, house.environ)
    try:
        glass.painted(ATTRACT_TITLE)
        time.sleep(3)  # the authority is opened behind the first page
        first, *others = [_once(house, glass) for _ in range(ROUNDS + 1)]
    finally:
        glass.end()
    ours, bare = (Series(tuple(times)) for times in zip(*others, strict=True))
    late = (first[0] - first[1]) * 1000
    how = f"{_HOW} The first one after the start, {late:+.0f} ms, is left out."
    yield Row(
        "insertion to the menu, later than the bare watcher",
        ours,
        "bare watcher",
        bare,
        how,
        aim=0.060,
        extra=True,
        why=_WHY,
    )


def _once(house: House, glass: Glass) -> tuple[float, float]:
    """Return after how long the menu was painted, and after how long the watcher knew."""
    watcher = _Watcher(house.card.reader)
    pushed_at = time.monotonic()
    house.card.push_in()
    painted_at = glass.painted(MENU_TITLE)
    seen_at = watcher.seen_at()
    house.card.remove()
    glass.painted(ATTRACT_TITLE)
    return painted_at - pushed_at, seen_at - pushed_at


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
