"""Takes the authority's place for one test card, so that the station's own code unblocks it."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence

from kiosk.app.trial.journal import Journal
from kiosk.authority.crypto.card_keys import (
    awaited,
    cryptogram,
    draw_nonce,
    is_right,
    kind_of,
    proves,
)
from kiosk.contract.messages import (
    CardChallenge,
    CardProof,
    Finished,
    Grant,
    JournalId,
    KeyAnswer,
    KeyChallenge,
    KeyGrant,
    KeyNonce,
    PinRules,
    Position,
    Purpose,
    Reason,
    Refusal,
    SetPin,
    UnblockDone,
    UnblockOutcome,
    UnblockRefused,
    UnblockUnknown,
    UnblockWrong,
    VisitId,
)
from kiosk.contract.sensitive import Sensitive

CHALLENGE_BYTES = 32
BEFORE_SECRET, AFTER_PIN = "before the secret is sent", "after the PIN is set"
"""The moments within an unblock at which a person may be asked to take the card out."""

_UNBLOCK = JournalId("trial")

Value = Callable[[str], Sensitive]
"""Returns a value by its name."""


class TrialAuthority:
    """The calls of ``Authority`` that ``PinWork`` makes, for one unblock of one card.

    ``candidates`` are the names of the secrets that the card may have; the first is tried first.
    With ``rotate_to`` the card gets that secret afterwards. ``key`` is the public key with which
    the card proves itself, None where it has none. Each thing that the card may then have is noted
    first.
    """

    def __init__(
        self,
        journal: Journal,
        value: Value,
        candidates: Sequence[str],
        *,
        new_pin: str,
        key: bytes | None,
        has_admin_key: bool,
        rotate_to: str | None = None,
        at_moment: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._journal = journal
        self._value = value
        self._candidates = list(candidates)
        self._new_pin = new_pin
        self._key = key
        self._has_admin_key = has_admin_key
        self._rotate_to = rotate_to
        self._at_moment = at_moment
        self._drawn: CardChallenge | KeyChallenge | None = None
        self._awaited = b""
        self._had = journal.entry.pin
        self.outcome: UnblockOutcome | None = None
        self.rotation: UnblockOutcome | None = None

    def challenge(self, _visit: VisitId) -> CardChallenge | KeyChallenge | None:
        if self._has_admin_key:
            self._drawn = KeyChallenge(draw_nonce())
        elif self._key is not None:
            drawn = secrets.token_bytes(CHALLENGE_BYTES)
            self._drawn = CardChallenge(drawn, kind_of(self._key))
        return self._drawn

    def release(
        self, _visit: VisitId, _attempt: str, proof: CardProof | KeyNonce | None = None
    ) -> Grant | KeyGrant | Refusal:
        match self._drawn, proof:
            case CardChallenge() as drawn, CardProof():
                if self._key is None or not proves(self._key, drawn, proof):
                    return Refusal(Reason.NOT_GENUINE)
            case CardChallenge(), _:
                return Refusal(Reason.NOT_GENUINE)
        self._at_moment(BEFORE_SECRET)
        self._had = self._journal.entry.pin
        self._journal.note(pin=tuple(dict.fromkeys((*self._had, self._new_pin))))
        if isinstance(self._drawn, KeyChallenge):
            if not isinstance(proof, KeyNonce):
                return Refusal(Reason.NOT_GENUINE)
            key, ours = self._value(self._candidates[0]), self._drawn.nonce
            self._awaited = awaited(key, ours, proof.nonce)
            return KeyGrant(_UNBLOCK, cryptogram(key, ours, proof.nonce))
        return Grant(_UNBLOCK, self._value(self._candidates[0]))

    def admit(self, _visit: VisitId, _journal: JournalId, answer: KeyAnswer) -> Refusal | None:
        is_genuine = is_right(answer.cryptogram, self._awaited)
        return None if is_genuine else Refusal(Reason.NOT_GENUINE)

    def record_outcome(
        self, _visit: VisitId, _journal: JournalId, outcome: UnblockOutcome
    ) -> SetPin | Finished | Refusal:
        self.outcome = outcome
        match outcome:
            case UnblockDone():
                self._journal.note(
                    pin=(self._new_pin,),
                    secret=(self._candidates[0],),
                    blocked=False,
                    wrong_secrets=0,
                )
                self._at_moment(AFTER_PIN)
                return Finished(Purpose.UNLOCK)
            case UnblockUnknown():
                return Refusal(Reason.OUTCOME_UNKNOWN)
            case UnblockRefused(tries_left=None):
                self._journal.note(pin=self._had)
                return Refusal(Reason.CARD_REFUSED)
            case UnblockWrong() | UnblockRefused():
                wrong = self._journal.entry.wrong_secrets + 1
                self._journal.note(pin=self._had, wrong_secrets=wrong)
                left = outcome.tries_left if isinstance(outcome, UnblockRefused) else None
                if len(self._candidates) > 1 and left is not None and left > 1:
                    del self._candidates[0]
                    return SetPin(PinRules(), position=Position(1, 1))
        return Refusal(Reason.CARD_REFUSED)

    def rotate_secret(self, _visit: VisitId, _journal: JournalId) -> Sensitive | None:
        if self._rotate_to is None:
            return None
        self._journal.note(secret=(self._rotate_to, self._candidates[0]))
        return self._value(self._rotate_to)

    def confirm_rotation(
        self, _visit: VisitId, _journal: JournalId, outcome: UnblockOutcome
    ) -> None:
        self.rotation = outcome
        if isinstance(outcome, UnblockDone) and self._rotate_to is not None:
            self._journal.note(secret=(self._rotate_to,))
        elif isinstance(outcome, UnblockRefused) and outcome.tries_left is None:
            self._journal.note(secret=(self._candidates[0],))

    def pin_changing(self, _visit: VisitId) -> None:
        self._had = self._journal.entry.pin
        self._journal.note(pin=tuple(dict.fromkeys((*self._had, self._new_pin))))

    def pin_kept(self, _visit: VisitId) -> None:
        self._journal.note(pin=self._had)

    def pin_changed(self, _visit: VisitId) -> Finished:
        self._journal.note(pin=(self._new_pin,))
        return Finished(Purpose.CHANGE_PIN)
