"""Where mail is handed over, and how it is known that the relay is the right one."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass

from kiosk.config.files import credential_text
from kiosk.config.mail import MailSettings
from kiosk.errors import ConfigError
from kiosk.sensitive import Sensitive


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
