"""Sending through a real server: what is taken, what is refused, and what never happens twice."""

from __future__ import annotations

import logging
import threading
import traceback
from contextlib import closing
from dataclasses import replace
from email import message_from_bytes
from pathlib import Path

import pytest
from msgspec import structs

from kiosk.app.demo.mailbox import Mailbox
from kiosk.authority.errors import MailDenied, MailRefused, MailUnavailable
from kiosk.authority.mail.compose import PICTURE, Message
from kiosk.authority.mail.smtp import Login, SmtpMailer, relay_from
from kiosk.config.settings import MailSettings
from kiosk.contract.errors import ConfigError
from kiosk.contract.sensitive import Sensitive
from tests.authority.mail.samples import CODE, SCAN, code_mail, greeted, relay_at, taken
from tests.support.qr import read_qr
from tests.support.smtp import FaultyMailbox, Scripted, Wire, deliver, relay_to, running


def test_a_code_arrives_in_both_parts_and_not_in_the_subject(tmp_path: Path) -> None:
    mailbox = Mailbox(tmp_path)
    with running(mailbox) as settings:
        deliver(relay_to(settings), code_mail())
    (mail,) = mailbox.messages()
    assert mail.to == ("jo.smith@trust.nhs.uk",)
    assert "7093 5218" in mail.text
    assert "7093&nbsp;5218" in mail.html
    assert "7093" not in mail.subject
    headers = mail.raw.split(b"\n\n")[0].decode()
    assert "Auto-Submitted: auto-generated" in headers
    assert "Message-ID: <" in headers
    assert "Bcc" not in headers


def test_picture_of_a_code_is_a_part_of_the_mail_that_its_html_shows(tmp_path: Path) -> None:
    mailbox, sent = Mailbox(tmp_path), code_mail()
    with running(mailbox) as settings:
        deliver(relay_to(settings), sent)
    (mail,) = mailbox.messages()
    parts = list(message_from_bytes(mail.raw).walk())
    kinds = [part.get_content_type() for part in parts]
    assert sorted(kinds) == [
        "image/png", "multipart/alternative", "multipart/mixed", "multipart/related",
        "text/html", "text/plain",
    ]  # fmt: skip
    [picture] = [part for part in parts if part.get_content_type() == "image/png"]
    assert picture["Content-ID"] == f"<{PICTURE}>"
    assert picture.get_content_disposition() == "inline"
    received = picture.get_payload(decode=True)
    assert received == sent.picture
    assert read_qr(sent.picture) == SCAN
    assert SCAN.encode() not in mail.raw
    boundaries = [part.get_boundary() for part in parts if part.is_multipart()]
    assert all(len(boundary or "") == 32 for boundary in boundaries), "drawn here"
    assert len(set(boundaries)) == 3


def test_check_logs_in_and_sends_nothing(tmp_path: Path) -> None:
    mailbox = FaultyMailbox(tmp_path)
    with running(mailbox) as settings, closing(SmtpMailer(relay_to(settings))) as mailer:
        mailer.check()
    assert mailbox.heard == ["AUTH"]


def test_a_wrong_login_sends_nothing_and_is_not_repeated_in_the_error(tmp_path: Path) -> None:
    mailbox = FaultyMailbox(tmp_path)
    with running(mailbox) as settings:
        relay = replace(relay_to(settings), login=Login("kiosk", Sensitive("canary-pass")))
        with pytest.raises(MailUnavailable, match=r"refused the login \(535 5.7.8\)") as caught:
            deliver(relay, code_mail())
    assert "canary" not in str(caught.value)
    assert set(mailbox.heard) == {"AUTH"}


@pytest.mark.parametrize(
    ("command", "answer", "error", "said"),
    [
        ("RCPT", "550 5.1.1 no such user", MailRefused, "550 5.1.1 to RCPT"),
        ("RCPT", "451 4.3.0 later", MailUnavailable, "451 4.3.0 to RCPT"),
        ("MAIL", "550 5.7.1 not you", MailUnavailable, "550 5.7.1 to MAIL"),
        ("RCPT", "554 5.7.1 relay access denied", MailDenied, "554 5.7.1 to RCPT"),
        ("RCPT", "550 5.3.2 not now", MailDenied, "550 5.3.2 to RCPT"),
        ("RCPT", "450 4.7.1 greylisted", MailUnavailable, "450 4.7.1 to RCPT"),
        ("RCPT", "554 no", MailRefused, "554 to RCPT"),
        ("DATA", "550 5.7.26 unauthenticated", MailDenied, "550 5.7.26 to DATA"),
        ("DATA", "554 5.6.0 no", MailRefused, "554 5.6.0 to DATA"),
        ("DATA", "452 4.3.1 full", MailUnavailable, "452 4.3.1 to DATA"),
        ("RCPT", "421 4.3.2 closing", MailUnavailable, "421 4.3.2 to RCPT"),
        ("DATA", "354 more", MailUnavailable, "354 to DATA"),
    ],
)
def test_an_answer_that_is_not_yes_is_an_error(
    tmp_path: Path, command: str, answer: str, error: type[Exception], said: str
) -> None:
    mailbox = FaultyMailbox(tmp_path)
    mailbox.replies[command] = answer
    with running(mailbox) as settings, pytest.raises(error, match=said) as caught:
        deliver(relay_to(settings), code_mail())
    assert type(caught.value) is error
    assert mailbox.messages() == ()
    assert mailbox.heard.count("RCPT") <= 1


