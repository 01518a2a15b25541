"""Examines readers and cards for ``kiosk doctor``. No try is spent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeVar

from hardware import pcsc
from hardware.connection import PinPad
from hardware.pcsc import Context, PcscError
from kiosk.contract.errors import CardBusy, CardError, CardGone, CardMute, CardUnknown
from kiosk.contract.messages import CardId, CardReport
from kiosk.contract.ports import Cards

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
    """One reader; ``report`` is about its card, ``detail`` says why there is none.

    ``others``: applications of the card that do not serve here. ``pin_pad``: the reader has keys
    for PINs, whatever card is in.
    """

    reader: str
    card: CardCondition
    report: CardReport | None = None
    detail: str = ""
    pin_pad: bool = False
    others: tuple[CardId, ...] = ()


@dataclass(frozen=True, slots=True)
class PcscFinding:
    """The PC/SC service and its readers; ``detail`` says why it cannot be reached."""

    reachable: bool
    readers: tuple[ReaderFinding, ...] = ()
    detail: str = ""


_CONDITIONS: tuple[tuple[type[CardError], CardCondition], ...] = (
    (CardGone, CardCondition.EMPTY),
    (CardMute, CardCondition.MUTE),
    (CardBusy, CardCondition.BUSY),
    (CardUnknown, CardCondition.UNKNOWN),
)


Applications = Callable[[str], tuple[CardId, ...]]
"""Returns all applications of the card in a reader, served or not; raises ``CardError``."""


def examine_readers(cards: Cards, applications: Applications | None = None) -> PcscFinding:
    """Return what is found now; a card is read in the way of a visit."""
    try:
        readers = _in_context(pcsc.list_readers)
    except PcscError as error:
        return PcscFinding(reachable=False, detail=str(pcsc.card_error(error)))
    found = (
        replace(examine_reader(cards, reader, applications), pin_pad=_has_pad(reader))
        for reader in readers
    )
    return PcscFinding(True, tuple(found))


def examine_reader(
    cards: Cards, reader: str, applications: Applications | None = None
) -> ReaderFinding:
    try:
        report = cards.read(reader)
    except CardError as error:
        kinds = (card for kind, card in _CONDITIONS if isinstance(error, kind))
        found = ReaderFinding(reader, next(kinds, CardCondition.FAILING), detail=str(error))
    else:
        found = ReaderFinding(reader, CardCondition.WELL, report)
    if applications is None or found.card not in (CardCondition.WELL, CardCondition.UNKNOWN):
        return found
    return replace(found, others=_others(reader, applications, found.report))


def _others(
    reader: str, applications: Applications, served: CardReport | None
) -> tuple[CardId, ...]:
    try:
        every = applications(reader)
    except CardError:
        return ()
    return tuple(card for card in every if served is None or card != served.card)


def _has_pad(reader: str) -> bool:
    """Ask the reader without its card; a reader held by another program counts as without keys."""

    def ask(context: Context) -> bool:
        handle = pcsc.connect_to_reader(context, reader)
        keypad = PinPad.found(lambda code, body: pcsc.control(handle, code, body))
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
