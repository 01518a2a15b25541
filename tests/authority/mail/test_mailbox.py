"""The demo's mail server: real TLS, a login, and mail that stays here."""

from __future__ import annotations

import smtplib
import threading
from pathlib import Path
from stat import S_IMODE

import pytest

from kiosk.app.demo.mailbox import Mailbox
from kiosk.authority.mail.smtp import verifying_context
from tests.authority.mail.samples import code_mail
from tests.support.smtp import deliver, relay_to, running


def test_waiting_for_mail_ends(tmp_path: Path) -> None:
    mailbox = Mailbox(tmp_path)
    with running(mailbox) as settings:
        deliver(relay_to(settings), code_mail())
        assert len(mailbox.wait_for(1)) == 1
        with pytest.raises(TimeoutError, match="1 of 2"):
            mailbox.wait_for(2, 0.01)


def test_mailbox_takes_no_mail_in_clear_nor_from_strangers(tmp_path: Path) -> None:
    mailbox = Mailbox(tmp_path)
    with (
        running(mailbox) as settings,
        smtplib.SMTP(settings.host, settings.port, timeout=60) as line,
    ):
        line.ehlo()
        assert not line.has_extn("auth")
        assert line.docmd("MAIL FROM:<eve@nhs.net>")[0] == 530
        line.starttls(context=verifying_context("mail", settings.ca_file))
        line.ehlo()
        assert line.docmd("MAIL FROM:<eve@nhs.net>")[0] == 530
    assert mailbox.messages() == ()


def test_secrets_of_the_mailbox_are_for_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "mail"
    with running(Mailbox(folder)):
        assert S_IMODE(folder.stat().st_mode) == 0o700
        assert S_IMODE((folder / "relay-login").stat().st_mode) == 0o600
        assert {path.name for path in folder.iterdir()} == {"ca.pem", "relay-login"}


def test_stopping_twice_or_before_the_start_does_nothing(tmp_path: Path) -> None:
    mailbox = Mailbox(tmp_path)
    mailbox.stop()
    mailbox.start()
    mailbox.stop()
    mailbox.stop()
    assert all(thread.name != "mailbox" for thread in threading.enumerate())
