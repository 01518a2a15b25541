"""The ``Mailer`` for SMTP: one message, one verdict; connections are kept for the next message."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import secrets
import socket
import ssl
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass
from email.mime.multipart import MIMEMultipart
from email.utils import make_msgid
from typing import Final

import aiosmtplib
from emails.message import Message as Mail

from kiosk.authority.errors import (
    MailDenied,
    MailError,
    MailNotTrusted,
    MailRefused,
    MailUnavailable,
)
from kiosk.authority.mail.compose import PICTURE, Message
from kiosk.config.loading import credential_text, refusal
from kiosk.config.settings import MailSettings
from kiosk.contract.errors import ConfigError
from kiosk.contract.policy import email_problem
from kiosk.contract.sensitive import Sensitive

# From the mail library's errors to the three errors of mail.
#
# A relay's text is not repeated, as it may quote the message; its numbers are.

_ERRNO = re.compile(r"Errno (\d+)")
_ENHANCED = re.compile(r"\b[245]\.\d{1,3}\.\d{1,3}\b")


def mail_error(error: BaseException) -> MailError:
    """Return our error for one that ended a conversation.

    Only a final refusal (5xx) of the recipient or of the message is ``MailRefused``: a refused
    sender is a mistake in our settings, and another recipient would not help. Nor may it where the
    relay names a policy or the state of its system (5.7 and 5.3 of RFC 3463), as one that relays
    nothing for us does: that is ``MailDenied``.
    """
    for each in _causes(error):  # a verdict stays one though what follows it goes wrong
        match each:
            case ssl.SSLCertVerificationError():
                return MailNotTrusted(f"the relay's certificate: {each.verify_message}")
            case ssl.SSLError():
                reason = each.reason or "no reason given"
                return MailNotTrusted(f"TLS with the relay failed: {reason}")
            case aiosmtplib.SMTPSenderRefused():
                return MailUnavailable(f"the relay answered {_numbers(each)} to MAIL")
            case aiosmtplib.SMTPRecipientRefused():
                return _refusal(each, "RCPT")
            case aiosmtplib.SMTPDataError():
                return _refusal(each, "DATA")
            case aiosmtplib.SMTPAuthenticationError():
                return MailUnavailable(f"the relay refused the login ({_numbers(each)})")
            case aiosmtplib.SMTPResponseException():
                return MailUnavailable(f"the relay answered {_numbers(each)}")
    reason = _system_reason(error) or type(error).__name__
    if isinstance(error, TimeoutError):
        return MailUnavailable(f"the relay did not answer in time ({reason})")
    return MailUnavailable(f"the relay cannot be reached ({reason})")


def _refusal(error: aiosmtplib.SMTPResponseException, command: str) -> MailError:
    numbers = _numbers(error)
    sentence = f"the relay answered {numbers} to {command}"
    if not 500 <= error.code < 600:
        return MailUnavailable(sentence)
    is_policy = numbers.partition(" ")[2].startswith(("5.7.", "5.3."))
    return MailDenied(sentence) if is_policy else MailRefused(sentence)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Walk the chain of causes, each once."""
    seen: set[int] = set()
    following: BaseException | None = error
    while following is not None and id(following) not in seen:
        seen.add(id(following))
        yield following
        following = following.__cause__ or following.__context__


def _system_reason(error: BaseException) -> str:
    """Return the system's error, such as "Connection refused"; empty for none."""
    for each in _causes(error):
        if isinstance(each, OSError) and not isinstance(each, aiosmtplib.SMTPException):
            if isinstance(each, socket.gaierror):
                return each.strerror or ""
            if found := _ERRNO.search(str(each)):  # there may be several, one an address
                return os.strerror(int(found.group(1)))
    return ""


def _numbers(error: aiosmtplib.SMTPResponseException) -> str:
    """Return the code, and the enhanced status code (RFC 3463), if any."""
    found = _ENHANCED.search(str(error.message))
    return f"{error.code} {found.group()}" if found else str(error.code)


# Where mail is handed over, and how the right relay is recognised.


@dataclass(frozen=True, slots=True)
class Login:
    user: str
    password: Sensitive


