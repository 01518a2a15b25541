"""Carries one command out on a worker thread and returns its result; sends heartbeats.

Every known error of the card or the authority becomes an event here. Any other error is not caught
here: it ends the visit in ``loop``. Commands are ``c``, events ``e``.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final, assert_never

from msgspec.structs import replace

from kiosk.contract import errors
from kiosk.contract.messages import (
    CardChallenge,
    Heartbeat,
    MaintenanceAct,
    ReaderState,
    ReadFault,
    Reason,
    Refusal,
    StationStanding,
    UnreadCard,
    VisitEnd,
    VisitId,
)
from kiosk.contract.ports import Authority, CardAddress, Cards
from kiosk.station import commands as c
from kiosk.station import events as e
from kiosk.station.machine import EndingAct, MachineError, NetworkState
from kiosk.station.states import Ending, NetworkReport, NotDone, Outage, PinFault, ReaderTest
from kiosk.station.step import notice_of
from kiosk.station.unblock import PinWork

_REASONS: tuple[tuple[type[errors.CardError], Reason], ...] = (
    (errors.PinBlocked, Reason.PIN_BLOCKED),
    (errors.CardBusy, Reason.CARD_BUSY),
    (errors.ReaderGone, Reason.READER_GONE),
    (errors.ReaderServiceDown, Reason.READER_GONE),
    (errors.CardUnknown, Reason.CARD_UNREADABLE),
    (errors.GlobalPinInUse, Reason.GLOBAL_PIN),
    (errors.CardMute, Reason.CARD_UNREADABLE),
    (errors.CardHung, Reason.CARD_UNREADABLE),
    (errors.CardSwapped, Reason.CARD_UNREADABLE),
    (errors.OutcomeUnknown, Reason.CARD_UNREADABLE),
    (errors.ContactNeeded, Reason.INSERT_CARD),
)


_FAULTS: tuple[tuple[type[errors.CardError], ReadFault], ...] = (
    (errors.CardMute, ReadFault.NO_ANSWER),
    (errors.CardHung, ReadFault.TOO_SLOW),
    (errors.CardGone, ReadFault.TAKEN_OUT),
    (errors.CardSwapped, ReadFault.SWAPPED),
    (errors.GlobalPinInUse, ReadFault.GLOBAL_PIN),
    (errors.CardProtocolError, ReadFault.MALFORMED),
)


_NOT_SERVED: Final = (ReadFault.UNKNOWN_KIND, ReadFault.NO_IDENTIFIER)
"""Of a card that answers, but not as one of a family that is served here."""


def _unread_card(error: errors.CardError) -> UnreadCard | None:
    """Return the report of a card that could not be read; None for any other error."""
    if isinstance(error, errors.CardUnknown):
        fault = ReadFault.NO_IDENTIFIER if error.family else ReadFault.UNKNOWN_KIND
        return UnreadCard(fault, error.family)
    return next((UnreadCard(fault) for kind, fault in _FAULTS if isinstance(error, kind)), None)


class Actions:
    """Implements ``kiosk.station.loop.Executor``; ``beat`` is the constant part of heartbeats.

    For an officer, ``look`` calls each address of the authority and may block for some seconds.
    ``end`` restarts the machine or switches it off, or returns False where nothing is done.
    """

    def __init__(
        self,
        authority: Authority,
        cards: Cards,
        beat: Heartbeat,
        look: Callable[[], NetworkState] = lambda: NetworkState(()),
        end: Callable[[EndingAct], bool] = lambda _act: False,
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._authority = authority
        self._cards = cards
        self._pins = PinWork(authority, cards, sleep)
        self._beat = beat
        self._look = look
        self._end = end

    def perform(self, command: c.Command) -> e.ResultSide | None:
        try:
            return self._dispatch(command)
        except errors.PinWrong as wrong:
            return e.PinFailed(command.visit, wrong.tries_left)
        except errors.PinRefused as refused:
            return e.PinNotTaken(command.visit, PinFault(refused.reason))
        except (errors.PadLeft, errors.PadRefused) as nothing:
            return e.PadEnded(command.visit, notice_of(nothing))
        except errors.CardGone as gone:
            # Nobody is refused: the reader reports the same, and that ends the visit.
            if isinstance(command, c.OpenVisit):
                self._report(command.visit, Reason.CARD_UNREADABLE, _unread_card(gone))
            return e.GaveUp(command.visit, Reason.CARD_UNREADABLE, VisitEnd.CARD_REMOVED)
        except errors.CardError as error:
            unread = _unread_card(error) if isinstance(command, c.OpenVisit) else None
            if unread is not None and unread.fault in _NOT_SERVED:
                return self._give_up(command.visit, Reason.CARD_NOT_SERVED, unread)
            if isinstance(error, errors.OutcomeUnknown) and isinstance(command, c.ChangePin):
                return self._give_up(command.visit, Reason.OUTCOME_UNKNOWN, unread)
            reasons = (reason for kind, reason in _REASONS if isinstance(error, kind))
            return self._give_up(command.visit, next(reasons, Reason.CARD_REFUSED), unread)
        except errors.AuthorityUnavailable as away:
            if isinstance(command, c.Report):
                return None
            return e.NoReply(command.visit, busy=isinstance(away, errors.AuthorityBusy))
        except errors.ReplyUnknown:
            return self._give_up(command.visit, Reason.UNLISTED)
        except errors.StepRefused:
            # The flow leaves no step out: somebody else changed the records.
            return self._give_up(command.visit, Reason.CHANGED_MEANWHILE)

    def check_authority(self, reader: ReaderState, *, idle: bool) -> Outage | None:
        """Return why the authority can serve nobody here, or None; it disturbs no visit.

        An authority that cannot take a heartbeat cannot open a visit either: it counts as away.
        """
        try:
            standing = self._authority.heartbeat(replace(self._beat, reader=reader))
        except errors.OtherRelease:
            return Outage.OTHER_RELEASE
        except errors.AuthorityError:
            return Outage.AUTHORITY_AWAY
        match standing:
            case StationStanding.IN_USE:
                return None
            case StationStanding.RETIRED:
                return Outage.RETIRED
            case _:
                assert_never(standing)

    def _dispatch(self, command: c.Command) -> e.ResultSide | None:
        visit, ask = command.visit, self._authority
        match command:
            case c.OpenVisit():
                report = self._cards.read(command.reader)
                reply = ask.begin(visit, report)
                if isinstance(reply, CardChallenge):
                    challenge, at = reply, CardAddress(command.reader, report.card)
                    proof = self._cards.hold(at, lambda card: card.prove(challenge))
                    reply = ask.prove(visit, proof)
                return e.CardRead(visit, report, reply)
            case c.VerifyPin():
                to_sign = ask.pin_challenge(visit)
                if isinstance(to_sign, Refusal):
                    return e.Replied(visit, to_sign)
                signed = self._cards.verify_pin(command.at, command.pin, to_sign)
                return e.Replied(visit, ask.pin_verified(visit, signed))
            case c.UnblockPin():
                return self._pins.unblock(command)
            case c.ChangePin():
                return self._pins.change(command)
            case c.DoMaintenance():
                return self._maintain(command)
            case c.EndVisit():
                ask.end(visit, command.how)
                return None
            case c.ReportMute():
                self._report(visit, Reason.CARD_UNREADABLE, UnreadCard(ReadFault.NO_ANSWER))
                return None
            case c.Choose():
                return e.Replied(visit, ask.choose(visit, command.purpose, command.anew))
            case c.SaveQuestions():
                return e.Replied(visit, ask.save_questions(visit, command.answers))
            case c.SubmitEmail():
                return e.Replied(visit, ask.give_email(visit, command.email, command.attempt))
            case c.ChooseWay():
                return e.Replied(visit, ask.choose_way(visit, command.way))
            case c.Prepare():
                attempt, factor, route = command.attempt, command.factor, command.route
                return e.Replied(visit, ask.prepare(visit, attempt, factor, route))
            case c.SubmitEntry():
                return e.Replied(visit, ask.submit(visit, command.attempt, command.entry))
            case c.MakeSavedCodes():
                return e.Replied(visit, ask.make_saved_codes(visit))
            case c.KeepSavedCodes():
                return e.Replied(visit, ask.keep_saved_codes(visit))
            case c.SubmitStopNumber():
                number = command.number
                return e.Replied(visit, ask.enter_stop_number(visit, command.attempt, number))
            case _:
                assert_never(command)

    def _maintain(self, command: c.DoMaintenance) -> e.Replied | e.Maintained:
        """Do it once the authority has recorded it; the result is any failure of card or machine.

        A visit ends before the station does, as nobody may be there to take the card out.
        """
        visit = command.visit
        given = command.attempt, command.act, command.why, command.words
        reply = self._authority.maintain(visit, *given)
        if isinstance(reply, Refusal):
            return e.Replied(visit, reply)
        match command.act:
            case MaintenanceAct.TEST_READER:
                return e.Maintained(visit, self._test_reader(command.at))
            case MaintenanceAct.SHOW_NETWORK:
                now = datetime.now(UTC)
                ahead_s = (now - reply.clock).total_seconds()
                return e.Maintained(visit, NetworkReport(self._look(), now, ahead_s))
            case _:
                try:
                    really = self._end(command.act)
                except MachineError as error:
                    return e.Maintained(visit, NotDone(command.act, str(error)))
                if really:
                    with suppress(errors.AuthorityError):
                        self._authority.end(visit, VisitEnd.FINISHED)
                return e.Maintained(visit, Ending(command.act, really))

    def _test_reader(self, at: CardAddress) -> ReaderTest:
        try:
            report = self._cards.read(at.reader)
        except errors.CardError as error:
            unread = _unread_card(error) or UnreadCard(ReadFault.MALFORMED)
            return ReaderTest(at.reader, at.card.driver, unread.fault)
        fault = None if report.card == at.card else ReadFault.SWAPPED
        return ReaderTest(at.reader, report.card.driver, fault)

    def _give_up(
        self, visit: VisitId, reason: Reason, unread: UnreadCard | None = None
    ) -> e.GaveUp:
        self._report(visit, reason, unread)
        return e.GaveUp(visit, reason)

    def _report(self, visit: VisitId, reason: Reason, unread: UnreadCard | None) -> None:
        """Record why a visit cannot continue, where the authority can be reached."""
        with suppress(errors.AuthorityError):
            self._authority.refuse(visit, reason, unread)
