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
    ("family", "tells", "keeps_key"),
    [
        ("piv", False, False),
        ("piv", False, True),
        ("piv, tells tries", True, False),
        ("piv, tells tries", True, True),
        ("openpgp by admin PIN", True, False),
    ],
)
def test_after_two_unblocks_that_never_arrived(
    family: str, open_estate: OpenEstate, stations: Stations, *, tells: bool, keeps_key: bool
) -> None:
    """What a card tells corrects the account as soon as the card has proven a recorded key.

    A blocked OpenPGP card can prove nothing: it is known by name, and a name corrects nothing.
    """
    estate = open_estate(family, blocked=True)
    if keeps_key:
        estate.record_card_key()
    assert estate.comes("A") is None
    start = estate.keep("start")
    stations.run(estate, None)
    cut = Cut(estate.steps.index(UNBLOCK), Side.BEFORE, Fault.LOST)
    estate.back_to(start)
    stations.run(estate, cut)
    assert estate.comes("A") is None
    assert estate.card.secret_exposure == (0 if tells and keeps_key else 1)
    stations.run(estate, cut)
    assert estate.reader_card.wrong == 0
    if tells:
        assert comes_back(estate) == "unlocked"
        return
    refused = estate.comes("B")
    assert isinstance(refused, Refusal)
    assert refused.reason is Reason.SECRET_BLOCKED
    holds_the_cards_secret(estate)


@pytest.mark.parametrize("proves", [False, True])
def test_an_openpgp_card_that_proves_its_pin_corrects_the_account(
    open_estate: OpenEstate, stations: Stations, *, proves: bool
) -> None:
    """Its PIN is not blocked, and it signs by its authentication key, which PW1 opens."""
    estate = open_estate("openpgp by admin PIN", blocked=False)
    if proves:
        estate.record_pin_key()
    assert estate.comes("A") is None
    start = estate.keep("start")
    stations.run(estate, None)
    cut = Cut(estate.steps.index(UNBLOCK), Side.BEFORE, Fault.LOST)
    estate.back_to(start)
    for _ in range(2):
        stations.run(estate, cut)
        before = estate.card.secret_exposure
        estate.enters_pin("A")
        assert estate.card.secret_exposure == (0 if proves else before)
        assert estate.comes("A") is None
    assert estate.reader_card.wrong == 0
    assert comes_back(estate) == "unlocked"
