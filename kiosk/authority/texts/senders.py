"""The port that sends text messages, and its adapters: GOV.UK Notify, an HTTP gateway, a command.

All raise the errors of mail. What a gateway answers is not repeated, as it may quote the message;
its numbers are, and the names of its errors.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import os
import re
import ssl
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Protocol, TypeVar
from urllib.parse import urlencode, urlsplit

import aiohttp

from kiosk.authority.errors import (
    MailDenied,
    MailError,
    MailNotTrusted,
    MailRefused,
    MailUnavailable,
)
from kiosk.authority.mail.compose import Mailer, Message
from kiosk.authority.mail.smtp import verifying_context
from kiosk.config.loading import credential_text
from kiosk.config.settings import TextSettings
from kiosk.contract.errors import ConfigError
from kiosk.contract.policy import is_number
from kiosk.contract.ports import Clock
from kiosk.contract.sensitive import Sensitive
from kiosk.system.child import run

T = TypeVar("T")


class TextSender(Protocol):
    """Hands one text message to a gateway."""

    def send(self, to: str, text: str, reference: str = "") -> None:
        """Return when the gateway took it; ``to`` is a number as in ITU-T E.164.

        ``reference`` names the message where a gateway is asked later what became of it.

        Raises ``MailNotTrusted``, ``MailRefused`` (it will never send to this number),
        ``MailDenied`` or ``MailUnavailable``. After the last it may have been sent.
        """

    def check(self) -> None:
        """Look whether messages can be sent, without one; raise a ``MailError`` otherwise."""


class MailAndTexts:
    """Sends mail to mailboxes, and text messages to numbers; ``texts`` None: there are none."""

    def __init__(self, mailer: Mailer, texts: TextSender | None) -> None:
        self._mailer = mailer
        self._texts = texts

    def send(self, message: Message) -> None:
        """Return when relay or gateway took it; raise a ``MailError`` otherwise."""
        if not is_number(message.to):
            self._mailer.send(message)
        elif self._texts is None:
            raise MailRefused("this service sends no text messages")
        else:
            self._texts.send(message.to, message.text, message.tag)

    def check(self) -> None:
        """Look whether the relay answers: without it nobody gets a code."""
        self._mailer.check()


def open_texts(
    settings: TextSettings, environ: Mapping[str, str], clock: Clock
) -> TextSender | None:
    """Return the sender of these settings, if there is one; raises ``ConfigError``."""
    match settings.service:
        case "notify":
            context = verifying_context("texts", settings.ca_file)
            return NotifySender(settings, _key(settings, environ), context, clock)
        case "gateway":
            context = verifying_context("texts", settings.ca_file)
            return GatewaySender(settings, _login(settings, environ), context)
        case "command":
            return CommandSender(settings)
    return None


# One request over verified TLS, within one deadline.

_LONGEST: Final = 64 * 1024
"""Bytes of an answer that are read."""


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    body: bytes = field(repr=False)

    @property
    def read(self) -> Any:
        """The JSON of the answer; None where it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


def _ask(
    method: str,
    url: str,
    context: ssl.SSLContext,
    deadline_s: float,
    headers: Mapping[str, str],
    data: bytes | None = None,
) -> _Answer:
    """Make a request that follows nobody elsewhere; raises ``MailError``."""

    async def asked() -> _Answer:
        timeout = aiohttp.ClientTimeout(total=deadline_s)
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.request(
                method,
                url,
                ssl=context,
                headers=headers,
                data=data,
                allow_redirects=False,
            ) as answer,
        ):
            return _Answer(answer.status, await answer.content.read(_LONGEST))

    return _within(asked(), deadline_s)


def _within(part: Coroutine[Any, Any, T], deadline_s: float) -> T:
    """Run a conversation with the gateway on a loop of its own; raises ``MailError``."""
    failure: MailError
    # Not asyncio.run: it would wait for a name service that hangs in a thread.
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(asyncio.wait_for(part, deadline_s))
    except TimeoutError:
        failure = MailUnavailable("the gateway did not answer in time")
    except aiohttp.ClientConnectorCertificateError as error:
        failure = _not_trusted(error.certificate_error)
    except ssl.SSLError as error:  # aiohttp.ClientConnectorSSLError is one
        failure = _not_trusted(error)
    except (aiohttp.ClientError, OSError) as error:
        number = getattr(error, "errno", None)
        reason = os.strerror(number) if number and number > 0 else type(error).__name__
        failure = MailUnavailable(f"the gateway cannot be reached ({reason})")
    finally:
        loop.close()
    # Raised here: inside the arm, its context would be an error that knows the request.
    raise failure


