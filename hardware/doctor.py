"""Examines readers and cards for ``kiosk doctor``. No try is spent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from hardware import pcsc
from hardware.connection import PinPad
from hardware.pcsc import Context, PcscError
from kiosk.contract.errors import CardError, CardUnknown
from kiosk.contract.messages import CardId, CardReport
from kiosk.contract.ports import Cards


@dataclass(frozen=True, slots=True)
class ReaderFinding:
    """One reader; ``report`` is about its card, ``error`` says why there is none.

    ``others``: applications of the card that do not serve here. ``pin_pad``: the reader has keys
    for PINs, whatever card is in.
    """

    reader: str
    report: CardReport | None = None
    error: CardError | None = None
    pin_pad: bool = False
    others: tuple[CardId, ...] = ()


@dataclass(frozen=True, slots=True)
class PcscFinding:
    """The readers of the PC/SC service; ``trouble`` says why it cannot be reached, if it cannot."""

    readers: tuple[ReaderFinding, ...] = ()
    trouble: str = ""


Applications = Callable[[str], tuple[CardId, ...]]
"""Returns all applications of the card in a reader, served or not; raises ``CardError``."""


def examine_readers(cards: Cards, applications: Applications) -> PcscFinding:
    """Return what is found now; a card is read in the way of a visit."""
    try:
        with _context() as context:
            readers = pcsc.list_readers(context)
    except PcscError as error:
        return PcscFinding(trouble=str(pcsc.card_error(error)))
    return PcscFinding(tuple(examine_reader(cards, one, applications) for one in readers))


def examine_reader(cards: Cards, reader: str, applications: Applications) -> ReaderFinding:
    report, trouble = None, None
    others: tuple[CardId, ...] = ()
    try:
        report = cards.read(reader)
    except CardError as error:
        trouble = error
    if trouble is None or isinstance(trouble, CardUnknown):
        with suppress(CardError):
            served = report.card if report else None
            others = tuple(card for card in applications(reader) if card != served)
    return ReaderFinding(reader, report, trouble, _has_pad(reader), others)


def _has_pad(reader: str) -> bool:
    """Ask the reader without its card; a reader held by another program counts as without keys."""
    try:
        with _context() as context:
            handle = pcsc.connect_to_reader(context, reader)
            keypad = PinPad.found(lambda code, body: pcsc.control(handle, code, body))
            pcsc.disconnect(handle, reset=False)
            return keypad is not None
    except PcscError:
        return False


@contextmanager
def _context() -> Iterator[Context]:
    context = pcsc.establish()
    try:
        yield context
    finally:
        pcsc.release(context)
