"""A station that its settings give a module: one that fails does not take it along."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hardware.virtual.piv import CardProfile, new_card
from kiosk.app.composition.cards import build_cards
from kiosk.config.settings import Pkcs11Settings, Settings
from kiosk.contract.errors import CardError
from tests.hardware.pkcs11.tokens import faulty_module
from tests.support.pcsc import Insert

pytestmark = pytest.mark.hardware

TIMEOUT_S = {"sleeps": 2.0, "aborts": 600.0}
"""One that aborts is not waited for."""


@pytest.mark.parametrize("fault", TIMEOUT_S)
def test_the_next_card_is_served_after_a_module_that(
    insert: Insert, tmp_path: Path, fault: str
) -> None:
    module = faulty_module(tmp_path, "C_GetSlotList", aborts=fault == "aborts")
    settings = Settings(pkcs11=Pkcs11Settings(module=str(module), timeout_s=TIMEOUT_S[fault]))
    cards = build_cards(settings, os.environ)
    strange = CardProfile(full_aid=False, short_aid=False)
    seat = insert(new_card(holder_name="Ada Example", profile=strange))
    with pytest.raises(CardError):
        cards.read(seat.reader)
    known = new_card(holder_name="Ada Example")
    report = cards.read(insert(known, 1).reader)
    assert report.card.identifier == known.state.guid.hex()
