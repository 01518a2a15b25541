"""How long codes by mail take, from the relay to their entry, of late.

It is read of the codes as they are kept anyway, outside of any visit, and each process remembers it
for its visits. It includes how long people need to read and type, and decides nothing: a station
that enters codes late can move it, for the share of holders that it has.
"""

from __future__ import annotations

import statistics
from datetime import timedelta
from typing import Final

from kiosk.authority.store.database import UnitOfWork

SPAN: Final = timedelta(hours=3)
"""An older code says nothing of now: with no newer ones it is unknown how long mail takes."""

FEWEST: Final = 5
"""Of so many holders at least: of fewer, one who fetched a coffee would speak for the relay."""

MOST: Final = 20
"""Holders of whom the newest code counts."""

SLOW: Final = timedelta(minutes=3)
"""From here on mail is slow. Where it takes seconds, holders need about one minute."""


def read_mail_time(uow: UnitOfWork) -> timedelta | None:
    """Return the median; None where too few codes were mailed lately.

    Each holder counts once, so that none of them moves it much. One who went away counts as the
    life of the code, and so does one whose mail came later: else mail that is slower than a code
    lives would look as if nobody used any.
    """
    times = [each.total_seconds() for each in uow.codes.times(SPAN, MOST)]
    return timedelta(seconds=statistics.median(times)) if len(times) >= FEWEST else None


def is_slow(median: timedelta | None) -> bool:
    return median is not None and median >= SLOW


class MailTime:
    """What a process last read of it; ``slow`` is the median while mail is slow, else None."""

    def __init__(self) -> None:
        self.slow: timedelta | None = None

    def read(self, uow: UnitOfWork) -> None:
        median = read_mail_time(uow)
        self.slow = median if is_slow(median) else None
