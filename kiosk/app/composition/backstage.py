"""The stage behind the first page: built on a thread while that page is already shown.

A station has to be there within a second of its power, and a database that is away at
that moment must not keep it from coming up: the page then says so, and building is tried
again with every look at the authority's health.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Protocol

from kiosk.contract.errors import ConfigError, KeyMissing, StoreError
from kiosk.contract.messages import ReaderState
from kiosk.station.commands import Command, EndVisit
from kiosk.station.events import NoReply, ResultSide
from kiosk.station.loop import Executor
from kiosk.station.states import Outage

log = logging.getLogger(__name__)


class OpenExecutor(Executor, Protocol):
    """A stage that holds a database and threads, and lets go of them in the end."""

    @property
    def stale(self) -> bool:
        """Whether it was built from something that has changed since."""

    def close(self) -> None:
        """Let go."""


OnTrouble = Callable[[Exception], None]
"""Told why the stage could not be built, for the log."""


class BackgroundExecutor:
    """A ``Stage`` that builds the real one when it is first wanted."""

    def __init__(self, build: Callable[[], OpenExecutor], on_trouble: OnTrouble) -> None:
        self._build = build
        self._on_trouble = on_trouble
        self._stage: OpenExecutor | None = None
        self._lock = threading.Lock()

    def perform(self, command: Command) -> ResultSide | None:
        """Carry out ``command``, or say that nobody answers."""
        stage = self._open()
        if stage is None:
            return None if isinstance(command, EndVisit) else NoReply(command.visit)
        return stage.perform(command)

    def check_authority(self, reader: ReaderState, *, idle: bool) -> Outage | None:
        """Say what keeps the authority from serving anybody here; ``idle`` lets it be rebuilt."""
        if idle:
            self._drop_stale()
        stage = self._open()
        return Outage.AUTHORITY_AWAY if stage is None else stage.check_authority(reader, idle=idle)

    def close(self) -> None:
        """Close what was built; nothing is carried out any more."""
        with self._lock:
            if self._stage is not None:
                self._stage.close()

    def _drop_stale(self) -> None:
        """Have it built anew, from the keys of today."""
        with self._lock:
            if self._stage is not None and self._stage.stale:
                log.info("the keys have changed: the authority is opened anew")
                self._stage.close()
                self._stage = None

    def _open(self) -> OpenExecutor | None:
        with self._lock:
            if self._stage is None:
                try:
                    self._stage = self._build()
                except (ConfigError, KeyMissing, StoreError) as trouble:
                    self._on_trouble(trouble)
            return self._stage
