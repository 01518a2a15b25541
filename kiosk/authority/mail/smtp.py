"""The ``Mailer`` for SMTP: one message, one connection, one verdict."""

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

import aiosmtplib
from emails.message import Message as Mail

from kiosk.authority.errors import (
    MailDenied,
    MailError,
    MailNotTrusted,
    MailRefused,
    MailUnavailable,
)
from kiosk.authority.mail.message import Message
from kiosk.config.loading import credential_text
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
            case aiosmtplib.SMTPRecipientsRefused(recipients=[refusal, *_]):
                return _refusal(refusal, "RCPT")
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
    """One relay: ``context`` verifies its certificate and name; ``deadline_s`` bounds it all.

    ``greet_as`` is this machine's name for the relay (RFC 5321, 4.1.1.1). ``sender`` is in ASCII.
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

    Raises ``ConfigError`` naming the file, or the address, that cannot be used.
    """
    sender = _ascii_address(settings.sender)
    return Relay(
        host=settings.host,
        port=settings.port,
        tls_from_start=settings.security == "tls",
        context=verifying_context(settings.ca_file),
        sender=sender,
        sender_name=sender_name,
        reply_to=settings.reply_to,
        login=_login(settings.credential, environ),
        deadline_s=settings.deadline_s,
        greet_as=_greet_as(sender),
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


def _ascii_address(address: str) -> str:
    """Write an international domain as its A-labels (RFC 5890): few relays accept another form."""
    local, _, domain = address.rpartition("@")
    try:
        return (local.encode("ascii") + b"@" + domain.encode("idna")).decode("ascii")
    except UnicodeError:
        raise ConfigError(f"mail.sender {address}: cannot be written in ASCII") from None


def _greet_as(sender: str) -> str:
    """Return this machine's name without a query of the name service, which may take seconds."""
    host = socket.gethostname()
    name = host if "." in host else f"{host}.{sender.rpartition('@')[2]}"
    return name if name.isascii() and name.isprintable() and " " not in name else "localhost"


# One conversation with the relay: verified TLS, then login, then one message, once.

_GOODBYE_S = 1.0


async def converse(relay: Relay, recipient: str = "", content: bytes = b"") -> None:
    """Send ``content``, or without it only connect, verify and log in; within the deadline.

    Raises ``TimeoutError`` after the relay's deadline, ``MailNotTrusted`` without TLS, and
    what ``aiosmtplib`` raises.
    """
    client = aiosmtplib.SMTP(
        hostname=relay.host,
        port=relay.port,
        use_tls=relay.tls_from_start,
        start_tls=False,  # asked for below, where its refusal can be told from others
        tls_context=relay.context,
        local_hostname=relay.greet_as,
        timeout=None,  # of each command: one deadline bounds them all
    )
    transport: asyncio.BaseTransport | None = None
    try:
        async with asyncio.timeout(relay.deadline_s):
            await client.connect()
            if not relay.tls_from_start:
                await _start_tls(client)
            transport = client.transport
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
            if content:
                await client.sendmail(relay.sender, recipient, content)
    except (
        aiosmtplib.SMTPSenderRefused,
        aiosmtplib.SMTPRecipientsRefused,
        aiosmtplib.SMTPDataError,
    ):
        await _quit(client)
        raise
    else:
        await _quit(client)
    finally:
        await _drop(client, transport)


async def _start_tls(client: aiosmtplib.SMTP) -> None:
    try:
        await client.starttls()
    except aiosmtplib.SMTPException as error:
        # The library has no class for a STARTTLS that is absent or refused.
        if type(error) in (aiosmtplib.SMTPException, aiosmtplib.SMTPResponseException):
            raise MailNotTrusted("the relay offers no STARTTLS, or refused it") from None
        raise


async def _quit(client: aiosmtplib.SMTP) -> None:
    """Wait for a second at most: the relay has already given its verdict."""
    with contextlib.suppress(aiosmtplib.SMTPException, OSError):
        await client.quit(timeout=_GOODBYE_S)


async def _drop(client: aiosmtplib.SMTP, transport: asyncio.BaseTransport | None) -> None:
    """Close the connection without waiting for the relay's close_notify."""
    if isinstance(transport, asyncio.WriteTransport):
        transport.abort()
    client.close()
    for _ in range(3):  # each turn of the loop brings a socket one step nearer to its end
        await asyncio.sleep(0)


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
        (the relay will not have this address or message), ``MailDenied`` or
        ``MailUnavailable``. After the last, and only when the answer to DATA was lost,
        the message may arrive.
        """
        if email_problem(message.to, ()):
            raise MailRefused("the address is not one that mail can be sent to")
        self._converse(message)

    def check(self) -> None:
        """Connect, verify and log in, and send nothing; raises as ``send`` does."""
        self._converse(None)

    def _converse(self, message: Message | None) -> None:
        """Run one conversation on a separate event loop, in the caller's thread."""
        failure: MailError | None = None
        loop = asyncio.new_event_loop()
        try:
            if message is None:
                conversation = converse(self._relay)
            else:
                conversation = converse(self._relay, message.to, self._written(message))
            loop.run_until_complete(conversation)
        except (aiosmtplib.SMTPException, OSError) as error:
            failure = mail_error(error)
        except ValueError:  # a header with a line break; a text that no charset takes
            failure = MailRefused("the message cannot be written as mail")
        finally:
            # Not asyncio.run: it would wait for a name service that hangs in a thread.
            loop.close()
        # Raised here: inside the arm, its context would be an error that names the recipient.
        if failure:
            raise failure

    def _written(self, message: Message) -> bytes:
        relay = self._relay
        mail = Mail(
            subject=message.subject,
            text=message.text,
            html=message.html,
            mail_from=(relay.sender_name, relay.sender),
            mail_to=[(None, message.to)],
            reply_to=relay.reply_to or None,
            headers=_HEADERS,
            message_id=make_msgid(domain=relay.sender.rpartition("@")[2]),
        )
        written: bytes = mail.as_bytes()
        return written
