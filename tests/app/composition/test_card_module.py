"""A station that its settings give a module: one that fails does not take it along."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from hardware.virtual.making import new_card
from hardware.virtual.piv import CardProfile
from kiosk.app.composition.cards import build_cards
from kiosk.app.config.settings import Pkcs11Settings, Settings
from kiosk.contract.errors import CardError
from tests.hardware.pkcs11.tokens import faulty_module
from tests.support.pcsc import Insert

pytestmark = pytest.mark.hardware

TIMEOUT_S = 2.0


@pytest.mark.parametrize("aborts", [False, True], ids=["sleeps", "aborts"])
def test_the_next_card_is_served_after_a_module_that(
    insert: Insert, tmp_path: Path, aborts: bool
) -> None:
    module = faulty_module(tmp_path, "C_GetSlotList", aborts=aborts)
    settings = Settings(pkcs11=Pkcs11Settings(module=str(module), timeout_s=TIMEOUT_S))
    cards = build_cards(settings, os.environ)
    strange = CardProfile(full_aid=False, short_aid=False)
    seat = insert(new_card(holder_name="Ada Example", profile=strange))
    began = time.monotonic()
    with pytest.raises(CardError):
        cards.read(seat.reader)
    assert time.monotonic() - began < TIMEOUT_S + 2.5
    known = new_card(holder_name="Ada Example")
    report = cards.read(insert(known, 1).reader)
    assert report.card.identifier == known.state.guid.hex()
