"""Two faults on end: what a first cut leaves is found out by an unblock that is cut itself.

One cut leaves one of a few things for the next unblock to find out, whichever command or
commit it was. The next unblock is cut everywhere from each of them, and a third one goes
through. Promised is of two faults what is promised of one, for each: one wrong secret to
find out what became of it. Two never come without a right one in between, so that of three
tries two are there at any time; where both may have been spent, as far as can be known, the
card is refused until the Registration Authority sets a secret.

A card that is torn out or reset leaves nothing to find out that a lost answer and a killed
station do not leave; that is looked at, and the second cut is made by these two, or by the
one of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pytest

from tests.cuts.conftest import OpenEstate
from tests.cuts.cutter import Cut, Fault
from tests.cuts.estate import Estate, Moment
from tests.cuts.families import FEW, ON_APDUS
from tests.cuts.runs import Stations, comes_back, every_cut, holds_the_cards_secret, some_cuts
from tests.cuts.states import Recoveries, State, books, state
from tests.support.printed import Printed

FAULTS = {"blocked": (True, ON_APDUS, FEW), "forgotten": (False, FEW, (Fault.KILL,))}
"""What strikes first, and what strikes then."""


@pytest.mark.parametrize("pin", FAULTS)
def test_two_cuts_on_end_lose_no_card_and_leave_two_tries(
    pin: str, open_estate: OpenEstate, stations: Stations, printed: Printed
) -> None:
    blocked, firsts, seconds = FAULTS[pin]
    estate = open_estate("piv", blocked=blocked)
    assert estate.comes("A") is None
    ends, moments = Counter[str](), left_by_one_cut(estate, stations, firsts)
    assert len(moments) == 3
    for left in moments:
        recoveries = Recoveries()
        for cut in some_cuts(steps_from(estate, stations, left), seconds):
            try:
                ends[lives_through(estate, stations, left, cut, recoveries)] += 1
            except AssertionError as lost:
                raise AssertionError(f"{left}, {cut}: {estate.world.kinds()}") from lost
    printed(
        f"{ends.total()} second cut points ({', '.join(seconds)}) of a PIV card, its PIN {pin}, "
        f"for each of {len(moments)} things that a first one left: {dict(ends)}"
    )


def steps_from(estate: Estate, stations: Stations, moment: Moment) -> int:
    estate.back_to(moment)
    stations.run(estate, None)
    return len(estate.steps)


def left_by_one_cut(estate: Estate, stations: Stations, faults: Sequence[Fault]) -> list[Moment]:
    """Cut once everywhere, and bring to the page for a new PIN what differs then.

    What is in order is what a first cut begins with: that is not cut again.
    """
    start = estate.keep("start")
    steps = steps_from(estate, stations, start)
    found: dict[State, Moment] = {}
    accounts: dict[State, State] = {}
    by_fault: dict[Fault, set[State]] = {fault: set() for fault in faults}
    for cut in every_cut(steps, faults):
        estate.back_to(start)
        stations.run(estate, cut)
        if (left := state(estate)) not in accounts:
            accounts[left] = account_elsewhere(estate, found)
        by_fault[cut.fault].add(accounts[left])
    few = set().union(*(by_fault[fault] for fault in FEW))
    assert few == set().union(*by_fault.values())
    return list(found.values())


def account_elsewhere(estate: Estate, found: dict[State, Moment]) -> State:
    assert estate.comes("B") is None
    account = books(estate)
    if not estate.is_in_order and account not in found:
        found[account] = estate.keep(f"cut{len(found)}")
    return account


def lives_through(
    estate: Estate, stations: Stations, left: Moment, cut: Cut, recoveries: Recoveries
) -> str:
    estate.back_to(left)
    stations.run(estate, cut)
    holds_the_cards_secret(estate)
    return recoveries.of(estate, lambda: end(estate))


def end(estate: Estate) -> str:
    ended = comes_back(estate, may_be_refused=True)
    assert estate.reader_card.wrong <= 2
    assert estate.reader_card.in_a_row <= 1
    return f"{ended}, {estate.reader_card.wrong} wrong"
