"""The executor behind the first page, built on a thread while that page is already shown.

A station has to show its page within a second of its start, also while the database is away: the
page then says so, and building is tried again with every check of the authority.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Protocol

from kiosk.contract.errors import KioskError
from kiosk.contract.messages import ReaderState
from kiosk.station.commands import Command, EndVisit, ReportMute
from kiosk.station.events import NoReply, ResultSide
from kiosk.station.loop import Executor
from kiosk.station.states import Outage

log = logging.getLogger(__name__)


class OpenExecutor(Executor, Protocol):
    """An executor that holds a database and threads until it is closed."""

    @property
    def stale(self) -> bool:
        """Whether it was built from something that has changed since."""

    def close(self) -> None:
        """Release what it holds."""


class BackgroundExecutor:
    """An ``Executor`` that builds the real one at its first use."""

    def __init__(self, build: Callable[[], OpenExecutor]) -> None:
        self._build = build
        self._executor: OpenExecutor | None = None
        self._under_way = 0
        self._lock = threading.Lock()

    def perform(self, command: Command) -> ResultSide | None:
        """Report that nobody answers where there is no executor."""
        with self._lock:
            executor = self._open()
            if executor is None:
                unanswered = isinstance(command, EndVisit | ReportMute)
                return None if unanswered else NoReply(command.visit)
            self._under_way += 1
        try:
            return executor.perform(command)
        finally:
            with self._lock:
                self._under_way -= 1

    def check_authority(self, reader: ReaderState, *, idle: bool) -> Outage | None:
        """Return why the authority cannot serve anybody here; ``idle`` allows it to be rebuilt."""
        with self._lock:
            if idle:
                self._drop_stale()
            executor = self._open()
        if executor is None:
            return Outage.AUTHORITY_AWAY
        return executor.check_authority(reader, idle=idle)

    def close(self) -> None:
        """Close what was built; nothing is carried out any more."""
        with self._lock:
            if self._executor is not None:
                self._executor.close()

    def _drop_stale(self) -> None:
        """Close an executor with outdated keys, so that it is built again.

        An outcome may still be recorded after its card is out, and the page is the first one.
        """
        if self._executor is not None and not self._under_way and self._executor.stale:
            log.info("keys or certificate have changed: the authority is opened anew")
            self._executor.close()
            self._executor = None

    def _open(self) -> OpenExecutor | None:
        if self._executor is None:
            try:
                self._executor = self._build()
            except KioskError as trouble:
                log.error("the authority cannot be opened: %s", trouble)  # noqa: TRY400
        return self._executor
