"""A PIN that is entered on the reader's own keys, through the loop that runs a station."""

from __future__ import annotations

import pytest

from kiosk.contract.errors import (
    CardProtocolError,
    OutcomeUnknown,
    PadLeft,
    PadRefused,
    PadTrouble,
    PinBlocked,
    PinRefused,
    PinWrong,
    StepRefused,
)
from kiosk.contract.messages import (
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
    VisitId,
)
from kiosk.contract.ports import CardInserted
from kiosk.contract.sensitive import Sensitive
from kiosk.station import events as e
from kiosk.station import states as s
from tests.station.fakes import FakeAuthority
from tests.station.pad_rig import close, on_the_pad, pad_rig
from tests.station.test_pads import TROUBLES
from tests.support.steps import STEP


class _TwoSecrets(FakeAuthority):
    """Has another secret to release after one that the card counted as wrong."""

    def record_outcome(
        self, visit: VisitId, journal: JournalId, outcome: UnblockOutcome
    ) -> Finished | SetPin | Refusal:
        reply = super().record_outcome(visit, journal, outcome)
        return SetPin(PinRules(), position=STEP) if isinstance(outcome, UnblockRefused) else reply


class _Erased(FakeAuthority):
    """Has erased the person while they stood at the reader."""

    def record_outcome(
        self, visit: VisitId, journal: JournalId, outcome: UnblockOutcome
    ) -> Finished | SetPin | Refusal:
        raise StepRefused("the card of this visit is not recorded any more")


async def test_an_unlock_whose_pin_never_reaches_the_station() -> None:
    rig = pad_rig()
    await rig.until(s.Attract)
    await rig.prove_both_factors()
    await rig.until(s.Success)
    assert rig.cards.asked == [OnPad(6, 8)]
    assert rig.cards.pin == "on the pad"
    assert rig.authority.outcomes == [UnblockDone()]
    assert not any(isinstance(state, s.NewPin | s.RepeatPin) for state in rig.seen)
    await close(rig)


async def test_a_change_proves_the_pin_first_and_asks_for_it_again() -> None:
    rig = pad_rig()
    rig.authority.offers = (Purpose.CHANGE_PIN,)
    await rig.until(s.Attract)
    rig.monitor.post(CardInserted("R", 1))
    await rig.until(s.Menu)
    rig.loop.submit(e.Chose(rig.visit, Purpose.CHANGE_PIN))
    await rig.until(s.Success)
    works = [state.work for state in rig.seen if isinstance(state, s.Working)]
    assert works == [s.Work.PREPARING, s.Work.PIN_ON_PAD, s.Work.CHANGE_ON_PAD]
    assert rig.cards.asked == [OnPad(), OnPad(6, 8)]
    await close(rig)


@pytest.mark.parametrize("failure", TROUBLES)
async def test_a_new_pin_that_was_not_entered_costs_nothing(failure: PadTrouble) -> None:
    rig = pad_rig(PadLeft(failure))
    await rig.until(s.Attract)
    await rig.prove_both_factors()
    page = await rig.until(s.PadPaused)
    assert isinstance(page, s.PadPaused)
    assert page.why == failure
    assert rig.authority.outcomes == [UnblockNotSent()]
    assert rig.authority.refused == []
    rig.loop.submit(e.TriedAgain(rig.visit))
    await rig.until(s.Success)
    assert rig.authority.outcomes == [UnblockNotSent(), UnblockDone()]
    assert rig.authority.released == 2
    await close(rig)


async def test_a_new_pin_is_typed_where_the_readers_keys_do_not_take_it() -> None:
    rig = pad_rig(PadRefused("not in this way"))
    await rig.until(s.Attract)
    await rig.prove_both_factors()
    await rig.until(s.PadPaused)
    rig.loop.submit(e.TriedAgain(rig.visit))
    await rig.until(s.NewPin)
    rig.set_pin()
    await rig.until(s.Success)
    assert rig.cards.pin == "482916"
    assert rig.authority.outcomes == [UnblockNotSent(), UnblockDone()]
    await close(rig)


async def test_a_change_is_typed_from_the_start_where_the_readers_keys_do_not_take_it() -> None:
    rig = pad_rig(None, PadRefused("not in this way"))
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
    await close(rig)


async def test_a_secret_is_not_asked_for_again_before_the_last_is_settled() -> None:
    rig = pad_rig(PadLeft("timeout"))
    await rig.until(s.Attract)
    await on_the_pad(rig)
    rig.authority.away = 99
    rig.cards.gate.set()
    refused = await rig.until(s.Refused)
    assert isinstance(refused, s.Refused)
    assert refused.reason is Reason.AUTHORITY_AWAY
    assert rig.authority.released == 1
    rig.authority.away = 0
    await close(rig)


async def test_a_holder_who_is_gone_sees_that_and_not_that_the_service_is_away() -> None:
    rig = pad_rig(PadLeft("cancelled"), authority=_Erased())
    await rig.until(s.Attract)
    await rig.prove_both_factors()
    refused = await rig.until(s.Refused)
    assert isinstance(refused, s.Refused)
    assert refused.reason is Reason.CHANGED_MEANWHILE
    await close(rig)


async def test_a_page_comes_before_the_reader_asks_again_for_another_secret() -> None:
    rig = pad_rig(PinWrong(2), authority=_TwoSecrets())
    await rig.until(s.Attract)
    await rig.prove_both_factors()
    page = await rig.until(s.PadPaused)
    assert isinstance(page, s.PadPaused)
    assert page.why is s.PadNotice.ONCE_MORE
    assert len(rig.cards.asked) == 1
    rig.loop.submit(e.TriedAgain(rig.visit))
    await rig.until(s.Success)
    await close(rig)


async def test_a_new_pin_that_the_card_refuses_is_chosen_again_on_the_reader() -> None:
    rig = pad_rig(PinRefused("complexity"))
    await rig.until(s.Attract)
    await rig.prove_both_factors()
    page = await rig.until(s.PadPaused)
    assert isinstance(page, s.PadPaused)
    assert page.why is s.PinFault.CARD_COMPLEXITY
    assert rig.authority.outcomes == [UnblockRefused(None, "complexity")]
    await close(rig)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (OutcomeUnknown("torn"), Reason.CARD_UNREADABLE),
        (PinBlocked("blocked"), Reason.PIN_BLOCKED),
        (CardProtocolError("odd"), Reason.CARD_REFUSED),
    ],
    ids=["torn", "blocked", "odd"],
)
async def test_any_other_answer_of_a_card_ends_the_visit_as_ever(
    error: Exception, reason: Reason
) -> None:
    rig = pad_rig(error)
    rig.authority.offers = (Purpose.REGISTER,)
    await rig.until(s.Attract)
    rig.monitor.post(CardInserted("R", 1))
    await rig.until(s.Menu)
    rig.loop.submit(e.Chose(rig.visit, Purpose.REGISTER))
    refused = await rig.until(s.Refused)
    assert isinstance(refused, s.Refused)
    assert refused.reason is reason
    await close(rig)
