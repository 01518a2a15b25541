"""The two acts that change a card: unblock and PIN change, each recorded by the authority.

The outcome is recorded even after the card is out, the visit is over and the person has gone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Final, TypeVar, assert_never

from msgspec import Struct
from msgspec.structs import replace

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
from kiosk.contract.ports import Authority, CardCheck, CardHold, Cards
from kiosk.contract.sensitive import Sensitive
from kiosk.station.commands import ChangePin, UnblockPin
from kiosk.station.events import PadEnded, PinNotTaken, Replied
from kiosk.station.states import PadNotice, PinFault
from kiosk.station.step import notice_of

T = TypeVar("T")

BRIEF_RETRIES_S: Final = (0.2, 0.5, 1.0)
"""Seconds between the calls that are repeated while a held card, or the holder, waits."""

RETRIES_S: Final = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds between attempts to record an outcome; after them the journal resolves it."""

_SECRETS: Final = 2
"""A card has its former secret, or the one that it was given after its last unblock."""


class _UnblockResult(Struct, frozen=True):
    """The progress of one unblock, whatever happens to the card afterwards.

    ``grant``: what the authority released, None: nothing. ``refusal``: the authority's refusal.
    ``done``: the card answered that it has its new PIN. ``reply``: the authority's answer to that,
    where it answered at once. ``rotation``: the outcome for the card's new secret, None where there
    was none. ``check``: what the card did with its new PIN.
    """

    grant: Grant | KeyGrant | None = None
    refusal: Refusal | None = None
    done: bool = False
    reply: Task | Refusal | None = None
    rotation: UnblockOutcome | None = None
    check: CardCheck | None = None


def outcome_of(error: errors.CardError) -> UnblockOutcome:
    """Return what an error means for the unblock secret: a try spent, not sent, or unknown."""
    match error:
        case errors.PinWrong(tries_left=None):
            return UnblockWrong()
        case errors.PinWrong():
            return UnblockRefused(error.tries_left, "wrong secret")
        case errors.PinBlocked():
            return UnblockRefused(0, "secret blocked")
        case errors.PinRefused():
            return UnblockRefused(None, error.reason)
        case errors.OutcomeUnknown():
            return UnblockUnknown()
        case errors.CardProtocolError() if error.status:
            # An answer outside the standard: it is unknown whether a try was spent.
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
            | errors.GlobalPinInUse()
            | errors.CardHung()
            | errors.CardProtocolError()
            | errors.PadLeft()
        ):
            return UnblockNotSent()
        case _:
            # Another error may have spent a try: it must be counted.
            return UnblockUnknown()


