"""The calls of PC/SC that the product makes, typed, each raising ``PcscError`` on failure.

Only this module imports ``smartcard.scard``: the modules above it see bytes, names and
``CardError``. ``card_error`` translates the PC/SC codes.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, NewType

from smartcard import scard

from kiosk.contract import errors

Context = NewType("Context", int)
Handle = NewType("Handle", int)

STATE_PRESENT: Final[int] = scard.SCARD_STATE_PRESENT
STATE_MUTE: Final[int] = scard.SCARD_STATE_MUTE
STATE_UNAWARE: Final[int] = scard.SCARD_STATE_UNAWARE

BUSY: Final[int] = scard.SCARD_E_SHARING_VIOLATION
WAS_RESET: Final[int] = scard.SCARD_W_RESET_CARD
T0: Final[int] = scard.SCARD_PROTOCOL_T0

PLUG_AND_PLAY: Final = "\\\\?PnP?\\Notification"
"""The pseudo reader whose state changes when a reader is plugged in or out."""

GET_FEATURE_REQUEST: Final[int] = scard.SCARD_CTL_CODE(3400)
"""CM_IOCTL_GET_FEATURE_REQUEST (PC/SC part 10, 2.2): asks for the reader's control codes."""

ANY_PROTOCOL: Final[int] = T0 | scard.SCARD_PROTOCOL_T1
SHARE: Final[int] = scard.SCARD_SHARE_EXCLUSIVE

NO_BLOCKING: Final = "PCSCLITE_NO_BLOCKING"
"""libpcsclite looks for this variable at the first context of a process. With it, a call that
another program's connection forbids fails with ``BUSY``.

Without it the library repeats the call. That has no end where both connected in the same moment and
pcscd let the other program in beside our exclusive connection: each then waits for the other.
"""

_ERRORS: Final[dict[int, tuple[type[errors.CardError], str]]] = {
    scard.SCARD_E_NO_SERVICE: (errors.ReaderServiceDown, "the PC/SC service does not run"),
    scard.SCARD_E_SERVICE_STOPPED: (errors.ReaderServiceDown, "the PC/SC service has stopped"),
    scard.SCARD_F_COMM_ERROR: (errors.ReaderServiceDown, "the PC/SC service does not answer"),
    scard.SCARD_E_INVALID_HANDLE: (errors.ReaderServiceDown, "the PC/SC service forgot us"),
    scard.SCARD_W_SECURITY_VIOLATION: (errors.ReaderServiceDown, "the PC/SC service refuses us"),
    scard.SCARD_E_NO_ACCESS: (errors.ReaderServiceDown, "the PC/SC service refuses us"),
    scard.SCARD_E_UNKNOWN_READER: (errors.ReaderGone, "the reader is not there"),
    scard.SCARD_E_READER_UNAVAILABLE: (errors.ReaderGone, "the reader is not available"),
    scard.SCARD_E_NO_READERS_AVAILABLE: (errors.ReaderGone, "there is no reader"),
    scard.SCARD_E_NO_SMARTCARD: (errors.CardGone, "there is no card in the reader"),
    scard.SCARD_W_REMOVED_CARD: (errors.CardGone, "the card was taken out"),
    BUSY: (errors.CardBusy, "another program holds the card"),
    WAS_RESET: (errors.CardBusy, "another program keeps resetting the card"),
}

_UNSUPPORTED: Final[frozenset[int]] = frozenset(
    {
        scard.SCARD_E_UNSUPPORTED_FEATURE,
        scard.SCARD_E_INVALID_PARAMETER,
        scard.SCARD_E_INVALID_VALUE,
    }
)


class PcscError(Exception):
    """A PC/SC call failed; ``code`` is its SCARD code. This package never raises it to others."""

    def __init__(self, call: str, code: int) -> None:
        super().__init__(f"{call} failed with {code & 0xFFFFFFFF:08X}")
        self.code = code

    @property
    def was_reset(self) -> bool:
        """Another program reset the card; the command did not reach it."""
        return self.code == WAS_RESET

    @property
    def unsupported(self) -> bool:
        """The reader or its driver does not know the control code or its parameters."""
        return self.code in _UNSUPPORTED

    @property
    def service_lost(self) -> bool:
        """The service went away, or came back without our handles."""
        return isinstance(card_error(self), errors.ReaderServiceDown)

    @property
    def no_news(self) -> bool:
        """A wait timed out, another thread called ``cancel``, or a reader is missing."""
        waited = self.code in (scard.SCARD_E_TIMEOUT, scard.SCARD_E_CANCELLED)
        return waited or isinstance(card_error(self), errors.ReaderGone)


def card_error(fault: PcscError) -> errors.CardError:
    """Translate a PC/SC code; an unlisted code is a card that gives no proper answer."""
    kind, sentence = _ERRORS.get(fault.code, (errors.CardMute, "the card does not answer"))
    return kind(f"{sentence} ({fault})")