def test_a_relay_that_goes_away_and_comes_back(tmp_path: Path) -> None:
    mailbox = Mailbox(tmp_path)
    with running(mailbox) as settings, closing(SmtpMailer(relay_to(settings))) as mailer:
        mailer.send(code_mail())
        mailbox.stop()
        with pytest.raises(MailUnavailable, match=r"cannot be reached \(Connection refused\)"):
            mailer.send(code_mail())
        assert mailbox.start().port == settings.port
        mailer.send(code_mail())
    assert len(mailbox.messages()) == 2


@pytest.mark.parametrize(
    "address",
    [
        "jürgen@trust.nhs.uk",
        "jo@trüst.nhs.uk",
        "jo@trust.nhs.uk\r\nBcc: eve@nhs.net",
        "jo@trust.nhs.uk, eve@nhs.net",
        "Jo <jo@trust.nhs.uk>",
        "jo",
        "",
    ],
)
def test_an_address_that_is_not_plain_never_reaches_the_relay(address: str) -> None:
    nobody_listens = relay_from(MailSettings(port=1), "x", {})
    with pytest.raises(MailRefused, match="the address"):
        deliver(nobody_listens, code_mail(address))


def test_a_line_break_in_a_header_is_refused(tmp_path: Path) -> None:
    mailbox = Mailbox(tmp_path)
    message = Message("jo@trust.nhs.uk", "Hello\r\nBcc: eve@nhs.net", "text", "html")
    with running(mailbox) as settings, pytest.raises(MailRefused, match="cannot be written"):
        deliver(relay_to(settings), message)
    assert mailbox.messages() == ()


@pytest.mark.parametrize("name", ["Trust, The (North) Ærø", 'A "quoted" name', "=?utf-8?q?x?="])
def test_a_sender_name_is_written_safely(tmp_path: Path, name: str) -> None:
    mailbox = Mailbox(tmp_path)
    with running(mailbox) as settings:
        deliver(replace(relay_to(settings), sender_name=name), code_mail())
    assert mailbox.messages()[0].sender == "no-reply@wexbridge.example"


def test_a_sender_with_an_international_domain_is_written_in_ascii(tmp_path: Path) -> None:
    mailbox = Mailbox(tmp_path)
    with running(mailbox) as settings:
        settings = structs.replace(settings, sender="no-reply@trüst.example")
        deliver(relay_to(settings), code_mail())
    (mail,) = mailbox.messages()
    assert mail.sender == "no-reply@xn--trst-1ra.example"
    assert b"<no-reply@xn--trst-1ra.example>" in mail.raw


def test_a_sender_that_cannot_be_written_in_ascii_is_named() -> None:
    for sender in ("jürgen@trust.example", "no-reply@trüst..example"):
        with pytest.raises(ConfigError, match=f"mail.sender {sender}"):
            relay_from(MailSettings(sender=sender), "x", {})


def test_a_refusal_carries_neither_the_address_nor_the_relays_words(tmp_path: Path) -> None:
    mailbox = FaultyMailbox(tmp_path)
    mailbox.replies["RCPT"] = "550 5.1.1 no canary here"
    with running(mailbox) as settings, pytest.raises(MailRefused) as caught:
        deliver(relay_to(settings), code_mail())
    trace = "".join(traceback.format_exception(caught.value))
    assert "jo.smith" not in trace
    assert "canary" not in trace
    assert caught.value.__context__ is None


