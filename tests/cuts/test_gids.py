"""GIDS cards: the admin key stays with the authority, and station and card exchange numbers.

There is nothing to find out after a cut, for the key stays. What is looked for is that a card
is never taken for unblocked that is not, that a cut leaves no try spent on the card, and that a
new PIN is set in the end.
"""

from __future__ import annotations

from collections import Counter

import pytest

from tests.cuts.conftest import OpenEstate
from tests.cuts.cutter import COMMIT
from tests.cuts.families import FEW, ON_APDUS
from tests.cuts.runs import Stations
from tests.cuts.single_cuts import cut_everywhere, cuts_of, whole_unblock
from tests.support.printed import Printed

CARDS = {"blocked": (True, ON_APDUS), "forgotten": (False, FEW)}


@pytest.mark.parametrize("pin", CARDS)
def test_no_cut_costs_a_card_a_try(
    pin: str, open_estate: OpenEstate, stations: Stations, printed: Printed
) -> None:
    blocked, faults = CARDS[pin]
    estate = open_estate("gids", blocked=blocked)
    assert estate.comes("A") is None
    start = estate.keep("start")
    whole = whole_unblock(estate, stations, changes=False)
    steps = Counter(whole)
    # The key is chosen; a number goes out, then the cryptogram; the PIN is set.
    assert (steps["22"], steps["87"], steps["2C"], steps[COMMIT]) == (1, 2, 1, 4)
    ends = cut_everywhere(estate, stations, cuts_of(whole, faults), start, each=blocked)
    assert all(end.endswith("0 wrong") for end in ends)
    told = f"{ends.total()} cut points ({', '.join(faults)}) of a GIDS card, its PIN {pin}"
    printed(f"{told}: {dict(ends)}")
