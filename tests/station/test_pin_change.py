"""The intent to change a PIN is recorded before the card is asked, and so is what became of it."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from kiosk.contract.errors import (
    AuthorityUnavailable,
    CardError,
    CardGone,
    CardProtocolError,
    NotAllowed,
    OutcomeUnknown,
    PadLeft,
    PinRefused,
    PinWrong,
)
from kiosk.contract.messages import (
    CardId,
    Finished,
    Heartbeat,
    PinChallenge,
    PinEntry,
    PinProof,
    Purpose,
    Reason,
    Refusal,
    VisitId,
)
from kiosk.contract.ports import CardAddress
from kiosk.contract.sensitive import Sensitive
from kiosk.station.commands import ChangePin, PinCommand, VerifyPin
from kiosk.station.events import GaveUp, Replied
from kiosk.station.executor import Actions
from kiosk.station.unblock import PinWork
from tests.station.fakes import FakeAuthority, FakeCards

VISIT = VisitId("v1")
CHANGE = ChangePin(
    VISIT,
    CardAddress("R", CardId("piv", "11" * 16)),
    Sensitive("482916"),
    Sensitive("60514273"),
)
VERIFY = VerifyPin(VISIT, CHANGE.at, Sensitive("482916"))
DONE = Replied(VISIT, Finished(Purpose.CHANGE_PIN))


@dataclass
class Chip(FakeCards):
    """Notes what was on record when it was asked; ``error`` is its answer."""

    authority: FakeAuthority = field(default_factory=FakeAuthority)
    error: CardError | None = None
    on_record: list[str] | None = None

    def change_pin(self, at: CardAddress, current: PinEntry, new: PinEntry) -> None:
        self.on_record = list(self.authority.changing)
        self._answer()

    def verify_pin(
        self, at: CardAddress, pin: PinEntry, challenge: PinChallenge | None = None
    ) -> PinProof | None:
        self._answer()
        return None

    def _answer(self) -> None:
        if self.error is not None:
            raise self.error


class _LastOfItsLine(Chip):
    """The authority is away for ``calls`` calls from the moment at which the card has answered."""

    calls = 99

    def change_pin(self, at: CardAddress, current: PinEntry, new: PinEntry) -> None:
        self.authority.away = self.calls
        self._answer()


def change(chip: Chip) -> Replied:
    return PinWork(chip.authority, chip, sleep=lambda _: None).change(CHANGE)


def test_the_intent_is_on_record_before_the_card_is_asked() -> None:
    chip = Chip()
    assert change(chip) == DONE
    assert chip.on_record == ["begun"]
    assert chip.authority.changing == ["begun", "changed"]


def test_no_card_is_asked_while_the_intent_cannot_be_recorded() -> None:
    chip = Chip(authority=FakeAuthority(away=1))
    with pytest.raises(AuthorityUnavailable):
        change(chip)
    assert chip.on_record is None


def test_no_card_is_asked_in_a_visit_that_may_not_go_on() -> None:
    refusal = Refusal(Reason.STATION_RETIRED)
    chip = Chip(authority=FakeAuthority(change_refused=refusal))
    assert change(chip) == Replied(VISIT, refusal)
    assert chip.on_record is None


@pytest.mark.parametrize(
    "error",
    [
        PinWrong(2),
        PinWrong(None),
        PinRefused("history"),
        PadLeft("cancelled"),
        NotAllowed("6985"),
        CardGone("out"),
    ],
)
def test_a_card_that_kept_its_pin_is_reported(error: CardError) -> None:
    chip = Chip(error=error)
    with pytest.raises(type(error)):
        change(chip)
    assert chip.authority.changing == ["begun", "kept"]


def test_a_card_that_kept_its_pin_is_reported_again_while_the_authority_is_away() -> None:
    """Before: after one lost report the holder got a mail that the PIN may have been changed."""
    chip = _LastOfItsLine(error=PinWrong(2))
    chip.calls = 3
    with pytest.raises(PinWrong):
        change(chip)
    assert chip.authority.changing == ["begun", "kept"]


def test_what_the_card_said_is_soon_shown_though_the_report_is_lost() -> None:
    """Before: who mistyped their PIN waited for more than a quarter of a minute."""
    chip, waited = _LastOfItsLine(error=PinWrong(2)), list[float]()
    with pytest.raises(PinWrong):
        PinWork(chip.authority, chip, sleep=waited.append).change(CHANGE)
    assert chip.authority.changing == ["begun"]
    assert sum(waited) < 2


@pytest.mark.parametrize("error", [OutcomeUnknown("torn"), CardProtocolError("what?", 0x6F00)])
def test_what_is_not_known_stays_open(error: CardError) -> None:
    chip = Chip(error=error)
    with pytest.raises(type(error)):
        change(chip)
    assert chip.authority.changing == ["begun"]


@pytest.mark.parametrize(
    ("command", "error", "reason"),
    [
        (CHANGE, OutcomeUnknown("torn"), Reason.OUTCOME_UNKNOWN),
        (CHANGE, NotAllowed("6985"), Reason.CARD_REFUSED),
        (VERIFY, OutcomeUnknown("torn"), Reason.CARD_UNREADABLE),
    ],
    ids=["change", "change-not-allowed", "verify"],
)
def test_only_a_new_pin_may_have_been_set_for_all_we_know(
    command: PinCommand, error: CardError, reason: Reason
) -> None:
    actions = Actions(FakeAuthority(), Chip(error=error), Heartbeat())
    assert actions.perform(command) == GaveUp(VISIT, reason)


def test_no_pin_is_sent_in_a_visit_that_may_not_go_on() -> None:
    refusal = Refusal(Reason.STATION_RETIRED)
    chip = Chip(error=PinWrong(2))
    authority = FakeAuthority(challenge_refused=refusal)
    assert Actions(authority, chip, Heartbeat()).perform(VERIFY) == Replied(VISIT, refusal)


def test_the_holder_sees_success_though_the_report_is_lost() -> None:
    chip = _LastOfItsLine()
    assert change(chip) == DONE
    assert chip.authority.changing == ["begun"]
