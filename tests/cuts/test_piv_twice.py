"""Two faults on end: what a first cut leaves is found out by an unblock that is cut itself.

One cut leaves one of a few things for the next unblock to find out, whichever command or
commit it was. The next unblock is cut everywhere from each of them, and a third one goes
through. Promised is of two faults what is promised of one, for each: one wrong secret to
find out what became of it. Two never come without a right one in between, so that of three
tries two are there at any time; where both may have been spent, as far as can be known, the
card is refused until the Registration Authority sets a secret.
"""

from __future__ import annotations

from collections import Counter

import pytest

from tests.cuts.conftest import OpenEstate
from tests.cuts.cutter import Cut, Fault
from tests.cuts.estate import Estate, Moment
from tests.cuts.families import ON_APDUS
from tests.cuts.runs import Stations, comes_back, every_cut, holds_the_cards_secret
from tests.cuts.states import Recoveries, State, books, state
from tests.support.printed import Printed


@pytest.mark.parametrize("blocked", [True, False], ids=["blocked", "forgotten"])
def test_two_cuts_on_end_lose_no_card_and_leave_two_tries(
    *, blocked: bool, open_estate: OpenEstate, stations: Stations, printed: Printed
) -> None:
    estate = open_estate("piv", blocked=blocked)
    assert estate.comes("A") is None
    faults = ON_APDUS if blocked else (Fault.LOST, Fault.KILL)
    ends, moments = Counter[str](), left_by_one_cut(estate, stations)
    assert len(moments) == 3
    for left in moments:
        recoveries = Recoveries()
        for cut in every_cut(steps_from(estate, stations, left), faults):
            try:
                ends[lives_through(estate, stations, left, cut, recoveries)] += 1
            except AssertionError as lost:
                raise AssertionError(f"{left}, {cut}: {estate.world.kinds()}") from lost
    printed(
        f"{ends.total()} second cut points ({', '.join(faults)}) of a PIV card, its PIN "
        f"{'blocked' if blocked else 'forgotten'}, for each that a first one left: {dict(ends)}"
    )


def steps_from(estate: Estate, stations: Stations, moment: Moment) -> int:
    estate.back_to(moment)
    stations.run(estate, None)
    return len(estate.steps)


def left_by_one_cut(estate: Estate, stations: Stations) -> list[Moment]:
    """Cut once everywhere, and bring to the page for a new PIN what differs then.

    What is in order is what a first cut begins with: that is not cut again.
    """
    start = estate.keep("start")
    seen: set[State] = set()
    found: dict[State, Moment] = {}
    for cut in every_cut(steps_from(estate, stations, start), ON_APDUS):
        estate.back_to(start)
        stations.run(estate, cut)
        if (left := state(estate)) in seen:
            continue
        seen.add(left)
        assert estate.comes("B") is None
        if not estate.is_in_order and (account := books(estate)) not in found:
            found[account] = estate.keep(f"cut{len(found)}")
    return list(found.values())


def lives_through(
    estate: Estate, stations: Stations, left: Moment, cut: Cut, recoveries: Recoveries
) -> str:
    estate.back_to(left)
    stations.run(estate, cut)
    holds_the_cards_secret(estate)
    return recoveries.of(estate, lambda: end(estate))


def end(estate: Estate) -> str:
    ended = comes_back(estate, may_be_refused=True)
    assert estate.plastic.wrong <= 2
    assert estate.plastic.in_a_row <= 1
    return f"{ended}, {estate.plastic.wrong} wrong"
