"""A PIN that is entered on the reader's own keys, through the loop that runs a station."""

from __future__ import annotations

import asyncio

import pytest

from kiosk.dialogue import (
    Finished,
    JournalId,
    OnPad,
    PinRules,
    Purpose,
    Reason,
    Refusal,
    SetPin,
    UnblockDone,
    UnblockNotSent,
    UnblockOutcome,
    UnblockRefused,
    VisitEnd,
    VisitId,
)
from kiosk.errors import (
    CardProtocolError,
    OutcomeUnknown,
    PadLeft,
    PadRefused,
    PadTrouble,
    PinBlocked,
    PinRefused,
    PinWrong,
)
from kiosk.ports import CardInserted, CardRemoved
from kiosk.sensitive import Sensitive
from kiosk.station import events as e
from kiosk.station import states as s
from kiosk.station.quiet import Patience
from tests.station.fakes import FakeAuthority, FakeCards
from tests.station.rig import Rig
from tests.station.test_pads import TROUBLES


class _TwoSecrets(FakeAuthority):
    """Has another secret to release after one that the card counted as wrong."""

    def settle(
        self, visit: VisitId, journal: JournalId, outcome: UnblockOutcome
    ) -> Finished | SetPin | Refusal:
        reply = super().settle(visit, journal, outcome)
        return SetPin(PinRules()) if isinstance(outcome, UnblockRefused) else reply


def _pad_rig(
    *endings: Exception | None,
    patience: Patience | None = None,
    authority: FakeAuthority | None = None,
) -> Rig:
    cards = FakeCards(pin_pad=True, on_pad=list(endings))
    return Rig(
        patience or Patience(60, 20, 60), cards=cards, authority=authority or FakeAuthority()
    )


async def _close(rig: Rig) -> None:
    await rig.loop.stop()
    await asyncio.wait_for(rig.task, 10)


async def test_an_unlock_whose_pin_never_reaches_the_station() -> None:
    rig = _pad_rig()
    await rig.until(s.Attract)
    await rig.prove_both_factors()
    await rig.until(s.Success)
    assert rig.cards.asked == [OnPad(6, 8)]
    assert rig.cards.pin == "on the pad"
    assert rig.authority.outcomes == [UnblockDone()]
    assert not any(isinstance(state, s.NewPin | s.RepeatPin) for state in rig.seen)
    await _close(rig)


async def test_a_change_proves_the_pin_first_and_asks_for_it_again() -> None:
    rig = _pad_rig()
    rig.authority.offers = (Purpose.CHANGE_PIN,)
    await rig.until(s.Attract)
    rig.monitor.post(CardInserted("R", 1))
    await rig.until(s.Menu)
    rig.loop.submit(e.Chose(rig.visit, Purpose.CHANGE_PIN))
    await rig.until(s.Success)
    works = [state.work for state in rig.seen if isinstance(state, s.Working)]
    assert works == [s.Work.PREPARING, s.Work.PIN_ON_PAD, s.Work.CHANGE_ON_PAD]
    assert rig.cards.asked == [OnPad(), OnPad(6, 8)]
    await _close(rig)


@pytest.mark.parametrize("trouble", TROUBLES)
async def test_a_new_pin_that_was_not_entered_costs_nothing(trouble: PadTrouble) -> None:
    rig = _pad_rig(PadLeft(trouble))
    await rig.until(s.Attract)
    await rig.prove_both_factors()
    page = await rig.until(s.PadPaused)
    assert isinstance(page, s.PadPaused)
    assert page.why == trouble
    assert rig.authority.outcomes == [UnblockNotSent()]
    assert rig.authority.refused == []
    rig.loop.submit(e.TriedAgain(rig.visit))
    await rig.until(s.Success)
    assert rig.authority.outcomes == [UnblockNotSent(), UnblockDone()]
    assert rig.authority.released == 2
    await _close(rig)


async def test_a_new_pin_is_typed_where_the_readers_keys_do_not_take_it() -> None:
    rig = _pad_rig(PadRefused("not in this way"))
    await rig.until(s.Attract)
    await rig.prove_both_factors()
    await rig.until(s.PadPaused)
    rig.loop.submit(e.TriedAgain(rig.visit))
    await rig.until(s.NewPin)
    rig.set_pin()
    await rig.until(s.Success)
    assert rig.cards.pin == "482916"
    assert rig.authority.outcomes == [UnblockNotSent(), UnblockDone()]
    await _close(rig)


