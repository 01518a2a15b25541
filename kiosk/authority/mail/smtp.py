"""The ``Mailer`` that speaks SMTP: one message, one connection, one verdict."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import socket
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.utils import make_msgid
from typing import Any, cast

import aiosmtplib
from emails.backend.response import SMTPResponse
from emails.backend.smtp.aio_backend import AsyncSMTPBackend
from emails.backend.smtp.aio_client import AsyncSMTPClientWithResponse
from emails.message import Message as Mail

from kiosk.app.config.loading import credential_text
from kiosk.app.config.settings import MailSettings
from kiosk.contract.errors import (
    ConfigError,
    MailError,
    MailNotTrusted,
    MailRefused,
    MailUnavailable,
)
from kiosk.contract.policy import email_problem
from kiosk.contract.ports import Message
from kiosk.contract.sensitive import Sensitive

# From what a mail library raises or returns to the three errors of the house.
#
# A relay's own words are not repeated, for they may quote the message: its numbers are.

_ERRNO = re.compile(r"Errno (\d+)")
_ENHANCED = re.compile(r"\b[245]\.\d{1,3}\.\d{1,3}\b")


def mail_error(error: BaseException, otherwise: str) -> MailError:
    """Return our error for one that ended a conversation."""
    for each in _causes(error):
        if isinstance(each, ssl.SSLCertVerificationError):
            return MailNotTrusted(f"the relay's certificate: {each.verify_message}")
        if isinstance(each, ssl.SSLError):
            return MailNotTrusted(f"TLS with the relay failed: {each.reason or 'no reason given'}")
    if isinstance(error, aiosmtplib.SMTPAuthenticationError):
        return MailUnavailable(f"the relay refused the login ({_numbers(error)})")
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return MailUnavailable(f"the relay answered {_numbers(error)}")
    return MailUnavailable(f"{otherwise} ({_system_reason(error) or type(error).__name__})")


def response_error(response: SMTPResponse | None) -> MailError:
    """Return our error for a message that was not taken.

    Only a final refusal (5xx) of the recipient or of the message is ``MailRefused``: one of
    the sender is our own setting, and another recipient would fare no better.
    """
    if response is None or response.status_code is None:
        return MailUnavailable("the relay gave no answer")
    text = (response.status_text or b"").decode("ascii", "replace")
    numbers = _with_enhanced(response.status_code, text)
    said = f"the relay answered {numbers} to {str(response.last_command).upper()}"
    final = 500 <= response.status_code < 600 and response.last_command in ("rcpt", "data")
    return MailRefused(said) if final else MailUnavailable(said)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Walk the chain of causes, each once."""
    seen: set[int] = set()
    following: BaseException | None = error
    while following is not None and id(following) not in seen:
        seen.add(id(following))
        yield following
        following = following.__cause__ or following.__context__


def _system_reason(error: BaseException) -> str:
    """Return what the system said, such as "Connection refused"; empty where it was not asked."""
    for each in _causes(error):
        if isinstance(each, OSError) and not isinstance(each, aiosmtplib.SMTPException):
            if isinstance(each, socket.gaierror):
                return each.strerror or ""
            if found := _ERRNO.search(str(each)):  # there may be several, one an address
                return os.strerror(int(found.group(1)))
    return ""


def _numbers(error: aiosmtplib.SMTPResponseException) -> str:
    return _with_enhanced(error.code, str(error.message))


def _with_enhanced(code: int, text: str) -> str:
    """Add the enhanced status code (RFC 3463) where there is one."""
    found = _ENHANCED.search(text)
    return f"{code} {found.group()}" if found else str(code)


# Where mail is handed over, and how it is known that the relay is the right one.


@dataclass(frozen=True, slots=True)
class Login:
    """Who logs in to the relay."""

    user: str
    password: Sensitive