class PinWork:
    def __init__(self, authority: Authority, cards: Cards, sleep: Callable[[float], None]) -> None:
        self._authority = authority
        self._cards = cards
        self._sleep = sleep

    def unblock(self, command: UnblockPin) -> Replied | PinNotTaken | PadEnded:
        """Reset the PIN with a secret that is released for this one act.

        It is requested only while the card is held: a card that is gone, swapped or held by another
        program costs nothing. A card that may have one of two secrets gets the second at once after
        the first was wrong; where the reader's keys sent the PIN with the first, the holder sees a
        page before they ask again.
        """
        visit = command.visit
        for _ in range(_SECRETS):
            if (reply := self._unblock_once(command)) is not None:
                return reply
        return Replied(visit, Refusal(Reason.CARD_REFUSED))

    def _unblock_once(self, command: UnblockPin) -> Replied | PinNotTaken | PadEnded | None:
        """Hold the card once; return None where the other secret has to be tried.

        A card that hangs is abandoned while the work is still stuck in another thread: the last
        result before that counts.
        """
        reached = [_UnblockResult()]

        def work(card: CardHold) -> None:
            for result in self._steps(command, card):
                reached.append(result)

        error: errors.CardError | errors.AuthorityError | None = None
        try:
            self._cards.hold(command.at, work)
        except (errors.CardError, errors.AuthorityError) as failed:
            error = failed
        visit, result = command.visit, reached[-1]
        grant = result.grant
        if grant is not None and result.done:
            done = result.reply or self._record_outcome(visit, grant, UnblockDone())
            if result.rotation is not None:
                # Unconfirmed, the next unlock resolves it.
                with suppress(errors.AuthorityError):
                    self._authority.confirm_rotation(visit, grant.journal, result.rotation)
            return Replied(visit, done or Finished(Purpose.UNLOCK), result.check)
        match error:
            case None:
                return Replied(visit, result.refusal or Refusal(Reason.CARD_REFUSED))
            case errors.CardError() if grant is not None:
                return self._failed(command, grant, error)
            case errors.AuthorityError() if grant is not None:
                # It stayed unproven whether the card has its admin key: its PIN was left as it was.
                self._record_outcome(visit, grant, UnblockNotSent())
        raise error

    def _steps(self, command: UnblockPin, card: CardHold) -> Iterator[_UnblockResult]:
        """Yield the result so far after every step that changes it.

        Only this method requests the secret. After its use the card gets another one in the same
        hold, so that no other program reaches the card between the two.
        """
        visit = command.visit
        card.prepare_unblock()
        challenge = self._authority.challenge(visit)
        proof: CardProof | KeyNonce | None = None
        match challenge:
            case Refusal():
                yield _UnblockResult(refusal=challenge)
                return
            case CardChallenge():
                proof = card.prove(challenge)
            case KeyChallenge():
                proof = card.begin_mutual_authentication(challenge)
            case None:
                pass
            case _:
                assert_never(challenge)
        grant = self._retry(lambda: self._authority.release(visit, command.attempt, proof))
        if isinstance(grant, Refusal):
            yield _UnblockResult(refusal=grant)
            return
        yield _UnblockResult(grant)
        if isinstance(grant, KeyGrant):
            answer = card.complete_mutual_authentication(grant.cryptogram)
            refusal = self._retry(lambda: self._authority.admit(visit, grant.journal, answer))
            if refusal is not None:
                yield _UnblockResult(grant, refusal)
                return
            card.reset_pin(command.new)
        else:
            card.unblock(grant.secret, command.new)
        yield _UnblockResult(grant, done=True)
        reply: Task | Refusal | None = None
        new: Sensitive | None = None
        # An outcome that cannot be recorded here is recorded after the card is released.
        with suppress(errors.AuthorityError):
            reply = self._authority.record_outcome(visit, grant.journal, UnblockDone())
            if isinstance(grant, Grant):
                new = self._authority.rotate_secret(visit, grant.journal)
        done = _UnblockResult(grant, done=True, reply=reply)
        yield done
        if new is not None and isinstance(grant, Grant):
            yield replace(done, rotation=UnblockUnknown())
            taken: UnblockOutcome = UnblockDone()
            try:
                card.change_secret(grant.secret, new)
            except errors.CardError as error:
                taken = outcome_of(error)
            done = replace(done, rotation=taken)
            yield done
        # The card has its PIN: where it is out by now, or hangs, it was not tried out.
        with suppress(errors.CardError):
            yield replace(done, check=card.try_out(command.new))

    def _retry(self, call: Callable[[], T], pauses: Sequence[float] = BRIEF_RETRIES_S) -> T:
        """Make a call; repeat it after a lost answer, and while the authority is away."""
        for pause in pauses:
            try:
                return call()
            except errors.AuthorityUnavailable:
                self._sleep(pause)
        return call()

    def _failed(
        self, command: UnblockPin, grant: Grant | KeyGrant, error: errors.CardError
    ) -> Replied | PinNotTaken | PadEnded | None:
        """Record what a failed unblock may have cost; raise where it cost nothing."""
        visit = command.visit
        if isinstance(error, errors.PadLeft | errors.PadRefused):
            # Only where it is recorded that the secret was not used is it released again. Where the
            # holder is not recorded any more, ``StepRefused`` is raised: a page reports it.
            try:
                noted = self._retry(
                    lambda: self._authority.record_outcome(visit, grant.journal, UnblockNotSent()),
                    RETRIES_S,
                )
            except errors.AuthorityUnavailable:
                noted = Refusal(Reason.AUTHORITY_AWAY)
            is_due = isinstance(noted, SetPin)
            return PadEnded(visit, notice_of(error)) if is_due else Replied(visit, noted)
        outcome = outcome_of(error)
        reply = self._record_outcome(visit, grant, outcome)
        if isinstance(error, errors.PinRefused):
            return PinNotTaken(visit, PinFault(error.reason))
        match outcome:
            case UnblockNotSent() | UnblockRefused(tries_left=None):
                raise error  # no try was spent: the page is about the card, not the secret
        if isinstance(reply, SetPin):
            on_pad = isinstance(command.new, OnPad)
            return PadEnded(visit, PadNotice.ONCE_MORE) if on_pad else None
        unknown = isinstance(outcome, UnblockUnknown)
        reason = Reason.OUTCOME_UNKNOWN if unknown else Reason.CARD_REFUSED
        return Replied(visit, reply or Refusal(reason))

    def change(self, command: ChangePin) -> Replied:
        """Change the PIN; once the card took it, the holder sees success in any case."""
        visit = command.visit
        refusal = self._authority.pin_changing(visit)
        if refusal is not None:
            return Replied(visit, refusal)
        try:
            self._cards.change_pin(command.at, command.current, command.new)
        except errors.CardError as error:
            if not isinstance(outcome_of(error), UnblockUnknown):
                # Without this report the holder is mailed that the PIN may have been changed.
                with suppress(errors.AuthorityError):
                    self._retry(lambda: self._authority.pin_kept(visit))
            raise
        done = self._record(lambda: self._authority.pin_changed(visit))
        return Replied(visit, done or Finished(Purpose.CHANGE_PIN))

    def _record_outcome(
        self, visit: VisitId, grant: Grant | KeyGrant, outcome: UnblockOutcome
    ) -> Task | Refusal | None:
        return self._record(lambda: self._authority.record_outcome(visit, grant.journal, outcome))

    def _record(self, record: Callable[[], Task | Refusal]) -> Task | Refusal | None:
        """Record the result on a card; None where the authority gave no known answer.

        It stayed away or failed, the holder is no longer recorded, or it is of a newer release. An
        unblock is then resolved when the card is next seen.
        """
        try:
            return self._retry(record, RETRIES_S)
        except errors.AuthorityError:
            return None