async def test_a_change_is_typed_from_the_start_where_the_readers_keys_do_not_take_it() -> None:
    rig = _pad_rig(None, PadRefused("not in this way"))
    rig.authority.offers = (Purpose.CHANGE_PIN,)
    await rig.until(s.Attract)
    rig.monitor.post(CardInserted("R", 1))
    await rig.until(s.Menu)
    rig.loop.submit(e.Chose(rig.visit, Purpose.CHANGE_PIN))
    await rig.until(s.PadPaused)
    rig.loop.submit(e.TriedAgain(rig.visit))
    await rig.until(s.EnterPin)
    rig.loop.submit(e.PinEntered(rig.visit, Sensitive("135790")))
    await rig.until(s.NewPin)
    rig.set_pin()
    await rig.until(s.Success)
    assert rig.cards.pin == "482916"
    await _close(rig)


async def test_a_secret_is_not_asked_for_again_before_the_last_is_settled() -> None:
    rig = _pad_rig(PadLeft("timeout"))
    await rig.until(s.Attract)
    await _on_the_pad(rig)
    rig.authority.away = 99
    rig.cards.gate.set()
    refused = await rig.until(s.Refused)
    assert isinstance(refused, s.Refused)
    assert refused.reason is Reason.AUTHORITY_AWAY
    assert rig.authority.released == 1
    rig.authority.away = 0
    await _close(rig)


async def test_a_card_that_may_have_another_secret_says_so_before_the_reader_asks_again() -> None:
    rig = _pad_rig(PinWrong(2), authority=_TwoSecrets())
    await rig.until(s.Attract)
    await rig.prove_both_factors()
    page = await rig.until(s.PadPaused)
    assert isinstance(page, s.PadPaused)
    assert page.why is s.PadNotice.ONCE_MORE
    assert len(rig.cards.asked) == 1
    rig.loop.submit(e.TriedAgain(rig.visit))
    await rig.until(s.Success)
    await _close(rig)


async def test_a_new_pin_that_the_card_refuses_is_chosen_again_on_the_reader() -> None:
    rig = _pad_rig(PinRefused("complexity"))
    await rig.until(s.Attract)
    await rig.prove_both_factors()
    page = await rig.until(s.PadPaused)
    assert isinstance(page, s.PadPaused)
    assert page.why is s.PinTrouble.CARD_COMPLEXITY
    assert rig.authority.outcomes == [UnblockRefused(None, "complexity")]
    await _close(rig)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (OutcomeUnknown("torn"), Reason.OUTCOME_UNKNOWN),
        (PinBlocked("blocked"), Reason.PIN_BLOCKED),
        (CardProtocolError("odd"), Reason.CARD_REFUSED),
    ],
    ids=["torn", "blocked", "odd"],
)
async def test_what_else_a_card_says_ends_the_visit_as_ever(
    error: Exception, reason: Reason
) -> None:
    rig = _pad_rig(error)
    rig.authority.offers = (Purpose.REGISTER,)
    await rig.until(s.Attract)
    rig.monitor.post(CardInserted("R", 1))
    await rig.until(s.Menu)
    rig.loop.submit(e.Chose(rig.visit, Purpose.REGISTER))
    refused = await rig.until(s.Refused)
    assert isinstance(refused, s.Refused)
    assert refused.reason is reason
    await _close(rig)


# --- time and cards --------------------------------------------------------------------


async def _on_the_pad(rig: Rig) -> None:
    """Go on until the reader asks, and let it ask until ``gate`` opens."""
    rig.cards.gate.clear()
    await rig.prove_both_factors()
    assert await asyncio.to_thread(rig.cards.waiting.wait, 10)
    await rig.until(s.Working)


async def test_nobody_is_called_idle_while_the_reader_waits_and_after_it_they_are() -> None:
    rig = _pad_rig(PadLeft("timeout"), patience=Patience(0.3, 0.1, 60))
    await rig.until(s.Attract)
    await _on_the_pad(rig)
    rig.seen.clear()
    await asyncio.sleep(0.5)  # longer than anybody may be quiet on another page
    assert rig.seen == []
    rig.cards.gate.set()
    await rig.until(s.PadPaused)
    await rig.until(s.StillThere)
    await rig.until(s.RemoveCard)
    await rig.loop._settle_under_way()
    assert rig.authority.ended[-1][1] is VisitEnd.IDLE
    await _close(rig)


async def test_no_other_card_is_read_while_the_reader_still_asks_for_the_first_ones_pin() -> None:
    rig = _pad_rig(PadLeft("cancelled"))
    rig.authority.offers = (Purpose.CHANGE_PIN,)
    await rig.until(s.Attract)
    rig.cards.gate.clear()
    rig.monitor.post(CardInserted("R", 1))
    await rig.until(s.Menu)
    rig.loop.submit(e.Chose(rig.visit, Purpose.CHANGE_PIN))
    assert await asyncio.to_thread(rig.cards.waiting.wait, 10)
    rig.monitor.post(CardRemoved("R", 1))
    rig.monitor.post(CardInserted("R", 2))
    await rig.until(s.Reading)
    rig.cards.gate.set()
    await rig.until(s.Menu)
    assert not any(isinstance(state, s.PadPaused) for state in rig.seen)
    await _close(rig)
