"""Taking hold of the card in a reader, and letting go of it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final

from hardware import pcsc
from hardware.connection import Link, Steps
from hardware.contexts import Contexts
from hardware.pcsc import PcscError


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait, in seconds.

    ``answer_s`` for one answer of the card; ``busy_s`` for another program that holds
    it, looked at every ``retry_s``.
    """

    answer_s: float = 10.0
    busy_s: float = 2.0
    retry_s: float = 0.05


DEFAULT_PATIENCE: Final = Patience()


class Grip:
    """Holds one card, for the one thread that works with it."""

    def __init__(
        self,
        reader: str,
        steps: Steps,
        patience: Patience,
        contexts: Contexts,
        *,
        exclusive: bool,
    ) -> None:
        self._reader = reader
        self._steps = steps
        self._patience = patience
        self._contexts = contexts
        self._exclusive = exclusive
        self._context: pcsc.Context | None = None
        self._handle: pcsc.Handle | None = None

    def take(self) -> Link:
        """Connect; wait a moment for another program, then raise ``CardBusy``."""
        give_up_at = time.monotonic() + self._patience.busy_s
        while True:
            try:
                with self._steps():
                    return self._connect()
            except PcscError as error:
                if not error.busy or time.monotonic() >= give_up_at:
                    raise pcsc.card_error(error) from None
            time.sleep(self._patience.retry_s)

    def let_go(self) -> None:
        """Disconnect with a reset, so that no verified PIN stays behind."""
        if self._handle is not None and self._context is not None:
            pcsc.disconnect(self._handle, reset=True)
            self._contexts.give_back(self._context)
            self._handle = self._context = None
        self._release()

    def _release(self) -> None:
        context, self._context = self._context, None
        if context is not None:
            pcsc.release(context)

    def _connect(self) -> Link:
        if self._context is None:
            self._context = self._contexts.borrow()
        if self._context is not None:
            try:
                return self._connect_in(self._context)
            except PcscError as error:
                if not error.service_lost:
                    raise
            self._release()
        self._context = pcsc.establish()
        return self._connect_in(self._context)

    def _connect_in(self, context: pcsc.Context) -> Link:
        self._handle, protocol = pcsc.connect(context, self._reader, exclusive=self._exclusive)
        return Link(self._handle, protocol, self._steps, exclusive=self._exclusive)
