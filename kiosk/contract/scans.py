"""A code by email as a QR code: digits alone, which every keyboard layout types alike.

A version (1), the code, a tag of this one code, and a check digit (ISO/IEC 7812-1, annex B). The
tag is not secret: by it a station knows the code of another card, or of an older mail, before a try
is spent on it.
"""

from __future__ import annotations

from msgspec import Struct

from kiosk.contract.sensitive import Sensitive

TAG_DIGITS = 8
_VERSION = "1"


class ScannedCode(Struct, frozen=True):
    code: Sensitive
    tag: str


def scan_of(code: Sensitive, tag: str) -> Sensitive:
    """Return the digits that the QR code of a mail has."""
    body = f"{_VERSION}{code.reveal()}{tag}"
    return Sensitive(body + _check_digit(body))


def read_scan(scan: Sensitive, digits: int) -> ScannedCode | None:
    """Return the code of so many ``digits`` in what was scanned; None where it is no such code."""
    text = scan.reveal()
    if len(text) != 1 + digits + TAG_DIGITS + 1 or not (text.isascii() and text.isdigit()):
        return None
    body = text[:-1]
    if body[0] != _VERSION or text[-1] != _check_digit(body):
        return None
    return ScannedCode(Sensitive(body[1 : 1 + digits]), body[1 + digits :])


def _check_digit(body: str) -> str:
    doubled = (int(digit) * (2 - place % 2) for place, digit in enumerate(reversed(body)))
    return str(-sum(one - 9 if one > 9 else one for one in doubled) % 10)