@dataclass(frozen=True, slots=True)
class PcscReaderState:
    """The state of one reader: flags in the low half, events counted in the high half."""

    reader: str
    state: int

    @property
    def count(self) -> int:
        """How many cards went in and out, modulo 65536."""
        return self.state >> 16 & 0xFFFF

    @property
    def present(self) -> bool:
        return bool(self.state & STATE_PRESENT)

    @property
    def mute(self) -> bool:
        """The card that is in gives no answer to reset."""
        return bool(self.state & STATE_MUTE)


def establish() -> Context:
    """Open a context; it belongs to one thread at a time."""
    os.environ.setdefault(NO_BLOCKING, "1")
    code, context = scard.SCardEstablishContext(scard.SCARD_SCOPE_USER)
    _check("SCardEstablishContext", code)
    return Context(context)


def release(context: Context) -> None:
    """Release a context, also one that the service no longer knows."""
    scard.SCardReleaseContext(context)


def cancel(context: Context) -> None:
    """Wake the thread that waits in ``wait_for_change`` with this context."""
    scard.SCardCancel(context)


def list_readers(context: Context) -> tuple[str, ...]:
    """Return the names of the readers that are plugged in, in the service's order."""
    code, readers = scard.SCardListReaders(context, [])
    if code == scard.SCARD_E_NO_READERS_AVAILABLE:
        return ()
    _check("SCardListReaders", code)
    return tuple(readers)


def wait_for_change(
    context: Context, timeout_ms: int, known: Iterable[PcscReaderState]
) -> tuple[PcscReaderState, ...]:
    """Block until a reader's state differs from the one known; raise on time-out too."""
    states = [(item.reader, item.state) for item in known]
    code, changed = scard.SCardGetStatusChange(context, timeout_ms, states)
    _check("SCardGetStatusChange", code)
    return tuple(PcscReaderState(name, state) for name, state, _atr in changed)


def connect(context: Context, reader: str) -> tuple[Handle, int]:
    """Connect to the card in ``reader``; return the handle and the active protocol."""
    code, handle, protocol = scard.SCardConnect(context, reader, SHARE, ANY_PROTOCOL)
    _check("SCardConnect", code)
    return Handle(handle), protocol


def connect_to_reader(context: Context, reader: str) -> Handle:
    """Connect to the reader itself, with or without a card in it."""
    direct, no_protocol = scard.SCARD_SHARE_DIRECT, scard.SCARD_PROTOCOL_UNDEFINED
    code, handle, _ = scard.SCardConnect(context, reader, direct, no_protocol)
    _check("SCardConnect", code)
    return Handle(handle)


def reconnect(handle: Handle, *, reset: bool) -> int:
    """Reconnect a handle, resetting the card where asked; return the protocol."""
    how = scard.SCARD_RESET_CARD if reset else scard.SCARD_LEAVE_CARD
    code, protocol = scard.SCardReconnect(handle, SHARE, ANY_PROTOCOL, how)
    _check("SCardReconnect", code)
    return int(protocol)


def transmit(handle: Handle, protocol: int, apdu: bytes) -> bytes:
    """Send one APDU and return the answer, which may be empty if the card was pulled."""
    pci = scard.SCARD_PCI_T0 if is_t0(protocol) else scard.SCARD_PCI_T1
    code, answer = scard.SCardTransmit(handle, pci, list(apdu))
    _check("SCardTransmit", code)
    return bytes(answer)


def control(handle: Handle, code: int, body: bytes) -> bytes:
    """Send a control code to the reader, not to the card, and return its answer."""
    result, answer = scard.SCardControl(handle, code, list(body))
    _check("SCardControl", result)
    return bytes(answer)


def answer_to_reset(handle: Handle) -> bytes:
    """Return the card's answer to its last reset, or the one that the reader made for it."""
    code, _reader, _state, _protocol, atr = scard.SCardStatus(handle)
    _check("SCardStatus", code)
    return bytes(atr)


def disconnect(handle: Handle, *, reset: bool) -> None:
    """Disconnect; after a reset no PIN is verified. A failure is ignored."""
    scard.SCardDisconnect(handle, scard.SCARD_RESET_CARD if reset else scard.SCARD_LEAVE_CARD)


def is_t0(protocol: int) -> bool:
    return protocol == T0


def _check(call: str, code: int) -> None:
    if code != scard.SCARD_S_SUCCESS:
        raise PcscError(call, code)


class Contexts:
    """Lends a context to one thread at a time: opening one costs a third of an unblock.

    It holds no card and no secret.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: Context | None = None

    def borrow(self) -> Context | None:
        """Return an idle context, if any; the service may have forgotten it."""
        with self._lock:
            context, self._idle = self._idle, None
        return context

    def give_back(self, context: Context) -> None:
        """Keep a context that works for the next use; one is enough."""
        with self._lock:
            spare, self._idle = self._idle, context
        if spare is not None:
            release(spare)