@dataclass(frozen=True, slots=True)
class Relay:
    """One relay: ``context`` verifies its certificate and name; ``deadline_s`` bounds it all.

    ``greet_as`` is how this machine names itself to the relay (RFC 5321, 4.1.1.1).
    """

    host: str
    port: int
    tls_from_start: bool
    context: ssl.SSLContext
    sender: str
    sender_name: str
    reply_to: str
    login: Login | None
    deadline_s: float
    greet_as: str


def relay_from(settings: MailSettings, sender_name: str, environ: Mapping[str, str]) -> Relay:
    """Read the certificates and the credential that ``settings`` name.

    Raises ``ConfigError`` naming the file that cannot be used.
    """
    return Relay(
        host=settings.host,
        port=settings.port,
        tls_from_start=settings.security == "tls",
        context=verifying_context(settings.ca_file),
        sender=settings.sender,
        sender_name=sender_name,
        reply_to=settings.reply_to,
        login=_login(settings.credential, environ),
        deadline_s=settings.deadline_s,
        greet_as=_greet_as(settings.sender),
    )


def verifying_context(ca_file: str) -> ssl.SSLContext:
    """Return a context for TLS 1.2 or later that demands a good certificate of the right name."""
    try:
        context = ssl.create_default_context(cafile=ca_file or None)
    except OSError as error:  # ssl.SSLError is one: the file is there and holds no certificate
        raise ConfigError(f"mail.ca_file {ca_file}: {error.strerror or error}") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _login(credential: str, environ: Mapping[str, str]) -> Login | None:
    if not credential:
        return None
    user, colon, password = credential_text(credential, environ).reveal().partition(":")
    if not (user and colon and password) or not (user + password).isprintable():
        raise ConfigError(f"mail.credential {credential}: must be one line user:password")
    return Login(user, Sensitive(password))


def _greet_as(sender: str) -> str:
    """Name this machine without asking the name service, which may take seconds to say no."""
    host = socket.gethostname()
    name = host if "." in host else f"{host}.{sender.rpartition('@')[2]}"
    return name if name.isascii() and name.isprintable() and " " not in name else "localhost"


# One conversation with the relay: verified TLS, then login, then one message, once.
#
# Built on the asynchronous client of the ``emails`` package: its synchronous one verifies no
# certificate, and its backend sends a message again when a connection drops, which for a code
# could be twice.

_GOODBYE_S = 1.0


class _Responses:
    """The one thing that the client asks of the backend it thinks it belongs to."""

    def make_response(self, exception: Exception | None = None) -> SMTPResponse:
        return SMTPResponse(exception=exception)


class VerifiedClient(AsyncSMTPClientWithResponse):
    """A client that says nothing but its greeting before TLS is up and verified."""

    def __init__(self, relay: Relay) -> None:
        super().__init__(
            cast(AsyncSMTPBackend, _Responses()),
            ssl=relay.tls_from_start,
            tls=not relay.tls_from_start,
            host=relay.host,
            port=relay.port,
            timeout=relay.deadline_s,
            local_hostname=relay.greet_as,
            tls_context=relay.context,
        )
        self._relay = relay
        self._line: asyncio.Transport | None = None

    async def initialize(self) -> None:
        """Connect, verify and log in; a relay that offers no TLS hears no login."""
        await self._connect()
        await self._smtp.ehlo()
        self._esmtp = True
        if self._relay.login:
            login = self._relay.login
            await self._smtp.login(login.user, login.password.reveal())

    async def leave(self) -> None:
        """Say goodbye, for a second at most: by now the relay has given its answer."""
        with contextlib.suppress(aiosmtplib.SMTPException, OSError, TimeoutError):
            async with asyncio.timeout(_GOODBYE_S):
                await self._smtp.quit()

    async def drop(self) -> None:
        """Cut the line, whatever state it is in, and let the loop close its socket."""
        if self._line is not None:
            self._line.abort()
        self._smtp.close()
        for _ in range(3):  # each turn of the loop brings a socket one step nearer to its end
            await asyncio.sleep(0)

    async def _connect(self) -> None:
        try:
            await self._smtp.connect()
        except aiosmtplib.SMTPException as error:
            # The library has no class of its own for a STARTTLS that is absent or refused.
            if type(error) in (aiosmtplib.SMTPException, aiosmtplib.SMTPResponseException):
                raise MailNotTrusted("the relay offers no STARTTLS, or refused it") from None
            raise
        self._line = cast(asyncio.Transport, self._smtp.transport)
        if self._smtp.get_transport_info("sslcontext") is not self._relay.context:
            raise MailNotTrusted("the connection is not encrypted as it was asked to be")


