"""What a station reads of an X.509 certificate (RFC 5280, 4.1): its key, from when, until when.

A station trusts nothing in it: the authority parses the certificate again, with a library, before
it decides. That library would be a fifth of a station's memory.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from hardware import tlv

SEQUENCE: Final = 0x30
INTEGER: Final = 0x02
_VERSION: Final = 0xA0
_UTC_TIME, _GENERALIZED_TIME = 0x17, 0x18
_FIELDS: Final = (INTEGER, SEQUENCE, SEQUENCE, SEQUENCE, SEQUENCE, SEQUENCE)
"""Serial number, signature, issuer, validity, subject, subjectPublicKeyInfo."""

_BEGIN: Final = "-----BEGIN CERTIFICATE-----"
_END: Final = "-----END CERTIFICATE-----"


@dataclass(frozen=True, slots=True)
class Certificate:
    """``public_key`` is the SubjectPublicKeyInfo; a time is None where it is no date."""

    der: bytes
    public_key: bytes
    not_before: datetime | None
    not_after: datetime | None


def read(der: bytes) -> Certificate | None:
    """Return the certificate; None where these bytes are not one."""
    whole = tlv.find(der, SEQUENCE)
    if whole is None or len(whole) > tlv.LONGEST_MADE or tlv.make(SEQUENCE, whole) != der:
        return None
    fields = list(tlv.elements(tlv.find(whole, SEQUENCE) or b""))
    if fields and fields[0].tag == _VERSION:
        del fields[0]
    if tuple(field.tag for field in fields[: len(_FIELDS)]) != _FIELDS:
        return None
    validity = list(tlv.elements(fields[3].value))
    times = map(_time, validity) if len(validity) == 2 else (None, None)
    return Certificate(der, tlv.make(SEQUENCE, fields[5].value), *times)


def read_pem(text: str) -> Certificate | None:
    """Return the first certificate in a text (RFC 7468); None where there is none."""
    _, begin, rest = text.partition(_BEGIN)
    try:
        return read(ssl.PEM_cert_to_DER_cert(begin + rest.partition(_END)[0] + _END))
    except ValueError:
        return None


def _time(element: tlv.Element) -> datetime | None:
    """Read a time in one of the two forms that certificates use (RFC 5280, 4.1.2.5)."""
    text = element.value.decode("ascii", "replace")
    if element.tag == _UTC_TIME:
        text = ("20" if text[:2] < "50" else "19") + text
    elif element.tag != _GENERALIZED_TIME:
        return None
    digits = text.removesuffix("Z")
    if len(text) != 15 or len(digits) != 14 or not digits.isdigit():
        return None
    try:
        # Not by strptime: its first call took a visit's process longer than to read the card.
        return datetime.fromisoformat(f"{digits[:8]}T{digits[8:]}Z")
    except ValueError:
        return None
