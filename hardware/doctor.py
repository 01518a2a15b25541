"""A look over readers and cards, for somebody who asks what is wrong. No try is spent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeVar

from hardware import pcsc
from hardware.keypad import Keypad
from hardware.pcsc import Context, PcscError
from kiosk.dialogue import CardReport
from kiosk.errors import CardBusy, CardError, CardGone, CardMute, CardUnknown
from kiosk.ports import Cards

T = TypeVar("T")


class CardCondition(StrEnum):
    """What is in a reader."""

    EMPTY = "empty"
    WELL = "well"
    MUTE = "mute"
    BUSY = "busy"
    UNKNOWN = "unknown"
    FAILING = "failing"


@dataclass(frozen=True, slots=True)
class ReaderFinding:
    """One reader; ``report`` is what its card tells, ``detail`` why it tells nothing.

    ``pin_pad``: the reader has keys of its own for PINs, whatever card is in.
    """

    reader: str
    card: CardCondition
    report: CardReport | None = None
    detail: str = ""
    pin_pad: bool = False


@dataclass(frozen=True, slots=True)
class PcscFinding:
    """The PC/SC service and its readers; ``detail`` says why it is not reached."""

    reachable: bool
    readers: tuple[ReaderFinding, ...] = ()
    detail: str = ""


_CONDITIONS: tuple[tuple[type[CardError], CardCondition], ...] = (
    (CardGone, CardCondition.EMPTY),
    (CardMute, CardCondition.MUTE),
    (CardBusy, CardCondition.BUSY),
    (CardUnknown, CardCondition.UNKNOWN),
)


def look_over(cards: Cards) -> PcscFinding:
    """Return what is found now; a card is read as a visit would read it."""
    try:
        readers = _in_context(pcsc.list_readers)
    except PcscError as error:
        return PcscFinding(reachable=False, detail=str(pcsc.card_error(error)))
    found = (replace(look_into(cards, reader), pin_pad=_has_pad(reader)) for reader in readers)
    return PcscFinding(True, tuple(found))


def look_into(cards: Cards, reader: str) -> ReaderFinding:
    """Return what is found in one reader."""
    try:
        report = cards.read(reader)
    except CardError as error:
        kinds = (card for kind, card in _CONDITIONS if isinstance(error, kind))
        return ReaderFinding(reader, next(kinds, CardCondition.FAILING), detail=str(error))
    return ReaderFinding(reader, CardCondition.WELL, report)


def _has_pad(reader: str) -> bool:
    """Ask the reader past its card; one that is held by another program counts as without."""

    def ask(context: Context) -> bool:
        handle = pcsc.connect_to_reader(context, reader)
        keypad = Keypad.found(lambda code, body: pcsc.control(handle, code, body))
        pcsc.disconnect(handle, reset=False)
        return keypad is not None

    try:
        return _in_context(ask)
    except PcscError:
        return False


def _in_context(ask: Callable[[Context], T]) -> T:
    context = pcsc.establish()
    try:
        return ask(context)
    finally:
        pcsc.release(context)
