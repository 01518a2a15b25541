"""The programs: the command line, the settings, the composition roots and the demo."""

from importlib.util import find_spec

HAS_AUTHORITY = find_spec("kiosk.authority") is not None
"""Whether this installation has the authority's code; the package of a station leaves it out."""
