"""The two acts that change a card, each told to the authority before and after.

The outcome is recorded whatever the screen does meanwhile: the card may be out, the
visit may be over, and the person may have gone.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from kiosk import errors
from kiosk.dialogue import (
    Finished,
    Grant,
    JournalId,
    Purpose,
    Reason,
    Refusal,
    Task,
    UnblockDone,
    UnblockNotSent,
    UnblockOutcome,
    UnblockRefused,
    UnblockUnknown,
    VisitId,
)
from kiosk.ports import Authority, CardHold, Cards
from kiosk.reference import reference_of
from kiosk.station.commands import ChangePin, UnblockPin
from kiosk.station.events import PinNotTaken, Replied
from kiosk.station.states import PinTrouble

PATIENCE = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds between attempts to record an outcome; the journal settles what is lost after them."""


class PinWork:
    """Unblocks and changes PINs."""

    def __init__(
        self, authority: Authority, cards: Cards, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._authority = authority
        self._cards = cards
        self._sleep = sleep

    def unblock(self, command: UnblockPin) -> Replied | PinNotTaken:
        """Reset the PIN with a secret that is released for this one act.

        It is asked for only while the card is held: one that is gone, swapped or in other
        hands costs nothing.
        """
        act = _Unblock(self._authority, command)
        try:
            grant = self._cards.hold(command.at, act)
        except errors.CardError as error:
            if act.granted is None:
                raise
            return self._failed(command, act.granted, error)
        if isinstance(grant, Refusal):
            return Replied(command.visit, grant)
        done = self._settle(command.visit, grant, UnblockDone())
        return Replied(command.visit, done or Finished(Purpose.UNLOCK))

    def _failed(
        self, command: UnblockPin, grant: Grant, error: errors.CardError
    ) -> Replied | PinNotTaken:
        """Tell the authority what a failed unblock may have cost; raise where it cost nothing."""
        visit = command.visit
        if isinstance(error, errors.PinRefused):
            self._settle(visit, grant, UnblockRefused(None, error.reason))
            return PinNotTaken(visit, PinTrouble(error.reason))
        outcome = _outcome_of(error)
        reply = self._settle(visit, grant, outcome)
        if _secret_is_unspent(outcome):
            raise error
        return Replied(visit, reply or _told_by_station(visit, outcome))

    def change(self, command: ChangePin) -> Replied:
        """Change the PIN; once the card took it, the holder is told so in any case."""
        self._cards.change_pin(command.at, command.current, command.new)
        done = self._insist(lambda: self._authority.pin_changed(command.visit))
        return Replied(command.visit, done or Finished(Purpose.CHANGE_PIN))

    def _settle(
        self, visit: VisitId, grant: Grant, outcome: UnblockOutcome
    ) -> Task | Refusal | None:
        journal: JournalId = grant.journal
        return self._insist(lambda: self._authority.settle(visit, journal, outcome))

    def _insist(self, record: Callable[[], Task | Refusal]) -> Task | Refusal | None:
        """Record an outcome, waiting for an authority that is away; None where it stayed away."""
        for pause in (*PATIENCE, None):
            try:
                return record()
            except errors.AuthorityUnavailable:
                if pause is not None:
                    self._sleep(pause)
        return None


class _Unblock:
    """What is done while the card is held; ``granted`` stays known, whatever becomes of it."""

    def __init__(self, authority: Authority, command: UnblockPin) -> None:
        self._authority = authority
        self._command = command
        self.granted: Grant | None = None

    def __call__(self, card: CardHold) -> Grant | Refusal:
        visit = self._command.visit
        challenge = self._authority.challenge(visit)
        if isinstance(challenge, Refusal):
            return challenge
        proof = card.prove(challenge) if challenge is not None else None
        grant = self._authority.release(visit, proof)
        if isinstance(grant, Refusal):
            return grant
        self.granted = grant
        card.unblock(grant.secret, self._command.new)
        return grant


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


def _outcome_of(error: errors.CardError) -> UnblockOutcome:
    """Say what an error tells about the unblock secret: spent a try, not sent, or not known."""
    match error:
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
        case _:
            return UnblockNotSent()
