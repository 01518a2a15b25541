"""A trace of the commands to a card, for diagnosis. It never holds a secret.

A trace gets an ``Exchange``, built from the header of the command and from the body of the few
commands whose body names *what* is asked for (an application, a data object). Of all other bodies
and of every answer's data it keeps the length alone. It has no field that could hold them.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from hardware.apdu import (
    GET_DATA,
    GET_DATA_SIMPLE,
    SELECT,
    Channel,
    CommandApdu,
    CommandHeader,
    ResponseApdu,
    StatusWord,
)
from kiosk.contract.errors import CardError

_NAMING: Final = frozenset({SELECT, GET_DATA, GET_DATA_SIMPLE})


@dataclass(frozen=True, slots=True)
class Exchange:
    """One command and its result; ``status`` is None where no answer came.

    ``keyed``: the reader filled in a PIN that was entered on its own keys.
    """

    header: CommandHeader
    names: bytes
    body_length: int
    answer_length: int
    status: StatusWord | None
    seconds: float
    error: str = ""
    keyed: bool = False

    def __str__(self) -> str:
        body = self.names.hex() or (f"<{self.body_length} bytes>" if self.body_length else "-")
        body += " by the reader's keys" if self.keyed else ""
        came = self.error if self.status is None else f"<{self.answer_length} bytes> {self.status}"
        return f"{bytes(self.header).hex(' ')} {body} -> {came} in {self.seconds * 1000:.1f} ms"


Trace = Callable[[Exchange], None]


def log_trace(logger: logging.Logger) -> Trace:
    """Return a trace that writes each exchange to ``logger`` at level DEBUG."""
    return lambda exchange: logger.debug("%s", exchange)


class Traced:
    """A channel that records each exchange in a trace."""

    def __init__(self, below: Channel, trace: Trace) -> None:
        self._below = below
        self._trace = trace

    def send(self, command: CommandApdu) -> ResponseApdu:
        """Send the command; it is recorded whether or not it is answered."""
        began = time.monotonic()
        try:
            response = self._below.send(command)
        except CardError as error:
            self._record(command, began, None, type(error).__name__)
            raise
        self._record(command, began, response)
        return response

    def _record(
        self, command: CommandApdu, began: float, response: ResponseApdu | None, error: str = ""
    ) -> None:
        self._trace(
            Exchange(
                header=command.header,
                names=command.body if command.header.ins in _NAMING else b"",
                body_length=len(command.body),
                answer_length=len(response.data) if response else 0,
                status=response.status if response else None,
                seconds=time.monotonic() - began,
                error=error,
                keyed=command.pad is not None,
            )
        )