def _not_trusted(error: BaseException) -> MailNotTrusted:
    if isinstance(error, ssl.SSLCertVerificationError):
        return MailNotTrusted(f"the gateway's certificate: {error.verify_message}")
    reason = getattr(error, "reason", "") or "no reason given"
    return MailNotTrusted(f"TLS with the gateway failed: {reason}")


# GOV.UK Notify, by its API of version 2.

NOTIFY: Final = "https://api.notifications.service.gov.uk"

PLACEHOLDER: Final = "((text))"
"""What the template at Notify has to have: the whole message is put there."""

_UUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_NOTIFY_KEY = re.compile(rf".*?({_UUID})-({_UUID})")


@dataclass(frozen=True, slots=True)
class _NotifyKey:
    service: str
    secret: Sensitive


def _key(settings: TextSettings, environ: Mapping[str, str]) -> _NotifyKey:
    found = _NOTIFY_KEY.fullmatch(credential_text(settings.credential, environ).reveal())
    if found is None:
        raise ConfigError(
            f"texts.credential {settings.credential}: is no API key of GOV.UK Notify, which has a "
            "name and two identifiers"
        )
    return _NotifyKey(found.group(1), Sensitive(found.group(2)))


def _token(key: _NotifyKey, now: datetime) -> str:
    """Return the token of one request (RFC 7519), good for half a minute at Notify."""
    claims = {"iss": key.service, "iat": int(now.timestamp())}
    parts = ({"typ": "JWT", "alg": "HS256"}, claims)
    signed = b".".join(_base64url(json.dumps(part).encode()) for part in parts)
    mac = hmac.digest(key.secret.reveal().encode(), signed, hashlib.sha256)
    return b".".join((signed, _base64url(mac))).decode()


def _base64url(raw: bytes) -> bytes:
    return base64.urlsafe_b64encode(raw).rstrip(b"=")


_FAILED = "/v2/notifications?template_type=sms&status=permanent-failure"
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


@dataclass(frozen=True, slots=True)
class Undelivered:
    """A message that will never arrive, and when that was known: ISO 8601, in UTC."""

    reference: str
    ended_at: str


class NotifySender:
    def __init__(
        self, settings: TextSettings, key: _NotifyKey, context: ssl.SSLContext, clock: Clock
    ) -> None:
        self._settings = settings
        self._key = key
        self._context = context
        self._clock = clock

    def send(self, to: str, text: str, reference: str = "") -> None:
        sent = {
            "phone_number": to,
            "template_id": self._settings.template,
            "personalisation": {"text": text},
            "reference": reference,
        }
        answer = self._ask("POST", "/v2/notifications/sms", json.dumps(sent).encode())
        if answer.status != 201:
            raise _notify_error(answer)

    def check(self) -> None:
        answer = self._ask("GET", f"/v2/template/{self._settings.template}")
        if answer.status != 200:
            raise _notify_error(answer)
        found = answer.read
        is_ours = isinstance(found, dict) and found.get("type") == "sms"
        if not (is_ours and PLACEHOLDER in str(found.get("body"))):
            raise MailUnavailable(f"the template is not one of a text message with {PLACEHOLDER}")

    def undelivered(self) -> tuple[Undelivered, ...]:
        """Return the newest messages whose number is wrong, or refused by its network.

        Raises ``MailError``.
        """
        answer = self._ask("GET", _FAILED)
        if answer.status != 200:
            raise _notify_error(answer)
        found = answer.read
        listed = found.get("notifications") if isinstance(found, dict) else None
        each = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
        return tuple(
            Undelivered(str(one.get("reference")), str(one.get("completed_at")))
            for one in each
            if _MOMENT.fullmatch(str(one.get("completed_at")))
        )

    def _ask(self, method: str, path: str, data: bytes | None = None) -> _Answer:
        token = _token(self._key, self._clock.now())
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        url = (self._settings.url or NOTIFY).rstrip("/") + path
        return _ask(method, url, self._context, self._settings.deadline_s, headers, data)


def _notify_error(answer: _Answer) -> MailError:
    """Return our error for one of Notify's, which it names in its answer.

    A wrong number is ``MailRefused``. What it does not do for this account, as with a key for
    trials, is ``MailDenied``: perhaps for this number alone, perhaps for all.
    """
    found = answer.read
    errors = found.get("errors") if isinstance(found, dict) else None
    first = errors[0] if isinstance(errors, list) and errors else None
    name, said = (
        (str(first.get("error")), str(first.get("message")))
        if isinstance(first, dict)
        else ("", "")
    )
    named = f" ({name})" if re.fullmatch("[A-Za-z]{1,40}", name) else ""
    sentence = f"Notify answered {answer.status}{named}"
    match answer.status, name:
        case 400, "ValidationError" if said.startswith("phone_number"):
            return MailRefused(sentence)
        case 400, _:
            return MailDenied(sentence)
        case 403, _:
            return MailUnavailable(f"{sentence}: it does not take the key, or this clock is wrong")
    return MailUnavailable(sentence)


