"""Mails the notices that wait in the store, with retries.

A notice is claimed in one transaction, mailed outside of any, and marked in another, which claims
the next one; after the death of a worker in between, it is claimed again when the lease is over.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from kiosk.authority.errors import (
    MailDenied,
    MailError,
    MailRefused,
    MailUnavailable,
    NoticeUnknown,
    RowAltered,
    StoreError,
)
from kiosk.authority.mail.bounces import NO_SUCH_ADDRESS, mark
from kiosk.authority.mail.compose import Mailer, Message
from kiosk.authority.mail.times import MailTime
from kiosk.authority.records import OutboxMessage
from kiosk.authority.store.database import Store, UnitOfWork
from kiosk.contract.errors import describe_fault
from kiosk.contract.log_context import TroubleLog
from kiosk.contract.policy import is_number
from kiosk.contract.ports import Clock

log = logging.getLogger(__name__)

Compose = Callable[[OutboxMessage], Message]
"""Writes the mail of a notice; raises ``NoticeUnknown``."""


@dataclass(frozen=True, slots=True)
class RetryTimes:
    """How long a notice is tried, and how often.

    The gap doubles from ``first_gap`` to ``longest_gap``; a notice older than ``give_up`` is marked
    failed. ``look_every`` is the interval of queries for due notices, and ``lease`` has to be
    longer than the mailer's deadline. ``ask_every`` is the interval of checks whether the relay
    answers.
    """

    first_gap: timedelta = timedelta(minutes=1)
    longest_gap: timedelta = timedelta(hours=1)
    give_up: timedelta = timedelta(days=3)
    look_every: timedelta = timedelta(seconds=5)
    lease: timedelta = timedelta(minutes=2)
    ask_every: timedelta = timedelta(seconds=50)

    def retry_at(self, message: OutboxMessage, now: datetime) -> datetime | None:
        """Return when to try again after a failed attempt; None: never."""
        doublings = min(max(message.attempts - 1, 0), 16)
        at = now + min(self.first_gap * 2**doublings, self.longest_gap)
        return at if at <= message.created_at + self.give_up else None


RELAY_ANSWERED: Final = "relay-answered"
RELAY_AWAY: Final = "relay-away"
"""The job of checking the relay, by its result."""

_SPAN: Final = timedelta(seconds=40)
"""A little less than ``ask_every``: several processes check, and one of them writes."""

_FRESH: Final = timedelta(minutes=3)
"""How long a check without an answer counts."""


def relay_away_since(uow: UnitOfWork) -> datetime | None:
    """Return since when no process had an answer of the relay; None where it answers."""
    away, answered = uow.jobs.get(RELAY_AWAY), uow.jobs.get(RELAY_ANSWERED)
    if away is None or abs(uow.now - away.done_at) > _FRESH:
        return None
    if answered is None or answered.done_at > uow.now + _FRESH or answered.done_at < away.since:
        return away.since
    return answered.done_at if answered.done_at < away.done_at else None


_OF_ONE: Final = MailRefused | MailDenied | NoticeUnknown
"""What may concern one notice alone; after any other failure the relay is tried with no more."""


class OutboxWorker(threading.Thread):
    """Sends due notices; several may share one store.

    ``relay_answers`` is called in between; None where it is unknown. ``mail_time`` is read again
    as often. ``tag`` returns the tag of a mail in its return path. Where a gateway of text messages
    is away, mail goes on.
    """

    def __init__(
        self,
        store: Store,
        mailer: Mailer,
        clock: Clock,
        compose: Compose,
        times: RetryTimes | None = None,
        relay_answers: Callable[[], bool | None] = lambda: None,
        mail_time: MailTime | None = None,
        tag: Callable[[str], str] = lambda _: "",
    ) -> None:
        super().__init__(name="outbox", daemon=True)
        self._store = store
        self._mailer = mailer
        self._clock = clock
        self._compose = compose
        self._times = times or RetryTimes()
        self._relay_answers = relay_answers
        self._mail_time = mail_time
        self._tag = tag
        self._ask_at = float("-inf")
        self._texts_at = float("-inf")
        self._mend_at = float("-inf")
        self._stopping = threading.Event()

    def stop(self) -> None:
        """End; waits at most ten seconds for a conversation with the relay to finish."""
        self._stopping.set()
        if self.is_alive():
            self.join(10)

    def drain_once(self) -> int:
        """Send due notices until there is no more or the relay does not answer.

        Returns how many were sent; raises ``StoreError`` where the store does not answer.
        """
        sent, goes_on = 0, not self._stopping.is_set()
        record: Callable[[UnitOfWork], None] | None = None
        while goes_on or record is not None:
            try:
                claimed = self._turn(record, claims=goes_on)
            except StoreError:
                if record is not None:  # a row that cannot be claimed keeps none from its mark
                    self._turn(record, claims=False)
                raise
            if not claimed:
                break
            failure, record = self._deliver(claimed[0])
            sent += failure is None
            is_away = failure is not None and not isinstance(failure, _OF_ONE)
            if is_away and is_number(claimed[0].to):
                # Mail does not wait for a gateway of text messages.
                self._texts_at = self._clock.monotonic() + self._times.first_gap.total_seconds()
                is_away = False
            goes_on = not is_away and not self._stopping.is_set()
        return sent

    def record_relay(self) -> None:
        """Record whether the relay answers, when that is due: also while nothing waits."""
        now = self._clock.monotonic()
        if now < self._ask_at:
            return
        self._ask_at = now + self._times.ask_every.total_seconds()
        answers = self._relay_answers()
        if answers is not None:
            with self._store.begin() as uow:
                uow.jobs.claim(RELAY_ANSWERED if answers else RELAY_AWAY, _SPAN)
                uow.commit()
        if self._mail_time is not None:
            with self._store.read() as uow:
                self._mail_time.read(uow)

    def mend_times(self) -> None:
        """Now and then, make due what a wrong clock has put off."""
        now = self._clock.monotonic()
        if now < self._mend_at:
            return
        self._mend_at = now + self._times.ask_every.total_seconds()
        with self._store.begin() as uow:
            uow.outbox.make_due(max(self._times.longest_gap, self._times.lease))
            uow.commit()

    def run(self) -> None:
        """Send what is due, at once and then again and again."""
        trouble = TroubleLog(log, logging.WARNING)
        while not self._stopping.is_set():
            try:
                self.mend_times()
                self.drain_once()
                self.record_relay()
                trouble.note("")
            except StoreError as error:
                trouble.note(f"the outbox cannot be read: {error}")
            except Exception as fault:  # noqa: BLE001 - one notice must not hold up all others
                log.error("a notice cannot be sent\n%s", describe_fault(fault))  # noqa: TRY400
            self._stopping.wait(self._times.look_every.total_seconds())

    def _turn(
        self, record: Callable[[UnitOfWork], None] | None, *, claims: bool
    ) -> tuple[OutboxMessage, ...]:
        """Mark the notice before, and claim the next one in the same transaction."""
        with self._store.begin() as uow:
            if record is not None:
                record(uow)
            claimed = uow.outbox.claim_due(1, self._times.lease) if claims else ()
            uow.commit()
        return claimed

    def _deliver(
        self, message: OutboxMessage
    ) -> tuple[MailError | None, Callable[[UnitOfWork], None]]:
        """Mail one notice; return why it did not go, if it did not, and what records it."""
        try:
            if is_number(message.to) and self._clock.monotonic() < self._texts_at:
                raise MailUnavailable("the gateway of text messages was away a moment ago")
            tag = self._tag(message.id) if message.holder_id else ""
            self._mailer.send(replace(self._compose(message), tag=tag))
        except MailError as error:
            failure = error
        else:
            return None, lambda uow: uow.outbox.mark_sent(message.id)

        def record(uow: UnitOfWork) -> None:
            # By the database's clock, like all its times: this machine's may be another one.
            again = not isinstance(failure, MailRefused)
            retry_at = self._times.retry_at(message, uow.now) if again else None
            fate = f"again at {retry_at:%Y-%m-%d %H:%M:%S} UTC" if retry_at else "given up"
            log.warning("notice %s (%s): %s; %s", message.id, message.template, failure, fate)
            uow.outbox.mark_failed(message.id, retry_at, denied=isinstance(failure, MailDenied))
            if isinstance(failure, MailRefused) and is_number(message.to):
                try:
                    mark(uow, message.id, NO_SUCH_ADDRESS)
                except RowAltered as altered:  # staff are told of it by the check of all rows
                    log.warning("a number that is refused is not marked: %s", altered)

        return failure, record
