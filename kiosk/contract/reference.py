"""The short number that a holder reads out and RA staff look up."""

from __future__ import annotations

from kiosk.contract.messages import VisitId

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LOOKS_LIKE = {ord("O"): "0", ord("I"): "1", ord("L"): "1"}
_LENGTH = 8


def reference_of(visit: VisitId) -> str:
    """Return the visit's reference, ``XXXX-XXXX``: 40 bits of its id in Crockford's base 32.

    It depends on the id alone, so that a station can show one while the authority is away.
    """
    bits = int(visit[:10], 16)
    text = "".join(_CROCKFORD[bits >> shift & 31] for shift in range(35, -1, -5))
    return f"{text[:4]}-{text[4:]}"


def read_reference(text: str) -> str | None:
    """Return the reference number that somebody typed; None where it is none.

    Case, spaces and the dash do not matter, and letters that Crockford leaves out stand for
    the digits that they look like.
    """
    typed = "".join(text.upper().replace("-", " ").split()).translate(_LOOKS_LIKE)
    if len(typed) != _LENGTH or not set(typed) <= set(_CROCKFORD):
        return None
    return f"{typed[:4]}-{typed[4:]}"
