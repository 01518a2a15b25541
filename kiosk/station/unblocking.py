"""What is done to unblock a card while it is held, one step after the other.

The secret is asked for in here, and once it was used the card is given another one in the
same hold: nobody else gets at the card between the two.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar, assert_never

from kiosk import errors
from kiosk.dialogue import (
    CardChallenge,
    CardProof,
    Grant,
    KeyChallenge,
    KeyGrant,
    KeyNonce,
    Refusal,
    Task,
    UnblockDone,
    UnblockNotSent,
    UnblockOutcome,
    UnblockRefused,
    UnblockUnknown,
    UnblockWrong,
)
from kiosk.ports import Authority, CardHold
from kiosk.sensitive import Sensitive
from kiosk.station.commands import UnblockPin

T = TypeVar("T")

HOLDING_ON: Final = (0.2, 0.5, 1.0)
"""Seconds between the calls that are repeated while the card is held."""


class UnblockAct:
    """One unblock; how far it came stays known, whatever becomes of the card.

    ``done``: the card answered that it has its new PIN. ``reply`` is what the authority
    said to that, where it could be told at once. ``change`` is what became of the new
    secret, None where there was none.
    """

    def __init__(
        self, authority: Authority, command: UnblockPin, sleep: Callable[[float], None]
    ) -> None:
        self._authority = authority
        self._command = command
        self._sleep = sleep
        self.granted: Grant | KeyGrant | None = None
        self.done = False
        self.reply: Task | Refusal | None = None
        self.change: UnblockOutcome | None = None

    def __call__(self, card: CardHold) -> Refusal | None:
        """Do it; return what the authority refused it with."""
        visit = self._command.visit
        card.prepare_unblock()
        challenge = self._authority.challenge(visit)
        if isinstance(challenge, Refusal):
            return challenge
        proof, attempt = _answered(card, challenge), self._command.attempt
        grant = self._repeated(lambda: self._authority.release(visit, attempt, proof))
        if isinstance(grant, Refusal):
            return grant
        self.granted = grant
        if isinstance(grant, KeyGrant):
            return self._reset_with_key(card, grant)
        card.unblock(grant.secret, self._command.new)
        self.done = True
        new = self._new_secret(grant)
        if new is not None:
            self._change(card, grant.secret, new)
        return None

    def _reset_with_key(self, card: CardHold, grant: KeyGrant) -> Refusal | None:
        """Let card and authority find each other to have the admin key, then reset the PIN."""
        answer = card.prove_key(grant.cryptogram)
        visit = self._command.visit
        refusal = self._repeated(lambda: self._authority.admit(visit, grant.journal, answer))
        if refusal is not None:
            return refusal
        card.reset_pin(self._command.new)
        self.done = True
        return None

    def _repeated(self, call: Callable[[], T]) -> T:
        """Make a call that counts only while the card is held; ask again for a lost answer."""
        for pause in HOLDING_ON:
            try:
                return call()
            except errors.AuthorityUnavailable:
                self._sleep(pause)
        return call()

    def _new_secret(self, grant: Grant) -> Sensitive | None:
        """Tell what the card did, and ask for its next secret; an authority that is away has none.

        What was not told here is told once the card was let go.
        """
        visit = self._command.visit
        try:
            self.reply = self._authority.settle(visit, grant.journal, UnblockDone())
            return self._authority.renew(visit, grant.journal)
        except errors.AuthorityError:
            return None

    def _change(self, card: CardHold, used: Sensitive, new: Sensitive) -> None:
        self.change = UnblockUnknown()
        try:
            card.change_secret(used, new)
        except errors.PinRefused as refused:
            self.change = UnblockRefused(None, refused.reason)
        except errors.CardError as error:
            self.change = outcome_of(error)
        else:
            self.change = UnblockDone()


def _answered(
    card: CardHold, challenge: CardChallenge | KeyChallenge | None
) -> CardProof | KeyNonce | None:
    match challenge:
        case CardChallenge():
            return card.prove(challenge)
        case KeyChallenge():
            return card.meet_key(challenge)
        case None:
            return None
        case _:
            assert_never(challenge)


def outcome_of(error: errors.CardError) -> UnblockOutcome:
    """Say what an error tells about the unblock secret: spent a try, not sent, or not known."""
    match error:
        case errors.PinWrong(tries_left=None):
            return UnblockWrong()
        case errors.PinWrong():
            return UnblockRefused(error.tries_left, "wrong secret")
        case errors.PinBlocked():
            return UnblockRefused(0, "secret blocked")
        case errors.OutcomeUnknown():
            return UnblockUnknown()
        case errors.CardProtocolError() if error.status:
            # An answer, but none that the standard knows: whether a try was spent is open.
            return UnblockUnknown()
        case errors.NotAllowed():
            return UnblockRefused(None, "not allowed")
        case (
            errors.ReaderServiceDown()
            | errors.ReaderGone()
            | errors.CardGone()
            | errors.CardSwapped()
            | errors.CardBusy()
            | errors.CardMute()
            | errors.CardUnknown()
            | errors.CardHung()
            | errors.CardProtocolError()
            | errors.PadLeft()
        ):
            return UnblockNotSent()
        case _:
            # A kind that is not listed above may have spent a try: it must be counted.
            return UnblockUnknown()
