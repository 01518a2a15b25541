"""What an error of the card tells about the unblock secret that it was sent."""

from __future__ import annotations

import pytest

from kiosk.contract import errors
from kiosk.contract.messages import (
    UnblockNotSent,
    UnblockOutcome,
    UnblockRefused,
    UnblockUnknown,
    UnblockWrong,
)
from kiosk.station.unblock import outcome_of


class NewCardError(errors.CardError):
    """One that nobody has sorted yet."""


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (NewCardError(), UnblockUnknown()),
        (errors.PinWrong(2), UnblockRefused(2, "wrong secret")),
        (errors.PinWrong(None), UnblockWrong()),
        (errors.PinBlocked(), UnblockRefused(0, "secret blocked")),
        (errors.PinRefused("history"), UnblockRefused(None, "history")),
        (errors.OutcomeUnknown(), UnblockUnknown()),
        (errors.CardProtocolError("odd", 0x6F00), UnblockUnknown()),
        (errors.CardProtocolError("nothing was sent"), UnblockNotSent()),
        (errors.CardGone(), UnblockNotSent()),
        (errors.CardSwapped(), UnblockNotSent()),
    ],
)
def test_a_try_counts_as_spent_unless_it_cannot_have_been(
    error: errors.CardError, outcome: UnblockOutcome
) -> None:
    assert outcome_of(error) == outcome
