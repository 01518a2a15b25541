"""One connection to the card in one reader, the reader's keys, and the layers over its channel."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cached_property, reduce
from operator import xor
from typing import Final, Protocol, Self

from hardware import pcsc, pin_pad
from hardware.apdu import (
    GET_DATA,
    GET_DATA_SIMPLE,
    SELECT,
    Channel,
    CommandApdu,
    CommandHeader,
    ResponseApdu,
    StatusWord,
    decode,
    encode,
    get_response,
)
from hardware.pcsc import GET_FEATURE_REQUEST, PcscError
from hardware.pin_pad import PadEntry, PadProperties
from kiosk.contract import errors

MOST_PARTS: Final = 256
"""GET RESPONSE rounds for one answer: 64 KiB, several times the largest PIV object."""

_DIRECT: Final = 0x3B
_TWO_PROTOCOLS: Final = bytes([0x80, 0x01])
"""TD1 and TD2: T=0, then T=1. A contactless card has no parameters for speed and voltage."""

_FRAME: Final = 5
"""TS, T0, TD1, TD2 and the check byte: all but the historical bytes."""


def is_contactless(atr: bytes) -> bool:
    """Return whether a reader made this ATR for a contactless card: 3B 8n 80 01 (PC/SC part 3)."""
    if len(atr) < _FRAME or atr[0] != _DIRECT or atr[2:4] != _TWO_PROTOCOLS:
        return False
    interface, historical = atr[1] & 0xF0, atr[1] & 0x0F
    return interface == 0x80 and len(atr) == _FRAME + historical and reduce(xor, atr[1:]) == 0


class Chaining:
    """Sends bodies and fetches answers that do not fit one APDU.

    A long body goes by command chaining, and 61xx is followed with GET RESPONSE; 6Cxx corrects Le
    (ISO/IEC 7816-3, 12.2). A command that changes the card is not sent a second time.
    """

    def __init__(self, below: Channel) -> None:
        self._below = below

    def send(self, command: CommandApdu) -> ResponseApdu:
        """Return the answer to the last piece, or the refusal of an earlier one."""
        *first, last = command.chain()
        for piece in first:
            response = self._whole_answer(piece)
            if not response.status.is_ok:
                return response
        return self._whole_answer(last)

    def _whole_answer(self, command: CommandApdu) -> ResponseApdu:
        """Return the whole answer; raise ``CardProtocolError`` where it has no end.

        After a command that changes the card, an answer that breaks off is ``OutcomeUnknown``, like
        a lost one.
        """
        response = self._corrected(command)
        parts = [response.data]
        while (more := response.status.bytes_available) is not None:
            response = self._corrected(get_response(command, more))
            parts.append(response.data)
            if len(parts) > MOST_PARTS or (response.status.bytes_available and not response.data):
                if command.changes_card:
                    raise errors.OutcomeUnknown("the answer never ends")
                raise errors.CardProtocolError("the answer never ends", response.status)
        return ResponseApdu(b"".join(parts), response.status)

    def _corrected(self, command: CommandApdu) -> ResponseApdu:
        response = self._below.send(command)
        length = response.status.correct_le
        if length is None or not command.only_reads:
            return response
        return self._below.send(command.with_le(length))


# The keys of the reader, over its control channel: their properties, and PIN entry.

Control = Callable[[int, bytes], bytes]
"""Sends a control code and a body to the reader; raises ``PcscError``."""


class KeysRefused(errors.PadRefused):
    """The reader refuses the request; it would also do so for another card of the family."""

    def __init__(self) -> None:
        super().__init__("the reader's keys do not take a PIN in the way that this card needs")


class PinPad:
    def __init__(self, control: Control, codes: dict[int, int]) -> None:
        self._control = control
        self._codes = codes

    @classmethod
    def found(cls, control: Control) -> Self | None:
        """Return the keys; None where the reader cannot do all of VERIFY, a new PIN and a change.

        A reader that fails the question has none: most know no control code.
        """
        try:
            codes = pin_pad.features(control(GET_FEATURE_REQUEST, b""))
        except PcscError:
            return None
        if {pin_pad.VERIFY_PIN_DIRECT, pin_pad.MODIFY_PIN_DIRECT} <= codes.keys():
            return cls(control, codes)
        return None

    def prepared(self, command: CommandApdu, entry: PadEntry) -> Callable[[], bytes]:
        """Return what asks for the PIN and sends the command; raise where no PIN would fit."""
        can = self._properties
        shortest, longest = max(entry.shortest, can.shortest), min(entry.longest, can.longest)
        if shortest > longest:
            raise KeysRefused()
        fitting = PadEntry(entry.asked, shortest, longest, entry.block, entry.new_at)
        apdu = bytes((*bytes(command.header), len(command.body))) + command.body
        asked = pin_pad.structure(fitting, apdu, display=self._properties.display)
        return lambda: self._control(self._codes[entry.feature], asked)

    @cached_property
    def _properties(self) -> PadProperties:
        code = self._codes.get(pin_pad.GET_TLV_PROPERTIES)
        if code is None:
            return PadProperties()
        try:
            return pin_pad.properties(self._control(code, b""))
        except PcscError:
            return PadProperties()


def check_pad(status: StatusWord) -> None:
    """Raise an error where the reader answered by itself and sent nothing to the card.

    A card with the same answer is taken for the reader: neither 64xx nor 6Bxx has changed anything
    in it (ISO/IEC 7816-4, 5.6).
    """
    trouble = pin_pad.trouble(status)
    if trouble is not None:
        raise errors.PadLeft(trouble)
    if status == pin_pad.NOT_TAKEN:
        raise KeysRefused()


class Steps(Protocol):
    """Times each step with the card; see ``hardware.card_access.Watchdog.guard``."""

    def __call__(
        self, *, changes_card: bool = False, more_s: float = 0.0
    ) -> AbstractContextManager[None]:
        """Return a context for the time of the step; ``more_s`` is for a person."""


class CardWasReset(errors.CardBusy):
    """Another program reset the card: the selected application is lost."""


class Link:
    def __init__(self, handle: pcsc.Handle, protocol: int, steps: Steps) -> None:
        self._handle = handle
        self._protocol = protocol
        self._steps = steps

    def send(self, command: CommandApdu) -> ResponseApdu:
        """Return the answer; raise ``OutcomeUnknown`` where the card may have changed.

        Raises ``PadLeft`` where the reader asked for a PIN and sent nothing to the card.
        """
        deliver = self._way(command)
        more_s = command.pad.seconds if command.pad else 0.0
        with self._steps(changes_card=command.changes_card, more_s=more_s):
            try:
                raw = deliver()
            except PcscError as error:
                raise _lost(command, error) from None
        response = response_from(command, raw)
        if command.pad:
            check_pad(response.status)
        return response

    @cached_property
    def keypad(self) -> PinPad | None:
        """The reader's keys, asked for once; None where it has none."""
        with self._steps():
            return PinPad.found(lambda code, body: pcsc.control(self._handle, code, body))

    @property
    def is_t0(self) -> bool:
        return pcsc.is_t0(self._protocol)

    def is_contactless(self) -> bool:
        """Return whether the card is contactless; False for a card that is gone."""
        return self.interface().is_contactless

    def interface(self) -> Interface:
        """Return how the card is connected; a card that is gone has no answer to reset."""
        with self._steps():
            try:
                atr = pcsc.answer_to_reset(self._handle)
            except PcscError:
                atr = b""
        return Interface(atr, self.is_t0, is_contactless(atr))

    def _way(self, command: CommandApdu) -> Callable[[], bytes]:
        """Return the function that sends the command: to the card, or through the reader's keys."""
        if command.pad is None:
            apdu = encode(command, t0=self.is_t0)
            return lambda: pcsc.transmit(self._handle, self._protocol, apdu)
        if self.keypad is None:
            raise errors.PadRefused("this reader has no keys for PINs")
        with self._steps():
            return self.keypad.prepared(command, command.pad)

    def reconnect(self, *, reset: bool) -> None:
        """Reconnect, with a reset of the card or after another program's reset."""
        with self._steps():
            try:
                self._protocol = pcsc.reconnect(self._handle, reset=reset)
            except PcscError as error:
                raise pcsc.card_error(error) from None


