"""What text messages say, how long they are, and that they never hold up mail."""

from __future__ import annotations

import logging
from dataclasses import replace as replace_fields
from datetime import timedelta

import pytest
from msgspec.structs import replace

from kiosk.authority.errors import MailRefused, MailUnavailable
from kiosk.authority.mail import staff_words, words
from kiosk.authority.mail.compose import Message, compose_code, compose_notice
from kiosk.authority.mail.outbox import RetryTimes
from kiosk.authority.records import OutboxMessage, new_id
from kiosk.authority.texts.senders import MailAndTexts
from kiosk.config.settings import ServiceSettings
from kiosk.contract.messages import NOT_ME, Purpose
from kiosk.contract.sensitive import Sensitive
from tests.authority.mail.test_outbox import FakeMailer, kept, queue, worker
from tests.support.database import TestDatabase

NUMBER, CODE, STOP = "+447400123456", "7093521884", "140718263951"
LONGEST = replace(ServiceSettings(), name="N" * 28, ra_contact="C" * 80)
"""The longest texts that the settings take."""

GSM_7 = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    "ÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
"""The signs of 3GPP TS 23.038, 6.2.1: any other one halves what a message holds."""

ONE_SEGMENT, TWO_SEGMENTS = 160, 306


def code_text(service: ServiceSettings = LONGEST) -> Message:
    return compose_code(
        to=NUMBER,
        purpose=Purpose.UNLOCK,
        holder_name="Asha Okafor",
        code=Sensitive(CODE),
        minutes=10,
        service=service,
        stop_number=STOP,
    )


def test_code_fits_one_segment_and_has_no_name_and_no_other_number() -> None:
    message = code_text()
    assert len(message.text) <= ONE_SEGMENT
    assert set(message.text) <= GSM_7
    assert message.secret
    assert (message.subject, message.html, message.picture) == ("", "", b"")
    assert "Asha" not in message.text
    assert "1407" not in message.text
    assert message.text.startswith("70935 21884 is your code for ")
    assert "ten minutes" in message.text


@pytest.mark.parametrize("template", words.TO_HOLDERS)
def test_notice_fits_two_segments(template: str) -> None:
    for stop in ({}, {words.STOP_NUMBER: STOP}):
        params = {"holder_name": "Asha", "reference": "K7QF-2M9X", "station": "S" * 40, **stop}
        message = compose_notice(to=NUMBER, template=template, params=params, service=LONGEST)
        assert len(message.text) <= TWO_SEGMENTS
        assert set(message.text) <= GSM_7
        assert "Asha" not in message.text
        assert LONGEST.ra_contact in message.text
        assert str(words.TO_HOLDERS[template].subject) in message.text
        assert ("1407 1826 3951" in message.text) is bool(stop)


def test_stop_number_is_entered_at_a_station_unless_that_takes_none() -> None:
    def text(template: str) -> str:
        params = {words.STOP_NUMBER: STOP}
        return compose_notice(
            to=NUMBER, template=template, params=params, service=ServiceSettings()
        ).text

    assert str(NOT_ME) in text("unlocked")
    assert str(NOT_ME) not in text("blocked")
    assert "Read 1407 1826 3951 out to: Registration Authority" in text("blocked")


def test_staff_get_no_text_messages() -> None:
    for template in staff_words.TO_STAFF:
        message = compose_notice(
            to="ra@nhs.net", template=template, params={}, service=ServiceSettings()
        )
        assert message.html


class FakeTexts:
    """A gateway that takes every message while ``trouble`` is None."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, str]] = []
        self.tried = 0
        self.trouble: Exception | None = None

    def send(self, to: str, text: str, reference: str = "") -> None:
        self.tried += 1
        if self.trouble:
            raise self.trouble
        self.taken.append((to, text))

    def check(self) -> None:
        """Always well."""


def queue_text(database: TestDatabase) -> str:
    now = database.clock.now()
    notice = OutboxMessage(new_id(), NUMBER, "unlocked", {"reference": "K7QF-2M9X"}, now, now)
    with database.store().begin() as uow:
        uow.outbox.add(notice)
        uow.commit()
    return notice.id


def test_message_goes_by_its_route() -> None:
    mailer, texts = FakeMailer(), FakeTexts()
    sender = MailAndTexts(mailer, texts)
    mail = replace_fields(code_text(), to="asha@nhs.net")
    sender.send(mail)
    sender.send(code_text())
    assert mailer.taken == [mail]
    assert texts.taken == [(NUMBER, code_text().text)]


def test_number_is_refused_where_nobody_sends_text_messages() -> None:
    mailer = FakeMailer()
    with pytest.raises(MailRefused, match="this service sends no text messages"):
        MailAndTexts(mailer, None).send(code_text())
    assert mailer.tried == 0


def test_mail_does_not_wait_for_a_gateway_that_is_away(database: TestDatabase) -> None:
    """One try stands for all text messages, and each of them is sent later."""
    mailer, texts = FakeMailer(), FakeTexts()
    texts.trouble = MailUnavailable("the gateway did not answer in time")
    ids = [queue_text(database) for _ in range(3)]
    ids += [queue(database) for _ in range(2)]
    sender = worker(database, MailAndTexts(mailer, texts))
    assert sender.drain_once() == 2
    assert (texts.tried, len(mailer.taken)) == (1, 2)
    texts.trouble = None
    database.clock.forward(minutes=1)
    assert sender.drain_once() == 3
    assert all(kept(database, each).sent_at for each in ids)


def test_number_that_is_refused_is_given_up_at_once(database: TestDatabase) -> None:
    mailer, texts = FakeMailer(), FakeTexts()
    texts.trouble = MailRefused("Notify answered 400")
    sent = queue_text(database)
    worker(database, MailAndTexts(mailer, texts)).drain_once()
    assert kept(database, sent).failed_at == database.clock.now()


def test_number_is_in_no_log_of_the_outbox(
    database: TestDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    mailer, texts = FakeMailer(), FakeTexts()
    texts.trouble = MailUnavailable("the gateway did not answer in time")
    queue_text(database)
    sender = worker(database, MailAndTexts(mailer, texts), RetryTimes(timedelta(seconds=1)))
    sender.drain_once()
    assert "the gateway did not answer in time" in caplog.text
    assert NUMBER not in caplog.text