@dataclass(frozen=True, slots=True)
class Relay:
    """One relay, with what follows from its ``settings``.

    ``context`` verifies its certificate and name. ``sender`` and ``bounces`` are in ASCII.
    ``greet_as`` is this machine's name for the relay (RFC 5321, 4.1.1.1).
    """

    settings: MailSettings
    context: ssl.SSLContext
    sender: str
    sender_name: str
    login: Login | None
    greet_as: str
    bounces: str = ""

    def return_path(self, tag: str) -> str:
        """Return where a mail comes back to: with its own tag, where bounces are wanted."""
        local, _, domain = self.bounces.rpartition("@")
        return f"{local}+{tag}@{domain}" if domain and tag else self.sender


def relay_from(settings: MailSettings, sender_name: str, environ: Mapping[str, str]) -> Relay:
    """Read the certificates and the credential that ``settings`` name.

    Raises ``ConfigError`` naming the file, or the address, that cannot be used.
    """
    sender = in_ascii("sender", settings.sender)
    # This machine's name without a query of the name service, which may take seconds.
    host = socket.gethostname()
    name = host if "." in host else f"{host}.{sender.rpartition('@')[2]}"
    is_a_name = name.isascii() and name.isprintable() and " " not in name
    context, login = verifying_context("mail", settings.ca_file), None
    if credential := settings.credential:  # last: no later error's traceback holds a password
        user, colon, password = credential_text(credential, environ).reveal().partition(":")
        if not (user and colon and password) or not (user + password).isprintable():
            raise ConfigError(f"mail.credential {credential}: must be one line user:password")
        login = Login(user, Sensitive(password))
    return Relay(
        settings=settings,
        context=context,
        sender=sender,
        sender_name=sender_name,
        login=login,
        greet_as=name if is_a_name else "localhost",
        bounces=in_ascii("bounces", settings.bounces) if settings.bounces else "",
    )


def in_ascii(name: str, address: str) -> str:
    """Return the address of a setting as relays take it; raises ``ConfigError``.

    An international domain becomes its A-labels (RFC 5890): few relays accept another form.
    """
    local, _, domain = address.rpartition("@")
    try:
        return (local.encode("ascii") + b"@" + domain.encode("idna")).decode("ascii")
    except UnicodeError:
        raise ConfigError(f"mail.{name} {address}: cannot be written in ASCII") from None


def verifying_context(section: str, ca_file: str) -> ssl.SSLContext:
    """Return a context for TLS 1.2 or later that demands a good certificate of the right name.

    Raises ``ConfigError`` naming the ``ca_file`` of that section of the settings.
    """
    try:
        context = ssl.create_default_context(cafile=ca_file or None)
    except OSError as error:  # ssl.SSLError is one: the file is there and holds no certificate
        raise ConfigError(f"{section}.ca_file {ca_file}: {refusal(error, ca_file)}") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


# One connection to the relay: verified TLS, then login, then one message after the other.

_GOODBYE_S: Final = 1.0


class _Connection:
    """A connection that is verified and logged in; ``opened_at`` is in the loop's time."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay
        self._transport: asyncio.BaseTransport | None = None
        self._client = aiosmtplib.SMTP(
            hostname=relay.settings.host,
            port=relay.settings.port,
            use_tls=relay.settings.security == "tls",
            start_tls=False,  # asked for in open(), which can distinguish its refusal from others
            tls_context=relay.context,
            local_hostname=relay.greet_as,
            timeout=None,  # of each command: one deadline bounds a whole message
        )
        self.opened_at = asyncio.get_running_loop().time()

    @property
    def is_open(self) -> bool:
        """Whether neither side has closed it, as far as is known here."""
        return self._client.is_connected

    async def open(self) -> None:
        """Raises ``MailNotTrusted`` without TLS, and what ``aiosmtplib`` raises."""
        client, relay = self._client, self._relay
        await client.connect()
        if relay.settings.security == "starttls":
            try:
                await client.starttls()
            except aiosmtplib.SMTPException as error:
                # The library has no class for a STARTTLS that is absent or refused.
                if type(error) in (aiosmtplib.SMTPException, aiosmtplib.SMTPResponseException):
                    raise MailNotTrusted("the relay offers no STARTTLS, or refused it") from None
                raise
        self._transport = client.transport
        if client.get_transport_info("sslcontext") is not relay.context:
            raise MailNotTrusted("the connection is not encrypted as it was asked to be")
        await client.ehlo()
        if relay.login:
            if not client.supported_auth_methods:
                raise MailUnavailable(
                    "the relay offers no login that this program knows: "
                    "correct mail.port or leave mail.credential empty"
                )
            await client.login(relay.login.user, relay.login.password.reveal())

    async def reset(self) -> None:
        """End what the last message left; a connection that is gone shows here."""
        await self._client.rset(timeout=self._relay.settings.deadline_s / 4)

    async def address(self, return_path: str, recipient: str) -> None:
        """Begin a message; none can arrive before ``hand_over``."""
        await self._client.mail(return_path)
        await self._client.rcpt(recipient)

    async def hand_over(self, content: bytes) -> None:
        """Return when the relay took the message. If its answer is lost, it may have."""
        await self._client.data(content)

    async def quit(self) -> None:
        """Say goodbye, for a second at most: the relay has already given its verdict."""
        with contextlib.suppress(aiosmtplib.SMTPException, OSError):
            await self._client.quit(timeout=_GOODBYE_S)
        self.drop()

    def drop(self) -> None:
        """Close without waiting for the relay's close_notify."""
        if isinstance(self._transport, asyncio.WriteTransport):
            self._transport.abort()
        self._client.close()