def test_a_code_appears_in_no_log_record(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    mailbox = FaultyMailbox(tmp_path)
    mailbox.replies["DATA"] = "554 no"
    with running(mailbox) as settings, pytest.raises(MailRefused):
        deliver(relay_to(settings), code_mail())
    client_side = [r for r in caplog.records if r.name != "mail.log"]
    assert CODE not in "".join(r.getMessage() for r in client_side)


# --- relays that misbehave behind good TLS -----------------------------------------------


def test_a_connection_lost_after_the_message_is_not_tried_again(tmp_path: Path) -> None:
    def silenced(wire: Wire) -> None:
        greeted(wire)
        taken(wire)

    with Scripted(silenced) as server:
        with pytest.raises(MailUnavailable):
            deliver(relay_at(server.port, tmp_path, 5), code_mail())
        assert server.calls == 1
    assert sum(line.startswith("RCPT") for line in server.received) == 1


def test_a_refusal_counts_though_the_relay_then_falls_silent(tmp_path: Path) -> None:
    def refusing(wire: Wire) -> None:
        greeted(wire)
        wire.expect("MAIL", "250 ok")
        wire.expect("RCPT", "550 5.1.1 no such user")
        while True:
            wire.read_line()

    with Scripted(refusing) as server, pytest.raises(MailRefused, match=r"550 5.1.1 to RCPT"):
        deliver(relay_at(server.port, tmp_path, 2), code_mail())
    assert server.calls == 1


def test_a_relay_without_login_is_named_as_the_reason(tmp_path: Path) -> None:
    def without_login(wire: Wire) -> None:
        greeted(wire)
        wire.read_line()

    with Scripted(without_login) as server:
        relay = replace(
            relay_at(server.port, tmp_path, 5), login=Login("kiosk", Sensitive("canary-pass"))
        )
        with (
            closing(SmtpMailer(relay)) as mailer,
            pytest.raises(MailUnavailable, match=r"offers no login.*mail\.credential"),
        ):
            mailer.check()
    assert [line.split()[0] for line in server.received] == ["EHLO", "STARTTLS", "EHLO"]


def test_taken_is_taken_whatever_happens_to_the_goodbye(tmp_path: Path) -> None:
    def silent(wire: Wire) -> None:
        greeted(wire)
        taken(wire, "250 ok")
        wire.read_line()
        wire.read_line()

    with Scripted(silent) as server:
        deliver(relay_at(server.port, tmp_path, 5), code_mail())
    assert server.received[-1] == "QUIT"


@pytest.mark.parametrize("where", ["greeting", "offers", "login", "answer"])
def test_a_relay_that_dribbles_for_ever_is_left_at_the_deadline(tmp_path: Path, where: str) -> None:
    """It would dribble as long as somebody listens: that this test ends is what it shows."""
    dribbles, ended = threading.Event(), threading.Event()

    def dribbling(wire: Wire) -> None:
        if where == "offers":
            wire.write_lines("220 relay")
            wire.read_line()
        elif where == "login":
            greeted(wire)
        elif where == "answer":
            greeted(wire)
            taken(wire)
        dribbles.set()
        try:
            wire.send_slowly("250-more\r\n" if where == "offers" else "2")
        finally:
            ended.set()

    deadline_s = 0.3
    with Scripted(dribbling) as server:
        while not dribbles.is_set():  # a busy machine may not come that far in a short time
            with pytest.raises(MailUnavailable, match=r"did not answer in time|answered"):
                deliver(relay_at(server.port, tmp_path, deadline_s), code_mail())
            deadline_s *= 2
        ended.wait()


def test_a_relay_that_takes_the_call_and_says_nothing(tmp_path: Path) -> None:
    def silent(wire: Wire) -> None:
        wire.read_line()

    with (
        Scripted(silent) as server,
        closing(SmtpMailer(relay_at(server.port, tmp_path, 0.2))) as mailer,
        pytest.raises(MailUnavailable, match="did not answer in time"),
    ):
        mailer.check()


def test_a_credential_that_is_not_user_and_password_is_refused(tmp_path: Path) -> None:
    for text in ("nobody", ":x", "user:", "user:a\nb"):
        (tmp_path / "login").write_text(text)
        with pytest.raises(ConfigError, match="user:password") as caught:
            relay_from(MailSettings(credential=str(tmp_path / "login")), "x", {})
        assert text not in str(caught.value).replace("user:password", "")


def test_a_ca_file_that_is_missing_leaves_no_password_in_the_traceback(tmp_path: Path) -> None:
    (tmp_path / "login").write_text("kiosk:canary-pass")
    settings = MailSettings(credential=str(tmp_path / "login"), ca_file=str(tmp_path / "none.pem"))
    with pytest.raises(ConfigError, match=r"mail\.ca_file") as caught:
        relay_from(settings, "x", {})
    frames = [frame.f_locals for frame, _ in traceback.walk_tb(caught.value.__traceback__)]
    assert "canary" not in str(frames)
