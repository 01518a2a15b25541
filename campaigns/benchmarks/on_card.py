"""The unblock on the card, connect to done."""

from __future__ import annotations

import itertools
import subprocess
from collections.abc import Iterator

from campaigns.benchmarks.bare import BareCard, establish
from campaigns.benchmarks.estate import Card, Installation
from campaigns.benchmarks.sampling import interleave, timed
from campaigns.benchmarks.table import Row
from hardware.card_access import PcscCards
from hardware.driver import load_driver
from kiosk.contract.messages import CardId
from kiosk.contract.ports import CardAddress
from kiosk.contract.sensitive import Sensitive

ROUNDS, TOOL_ROUNDS = 150, 15
_PINS = ("739154", "582936")

_HOW = (
    "Each connects exclusively, works and disconnects with a reset, in a context that is kept. "
    "The bare loop sends what is honest at the least: a reset first (a PUK that was proven "
    "earlier would make a wrong one pass), SELECT, GET DATA of the CHUID compared with the card "
    "that is meant, RESET RETRY COUNTER. Ours sends the same, and does it in a thread that can "
    "be abandoned if the card hangs. The card is in a separate process."
)
_WHY = (
    "a thread that can be abandoned is begun for each call, and the layers decide what a lost "
    "answer means; beside a card that answers within 0.1 ms that is seen."
)
_HOW_BLIND = (
    "The same, against SELECT and RESET RETRY COUNTER alone, sent to whatever card is there: "
    "no reset before, no look at who it is. Not a floor to aim at; what the care costs."
)
_HOW_TOOL = "The same, against yubico-piv-tool -a unblock-pin as a process, spawn to exit."


def cards() -> PcscCards:
    """The product's own cards, as the composition root makes them."""
    return PcscCards([load_driver("piv", "puk")])


def rows(installation: Installation) -> Iterator[Row]:
    """Unblock a card that is in."""
    card = installation.card
    card.insert()
    ours, bare = _Ours(card), BareCard(establish(), card.reader, card.guid, card.puk)
    pins = itertools.cycle(_PINS)
    takes = {
        "ours": timed(lambda: ours.unblock(next(pins))),
        "bare": timed(lambda: bare.unblock(next(pins))),
        "blind": timed(lambda: bare.unblock_blindly(next(pins))),
    }
    quick = interleave(ROUNDS, takes, warm_up=5)
    takes["tool"] = timed(lambda: _tool(installation, next(pins)))
    slow = interleave(TOOL_ROUNDS, {name: takes[name] for name in ("ours", "tool")})
    bare.unblock(card.pin)
    card.remove()
    name = "unblock on the card"
    yield Row(name, quick["ours"], "bare loop", quick["bare"], _HOW, aim=1.3, why=_WHY)
    yield Row(f"{name}, blindly", quick["ours"], "blind loop", quick["blind"], _HOW_BLIND)
    yield Row(f"{name}, by a tool", slow["ours"], "yubico-piv-tool", slow["tool"], _HOW_TOOL)


class _Ours:
    def __init__(self, card: Card) -> None:
        self._cards = cards()
        self._at = CardAddress(card.reader, CardId("piv", card.guid.hex()))
        self._puk = Sensitive(card.puk)

    def unblock(self, new: str) -> None:
        self._cards.hold(self._at, lambda card: card.unblock(self._puk, Sensitive(new)))


def _tool(installation: Installation, new: str) -> None:
    card = installation.card
    command = ["yubico-piv-tool", "-r", card.reader, "-a", "unblock-pin", "-P", card.puk, "-N", new]
    subprocess.run(
        command, env=installation.environ, stdin=subprocess.DEVNULL, capture_output=True, check=True
    )
