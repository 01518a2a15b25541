"""A real SMTP server that keeps the mail: TLS, login, and nothing leaves this machine.

It runs an event loop in a thread. ``aiosmtpd`` and ``trustme`` are imported late: they belong to
the extra "demo", which a real station does not have.
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
from concurrent.futures import Future
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from kiosk.config.settings import MailSettings
from kiosk.system.sockets import free_ports

if TYPE_CHECKING:
    from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


HOST = "localhost"
USER = "kiosk"
_WAIT_S = 10


@dataclass(frozen=True, slots=True)
class ReceivedMail:
    sender: str
    to: tuple[str, ...]
    subject: str
    text: str = field(repr=False)
    html: str = field(repr=False)
    raw: bytes = field(repr=False)


class Mailbox:
    """Accepts mail on a free port of the loopback address; ``folder`` keeps its few files.

    A CA made for it alone issues its certificate; the CA's key is never stored.
    """

    def __init__(self, folder: Path) -> None:
        from trustme import CA

        self._folder = folder
        self._authority = CA()
        self._tls_context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._authority.issue_cert(HOST, "127.0.0.1").configure_cert(self._tls_context)
        self._password = secrets.token_urlsafe(12)
        self._mail: list[ReceivedMail] = []
        self._arrived = threading.Condition()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended: asyncio.Event | None = None
        [self._port] = free_ports(1)

    def start(self) -> MailSettings:
        """Listen, always on the same port; return how to reach it. Raises ``OSError``."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._authority.cert_pem.write_to_path(self._folder / "ca.pem")
        login = self._folder / "relay-login"
        login.touch(mode=0o600)
        login.chmod(0o600)
        login.write_bytes(f"{USER}:{self._password}\n".encode())
        listening: Future[None] = Future()
        serve = self._serve(self._protocol(), listening)
        self._thread = threading.Thread(
            target=lambda: asyncio.run(serve), name="mailbox", daemon=True
        )
        self._thread.start()
        listening.result(_WAIT_S)
        return MailSettings(
            host=HOST,
            port=self._port,
            ca_file=str(self._folder / "ca.pem"),
            credential=str(login),
        )

    def stop(self) -> None:
        """Close all connections, stop listening and end the thread; the mail is kept."""
        if self._thread and self._loop and self._ended:
            self._loop.call_soon_threadsafe(self._ended.set)
            self._thread.join(_WAIT_S)
        self._thread = None

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

    async def _serve(
        self, protocol: Callable[[], asyncio.Protocol], listening: Future[None]
    ) -> None:
        """Serve until ``stop``; ``listening`` is done once it listens."""
        self._loop, self._ended = asyncio.get_running_loop(), asyncio.Event()
        lines: list[asyncio.Protocol] = []

        def remembered() -> asyncio.Protocol:
            lines.append(protocol())
            return lines[-1]

        try:
            server = await self._loop.create_server(remembered, "127.0.0.1", self._port)
        except OSError as error:
            listening.set_exception(error)
            return
        listening.set_result(None)
        await self._ended.wait()
        server.close()
        for line in lines:
            transport: asyncio.Transport | None = getattr(line, "transport", None)
            if transport is not None:
                transport.abort()
        for _ in range(3):  # each turn of the loop brings a socket one step nearer to its end
            await asyncio.sleep(0)

    def _protocol(self) -> Callable[[], asyncio.Protocol]:
        from aiosmtpd.smtp import SMTP, AuthResult

        # It warns of its own behaviour, over whatever is on the screen.
        logging.getLogger("mail.log").setLevel(logging.ERROR)

        def judge(
            _server: SMTP, _session: Session, _envelope: Envelope, mechanism: str, given: Any
        ) -> AuthResult:
            login = cast("LoginPassword", given)
            wanted = (USER.encode(), self._password.encode())
            return AuthResult(success=(login.login, login.password) == wanted, handled=False)

        return lambda: SMTP(
            self,
            hostname=HOST,
            tls_context=self._tls_context,
            require_starttls=True,
            auth_required=True,
            authenticator=judge,
            loop=asyncio.get_running_loop(),
        )

    async def handle_DATA(  # noqa: N802 - aiosmtpd calls it by this name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        raw = envelope.content
        raw = raw.encode() if isinstance(raw, str) else raw or b""
        parsed = email.message_from_bytes(raw, policy=email.policy.default)
        received = ReceivedMail(
            sender=envelope.mail_from or "",
            to=tuple(envelope.rcpt_tos),
            subject=str(parsed["Subject"]),
            text=_part(parsed, "plain"),
            html=_part(parsed, "html"),
            raw=raw,
        )
        with self._arrived:
            self._mail.append(received)
            self._arrived.notify_all()
        return "250 2.0.0 OK"


def _part(mail: EmailMessage, kind: Literal["plain", "html"]) -> str:
    body = mail.get_body((kind,))
    return str(body.get_content()) if body else ""
