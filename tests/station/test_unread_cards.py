"""Why a card could not be read reaches the authority with the refusal."""

from __future__ import annotations

import pytest

from kiosk.contract import errors
from kiosk.contract.messages import ReadFault, Reason, UnreadCard
from kiosk.contract.ports import CardInserted, CardMuteSeen
from kiosk.station import states as s
from tests.station.rig import Rig


@pytest.mark.parametrize(
    ("error", "unread"),
    [
        (errors.CardMute("torn"), UnreadCard(ReadFault.NO_ANSWER)),
        (errors.CardUnknown("a stranger"), UnreadCard(ReadFault.UNKNOWN_KIND)),
        (errors.CardUnknown("empty", "gids"), UnreadCard(ReadFault.NO_IDENTIFIER, "gids")),
        (errors.GlobalPinInUse("global"), UnreadCard(ReadFault.GLOBAL_PIN)),
        (errors.CardHung("slow"), UnreadCard(ReadFault.TOO_SLOW)),
        (errors.CardGone("out"), UnreadCard(ReadFault.TAKEN_OUT)),
        (errors.CardSwapped("another"), UnreadCard(ReadFault.SWAPPED)),
        (errors.CardProtocolError("odd", 0x6A80), UnreadCard(ReadFault.MALFORMED)),
        (errors.CardBusy("busy"), None),
    ],
)
async def test_the_cause_goes_with_the_refusal(
    rig: Rig, error: errors.CardError, unread: UnreadCard | None
) -> None:
    rig.cards.read_raises = error
    rig.monitor.post(CardInserted("R", 1))
    await rig.until(s.Refused)
    assert rig.authority.unread == [unread]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (errors.CardUnknown("no driver knows this card"), Reason.CARD_NOT_SERVED),
        (errors.CardUnknown("a token without a number", "pkcs11"), Reason.CARD_NOT_SERVED),
        (errors.CardMute("no answer to reset"), Reason.CARD_UNREADABLE),
        (errors.CardHung("slow"), Reason.CARD_UNREADABLE),
    ],
)
async def test_card_of_a_kind_that_is_not_served_is_not_called_the_wrong_way_round(
    rig: Rig, error: errors.CardError, reason: Reason
) -> None:
    rig.cards.read_raises = error
    rig.monitor.post(CardInserted("R", 1))
    refused = await rig.until(s.Refused)
    assert isinstance(refused, s.Refused)
    assert refused.reason is reason
    assert rig.authority.refused == [reason.value]


async def test_a_card_without_an_answer_to_reset_is_reported(rig: Rig) -> None:
    """Before: the page showed a reference number that the authority never heard of."""
    rig.monitor.post(CardMuteSeen("R", 1))
    refused = await rig.until(s.Refused)
    await rig.loop.await_under_way()
    assert isinstance(refused, s.Refused)
    assert rig.authority.refused == ["card-unreadable"]
    assert rig.authority.unread == [UnreadCard(ReadFault.NO_ANSWER)]