IDLE_S: Final = 5.0
"""How long a connection waits for the next message: a relay under load closes it after ten."""

LIFE_S: Final = 60.0
"""After so long a message gets another connection: certificate and login are checked again."""

MOST: Final = 9
"""Connections for messages at once: of the eight calls that wait for a relay, and the outbox."""


class _Connections(threading.Thread):
    """The connections to one relay, all on the event loop of this thread."""

    def __init__(self, relay: Relay) -> None:
        super().__init__(name="mail", daemon=True)
        self._loop = asyncio.new_event_loop()
        self._relay = relay
        self._idle: dict[_Connection, asyncio.TimerHandle] = {}
        self._places = asyncio.Semaphore(MOST)
        self._goodbyes: set[asyncio.Task[None]] = set()

    def run(self) -> None:
        self._loop.run_forever()
        # Not asyncio.run: it would wait for a name service that hangs in a thread.
        self._loop.close()

    def begin(self, part: Coroutine[None, None, None]) -> Future[None]:
        return asyncio.run_coroutine_threadsafe(part, self._loop)

    async def send(self, return_path: str, recipient: str, content: bytes) -> None:
        """Send a message within the relay's deadline; waits for a connection in it, too.

        Raises ``TimeoutError``, ``MailNotTrusted``, and what ``aiosmtplib`` raises.
        """
        async with asyncio.timeout(self._relay.settings.deadline_s), self._places:
            connection = await self._begun_on_kept(return_path, recipient)
            if connection is None:
                connection = await self._opened()
                with self._ended_by_error(connection):
                    await connection.address(return_path, recipient)
            with self._ended_by_error(connection):
                await connection.hand_over(content)
            timer = asyncio.get_running_loop().call_later(IDLE_S, self._say_goodbye, connection)
            self._idle[connection] = timer

    async def check(self) -> None:
        """Connect, verify and log in on another connection, within the deadline."""
        async with asyncio.timeout(self._relay.settings.deadline_s):
            connection = await self._opened()
        self._say_goodbye(connection)

    async def close(self) -> None:
        """End all connections, within a second, and the loop; messages under way are abandoned."""
        try:
            for connection in list(self._idle):
                self._say_goodbye(connection)
            for task in asyncio.all_tasks() - self._goodbyes - {asyncio.current_task()}:
                task.cancel()
            while under_way := asyncio.all_tasks() - {asyncio.current_task()}:
                await asyncio.wait(under_way)
            for _ in range(3):  # each turn of the loop brings a socket one step nearer to its end
                await asyncio.sleep(0)
        finally:
            self._loop.stop()

    async def _begun_on_kept(self, return_path: str, recipient: str) -> _Connection | None:
        """Begin a message on a kept connection; None where it needs a new one.

        A kept connection may be gone, or the relay may take no more messages on it. So the only
        refusal that counts here is a final one of the recipient.
        """
        connection = self._take()
        if connection is None:
            return None
        try:
            with self._ended_by_error(connection):
                await connection.reset()
                await connection.address(return_path, recipient)
        except aiosmtplib.SMTPRecipientRefused as refused:
            if 500 <= refused.code < 600:
                raise
        except (aiosmtplib.SMTPException, OSError):
            pass
        else:
            return connection
        return None

    async def _opened(self) -> _Connection:
        connection = _Connection(self._relay)
        with self._ended_by_error(connection):
            await connection.open()
        return connection

    @contextlib.contextmanager
    def _ended_by_error(self, connection: _Connection) -> Iterator[None]:
        try:
            yield
        except aiosmtplib.SMTPResponseException:  # the relay answered: it hears a goodbye
            self._say_goodbye(connection)
            raise
        except BaseException:
            connection.drop()
            raise

    def _take(self) -> _Connection | None:
        """Return the connection that was used last, so that those that are not needed end."""
        loop = asyncio.get_running_loop()
        while self._idle:
            connection, timer = self._idle.popitem()
            timer.cancel()
            if connection.is_open and loop.time() - connection.opened_at < LIFE_S:
                return connection
            self._say_goodbye(connection)
        return None

    def _say_goodbye(self, connection: _Connection) -> None:
        if timer := self._idle.pop(connection, None):
            timer.cancel()
        task = asyncio.create_task(connection.quit())
        self._goodbyes.add(task)
        task.add_done_callback(self._goodbyes.discard)


