"""The same on a real reader: the whole way through pcscd, with a card that answers anything."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hardware.virtual.piv import VirtualCard, new_card
from kiosk.contract.errors import CardError
from kiosk.contract.messages import CardId
from kiosk.contract.ports import CardAddress
from tests.hardware.failing import CHANGES, PIN, PUK, cards_with
from tests.hardware.fuzzing import Plan, plans
from tests.support.campaigns import often
from tests.support.pcsc import Insert
from tests.support.printed import Printed

pytestmark = pytest.mark.hardware

EXAMPLES = often(100, 1_000)
CARRYING = frozenset(CHANGES)


class Fuzzy:
    """A card that follows a plan, and records what it was sent."""

    def __init__(self, card: VirtualCard) -> None:
        self.card = card
        self._plan = Plan(0, [], forever=False)
        self.sent: list[bytes] = []
        self.wrong = 0

    @property
    def atr(self) -> bytes:
        """The card's own."""
        return self.card.atr

    def reset(self) -> None:
        """Reset the card; the plan goes on."""
        self.card.reset()

    def begin(self, plan: Plan) -> None:
        """Be a card with all its tries again, and follow ``plan`` from here."""
        self._plan, self.sent = plan, []
        for reference, told in ((self.card.state.pin, PIN), (self.card.state.puk, PUK)):
            reference.left = reference.limit
            reference.body = told.reveal().encode().ljust(8, b"\xff")

    def transmit(self, command: bytes) -> bytes:
        """Answer one APDU, rightly or not."""
        wrong = self._plan.answer(len(self.sent), lambda: self.card.transmit(command))
        self.sent.append(command)
        self.wrong += wrong is not None
        # Less than a status word would leave the virtual reader waiting for the rest.
        return self.card.transmit(command) if wrong is None else wrong.ljust(2, b"\x6f")

    def carried(self) -> list[int]:
        """The instructions of what carried a PIN or a secret."""
        return [apdu[1] for apdu in self.sent if apdu[1] in CARRYING and len(apdu) > 5]


def test_any_answer(insert: Insert, printed: Printed) -> None:
    chip = Fuzzy(new_card(holder_name="Ada Example"))
    reader = insert(chip).reader
    at = CardAddress(reader, CardId("piv", chip.card.state.guid.hex()))
    cards = cards_with()
    ends = 0

    @settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
    @given(plans, st.sampled_from([None, *CHANGES]))
    def whatever(plan: Plan, act: int | None) -> None:
        nonlocal ends
        chip.begin(plan)
        with suppress(CardError):
            cards.read(reader) if act is None else CHANGES[act](cards, at)
            ends += 1
        assert chip.carried() in ([], [act])

    whatever()
    chip.begin(Plan(0, [], forever=False))
    assert cards.read(reader).card == at.card
    assert 0 < ends < EXAMPLES
    printed(f"[fuzz] through pcscd: {chip.wrong} wrong answers in {EXAMPLES} plans")