# Any other gateway that takes one request for each message.


def _login(settings: TextSettings, environ: Mapping[str, str]) -> Sensitive | None:
    """Return the value of the header Authorization."""
    if settings.login == "none":
        return None
    given = credential_text(settings.credential, environ).reveal()
    if not (given and given.isascii() and given.isprintable()):
        raise ConfigError(f"texts.credential {settings.credential}: must be one line of ASCII")
    if settings.login == "bearer":
        return Sensitive(f"Bearer {given}")
    user, colon, password = given.partition(":")
    if not (user and colon and password):
        raise ConfigError(f"texts.credential {settings.credential}: must be user:password")
    return Sensitive(f"Basic {base64.b64encode(given.encode()).decode()}")


class GatewaySender:
    def __init__(
        self, settings: TextSettings, login: Sensitive | None, context: ssl.SSLContext
    ) -> None:
        self._settings = settings
        self._login = login
        self._context = context
        self._body = json.loads(settings.body)
        self._path, _, self._sent = settings.sent_when.partition("=")

    def send(self, to: str, text: str, reference: str = "") -> None:
        filled = _filled(self._body, {"to": to, "text": text})
        headers = {"Authorization": self._login.reveal()} if self._login else {}
        if self._settings.encoding == "form":
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            data = urlencode(filled).encode()
        else:
            headers["Content-Type"] = "application/json"
            data = json.dumps(filled).encode()
        named = self._settings
        answer = _ask("POST", named.url, self._context, named.deadline_s, headers, data)
        if answer.status in _OF_MESSAGE:
            raise MailDenied(f"the gateway answered {answer.status}")
        if not 200 <= answer.status < 300:
            raise MailUnavailable(f"the gateway answered {answer.status}")
        if self._path and str(_at(answer.read, self._path)) != self._sent:
            raise MailDenied(f"the gateway's answer has no {self._path} of {self._sent}")

    def check(self) -> None:
        url = urlsplit(self._settings.url)

        async def connected() -> None:
            _, writer = await asyncio.open_connection(
                url.hostname, url.port or _HTTPS, ssl=self._context
            )
            writer.transport.abort()

        _within(connected(), self._settings.deadline_s)


_HTTPS: Final = 443

_OF_MESSAGE: Final = (400, 404, 422)
"""It does not take this request: perhaps for its number, perhaps as ``body`` does not suit it."""


def _filled(template: Any, values: Mapping[str, str]) -> Any:
    """Return the template with ``{to}`` and ``{text}`` in its texts; what they hold stays as is."""
    if isinstance(template, str):
        return re.sub(r"\{(to|text)\}", lambda found: values[found.group(1)], template)
    if isinstance(template, list):
        return [_filled(each, values) for each in template]
    if isinstance(template, dict):
        return {name: _filled(each, values) for name, each in template.items()}
    return template


def _at(answer: Any, path: str) -> Any:
    """Return what an answer has at a path such as ``messages.0.status``; None for nothing."""
    for word in path.split("."):
        if isinstance(answer, dict):
            answer = answer.get(word)
        elif isinstance(answer, list) and word.isdecimal() and int(word) < len(answer):
            answer = answer[int(word)]
        else:
            return None
    return answer


# A command of the machine's, as one of a modem.

_DATA_ERROR, _NO_USER = 65, 67
"""EX_DATAERR and EX_NOUSER of sysexits.h: the command will never send to this number."""


class CommandSender:
    """Runs a command with the number as its argument, and the message as its standard input."""

    def __init__(self, settings: TextSettings) -> None:
        self._command = settings.command
        self._deadline_s = settings.deadline_s

    def send(self, to: str, text: str, reference: str = "") -> None:
        try:
            ended = run(self._command, to, given=text, within_s=self._deadline_s)
        except OSError as error:  # TimeoutError is one
            reason = error.strerror or str(error)
            raise MailUnavailable(f"{self._command} cannot be run ({reason})") from None
        if ended.code in (_DATA_ERROR, _NO_USER):
            raise MailRefused(f"{self._command} ended with {ended.code}")
        if ended.code:
            raise MailUnavailable(f"{self._command} ended with {ended.code}")

    def check(self) -> None:
        if not os.access(self._command, os.X_OK):
            raise MailUnavailable(f"{self._command} cannot be run by this account")
