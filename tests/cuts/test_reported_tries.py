"""Two unblocks on end that never reach the card: what it tells of its tries lets it be served.

No try was spent, and by our own account two may have been, which is all that three tries allow.
"""

from __future__ import annotations

import pytest

from kiosk.contract.messages import Reason, Refusal
from tests.cuts.conftest import OpenEstate
from tests.cuts.cutter import Cut, Fault, Side
from tests.cuts.runs import Stations, comes_back, holds_the_cards_secret

UNBLOCK = "2C"


@pytest.mark.parametrize(
    ("family", "tells"),
    [("piv", False), ("piv, tells tries", True), ("openpgp by admin PIN", True)],
)
def test_after_two_unblocks_that_never_arrived(
    family: str, open_estate: OpenEstate, stations: Stations, *, tells: bool
) -> None:
    estate = open_estate(family, blocked=True)
    assert estate.comes("A") is None
    start = estate.keep("start")
    stations.run(estate, None)
    cut = Cut(estate.steps.index(UNBLOCK), Side.BEFORE, Fault.LOST)
    estate.back_to(start)
    stations.run(estate, cut)
    assert estate.comes("A") is None
    assert estate.card.secret_exposure == 1, "a name alone corrects no account"
    stations.run(estate, cut)
    assert estate.plastic.wrong == 0
    if tells:
        assert comes_back(estate) == "unlocked"
        return
    refused = estate.comes("B")
    assert isinstance(refused, Refusal)
    assert refused.reason is Reason.SECRET_BLOCKED
    holds_the_cards_secret(estate)
