"""A real SMTP server that keeps the mail: TLS, login, and nothing leaves this machine.

The demo shows what arrives; the tests make it refuse, go away and come back. It runs a
loop of its own in a thread, and ``aiosmtpd`` is imported when it starts, for it is an
extra that a real station does not have.
"""

from __future__ import annotations

import asyncio
import email
import email.policy
import ipaddress
import logging
import secrets
import ssl
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from kiosk.app.config.settings import MailSettings

if TYPE_CHECKING:
    from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


# Throw-away certificates: an authority that lives as long as the program that made it.
#
# The demo verifies TLS exactly as a real station does; only whom it trusts is made up.

_HOUR = timedelta(hours=1)
_CA_USAGE = x509.KeyUsage(
    digital_signature=True,
    key_cert_sign=True,
    crl_sign=True,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    encipher_only=False,
    decipher_only=False,
)


@dataclass(frozen=True, slots=True)
class Identity:
    """A certificate and its key, both PEM."""

    certificate: bytes
    key: bytes = field(repr=False)


class ThrowAwayAuthority:
    """Signs server certificates for the time of one run; its key is never written down."""

    def __init__(self, now: datetime | None = None) -> None:
        self._now = now or datetime.now(UTC)
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name("Throw-away demo authority")
        self._certificate = self._sign_itself()

    @property
    def certificate(self) -> bytes:
        """The authority's own certificate (PEM), for a ``ca_file``."""
        return self._certificate.public_bytes(serialization.Encoding.PEM)

    def issue(self, *hosts: str, valid: timedelta = timedelta(days=1)) -> Identity:
        """Issue for host names or addresses; a negative ``valid`` makes one that has expired."""
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _builder(_name(hosts[0]), self._name, key, self._now, valid)
        issuer_key = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        builder = builder.add_extension(issuer_key, critical=False)
        return _identity(_for_server(builder, hosts).sign(self._key, hashes.SHA256()), key)

    def _sign_itself(self) -> x509.Certificate:
        builder = _builder(self._name, self._name, self._key, self._now, timedelta(days=1))
        return (
            builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_CA_USAGE, critical=True)
            .sign(self._key, hashes.SHA256())
        )


def self_signed(*hosts: str, now: datetime | None = None) -> Identity:
    """Make a certificate that nobody signed but itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name(hosts[0])
    builder = _builder(name, name, key, now or datetime.now(UTC), timedelta(days=1))
    return _identity(_for_server(builder, hosts).sign(key, hashes.SHA256()), key)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    now: datetime,
    valid: timedelta,
) -> x509.CertificateBuilder:
    subject_key = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(min(now, now + valid) - _HOUR)
        .not_valid_after(now + valid)
        .add_extension(subject_key, critical=False)
    )


def _for_server(
    builder: x509.CertificateBuilder, hosts: tuple[str, ...]
) -> x509.CertificateBuilder:
    return (
        builder.add_extension(
            x509.SubjectAlternativeName([_host(h) for h in hosts]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    )


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _identity(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> Identity:
    return Identity(
        certificate.public_bytes(serialization.Encoding.PEM),
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ),
    )


# A server on an event loop of its own, in a thread that can be stopped and started again.

_WAIT_S = 10


class LoopThread:
    """Runs one TCP server on the loopback address."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended: asyncio.Event | None = None

    def start(
        self,
        protocol: Callable[[], asyncio.Protocol],
        port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> int:
        """Listen on ``port`` (0: a free one) and return it; raises ``OSError``."""
        listening: Future[int] = Future()
        serve = self._serve(protocol, port, tls, listening)
        self._thread = threading.Thread(
            target=lambda: asyncio.run(serve), name=self._name, daemon=True
        )
        self._thread.start()
        return listening.result(_WAIT_S)

    def stop(self) -> None:
        """Hang up, stop listening and end the thread; does nothing when it does not run."""
        if self._thread and self._loop and self._ended:
            self._loop.call_soon_threadsafe(self._ended.set)
            self._thread.join(_WAIT_S)
        self._thread = None

    async def _serve(
        self,
        protocol: Callable[[], asyncio.Protocol],
        port: int,
        tls: ssl.SSLContext | None,
        listening: Future[int],
    ) -> None:
        self._loop, self._ended = asyncio.get_running_loop(), asyncio.Event()
        lines: list[asyncio.Protocol] = []

        def remembered() -> asyncio.Protocol:
            lines.append(protocol())
            return lines[-1]

        try:
            server = await self._loop.create_server(remembered, "127.0.0.1", port, ssl=tls)
        except OSError as error:
            listening.set_exception(error)
            return
        listening.set_result(server.sockets[0].getsockname()[1])
        await self._ended.wait()
        server.close()
        await _hang_up(lines)


async def _hang_up(lines: list[asyncio.Protocol]) -> None:
    for line in lines:
        transport: asyncio.Transport | None = getattr(line, "transport", None)
        if transport is not None:
            transport.abort()
    for _ in range(3):  # each turn of the loop brings a socket one step nearer to its end
        await asyncio.sleep(0)


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
