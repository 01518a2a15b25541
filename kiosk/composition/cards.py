"""Puts the card drivers together on PC/SC."""

from __future__ import annotations

import logging

from hardware.cards import PcscCards
from hardware.drivers.piv import PivDriver
from hardware.grip import Patience
from hardware.registry import Registry
from hardware.trace import Trace, log_trace
from kiosk.config import Settings

log = logging.getLogger(__name__)


def build_cards(settings: Settings) -> PcscCards:
    """Return the card drivers on PC/SC."""
    patience = Patience(answer_s=settings.station.card_timeout_s)
    return PcscCards(Registry([PivDriver()]), patience, _trace() if settings.pcsc.trace else None)


def _trace() -> Trace:
    """Return a trace into the log, past the level that the log is otherwise kept at."""
    talk = log.getChild("trace")
    talk.setLevel(logging.DEBUG)
    return log_trace(talk)
