"""One cut at every point of an unblock, and the card at another station after each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from tests.cuts.cutter import Cut, Fault
from tests.cuts.estate import Estate, Moment
from tests.cuts.runs import Stations, comes_back, holds_the_cards_secret, some_cuts
from tests.cuts.states import Recoveries


def cut_everywhere(
    estate: Estate,
    stations: Stations,
    cuts: Iterable[Cut],
    start: Moment,
    *,
    each: bool = False,
) -> Counter[str]:
    """Return how the card ended, and how often.

    With ``each`` it comes back after each cut, else once for all cuts that leave the same.
    """
    ends, recoveries = Counter[str](), Recoveries(each)
    for cut in cuts:
        try:
            ends[_lives_through(estate, stations, start, cut, recoveries)] += 1
        except AssertionError as lost:
            raise AssertionError(f"{cut}: {estate.world.kinds()}") from lost
    return ends


def cuts_of(whole: list[str], faults: Sequence[Fault]) -> list[Cut]:
    """Return the cuts of an unblock that did these steps."""
    return list(some_cuts(len(whole), faults))


def whole_unblock(estate: Estate, stations: Stations, *, changes: bool) -> list[str]:
    """Return the steps of one that nothing cuts; look whether it changed the secret."""
    stations.run(estate, None)
    assert estate.has_new_pin
    secrets, drawn = estate.secrets(), estate.world.kinds().count("secret-changed")
    assert estate.reader_card.opens_with(secrets.pop("current"))
    assert list(secrets) == ["former 0"] * changes
    assert drawn == changes
    return estate.steps


def _lives_through(
    estate: Estate, stations: Stations, start: Moment, cut: Cut, recoveries: Recoveries
) -> str:
    estate.back_to(start)
    stations.run(estate, cut)
    assert estate.reader_card.wrong == 0
    holds_the_cards_secret(estate)
    first = "unlocked at once" if estate.has_new_pin else "unlocked elsewhere"
    return f"{first}, {recoveries.of(estate, lambda: _wrong_elsewhere(estate))} wrong"


def _wrong_elsewhere(estate: Estate) -> str:
    was_done = estate.has_new_pin
    assert comes_back(estate) == "unlocked"
    assert estate.reader_card.wrong <= 1
    _audit_is_true(estate, was_done=was_done)
    return str(estate.reader_card.wrong)


def _audit_is_true(estate: Estate, *, was_done: bool) -> None:
    """Look that nobody was told of the unblock that was cut what the card does not show."""
    events = estate.world.events()
    settled = [event.detail["found"] for event in events if event.kind == "unblock-settled"]
    assert settled in ([], ["undetermined"], ["done" if was_done else "not-done"])
    told_done = [event.kind for event in events].count("unblock-done")
    assert told_done - 1 in (0, was_done)  # the one that came through is told as well