class _Once:
    """Hands a message to a client that is connected, and never tries again."""

    def __init__(self, client: VerifiedClient) -> None:
        self._client = client

    async def sendmail(
        self, from_addr: str, to_addrs: list[str], msg: Mail, **_: Any
    ) -> SMTPResponse | None:
        """Send as ``emails`` wants it done."""
        response: SMTPResponse | None = await self._client.sendmail(
            from_addr, to_addrs, msg.as_bytes()
        )
        return response


async def converse(relay: Relay, mail: Mail | None) -> SMTPResponse | None:
    """Send ``mail``, or with None only connect, verify and log in; within the deadline.

    Raises ``TimeoutError`` after the relay's deadline, and what the client raises.
    """
    client = VerifiedClient(relay)
    response: SMTPResponse | None = None
    try:
        async with asyncio.timeout(relay.deadline_s):
            await client.initialize()
            if mail is not None:
                response = await mail.send_async(smtp=_Once(client))
        await client.leave()
    finally:
        await client.drop()
    return response


_HEADERS = {
    # RFC 3834: asks other machines not to answer.
    "Auto-Submitted": "auto-generated",
    "X-Auto-Response-Suppress": "All",
}


class SmtpMailer:
    """Hands messages to one relay; safe to use from several threads.

    A call takes the relay's deadline at most, and one second more to say goodbye to a
    relay that has taken the message.
    """

    def __init__(self, relay: Relay) -> None:
        self._relay = relay

    def send(self, message: Message) -> None:
        """Return when the relay took the message (250 after DATA).

        Raises ``MailNotTrusted`` (nothing was sent, nobody logged in), ``MailRefused``
        (the relay will not have this address or message) or ``MailUnavailable``. After
        the last, and only when the answer to DATA was lost, the message may arrive.
        """
        response = self._run(self._build(message))
        if response is None or not response.success:
            raise response_error(response)

    def check(self) -> None:
        """Connect, verify and log in, and send nothing; raises as ``send`` does."""
        self._run(None)

    def _build(self, message: Message) -> Mail:
        if email_problem(message.to, ()):
            raise MailRefused("the address is not one that mail can be sent to")
        relay = self._relay
        return Mail(
            subject=message.subject,
            text=message.text,
            html=message.html,
            mail_from=(relay.sender_name, relay.sender),
            mail_to=[(None, message.to)],
            reply_to=relay.reply_to or None,
            headers=_HEADERS,
            message_id=make_msgid(domain=relay.sender.rpartition("@")[2]),
        )

    def _run(self, mail: Mail | None) -> SMTPResponse | None:
        """Run one conversation on a loop of its own, in the caller's thread."""
        loop = asyncio.new_event_loop()
        try:
            return loop.run_until_complete(converse(self._relay, mail))
        except TimeoutError as error:
            raise mail_error(error, "the relay did not answer in time") from None
        except (aiosmtplib.SMTPException, OSError) as error:
            raise mail_error(error, "the relay cannot be reached") from None
        except ValueError:  # a header with a line break; a text that no charset takes
            raise MailRefused("the message cannot be written as mail") from None
        finally:
            # Not asyncio.run: it would wait for a name service that hangs in a thread.
            loop.close()