_HEADERS = {
    # RFC 3834: asks other machines not to answer.
    "Auto-Submitted": "auto-generated",
    "X-Auto-Response-Suppress": "All",
}


def _set_boundaries(_: Mail, built: MIMEMultipart) -> None:
    """Where the generator draws them, it compiles a pattern for each: a fifth of the rendering."""
    for part in built.walk():
        if part.is_multipart():
            part.set_boundary(secrets.token_hex(16))


_ENDED: Final = "this program ends"
_NOT_MAIL: Final = "the message cannot be written as mail"


class SmtpMailer:
    """Hands messages to one relay; safe to use from several threads.

    A call takes the relay's deadline at most. The first one starts a thread with the event loop of
    all connections; a forked process starts another.
    """

    def __init__(self, relay: Relay) -> None:
        self._relay = relay
        self._lock = threading.Lock()
        self._running: _Connections | None = None
        self._closed = False

    def send(self, message: Message) -> None:
        """Return when the relay took the message (250 after DATA).

        Raises ``MailNotTrusted`` (nothing was sent, nobody logged in), ``MailRefused``
        (the relay will not have this address or message), ``MailDenied`` or
        ``MailUnavailable``. After the last, and only when the answer to DATA was lost,
        the message may arrive.
        """
        if email_problem(message.to, ()):
            raise MailRefused("the address is not one that mail can be sent to")
        relay = self._relay
        mail = Mail(
            subject=message.subject,
            text=message.text,
            html=message.html,
            mail_from=(relay.sender_name, relay.sender),
            mail_to=[(None, message.to)],
            reply_to=relay.settings.reply_to or None,
            headers=_HEADERS,
            message_id=make_msgid(domain=relay.sender.rpartition("@")[2]),
        )
        if message.picture:
            # As a part, not as a data URI: large mail readers drop those.
            mail.attach(
                filename=PICTURE,
                data=message.picture,
                content_disposition="inline",
                mime_type="image/png",
            )
        mail.after_build = _set_boundaries
        try:
            content: bytes = mail.as_bytes()
        except ValueError:  # a header with a line break; a text that no charset takes
            raise MailRefused(_NOT_MAIL) from None
        path = relay.return_path(message.tag)
        self._converse(lambda connections: connections.send(path, message.to, content))

    def check(self) -> None:
        """Connect, verify and log in, and send nothing; raises as ``send`` does."""
        self._converse(_Connections.check)

    def close(self) -> None:
        """End connections and thread, within a second or two; a message under way is abandoned.

        Every later call raises ``MailUnavailable``.
        """
        with self._lock:
            running, self._running, self._closed = self._running, None, True
            if running is None or not running.is_alive():
                return
            running.begin(running.close())
        running.join()

    def _converse(self, part: Callable[[_Connections], Coroutine[None, None, None]]) -> None:
        """Have it done on the thread of the connections, and wait for its end."""
        failure: MailError | None = None
        try:
            with self._lock:
                if self._closed:
                    raise MailUnavailable(_ENDED)
                if self._running is None or not self._running.is_alive():  # it is not, after a fork
                    self._running = _Connections(self._relay)
                    self._running.start()
                begun = self._running.begin(part(self._running))
            begun.result()
        except (aiosmtplib.SMTPException, OSError) as error:
            failure = mail_error(error)
        except ValueError:  # an address that no charset takes
            failure = MailRefused(_NOT_MAIL)
        except CancelledError:
            failure = MailUnavailable(_ENDED)
        except RuntimeError:  # neither for the connections nor for resolving the relay's name
            failure = MailUnavailable("the relay cannot be reached (no thread can be started)")
        # Raised here: inside the arm, its context would be an error that names the recipient.
        if failure:
            raise failure
