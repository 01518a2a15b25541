"""A look over readers and cards, for somebody who asks what is wrong. No try is spent."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from hardware import pcsc
from hardware.pcsc import PcscError
from kiosk.dialogue import CardReport
from kiosk.errors import CardBusy, CardError, CardGone, CardMute, CardUnknown
from kiosk.ports import Cards


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
    """One reader; ``report`` is what its card tells, ``detail`` why it tells nothing."""

    reader: str
    card: CardCondition
    report: CardReport | None = None
    detail: str = ""


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
        readers = _readers()
    except PcscError as error:
        return PcscFinding(reachable=False, detail=str(pcsc.card_error(error)))
    return PcscFinding(True, tuple(look_into(cards, reader) for reader in readers))


def look_into(cards: Cards, reader: str) -> ReaderFinding:
    """Return what is found in one reader."""
    try:
        report = cards.read(reader)
    except CardError as error:
        kinds = (card for kind, card in _CONDITIONS if isinstance(error, kind))
        return ReaderFinding(reader, next(kinds, CardCondition.FAILING), detail=str(error))
    return ReaderFinding(reader, CardCondition.WELL, report)


def _readers() -> tuple[str, ...]:
    context = pcsc.establish()
    try:
        return pcsc.list_readers(context)
    finally:
        pcsc.release(context)
