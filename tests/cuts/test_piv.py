"""An unblock that changes the PUK, cut before and after everything that it does.

The station is a process of its own; it is killed, or its card is torn out or reset, or an
answer is lost, of the card or of the database. Then the card comes back at another
station: blocked, so that it tells whether it was unblocked, or not.
"""

from __future__ import annotations

from collections import Counter

import pytest

from tests.cuts.conftest import OpenEstate
from tests.cuts.cutter import COMMIT, Cut
from tests.cuts.estate import Estate, Moment
from tests.cuts.families import ON_APDUS, Piv
from tests.cuts.runs import Stations, audit_tells, ends, every_cut, holds_the_cards_secret
from tests.support.printed import Printed


@pytest.mark.parametrize("blocked", [True, False], ids=["blocked", "forgotten"])
def test_no_cut_loses_a_card_or_costs_more_than_one_try(
    *, blocked: bool, open_estate: OpenEstate, stations: Stations, printed: Printed
) -> None:
    estate = open_estate(Piv(), blocked=blocked)
    assert estate.comes("A") is None
    start = estate.keep("start")
    steps = whole(estate, stations)
    seen = Counter[str]()
    for cut in every_cut(steps, ON_APDUS):
        try:
            seen[lives_through(estate, stations, start, cut)] += 1
        except AssertionError as lost:
            raise AssertionError(f"{cut}: {estate.world.kinds()}") from lost
    state = "blocked" if blocked else "not blocked"
    printed(f"{seen.total()} cut points of a PIV unblock, PIN {state}: {dict(seen)}")


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


def lives_through(estate: Estate, stations: Stations, start: Moment, cut: Cut) -> str:
    estate.back_to(start)
    stations.run(estate, cut)
    assert estate.plastic.wrong == 0
    holds_the_cards_secret(estate)
    end = ends(estate)
    assert estate.plastic.wrong <= 1
    assert estate.plastic.is_full
    holds_the_cards_secret(estate)
    audit_tells(estate)
    return f"{end}, {estate.plastic.wrong} wrong"
