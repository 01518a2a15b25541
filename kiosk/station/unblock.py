"""The two acts that change a card, each told to the authority before and after.

The outcome is recorded whatever the screen does meanwhile: the card may be out, the
visit may be over, and the person may have gone.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final, TypeVar, assert_never

from kiosk.contract import errors
from kiosk.contract.messages import (
    CardChallenge,
    CardProof,
    Finished,
    Grant,
    KeyChallenge,
    KeyGrant,
    KeyNonce,
    OnPad,
    Purpose,
    Reason,
    Refusal,
    SetPin,
    Task,
    UnblockDone,
    UnblockNotSent,
    UnblockOutcome,
    UnblockRefused,
    UnblockUnknown,
    UnblockWrong,
    VisitId,
)
from kiosk.contract.ports import Authority, CardHold, Cards
from kiosk.contract.reference import reference_of
from kiosk.contract.sensitive import Sensitive
from kiosk.station.commands import ChangePin, UnblockPin
from kiosk.station.events import PadEnded, PinNotTaken, Replied
from kiosk.station.states import PadNotice, PinTrouble
from kiosk.station.step import notice_of

# What is done to unblock a card while it is held, one step after the other.
#
# The secret is asked for in here, and once it was used the card is given another one in the same
# hold: nobody else gets at the card between the two.

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
            self.reply = self._authority.record_outcome(visit, grant.journal, UnblockDone())
            return self._authority.rotate_secret(visit, grant.journal)
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


PATIENCE = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds between attempts to record an outcome; the journal settles what is lost after them."""

_SECRETS: Final = 2
"""A card has the secret that it had, or the one that it was given after its last unblock."""


class PinWork:
    """Unblocks and changes PINs."""

    def __init__(
        self, authority: Authority, cards: Cards, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._authority = authority
        self._cards = cards
        self._sleep = sleep

    def unblock(self, command: UnblockPin) -> Replied | PinNotTaken | PadEnded:
        """Reset the PIN with a secret that is released for this one act.

        It is asked for only while the card is held: one that is gone, swapped or in other
        hands costs nothing. A card that may have one of two secrets, and has not the first,
        is given the other one at once; where the PIN went with the first from the reader's
        keys, its holder is told before those ask again.
        """
        visit = command.visit
        for _ in range(_SECRETS):
            reply = self._once(command)
            if reply is not None:
                return reply
        return Replied(visit, _refused(visit))

    def _once(self, command: UnblockPin) -> Replied | PinNotTaken | PadEnded | None:
        """Hold the card once; None where it is to be given another secret."""
        act = UnblockAct(self._authority, command, self._sleep)
        try:
            refusal = self._cards.hold(command.at, act)
        except errors.CardError as error:
            if act.granted is None:
                raise
            if not act.done:
                return self._failed(command, act.granted, error)
            refusal = None
        except errors.AuthorityError:
            self._not_admitted(command.visit, act.granted)
            raise
        if refusal is not None or act.granted is None:
            return Replied(command.visit, refusal or _refused(command.visit))
        return self._finished(command.visit, act.granted, act)

    def _not_admitted(self, visit: VisitId, grant: Grant | KeyGrant | None) -> None:
        """Nobody could say whether the card has its admin key: its PIN was left as it was."""
        if grant is not None:
            self._settle(visit, grant, UnblockNotSent())

    def _finished(self, visit: VisitId, grant: Grant | KeyGrant, act: UnblockAct) -> Replied:
        """Tell what the card did; whether it took its new secret, the next unlock finds out too."""
        done = act.reply or self._settle(visit, grant, UnblockDone())
        if act.change is not None:
            with suppress(errors.AuthorityError):
                self._authority.confirm_rotation(visit, grant.journal, act.change)
        return Replied(visit, done or Finished(Purpose.UNLOCK))

    def _failed(
        self, command: UnblockPin, grant: Grant | KeyGrant, error: errors.CardError
    ) -> Replied | PinNotTaken | PadEnded | None:
        """Tell the authority what a failed unblock may have cost; raise where it cost nothing."""
        visit = command.visit
        if isinstance(error, errors.PinRefused):
            self._settle(visit, grant, UnblockRefused(None, error.reason))
            return PinNotTaken(visit, PinTrouble(error.reason))
        if isinstance(error, errors.PadLeft | errors.PadRefused):
            return self._may_ask_again(visit, grant, notice_of(error))
        outcome = outcome_of(error)
        reply = self._settle(visit, grant, outcome)
        if _secret_is_unspent(outcome):
            raise error
        if isinstance(reply, SetPin):
            on_pad = isinstance(command.new, OnPad)
            return PadEnded(visit, PadNotice.ONCE_MORE) if on_pad else None
        return Replied(visit, reply or _told_by_station(visit, outcome))

    def _may_ask_again(
        self, visit: VisitId, grant: Grant | KeyGrant, notice: PadNotice
    ) -> PadEnded | Replied:
        """The secret is released again only once it is written down that it was not used.

        Where whom it was for is not recorded any more, ``StepRefused`` is for the page to tell.
        """
        not_sent = UnblockNotSent()
        reply = self._insist(lambda: self._authority.record_outcome(visit, grant.journal, not_sent))
        if isinstance(reply, SetPin):
            return PadEnded(visit, notice)
        away = Refusal(Reason.AUTHORITY_AWAY, reference_of(visit))
        return Replied(visit, reply or away)

    def change(self, command: ChangePin) -> Replied:
        """Change the PIN; once the card took it, the holder is told so in any case."""
        self._cards.change_pin(command.at, command.current, command.new)
        done = self._report(lambda: self._authority.pin_changed(command.visit))
        return Replied(command.visit, done or Finished(Purpose.CHANGE_PIN))

    def _settle(
        self, visit: VisitId, grant: Grant | KeyGrant, outcome: UnblockOutcome
    ) -> Task | Refusal | None:
        return self._report(lambda: self._authority.record_outcome(visit, grant.journal, outcome))

    def _report(self, record: Callable[[], Task | Refusal]) -> Task | Refusal | None:
        """Record what a card did, which is true even where nobody is recorded any more."""
        try:
            return self._insist(record)
        except errors.StepRefused:
            return None

    def _insist(self, record: Callable[[], Task | Refusal]) -> Task | Refusal | None:
        """Record an outcome, waiting for an authority that is away; None where it stayed away."""
        for pause in (*PATIENCE, None):
            try:
                return record()
            except errors.AuthorityUnavailable:
                if pause is not None:
                    self._sleep(pause)
        return None


def _secret_is_unspent(outcome: UnblockOutcome) -> bool:
    """Tell whether the page has to speak of the card: about the secret there is nothing to say."""
    match outcome:
        case UnblockNotSent() | UnblockRefused(tries_left=None):
            return True
        case _:
            return False


def _told_by_station(visit: VisitId, outcome: UnblockOutcome) -> Refusal:
    unknown = isinstance(outcome, UnblockUnknown)
    reason = Reason.OUTCOME_UNKNOWN if unknown else Reason.CARD_REFUSED
    return Refusal(reason, reference_of(visit))


def _refused(visit: VisitId) -> Refusal:
    return Refusal(Reason.CARD_REFUSED, reference_of(visit))
