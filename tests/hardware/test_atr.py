"""Whether an answer to reset is that of a card over the air."""

from __future__ import annotations

import pytest

from hardware.connection import is_contactless
from hardware.virtual.chip import ATR_CONTACTLESS, ATR_T0, ATR_T1


@pytest.mark.parametrize(
    "atr",
    [
        ATR_CONTACTLESS.hex(),
        "3b80800101",  # a card with no historical bytes
        "3b8180018080",  # one historical byte
        "3b8f8001804f0ca000000306030001000000006a",  # a storage card
    ],
)
def test_over_the_air(atr: str) -> None:
    assert is_contactless(bytes.fromhex(atr))


@pytest.mark.parametrize(
    "atr",
    [
        "",
        "3b",
        "3b808001",  # no check byte
        "3b80800102",  # a wrong one
        "3b8180010180ff",  # longer than it says
        "3f80800101",  # inverse convention
        "3b90800111",  # says something of the speed
        "3bf81300008131fe454a434f5076323431b7",  # a card with contacts
        ATR_T0.hex(),
        ATR_T1.hex(),
    ],
)
def test_by_contacts(atr: str) -> None:
    assert not is_contactless(bytes.fromhex(atr))