def _lost(command: CommandApdu, error: PcscError) -> Exception:
    if command.pad and error.unsupported:
        return KeysRefused()
    if command.changes_card:
        return errors.OutcomeUnknown(f"a command that changes the card was lost: {error}")
    if error.was_reset:
        return CardWasReset(str(error))
    return pcsc.card_error(error)


def response_from(command: CommandApdu, raw: bytes) -> ResponseApdu:
    """Split an answer; an answer without a status word raises the same error as a lost one.

    After a command that changes the card, so does a status word that no card sends.
    """
    response = decode(raw)
    if response is None or (command.changes_card and not response.status.is_proper):
        if command.changes_card:
            raise errors.OutcomeUnknown("the answer to a command that changes the card was torn")
        raise errors.CardMute("the answer was torn")  # a card that is pulled can answer so
    return response


# A trace of the commands to a card, for diagnosis. It never holds a secret.
#
# A trace gets an ``Exchange``, built from the header of the command and from the body of the few
# commands whose body names *what* is asked for (an application, a data object). Of all other bodies
# and of every answer's data it keeps the length alone. It has no field that could hold them.

_NAMING: Final = frozenset({SELECT, GET_DATA, GET_DATA_SIMPLE})


@dataclass(frozen=True, slots=True)
class Exchange:
    """One command; ``status`` is None without an answer; ``keyed``: its PIN came from the keys."""

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
    def __init__(self, below: Channel, trace: Trace) -> None:
        self._below = below
        self._trace = trace

    def send(self, command: CommandApdu) -> ResponseApdu:
        """Send the command; it is recorded whether or not it is answered."""
        began = time.monotonic()
        try:
            response = self._below.send(command)
        except errors.CardError as error:
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


