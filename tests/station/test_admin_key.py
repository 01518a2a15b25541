"""A card with an admin key: the station carries four messages, and knows no secret."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from kiosk.contract.errors import (
    AuthorityError,
    AuthorityUnavailable,
    CardError,
    CardGone,
    NotAllowed,
    OutcomeUnknown,
    PinBlocked,
    PinRefused,
    PinWrong,
    StepRefused,
)
from kiosk.contract.messages import (
    CardId,
    CardProof,
    Finished,
    JournalId,
    KeyAnswer,
    KeyChallenge,
    KeyGrant,
    KeyNonce,
    PinEntry,
    Purpose,
    Reason,
    Refusal,
    UnblockDone,
    UnblockNotSent,
    UnblockOutcome,
    UnblockRefused,
    UnblockUnknown,
    UnblockWrong,
    VisitId,
)
from kiosk.contract.ports import CardAddress, CardCheck
from kiosk.contract.sensitive import Sensitive
from kiosk.station.commands import UnblockPin
from kiosk.station.events import PinNotTaken, Replied
from kiosk.station.unblock import PinWork
from tests.station.fakes import FakeAuthority, FakeCards

VISIT = VisitId("7" * 32)
COMMAND = UnblockPin(VISIT, CardAddress("R", CardId("gids", "11" * 16)), Sensitive("482916"), "1")
DONE = Replied(VISIT, Finished(Purpose.UNLOCK), CardCheck())
NOT_GENUINE = Refusal(Reason.NOT_GENUINE)


@dataclass
class Chip(FakeCards):
    """Notes in order what it is sent; each step may fail."""

    steps: list[tuple[str, bytes]] = field(default_factory=list)
    fails: dict[str, CardError] = field(default_factory=dict)

    def begin_mutual_authentication(self, challenge: KeyChallenge) -> KeyNonce:
        self._do("meet", challenge.nonce)
        return KeyNonce(b"the card's")

    def complete_mutual_authentication(self, cryptogram: bytes) -> KeyAnswer:
        self._do("prove", cryptogram)
        return KeyAnswer(b"its answer")

    def reset_pin(self, new: PinEntry) -> None:
        self._do("reset", b"")
        super().reset_pin(new)

    def _do(self, step: str, given: bytes) -> None:
        self.steps.append((step, given))
        if step in self.fails:
            raise self.fails[step]


@dataclass
class Keyed(FakeAuthority):
    """Has the admin key; ``admits`` is what it says of the card's answer, or raises."""

    admits: Refusal | AuthorityError | None = None
    given: list[object] = field(default_factory=list)

    def challenge(self, visit: VisitId) -> KeyChallenge:  # type: ignore[override]
        return KeyChallenge(b"ours")

    def release(  # type: ignore[override]
        self, visit: VisitId, attempt: str, proof: CardProof | KeyNonce | None = None
    ) -> KeyGrant:
        self.given.append(proof)
        return KeyGrant(JournalId("j1"), b"from the key")

    def admit(self, visit: VisitId, journal: JournalId, answer: KeyAnswer) -> Refusal | None:
        self.given.append((journal, answer))
        if isinstance(self.admits, AuthorityError):
            raise self.admits
        return self.admits


def unblock(authority: FakeAuthority, chip: FakeCards) -> object:
    return PinWork(authority, chip, sleep=lambda _: None).unblock(COMMAND)


def test_message_reaches_the_other_side_and_the_pin_comes_last() -> None:
    authority, chip = Keyed(), Chip()
    assert unblock(authority, chip) == DONE
    assert chip.steps == [("meet", b"ours"), ("prove", b"from the key"), ("reset", b"")]
    assert authority.given == [
        KeyNonce(b"the card's"),
        (JournalId("j1"), KeyAnswer(b"its answer")),
    ]
    assert chip.pin == "482916"
    assert (authority.outcomes, authority.changes, chip.secret) == ([UnblockDone()], [], None)


def test_a_card_that_is_not_admitted_keeps_its_pin() -> None:
    authority, chip = Keyed(admits=NOT_GENUINE), Chip()
    assert unblock(authority, chip) == Replied(VISIT, NOT_GENUINE)
    assert [step for step, _ in chip.steps] == ["meet", "prove"]
    assert (chip.pin, authority.outcomes) == (None, [])


@pytest.mark.parametrize("error", [AuthorityUnavailable("away"), StepRefused("over")])
def test_nobody_judged_the_card_so_its_pin_was_left(error: AuthorityError) -> None:
    authority, chip = Keyed(admits=error), Chip()
    with pytest.raises(type(error)):
        unblock(authority, chip)
    assert chip.pin is None
    assert authority.outcomes == [UnblockNotSent()]


def test_a_card_that_draws_no_number_costs_nothing() -> None:
    authority, chip = Keyed(), Chip(fails={"meet": NotAllowed("over the air")})
    with pytest.raises(NotAllowed):
        unblock(authority, chip)
    assert (authority.given, authority.outcomes) == ([], [])


@pytest.mark.parametrize(
    ("step", "error", "outcome"),
    [
        ("prove", PinWrong(2), UnblockRefused(2, "wrong secret")),
        ("prove", PinWrong(None), UnblockWrong()),
        ("prove", PinBlocked(), UnblockRefused(0, "secret blocked")),
        ("prove", OutcomeUnknown("torn"), UnblockUnknown()),
        ("reset", OutcomeUnknown("torn"), UnblockUnknown()),
    ],
)
def test_the_outcome_of_the_key_is_recorded(
    step: str, error: CardError, outcome: UnblockOutcome
) -> None:
    authority = Keyed()
    reply = unblock(authority, Chip(fails={step: error}))
    assert isinstance(reply, Replied)
    assert isinstance(reply.reply, Refusal)
    assert authority.outcomes == [outcome]


@pytest.mark.parametrize("step", ["prove", "reset"])
def test_a_card_that_left_is_recorded_as_not_sent(step: str) -> None:
    authority = Keyed()
    with pytest.raises(CardGone):
        unblock(authority, Chip(fails={step: CardGone("gone")}))
    assert authority.outcomes == [UnblockNotSent()]


def test_a_pin_that_the_card_does_not_take_is_chosen_again() -> None:
    authority = Keyed()
    reply = unblock(authority, Chip(fails={"reset": PinRefused("history")}))
    assert isinstance(reply, PinNotTaken)
    assert authority.outcomes == [UnblockRefused(None, "history")]
