"""The short number that a holder reads out and RA staff look up."""

from __future__ import annotations

from kiosk.dialogue import VisitId

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def reference_of(visit: VisitId) -> str:
    """Return the visit's reference, ``XXXX-XXXX``: 40 bits of its id in Crockford's base 32.

    It depends on the id alone, so that a station can show one while the authority is away.
    """
    bits = int(visit[:10], 16)
    text = "".join(_CROCKFORD[bits >> shift & 31] for shift in range(35, -1, -5))
    return f"{text[:4]}-{text[4:]}"
