"""Composes the card drivers on PC/SC, and the PKCS#11 module beside them."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from hardware.card_access import CardTimeouts, PcscCards
from hardware.connection import Record, log_trace
from hardware.driver import Driver, RoutedCards, load_driver
from hardware.pkcs11.cards import NAME, Module, Pkcs11Cards, Style
from kiosk.config.settings import DEFAULTS, Settings, stored_secrets
from kiosk.contract.ports import Cards

log = logging.getLogger(__name__)


def build_cards(
    settings: Settings, environ: Mapping[str, str], record: Record | None = None
) -> Cards:
    """Return the card drivers on PC/SC, followed by the module in the settings.

    ``record`` gets whole APDUs: for the trial of a test card alone.
    """
    patience = CardTimeouts(answer_s=settings.station.card_timeout_s)
    trace = None
    if settings.pcsc.trace:
        talk = log.getChild("trace")
        talk.setLevel(logging.DEBUG)  # whatever the log's own level
        trace = log_trace(talk)
    pads = settings.pcsc.pin_pad == "used"
    drivers = PcscCards(_drivers(settings), patience, trace, pads=pads, record=record)
    module = build_module(settings, environ)
    return drivers if module is None else RoutedCards(drivers, module, NAME)


def build_module(settings: Settings, environ: Mapping[str, str]) -> Pkcs11Cards | None:
    chosen = settings.pkcs11
    if not chosen.module:
        return None
    module = Module(chosen.module, chosen.token, chosen.timeout_s)
    return Pkcs11Cards(module, Style(chosen.style), environ)


def plain_cards() -> PcscCards:
    return PcscCards(_drivers(DEFAULTS))


def _drivers(settings: Settings) -> list[Driver]:
    kinds = stored_secrets(settings)
    return [load_driver(family, kinds[family].name) for family in settings.cards.families]
