"""A deadline for work that cannot be interrupted.

A card that hangs holds the thread that asked it for as long as it likes: PC/SC offers
no way to call a transmission off. So the work runs in another thread, and whoever
waits for it looks after one thing only: for how long is its present step under way?
When that is too long the work is abandoned. It may still be stuck when the caller goes
on; once it wakes up it finds that it was abandoned, does and sends nothing more, and
lets the card go. What the work does between its steps is not the card's, and not timed.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import TypeVar

from hardware.workers import Workers
from kiosk.errors import CardError, CardHung, OutcomeUnknown

T = TypeVar("T")


class AbandonedError(Exception):
    """Raised inside work that nobody waits for any more: it must send nothing and end."""


class Attendance:
    """One piece of work, between the thread that does it and the thread that waits."""

    def __init__(self, patience_s: float, workers: Workers) -> None:
        self._workers = workers
        self._patience_s = patience_s
        self._news = threading.Condition()
        self._since: float | None = None
        self._more_s = 0.0
        self._at_stake = False
        self._abandoned = False
        self._ended = False

    @contextmanager
    def step(self, *, changes_card: bool = False, more_s: float = 0.0) -> Iterator[None]:
        """Said by the work: the block is one step of the card's.

        A person at the reader's keys may take ``more_s`` seconds in it besides.
        Raises ``AbandonedError`` where it must not begin, and after one that took too long:
        nobody waits for its answer any more, and nothing may follow from it.
        """
        self._note(time.monotonic(), changes_card, more_s)
        try:
            yield
        finally:
            self._note(None, changes_card=False)

    def run(self, work: Callable[[], T], tidy: Callable[[], None]) -> T:
        """Do ``work``, then ``tidy``, in another thread; return or raise what the work did.

        A step that takes longer than the patience raises ``CardHung``, or
        ``OutcomeUnknown`` when it may have changed the card. When only the tidying takes
        too long, the work's own outcome stands.
        """
        verdict: Future[T] = Future()
        self._workers.start(lambda: self._do(work, tidy, verdict))
        self._wait()
        if verdict.done():
            return verdict.result()
        raise self._hung()

    def ended(self, within_s: float) -> bool:
        """Whether the thread has let go of everything, now or within a moment."""
        with self._news:
            return self._news.wait_for(lambda: self._ended, within_s)

    def _do(self, work: Callable[[], T], tidy: Callable[[], None], verdict: Future[T]) -> None:
        try:
            verdict.set_result(work())
        except AbandonedError:
            pass
        except Exception as error:  # noqa: BLE001  carried over: the waiting thread raises it
            verdict.set_exception(_bare(error))
        finally:
            self._tidy_up(tidy)

    def _tidy_up(self, tidy: Callable[[], None]) -> None:
        with self._news:
            self._since = time.monotonic()
        try:
            tidy()
        finally:
            with self._news:
                self._ended = True
                self._news.notify_all()

    def _wait(self) -> None:
        with self._news:
            while not self._ended and (left := self._time_left()) > 0:
                self._news.wait(left)
            self._abandoned = not self._ended

    def _time_left(self) -> float:
        """Return when to look again: a step that begins meanwhile cannot be over before."""
        since = time.monotonic() if self._since is None else self._since
        return since + self._patience_s + self._more_s - time.monotonic()

    def _note(self, since: float | None, changes_card: bool, more_s: float = 0.0) -> None:
        with self._news:
            if self._abandoned:
                raise AbandonedError
            if more_s < self._more_s:  # whoever waits sleeps for as long as was allowed till now
                self._news.notify_all()
            self._since, self._at_stake, self._more_s = since, changes_card, more_s

    def _hung(self) -> CardError:
        if self._at_stake:
            return OutcomeUnknown("the card took a command and did not answer in time")
        return CardHung("the card did not answer in time")


def _bare(error: Exception) -> Exception:
    """Strip an expected error of the frames it came through: they hold PINs as they were sent.

    An error that nobody expected keeps them; whoever shows it must not show their locals.
    """
    if isinstance(error, CardError):
        error.__context__ = None
        return error.with_traceback(None)
    return error
