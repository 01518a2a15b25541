"""Notices that wait: sent once, tried again with growing gaps, given up in the end."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from kiosk.app.demo.mailbox import Mailbox
from kiosk.authority.errors import (
    MailDenied,
    MailNotTrusted,
    MailRefused,
    MailUnavailable,
    StoreError,
)
from kiosk.authority.mail.compose import Mailer, Message, compose_notice
from kiosk.authority.mail.outbox import OutboxWorker, RetryTimes, relay_away_since
from kiosk.authority.mail.smtp import SmtpMailer
from kiosk.authority.records import OutboxMessage, new_id
from kiosk.authority.store.database import Store
from kiosk.authority.store.tables import OutboxRow
from kiosk.config.settings import ServiceSettings
from tests.support.database import MACS, SetClock, TestDatabase
from tests.support.smtp import relay_to, running
from tests.support.stored import stored

QUICK = RetryTimes(look_every=timedelta(milliseconds=10))
NEVER_LOOKS = RetryTimes(look_every=timedelta(hours=1))


class FakeMailer:
    """Takes mail while ``trouble`` is None."""

    def __init__(self) -> None:
        self.taken: list[Message] = []
        self.tried = 0
        self.trouble: Exception | None = None
        self.event = threading.Event()

    def send(self, message: Message) -> None:
        self.tried += 1
        if self.trouble:
            raise self.trouble
        self.taken.append(message)
        self.event.set()

    def check(self) -> None:
        """Always well."""


def compose(message: OutboxMessage) -> Message:
    return compose_notice(
        to=message.to, template=message.template, params=message.params, service=ServiceSettings()
    )


def worker(database: TestDatabase, mailer: Mailer, patience: RetryTimes = QUICK) -> OutboxWorker:
    return OutboxWorker(database.store(), mailer, database.clock, compose, patience)


def queue(database: TestDatabase, template: str = "unlocked", name: str = "Jo") -> str:
    now = database.clock.now()
    notice = OutboxMessage(new_id(), "jo@nhs.net", template, {"holder_name": name}, now, now)
    with database.store().begin() as uow:
        uow.outbox.add(notice)
        uow.commit()
    return notice.id


def kept(database: TestDatabase, message_id: str) -> OutboxMessage:
    with database.store().read() as uow:
        message = stored(uow, OutboxRow, OutboxMessage, id=message_id)
    assert message is not None
    return message


def test_what_waits_is_sent_once(database: TestDatabase) -> None:
    mailer = FakeMailer()
    first, second = queue(database), queue(database)
    sender = worker(database, mailer)
    assert sender.drain_once() == 2
    assert sender.drain_once() == 0
    assert len(mailer.taken) == 2
    assert kept(database, first).sent_at == kept(database, second).sent_at == database.clock.now()


def test_gaps_double_up_to_an_hour_and_end_after_three_days(database: TestDatabase) -> None:
    mailer = FakeMailer()
    mailer.trouble = MailUnavailable("away")
    message_id = queue(database)
    sender, began = worker(database, mailer), database.clock.now()
    gaps = []
    while kept(database, message_id).failed_at is None:
        assert sender.drain_once() == 0
        message = kept(database, message_id)
        gaps.append((message.next_at - database.clock.now()) / timedelta(minutes=1))
        database.clock.time = message.next_at
    assert gaps[:8] == [1, 2, 4, 8, 16, 32, 60, 60]
    assert database.clock.now() - began <= timedelta(days=3, minutes=2)
    tried = mailer.tried
    database.clock.forward(days=1)
    assert sender.drain_once() == 0
    assert mailer.tried == tried > 70


def test_while_the_relay_is_away_one_try_stands_for_all(database: TestDatabase) -> None:
    mailer = FakeMailer()
    mailer.trouble = MailNotTrusted("the relay's certificate: expired")
    ids = [queue(database) for _ in range(3)]
    worker(database, mailer).drain_once()
    assert mailer.tried == 1
    mailer.trouble = None
    assert worker(database, mailer).drain_once() == 2
    database.clock.forward(minutes=1)
    assert worker(database, mailer).drain_once() == 1
    assert all(kept(database, each).sent_at for each in ids)


def test_a_denied_notice_is_tried_again_and_holds_up_nobody(database: TestDatabase) -> None:
    """The relay may relay nothing for us for an hour, or one server may want none of our mail."""

    class Denying(FakeMailer):
        denies = True

        def send(self, message: Message) -> None:
            denied = self.denies and "Eve" in message.text
            self.trouble = MailDenied("554 5.7.1 to RCPT") if denied else None
            super().send(message)

    mailer = Denying()
    denied, fine = queue(database, name="Eve"), queue(database)
    sender = worker(database, mailer)
    assert sender.drain_once() == 1
    assert kept(database, fine).sent_at
    for_ever = queue(database, name="Eve too")
    waits = kept(database, denied)
    assert (waits.denied, waits.failed_at) == (True, None)
    database.clock.time = waits.next_at
    mailer.denies = False
    assert sender.drain_once() == 2
    assert kept(database, denied).sent_at
    assert kept(database, for_ever).sent_at


def test_a_notice_that_stays_denied_is_given_up(database: TestDatabase) -> None:
    mailer = FakeMailer()
    mailer.trouble = MailDenied("550 5.7.1 to RCPT")
    denied, sender = queue(database), worker(database, mailer)
    began = database.clock.now()
    while kept(database, denied).failed_at is None:
        assert sender.drain_once() == 0
        database.clock.time = kept(database, denied).next_at
    assert database.clock.now() - began <= timedelta(days=3, minutes=2)
    with database.store().read() as uow:
        assert (uow.outbox.waiting(), uow.outbox.denied_addresses()) == (0, 0)


def test_a_refused_notice_is_given_up_and_holds_up_nobody(database: TestDatabase) -> None:
    class Picky(FakeMailer):
        def send(self, message: Message) -> None:
            self.trouble = MailRefused("550 5.1.1") if "Eve" in message.text else None
            super().send(message)

    mailer = Picky()
    refused, fine = queue(database, name="Eve"), queue(database)
    assert worker(database, mailer).drain_once() == 1
    assert kept(database, refused).failed_at
    assert kept(database, fine).sent_at
    with database.store().read() as uow:
        assert uow.outbox.waiting() == 0


def test_a_notice_that_only_a_newer_release_knows_is_left_for_its_worker(
    database: TestDatabase,
) -> None:
    mailer = FakeMailer()
    newer, known = queue(database, template="lunch"), queue(database)
    assert worker(database, mailer).drain_once() == 1
    assert kept(database, known).sent_at
    assert kept(database, newer).failed_at is None
    database.clock.forward(minutes=2)

    def compose_newer(message: OutboxMessage) -> Message:
        return compose(replace(message, template="unlocked"))

    store, clock = database.store(), database.clock
    assert OutboxWorker(store, mailer, clock, compose_newer, QUICK).drain_once() == 1
    assert kept(database, newer).sent_at


def test_a_worker_that_died_leaves_its_notice_to_the_next(database: TestDatabase) -> None:
    queue(database)
    with database.store().begin() as uow:
        uow.outbox.claim_due(1, QUICK.lease)
        uow.commit()
    mailer = FakeMailer()
    assert worker(database, mailer).drain_once() == 0
    database.clock.forward(minutes=2)
    assert worker(database, mailer).drain_once() == 1


def test_the_thread_sends_what_is_queued_later_and_stops(database: TestDatabase) -> None:
    mailer = FakeMailer()
    sender = worker(database, mailer)
    sender.start()
    queue(database)
    assert mailer.event.wait(60)
    sender.stop()
    assert all(thread.name != "outbox" for thread in threading.enumerate())


def test_stop_need_not_wait(database: TestDatabase) -> None:
    """It would look again in an hour."""
    mailer = FakeMailer()
    sender = worker(database, mailer, NEVER_LOOKS)
    queue(database)
    sender.start()
    assert mailer.event.wait(60)
    sender.stop()
    assert all(thread.name != "outbox" for thread in threading.enumerate())


def test_a_stop_during_a_send_leaves_the_next_notice_unclaimed(database: TestDatabase) -> None:
    mailer = FakeMailer()
    ids = [queue(database), queue(database)]

    def stop_and_compose(message: OutboxMessage) -> Message:
        sender.stop()
        return compose(message)

    sender = OutboxWorker(database.store(), mailer, database.clock, stop_and_compose, QUICK)
    assert sender.drain_once() == 1
    sent, left = sorted((kept(database, each) for each in ids), key=lambda notice: -notice.attempts)
    assert (sent.sent_at, sent.attempts) == (database.clock.now(), 1)
    assert (left.sent_at, left.attempts) == (None, 0)


def test_the_thread_outlives_a_store_that_is_away(
    database: TestDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    mailer = FakeMailer()
    store = AwayAtFirst(database)
    sender = OutboxWorker(store, mailer, database.clock, compose, QUICK)
    queue(database)
    sender.start()
    assert mailer.event.wait(60)
    sender.stop()
    assert caplog.text.count("the outbox cannot be read: database is away") == 1, (
        "once for all tries"
    )


class AwayAtFirst(Store):
    """A store that does not answer the first two times."""

    def __init__(self, database: TestDatabase) -> None:
        super().__init__(database.url, database.clock, MACS)
        self._away = 2

    def begin(self):  # type: ignore[no-untyped-def]
        self._away -= 1
        if self._away >= 0:
            raise StoreError("database is away")
        return super().begin()


def test_through_a_real_relay_that_comes_back(
    database: TestDatabase, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    mailbox = Mailbox(tmp_path / "mail")
    with running(mailbox) as settings, closing(SmtpMailer(relay_to(settings))) as mailer:
        sender = worker(database, mailer)
        mailbox.stop()
        queue(database)
        assert sender.drain_once() == 0
        assert "cannot be reached" in caplog.text
        mailbox.start()
        database.clock.forward(minutes=1)
        assert sender.drain_once() == 1
    assert mailbox.messages()[0].subject.startswith("Your smartcard was unlocked")


def test_no_log_line_holds_an_address_or_a_name(
    database: TestDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    mailer = FakeMailer()
    mailer.trouble = MailUnavailable("away")
    queue(database, name="Canary")
    worker(database, mailer).drain_once()
    assert "away; again at" in caplog.text
    assert "Canary" not in caplog.text
    assert "@" not in caplog.text


def test_a_notice_that_nobody_can_write_does_not_hold_up_the_next(
    database: TestDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    mailer = FakeMailer()
    broken = queue(database, name="Canary")

    def stumble(message: OutboxMessage) -> Message:
        if message.id == broken:
            raise RuntimeError(f"about {message.params['holder_name']}")
        return compose(message)

    queue(database, name="Ann")
    sender = OutboxWorker(database.store(), mailer, database.clock, stumble, QUICK)
    sender.start()
    assert mailer.event.wait(60)
    sender.stop()
    assert "Ann" in mailer.taken[0].text
    assert "RuntimeError" in caplog.text
    assert "Canary" not in caplog.text


def test_a_notice_that_cannot_be_read_lets_no_sent_one_be_sent_again(
    database: TestDatabase,
) -> None:
    sent = queue(database)
    database.clock.forward(seconds=1)
    broken = queue(database)
    with closing(sqlite3.connect(database.store().file or "")) as connection, connection:
        connection.execute("UPDATE outbox_message SET params = '{' WHERE id = ?", (broken,))
    with pytest.raises(StoreError):
        worker(database, FakeMailer()).drain_once()
    assert kept(database, sent).sent_at == database.clock.now()


@pytest.mark.parametrize("hours", [-100, -2, 2, 100])
def test_the_next_try_is_by_the_clock_of_the_database(database: TestDatabase, hours: int) -> None:
    """By a slower clock of this machine it was due at once, again and again, or given up."""
    message_id = queue(database)
    elsewhere = SetClock(database.clock.now() + timedelta(hours=hours))
    tries = RetryTimes(first_gap=timedelta(hours=1))

    class Denying(FakeMailer):
        def send(self, message: Message) -> None:
            if self.tried == 3:
                sender.stop()
            super().send(message)

    mailer = Denying()
    mailer.trouble = MailDenied("450 4.7.1 to RCPT")
    sender = OutboxWorker(database.store(), mailer, elsewhere, compose, tries)
    sender.drain_once()
    message = kept(database, message_id)
    assert (mailer.tried, message.failed_at) == (1, None)
    assert message.next_at == database.clock.now() + timedelta(hours=1)


def test_the_relay_is_away_since_it_answered_last(database: TestDatabase) -> None:
    store, clock = database.store(), database.clock
    away_since: list[datetime | None] = []
    checked = []
    for answers in (False, True, False, True):
        clock.forward(minutes=1)
        checked.append(clock.now())
        OutboxWorker(
            store, FakeMailer(), clock, compose, QUICK, partial(bool, answers)
        ).record_relay()
        with store.read() as uow:
            away_since.append(relay_away_since(uow))
    assert away_since == [checked[0], None, checked[1], None]


def test_a_notice_that_is_to_be_tried_later_is_not_made_due(database: TestDatabase) -> None:
    mailer = FakeMailer()
    mailer.trouble = MailUnavailable("away")
    message_id = queue(database)
    sender = worker(database, mailer)
    sender.drain_once()
    later = kept(database, message_id).next_at
    sender.mend_times()
    assert kept(database, message_id).next_at == later > database.clock.now()


def test_what_was_queued_by_a_clock_that_was_wrong_is_sent(database: TestDatabase) -> None:
    """It waited until then, while nobody was told."""
    database.clock.forward(days=700)
    early = queue(database)
    database.clock.forward(days=-700)
    mailer = FakeMailer()
    sender = worker(database, mailer)
    sender.start()
    assert mailer.event.wait(60)
    sender.stop()
    assert kept(database, early).sent_at == database.clock.now()
