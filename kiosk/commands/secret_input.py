"""Asking for a secret: without echo at a terminal, else the one line of standard input."""

from __future__ import annotations

import getpass
import sys

from kiosk.errors import NotTaken
from kiosk.sensitive import Sensitive


def ask_secret(what: str) -> Sensitive:
    """Return what was entered, twice the same at a terminal; raises ``NotTaken``."""
    if not sys.stdin.isatty():
        return Sensitive(sys.stdin.readline().rstrip("\r\n"))
    given = Sensitive(getpass.getpass(f"{what}: "))
    if given != Sensitive(getpass.getpass(f"{what}, once more: ")):
        raise NotTaken("secret", "Nothing was changed: the two were not the same.")
    return given
