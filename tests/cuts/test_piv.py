"""An unblock that changes the PUK, cut before and after everything that it does.

The station is a process of its own; it is killed, or its card is torn out or reset, or an
answer is lost, of the card or of the database. Then the card comes back at another
station: blocked, so that it tells whether it was unblocked, or not.
"""

from __future__ import annotations

from collections import Counter

import pytest

from tests.cuts.conftest import OpenEstate
from tests.cuts.cutter import COMMIT, Fault
from tests.cuts.estate import Estate
from tests.cuts.families import FEW, ON_APDUS
from tests.cuts.runs import Stations
from tests.cuts.single_cuts import cut_everywhere, cuts_of, whole_unblock
from tests.support.printed import Printed

CARDS = {
    "its PIN blocked": ("piv", True, ON_APDUS),
    "its PIN forgotten": ("piv", False, ON_APDUS),
    "tells no tries, none recorded": ("piv, silent", True, FEW),
    "ten tries, takes any PUK after a right one": ("piv, ten tries", False, FEW),
    "its PIN entered on a reader's keys": ("piv, keyed", True, (Fault.TORN, *FEW)),
    "its secrets derived": ("piv, derived", True, FEW),
}
"""On the last four only what differs is looked at: which secret was right, and how one knows."""


@pytest.mark.parametrize("name", CARDS)
def test_no_cut_loses_a_card_or_costs_more_than_one_try(
    name: str, open_estate: OpenEstate, stations: Stations, printed: Printed
) -> None:
    family, blocked, faults = CARDS[name]
    estate = open_estate(family, blocked=blocked)
    assert estate.comes("A") is None
    start = estate.keep("start")
    whole = whole_unblock(estate, stations, changes=True)
    steps = Counter(whole)
    keyed = family == "piv, keyed"
    assert (steps["2C"], steps["24"], steps[COMMIT]) == (not keyed, 1, 5)
    assert bool(steps["keys"]) == keyed
    assert derives(estate) == (family == "piv, derived")
    each = name == "its PIN blocked"
    ends = cut_everywhere(estate, stations, cuts_of(whole, faults), start, each=each)
    told = f"{ends.total()} cut points ({', '.join(faults)}) of a PIV card, {name}"
    printed(f"{told}: {dict(ends)}")


def derives(estate: Estate) -> bool:
    """Tell whether the secret that the card was given derives from a master key."""
    drawn = [event for event in estate.world.events() if event.kind == "secret-drawn"]
    return "derived_from" in drawn[-1].detail
