"""After an unblock the card is given another secret; whatever becomes of it, the holder is done."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import pytest
from msgspec.structs import replace

from kiosk.contract.errors import (
    AuthorityUnavailable,
    CardError,
    CardGone,
    CardHung,
    CardProtocolError,
    OutcomeUnknown,
    PinRefused,
    PinWrong,
)
from kiosk.contract.messages import (
    CardId,
    Finished,
    JournalId,
    PinEntry,
    PinRules,
    Purpose,
    Reason,
    Refusal,
    SetPin,
    UnblockDone,
    UnblockNotSent,
    UnblockOutcome,
    UnblockRefused,
    UnblockUnknown,
    UnblockWrong,
    VisitId,
)
from kiosk.contract.ports import CardAddress, CardCheck, CardHold
from kiosk.contract.sensitive import Sensitive
from kiosk.station.commands import UnblockPin
from kiosk.station.events import Replied
from kiosk.station.unblock import PinWork
from tests.station.fakes import NOON, FakeAuthority, FakeCards
from tests.support.steps import STEP

T = TypeVar("T")

NEW = Sensitive("13572468")
VISIT = VisitId("7" * 32)
COMMAND = UnblockPin(VISIT, CardAddress("R", CardId("piv", "11" * 16)), Sensitive("482916"), "1")
DONE = Replied(VISIT, Finished(Purpose.UNLOCK), CardCheck())


class Chip(FakeCards):
    """Refuses the given unblock secrets and changes."""

    def __init__(self, *wrong: CardError, change_raises: CardError | None = None) -> None:
        super().__init__()
        self.wrong = list(wrong)
        self.change_raises = change_raises
        self.given: list[str] = []

    def unblock(self, secret: Sensitive, new: PinEntry) -> None:
        self.given.append(secret.reveal())
        if self.wrong:
            raise self.wrong.pop(0)
        super().unblock(secret, new)

    def change_secret(self, current: Sensitive, new: Sensitive) -> None:
        if self.change_raises:
            raise self.change_raises
        super().change_secret(current, new)


class Rotating(FakeAuthority):
    """Has a new secret, and another one after the first that was wrong, where that is asked for."""

    def __init__(self, *, other: bool = False) -> None:
        super().__init__(new_secret=NEW)
        self.other = other

    def record_outcome(
        self, visit: VisitId, journal: JournalId, outcome: UnblockOutcome
    ) -> Finished | Refusal | SetPin:
        reply = super().record_outcome(visit, journal, outcome)
        if self.other and isinstance(outcome, UnblockRefused | UnblockWrong):
            self.other = False
            return SetPin(PinRules(), position=STEP)
        return reply


class AlwaysAnother(Rotating):
    """Has another secret after each one that was wrong."""

    def record_outcome(
        self, visit: VisitId, journal: JournalId, outcome: UnblockOutcome
    ) -> Finished | Refusal | SetPin:
        self.other = True
        return super().record_outcome(visit, journal, outcome)


def unblock(authority: FakeAuthority, chip: FakeCards) -> object:
    return PinWork(authority, chip, sleep=lambda _: None).unblock(COMMAND)


def test_the_card_is_given_it_in_the_same_hold_and_that_is_recorded() -> None:
    authority, chip = Rotating(), Chip()
    assert unblock(authority, chip) == DONE
    assert (chip.pin, chip.secret) == ("482916", NEW.reveal())
    assert (authority.outcomes, authority.changes) == ([UnblockDone()], [UnblockDone()])


def test_a_card_that_keeps_its_own_is_left_alone() -> None:
    authority, chip = FakeAuthority(), Chip()
    assert unblock(authority, chip) == DONE
    assert (chip.secret, authority.changes) == (None, [])


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (OutcomeUnknown("torn"), UnblockUnknown()),
        (CardGone("gone"), UnblockNotSent()),
        (PinRefused("format"), UnblockRefused(None, "format")),
        (PinWrong(2), UnblockRefused(2, "wrong secret")),
        (PinWrong(None), UnblockWrong()),
    ],
)
def test_outcome_of_a_changed_secret_is_recorded_and_the_holder_is_done(
    error: CardError, outcome: UnblockOutcome
) -> None:
    authority = Rotating()
    assert unblock(authority, Chip(change_raises=error)) == DONE
    assert (authority.outcomes, authority.changes) == ([UnblockDone()], [outcome])


@pytest.mark.parametrize("check", [CardCheck(signs=True), CardCheck(signs=False, expires_at=NOON)])
def test_card_is_tried_out_with_its_new_pin_after_all_is_recorded(check: CardCheck) -> None:
    authority, chip = Rotating(), Chip()
    chip.check = check
    assert unblock(authority, chip) == replace(DONE, check=check)
    assert (authority.outcomes, authority.changes) == ([UnblockDone()], [UnblockDone()])


@pytest.mark.parametrize("error", [CardGone("gone"), CardProtocolError("odd"), CardHung("hung")])
def test_card_that_is_pulled_while_it_is_tried_out_is_unlocked(error: CardError) -> None:
    authority, chip = Rotating(), Chip()
    chip.check_raises = error
    assert unblock(authority, chip) == replace(DONE, check=None)
    assert (chip.pin, chip.secret) == ("482916", NEW.reveal())
    assert (authority.outcomes, authority.changes) == ([UnblockDone()], [UnblockDone()])


class Hanging(Chip):
    """Takes its new PIN, hangs over the new secret, and is given up."""

    def change_secret(self, current: Sensitive, new: Sensitive) -> None:
        raise HungError

    def hold(self, at: CardAddress, use: Callable[[CardHold], T]) -> T:
        try:
            return super().hold(at, use)
        except HungError:
            raise OutcomeUnknown("the card took a command and did not answer in time") from None


class HungError(Exception):
    """What work is ended with that nobody waits for any more."""


def test_a_card_that_hangs_over_it_is_unlocked_all_the_same() -> None:
    authority = Rotating()
    assert unblock(authority, Hanging()) == replace(DONE, check=None)
    assert (authority.outcomes, authority.changes) == ([UnblockDone()], [UnblockUnknown()])


def test_an_authority_that_is_away_changes_nothing_and_gets_the_outcome_later() -> None:
    class Away(Rotating):
        def rotate_secret(self, visit: VisitId, journal: JournalId) -> Sensitive | None:
            raise AuthorityUnavailable("away")

    authority, chip = Away(), Chip()
    assert unblock(authority, chip) == DONE
    assert (chip.secret, authority.changes) == (None, [])
    assert authority.outcomes == [UnblockDone()]


@pytest.mark.parametrize(
    ("tries_left", "outcome"), [(2, UnblockRefused(2, "wrong secret")), (None, UnblockWrong())]
)
def test_the_other_secret_is_given_at_once(tries_left: int | None, outcome: UnblockOutcome) -> None:
    authority, chip = Rotating(other=True), Chip(PinWrong(tries_left))
    assert unblock(authority, chip) == DONE
    assert len(chip.given) == 2
    assert authority.outcomes == [outcome, UnblockDone()]


@pytest.mark.parametrize("authority", [Rotating(other=True), AlwaysAnother()])
def test_there_are_no_more_than_two(authority: Rotating) -> None:
    chip = Chip(PinWrong(3), PinWrong(2), PinWrong(1))
    reply = unblock(authority, chip)
    assert isinstance(reply, Replied)
    assert isinstance(reply.reply, Refusal)
    assert reply.reply.reason is Reason.CARD_REFUSED
    assert len(chip.given) == 2


class Away(FakeAuthority):
    """Is gone once it has released the secret."""

    def record_outcome(self, *_: object) -> Refusal:
        raise AuthorityUnavailable


@pytest.mark.parametrize(
    ("error", "reason"),
    [(OutcomeUnknown(), Reason.OUTCOME_UNKNOWN), (PinWrong(2), Reason.CARD_REFUSED)],
)
def test_what_a_card_did_is_shown_though_nobody_records_it(
    error: CardError, reason: Reason
) -> None:
    assert unblock(Away(), Chip(error)) == Replied(VISIT, Refusal(reason))
