"""OpenPGP cards: with a resetting code, which stays, and with the admin PIN, which is changed.

The card is one that we did not write. It counts like a PIV card, and says in DO C4 what is left;
each unblock asks that first, and never spends the last try.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.cuts.conftest import OpenEstate
from tests.cuts.families import ON_APDUS
from tests.cuts.runs import Stations
from tests.cuts.single_cuts import cut_everywhere, cuts_of, whole_unblock
from tests.support.printed import Printed

ADMIN_PIN = "openpgp by admin PIN"
CARDS = {
    "openpgp by resetting code": {"2C": 1},
    ADMIN_PIN: {"20": 3, "2C": 1, "24": 1},
}


@pytest.fixture(autouse=True)
def _unchatty(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """The card notes every command."""
    with caplog.at_level(logging.ERROR, "jcecard"):
        yield


@pytest.mark.parametrize("name", CARDS)
def test_no_cut_loses_a_card_or_costs_more_than_one_try(
    name: str, open_estate: OpenEstate, stations: Stations, printed: Printed
) -> None:
    expected = CARDS[name]
    estate = open_estate(name, blocked=True)
    assert estate.comes("A") is None
    start = estate.keep("start")
    whole = whole_unblock(estate, stations, changes=name == ADMIN_PIN)
    steps = Counter(whole)
    assert expected.items() <= steps.items()
    ends = cut_everywhere(estate, stations, cuts_of(whole, ON_APDUS), start, each=True)
    printed(f"{ends.total()} cut points ({', '.join(ON_APDUS)}) of {name}: {dict(ends)}")
