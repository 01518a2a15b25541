"""The rules of Unlock Kiosk: no screen and no reader is known here."""

from importlib.util import find_spec

HAS_AUTHORITY = find_spec("kiosk.authority") is not None
"""Whether this installation has the authority's code; the package of a station leaves it out."""
