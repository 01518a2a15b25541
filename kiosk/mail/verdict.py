"""From what a mail library raises or returns to the three errors of the house.

A relay's own words are not repeated, for they may quote the message: its numbers are.
"""

from __future__ import annotations

import os
import re
import socket
import ssl
from collections.abc import Iterator

import aiosmtplib
from emails.backend.response import SMTPResponse

from kiosk.errors import MailError, MailNotTrusted, MailRefused, MailUnavailable

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
