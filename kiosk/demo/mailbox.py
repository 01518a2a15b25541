"""A real SMTP server that keeps the mail: TLS, login, and nothing leaves this machine.

The demo shows what arrives; the tests make it refuse, go away and come back. It runs a
loop of its own in a thread, and ``aiosmtpd`` is imported when it starts, for it is an
extra that a real station does not have.
"""

from __future__ import annotations

import asyncio
import email
import email.policy
import logging
import secrets
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from kiosk.config.mail import MailSettings
from kiosk.demo.certificates import Identity, ThrowAwayAuthority
from kiosk.demo.loop_thread import LoopThread

if TYPE_CHECKING:
    from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

HOST = "localhost"
USER = "kiosk"


@dataclass(frozen=True, slots=True)
class ReceivedMail:
    """One message as it arrived; ``raw`` is all of it."""

    sender: str
    to: tuple[str, ...]
    subject: str
    text: str = field(repr=False)
    html: str = field(repr=False)
    raw: bytes = field(repr=False)


class Mailbox:
    """Takes mail on a free port of the loopback address; ``folder`` keeps its few files.

    ``identity`` replaces the certificate that its own throw-away authority issues.
    ``replies`` maps SMTP commands (``"RCPT"``) to answers given in place of its own.
    ``on_message`` is called from the server's thread: it should only post.
    """

    def __init__(
        self,
        folder: Path,
        *,
        on_message: Callable[[ReceivedMail], None] | None = None,
        identity: Identity | None = None,
        tls_from_start: bool = False,
    ) -> None:
        self.replies: dict[str, str] = {}
        self.heard: list[str] = []
        self._folder = folder
        self._on_message = on_message
        self._tls_from_start = tls_from_start
        self._authority = ThrowAwayAuthority()
        self._identity = identity or self._authority.issue(HOST, "127.0.0.1")
        self._password = secrets.token_urlsafe(12)
        self._mail: list[ReceivedMail] = []
        self._arrived = threading.Condition()
        self._thread = LoopThread("mailbox")
        self._port = 0

    def start(self) -> MailSettings:
        """Listen, on the same port as before if there was one, and say how to reach it."""
        context = self._write_files()
        self._port = self._thread.start(self._protocol(context), self._port, self._outer(context))
        return MailSettings(
            host=HOST,
            port=self._port,
            security="tls" if self._tls_from_start else "starttls",
            ca_file=str(self._folder / "ca.pem"),
            credential=str(self._folder / "relay-login"),
        )

    def stop(self) -> None:
        """Hang up on everybody and stop listening; the mail is kept."""
        self._thread.stop()

    def messages(self) -> tuple[ReceivedMail, ...]:
        """Return what has arrived, oldest first."""
        with self._arrived:
            return tuple(self._mail)

    def wait_for(self, count: int, timeout_s: float = 10) -> tuple[ReceivedMail, ...]:
        """Return the mail once there are ``count`` messages; raises ``TimeoutError``."""
        with self._arrived:
            if not self._arrived.wait_for(lambda: len(self._mail) >= count, timeout_s):
                raise TimeoutError(f"{len(self._mail)} of {count} messages arrived")
            return tuple(self._mail)

    # --- what the server calls ---

    def login(self, given: LoginPassword) -> bool:
        """Judge a login, and remember that there was one."""
        self.heard.append("AUTH")
        return (given.login, given.password) == (USER.encode(), self._password.encode())

    def take(self, envelope: Envelope) -> None:
        """Keep a message, and tell whoever watches."""
        mail = _received(envelope)
        with self._arrived:
            self._mail.append(mail)
            self._arrived.notify_all()
        if self._on_message:
            self._on_message(mail)

    # --- making the server ---

    def _write_files(self) -> ssl.SSLContext:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (self._folder / "ca.pem").write_bytes(self._authority.certificate)
        _write_private(self._folder / "relay-login", f"{USER}:{self._password}\n".encode())
        served = self._folder / "relay.pem"
        _write_private(served, self._identity.certificate + self._identity.key)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(served)
        return context

    def _outer(self, context: ssl.SSLContext) -> ssl.SSLContext | None:
        return context if self._tls_from_start else None

    def _protocol(self, context: ssl.SSLContext) -> Callable[[], asyncio.Protocol]:
        from aiosmtpd.smtp import SMTP, AuthResult

        # It warns of things that it does itself, over whatever is on the screen.
        logging.getLogger("mail.log").setLevel(logging.ERROR)

        def judge(
            _server: SMTP, _session: Session, _envelope: Envelope, mechanism: str, given: Any
        ) -> AuthResult:
            success = self.login(cast("LoginPassword", given))
            return AuthResult(success=success, handled=False)

        return lambda: SMTP(
            _Handler(self),
            hostname=HOST,
            tls_context=None if self._tls_from_start else context,
            require_starttls=not self._tls_from_start,
            auth_require_tls=not self._tls_from_start,
            auth_required=not self._tls_from_start,
            authenticator=judge,
            loop=asyncio.get_running_loop(),
        )


class _Handler:
    """What aiosmtpd asks at each command; it names these methods."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        answer = self._answer("MAIL")
        if answer.startswith("2"):
            envelope.mail_from = address
        return answer

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        answer = self._answer("RCPT")
        if answer.startswith("2"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        answer = self._answer("DATA")
        if answer.startswith("2"):
            self._mailbox.take(envelope)
        return answer

    def _answer(self, command: str) -> str:
        self._mailbox.heard.append(command)
        return self._mailbox.replies.get(command, "250 2.0.0 OK")


def _received(envelope: Envelope) -> ReceivedMail:
    raw = envelope.content
    raw = raw.encode() if isinstance(raw, str) else raw or b""
    parsed = email.message_from_bytes(raw, policy=email.policy.default)
    return ReceivedMail(
        sender=envelope.mail_from or "",
        to=tuple(envelope.rcpt_tos),
        subject=str(parsed["Subject"]),
        text=_part(parsed, "plain"),
        html=_part(parsed, "html"),
        raw=raw,
    )


def _part(mail: EmailMessage, kind: Literal["plain", "html"]) -> str:
    body = mail.get_body((kind,))
    return str(body.get_content()) if body else ""


def _write_private(path: Path, content: bytes) -> None:
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_bytes(content)
