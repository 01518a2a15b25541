"""An unblock that changes the PUK, cut before and after everything that it does.

The station is a process of its own; it is killed, or its card is torn out or reset, or an
answer is lost, of the card or of the database. Then the card comes back at another
station: blocked, so that it tells whether it was unblocked, or not.
"""

from __future__ import annotations

from collections import Counter

import pytest

from tests.cuts.conftest import OpenEstate
from tests.cuts.cutter import COMMIT, Cut, Fault
from tests.cuts.estate import Estate, Moment
from tests.cuts.families import ON_APDUS
from tests.cuts.runs import Stations, comes_back, every_cut, holds_the_cards_secret
from tests.cuts.states import Recoveries
from tests.support.printed import Printed

FEW = (Fault.LOST, Fault.KILL)
CARDS = {
    "its PIN blocked": ("piv", True, ON_APDUS),
    "its PIN forgotten": ("piv", False, ON_APDUS),
    "tells no tries, none recorded": ("piv, silent", True, FEW),
    "ten tries, takes any PUK after a right one": ("piv, ten tries", False, FEW),
}
"""On the last two only what differs is looked at: which secret was right, and how one knows."""


@pytest.mark.parametrize("name", CARDS)
def test_no_cut_loses_a_card_or_costs_more_than_one_try(
    name: str, open_estate: OpenEstate, stations: Stations, printed: Printed
) -> None:
    family, blocked, faults = CARDS[name]
    estate = open_estate(family, blocked=blocked)
    assert estate.comes("A") is None
    start = estate.keep("start")
    steps, recoveries = whole(estate, stations), Recoveries(each=name == "its PIN blocked")
    ends = Counter[str]()
    for cut in every_cut(steps, faults):
        try:
            ends[lives_through(estate, stations, start, cut, recoveries)] += 1
        except AssertionError as lost:
            raise AssertionError(f"{cut}: {estate.world.kinds()}") from lost
    printed(f"{ends.total()} cut points ({', '.join(faults)}) of a PIV card, {name}: {dict(ends)}")


def whole(estate: Estate, stations: Stations) -> int:
    """Return how many steps an unblock has that nothing cuts; it changes the PUK."""
    stations.run(estate, None)
    names = Counter(estate.steps)
    assert (names["2C"], names["24"], names[COMMIT]) == (1, 1, 5)
    secrets = estate.secrets()
    assert secrets.keys() == {"current", "former 0"}
    assert estate.plastic.opens_with(secrets["current"])
    assert estate.world.kinds().count("secret-changed") == 1
    return names.total()


def lives_through(
    estate: Estate, stations: Stations, start: Moment, cut: Cut, recoveries: Recoveries
) -> str:
    estate.back_to(start)
    stations.run(estate, cut)
    assert estate.plastic.wrong == 0
    holds_the_cards_secret(estate)
    first = "unlocked at once" if estate.has_new_pin else "unlocked elsewhere"
    return f"{first}, {recoveries.of(estate, lambda: wrong_elsewhere(estate))} wrong"


def wrong_elsewhere(estate: Estate) -> str:
    assert comes_back(estate) == "unlocked"
    assert estate.plastic.wrong <= 1
    return str(estate.plastic.wrong)
