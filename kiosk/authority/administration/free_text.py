"""Free text that staff enter and that is kept with the audit: bounded, readable, and no secret.

What is kept with the audit is there for years and in every export. So a PIN, a PUK, a code or a
key that is typed into the wrong field is refused before anything is written.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, TypeVar

from kiosk.authority.administration.people_fields import CellRefused
from kiosk.contract.errors import NotTaken
from kiosk.contract.free_text import looks_secret

LONGEST_NAME: Final = 100
"""Characters of a file's, a station's or an account's name that the audit keeps."""

REFUSED_FORM: Final = (
    "This looks like a PIN, a PUK, a code or a key, so it is not kept. Say it in words. "
    'A ticket number goes behind a word: "ticket 4711".'
)
NO_ADDRESS: Final = "This is an address and says nothing else. Say why, in words."
_ADDRESS: Final = re.compile(r"\S+@\S+")


def need_words(field: str, text: str) -> None:
    """Raise ``NotTaken`` for what has the form of a secret; the message does not repeat it.

    ``looks_secret`` says which forms. An address alone is refused as well.
    """
    if _ADDRESS.fullmatch(text):
        raise NotTaken(field, NO_ADDRESS)
    if looks_secret(text):
        raise NotTaken(field, REFUSED_FORM)


def cleaned(text: str, longest: int = LONGEST_NAME) -> str:
    """Return a name as the audit keeps it: what cannot be shown is replaced, the rest cut."""
    shown = "".join(character if character.isprintable() else "?" for character in text)
    return shown if len(shown) <= longest else f"{shown[: longest - 1]}…"


# What staff entered, read by the rules that a file of people is read by.

Value = TypeVar("Value")

_ABOUT_IT = ("is ", "has ", "must ")


def entered(field: str, read: Callable[[], Value]) -> Value:
    """Return what ``read`` makes of it; raises ``NotTaken``, naming ``field``, with the reason.

    No reason repeats what was entered, so it may be used on secrets.
    """
    try:
        return read()
    except CellRefused as refused:
        reason = refused.reason
    # Raised out here, so that not even its context holds what was entered.
    raise NotTaken(field, _sentence(reason))


def _sentence(reason: str) -> str:
    told = f"it {reason}" if reason.startswith(_ABOUT_IT) else reason
    return f"{told[0].upper()}{told[1:]}."