# A recording of whole APDUs, for the trial of a test card. Unlike a trace it holds the card's PIN.


@dataclass(frozen=True, slots=True)
class RawExchange:
    """One APDU as it was sent, and its answer with the status word; ``error`` where none came."""

    command: bytes = field(repr=False)
    answer: bytes = field(repr=False)
    seconds: float
    error: str = ""


@dataclass(frozen=True, slots=True)
class Interface:
    """How a card is connected; ``atr`` is its answer to reset."""

    atr: bytes
    is_t0: bool
    is_contactless: bool


class Record(Protocol):
    """Takes what is exchanged with a test card."""

    def connected(self, interface: Interface) -> None:
        """Note how the card is connected, once for each connection."""

    def exchanged(self, exchange: RawExchange) -> None:
        """Keep one exchange; it may hold secrets."""


class Recorded:
    def __init__(self, link: Link, record: Record) -> None:
        self._link = link
        self._record = record
        record.connected(link.interface())

    def send(self, command: CommandApdu) -> ResponseApdu:
        """Send the command; it is recorded whether or not it is answered."""
        sent, began = encode(command, t0=self._link.is_t0), time.monotonic()
        try:
            response = self._link.send(command)
        except errors.CardError as error:
            lasted, why = time.monotonic() - began, type(error).__name__
            self._record.exchanged(RawExchange(sent, b"", lasted, why))
            raise
        answer = response.data + int(response.status).to_bytes(2)
        self._record.exchanged(RawExchange(sent, answer, time.monotonic() - began))
        return response


# All layers together.


class Connection:
    def __init__(
        self, link: Link, trace: Trace | None = None, record: Record | None = None
    ) -> None:
        self.link = link
        below: Channel = link if record is None else Recorded(link, record)
        self._layers = Chaining(below if trace is None else Traced(below, trace))
        self._selected: CommandApdu | None = None

    def send(self, command: CommandApdu) -> ResponseApdu:
        """Send through all layers; after another program's reset, once more.

        Only commands that read are sent again, after the last application is selected again.
        """
        try:
            response = self._layers.send(command)
        except CardWasReset:
            self.link.reconnect(reset=False)
            if self._selected is not None and command.header.ins != SELECT:
                self._layers.send(self._selected)
            response = self._layers.send(command)
        if command.header.ins == SELECT and response.status.is_ok:
            self._selected = command
        return response
