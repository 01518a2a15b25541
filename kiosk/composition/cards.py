"""Puts the card drivers together on PC/SC."""

from __future__ import annotations

import logging

from hardware.cards import PcscCards
from hardware.driver import Driver
from hardware.drivers.openpgp import OpenPgpDriver, Secret
from hardware.drivers.piv import PivDriver
from hardware.grip import Patience
from hardware.registry import Registry
from hardware.trace import Trace, log_trace
from kiosk.config import CardSettings, Settings

log = logging.getLogger(__name__)


def build_cards(settings: Settings) -> PcscCards:
    """Return the card drivers on PC/SC."""
    patience = Patience(answer_s=settings.station.card_timeout_s)
    return PcscCards(_drivers(settings.cards), patience, _trace() if settings.pcsc.trace else None)


def plain_cards() -> PcscCards:
    """Return the card drivers as they are without settings."""
    return PcscCards(_drivers(CardSettings()))


def _drivers(cards: CardSettings) -> Registry:
    """Return the drivers of the families that are served, in their order."""
    made: dict[str, Driver] = {
        PivDriver.name: PivDriver(),
        OpenPgpDriver.name: OpenPgpDriver(Secret(cards.openpgp_secret)),
    }
    return Registry([made[family] for family in cards.families])


def _trace() -> Trace:
    """Return a trace into the log, past the level that the log is otherwise kept at."""
    talk = log.getChild("trace")
    talk.setLevel(logging.DEBUG)
    return log_trace(talk)
