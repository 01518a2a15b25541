"""A relay that cannot be trusted hears a greeting and nothing more."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiosmtplib
import pytest
from msgspec.structs import replace
from trustme import CA

from kiosk.app.demo.mailbox import HOST, Mailbox
from kiosk.authority.errors import MailNotTrusted, MailUnavailable
from kiosk.authority.mail.smtp import SmtpMailer, relay_from
from kiosk.config.settings import MailSettings
from kiosk.contract.errors import ConfigError
from tests.authority.mail.samples import AUTHORITY, code_mail, relay_at, taken
from tests.support.smtp import (
    Scripted,
    StrippingProxy,
    Wire,
    deliver,
    relay_to,
    running,
    server_context,
)


def issued(authority: CA, host: str = HOST) -> ssl.SSLContext:
    return server_context(authority.issue_cert(host))


def self_signed() -> ssl.SSLContext:
    """Serve a certificate that nobody signed but itself."""
    alone = CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    with alone.cert_pem.tempfile() as certificate, alone.private_key_pem.tempfile() as key:
        context.load_cert_chain(certificate, key)
    return context


def expired() -> ssl.SSLContext:
    an_hour_ago = datetime.now(UTC) - timedelta(hours=1)
    return server_context(AUTHORITY.issue_cert(HOST, not_after=an_hour_ago))


UNTRUSTED: dict[str, tuple[Callable[[], ssl.SSLContext], str]] = {
    "self-signed": (self_signed, "self-signed"),
    "another name": (lambda: issued(AUTHORITY, "relay.example"), "Hostname mismatch"),
    "expired": (expired, "expired"),
    "unknown authority": (lambda: issued(CA()), "unable to get local issuer"),
}


def speaking(context: ssl.SSLContext, security: str) -> Callable[[Wire], None]:
    """Return a relay that takes one message, in TLS from the start or after STARTTLS."""

    def script(wire: Wire) -> None:
        if security == "tls":
            wire.secure(context)
        wire.write_lines("220 relay")
        if security == "starttls":
            wire.expect("EHLO", "250-relay", "250 STARTTLS")
            wire.expect("STARTTLS", "220 go")
            wire.secure(context)
        wire.expect("EHLO", "250 relay")
        taken(wire, "250 ok")

    return script


@pytest.mark.parametrize("security", ["starttls", "tls"])
@pytest.mark.parametrize("kind", UNTRUSTED)
def test_a_bad_certificate_ends_it(tmp_path: Path, kind: str, security: str) -> None:
    make, said = UNTRUSTED[kind]
    with (
        Scripted(speaking(make(), security)) as server,
        closing(SmtpMailer(relay_at(server.port, tmp_path, security=security))) as mailer,
    ):
        with pytest.raises(MailNotTrusted, match=said):
            mailer.send(code_mail())
        with pytest.raises(MailNotTrusted, match=said):
            mailer.check()
    heard = ["EHLO", "STARTTLS"] if security == "starttls" else []
    assert [line.split()[0] for line in server.received] == 2 * heard


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_the_right_certificate_of_the_same_authority_is_trusted(
    tmp_path: Path, security: str
) -> None:
    with Scripted(speaking(issued(AUTHORITY), security)) as server:
        deliver(relay_at(server.port, tmp_path, security=security), code_mail())
    assert "RCPT TO:<jo.smith@trust.nhs.uk>" in server.received


def test_a_stripped_starttls_ends_it(tmp_path: Path) -> None:
    with (
        running(Mailbox(tmp_path)) as settings,
        StrippingProxy(settings.port) as proxy,
        pytest.raises(MailNotTrusted, match="offers no STARTTLS"),
    ):
        deliver(relay_to(replace(settings, port=proxy.port)), code_mail())
    assert [line.split()[0] for line in proxy.received] == ["EHLO"]


def test_a_refused_starttls_ends_it(tmp_path: Path) -> None:
    def refusing(wire: Wire) -> None:
        wire.write_lines("220 relay")
        wire.expect("EHLO", "250-relay", "250-STARTTLS", "250 AUTH PLAIN LOGIN")
        wire.expect("STARTTLS", "454 4.7.0 not now")
        wire.read_line()

    with (
        running(Mailbox(tmp_path)) as settings,
        Scripted(refusing) as server,
        pytest.raises(MailNotTrusted, match="refused it"),
    ):
        deliver(relay_to(replace(settings, port=server.port)), code_mail())
    assert [line.split()[0] for line in server.received] == ["EHLO", "STARTTLS"]


def test_answers_slipped_in_before_tls_are_not_believed(tmp_path: Path) -> None:
    """The clear text behind the 220 claims that all was taken (RFC 3207, 5); TLS says no."""

    def injecting(wire: Wire) -> None:
        wire.write_lines("220 relay")
        wire.expect("EHLO", "250-relay", "250 STARTTLS")
        wire.expect("STARTTLS", "220 go", *["250 taken"] * 8)
        wire.secure(issued(AUTHORITY))
        wire.expect("EHLO", "250 relay")
        wire.expect("MAIL", "550 5.7.1 no")

    with (
        Scripted(injecting) as server,
        pytest.raises((MailNotTrusted, MailUnavailable), match=r"TLS|550 5.7.1 to MAIL"),
    ):
        deliver(relay_at(server.port, tmp_path), code_mail())


def test_a_library_that_leaves_tls_out_sends_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def leave_out(_: aiosmtplib.SMTP) -> None:
        """Say that it is done."""

    def listening(wire: Wire) -> None:
        wire.write_lines("220 relay")
        wire.expect("EHLO", "250-relay", "250 AUTH PLAIN LOGIN")
        wire.read_line()

    monkeypatch.setattr(aiosmtplib.SMTP, "starttls", leave_out)
    with (
        running(Mailbox(tmp_path)) as settings,
        Scripted(listening) as server,
        pytest.raises(MailNotTrusted, match="not encrypted"),
    ):
        deliver(relay_to(replace(settings, port=server.port)), code_mail())
    assert server.received == []


def test_old_tls_is_not_spoken(tmp_path: Path) -> None:
    with running(Mailbox(tmp_path)) as settings:
        context = relay_to(settings).context
    assert context.minimum_version.name == "TLSv1_2"
    assert context.check_hostname


def test_plain_text_where_tls_was_expected_ends_it(tmp_path: Path) -> None:
    with (
        running(Mailbox(tmp_path)) as settings,
        Scripted(lambda wire: wire.write_lines("220 hi")) as plain,
    ):
        relay = relay_to(replace(settings, port=plain.port, security="tls"))
        with pytest.raises(MailNotTrusted, match="TLS with the relay failed"):
            deliver(relay, code_mail())
    assert plain.received == []


def test_a_ca_file_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("no certificate")
    for name in ("none.pem", "empty.pem"):
        settings = MailSettings(ca_file=str(tmp_path / name))
        with pytest.raises(ConfigError, match=f"mail.ca_file .*{name}"):
            relay_from(settings, "x", {})
