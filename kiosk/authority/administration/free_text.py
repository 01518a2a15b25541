"""Free text that staff enter and that is kept with the audit: bounded, readable, and no secret.

It is kept for years and in every export. A PIN, a PUK, a code or a key that is typed into the wrong
field is therefore refused before anything is written.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, TypeVar

from kiosk.authority.administration.people_fields import CellRefused
from kiosk.authority.errors import NotTaken
from kiosk.contract.text import LONGEST_REASON, SHORTEST_REASON, can_be_seen, looks_secret

LONGEST_NAME: Final = 100
"""Characters of the name of a file, a station or an account in the audit."""

REFUSED_FORM: Final = (
    "This looks like a PIN, a PUK, a code or a key, so it is not kept. Say it in words. "
    'A ticket number goes behind a word: "ticket 4711".'
)
NO_ADDRESS: Final = "This is an address and says nothing else. Say why, in words."
_ADDRESS: Final = re.compile(r"\S+@\S+")


def need_words(field: str, text: str) -> None:
    """Raise ``NotTaken`` for a text in the form of a secret; the message does not repeat it.

    ``looks_secret`` defines the forms. An address alone is refused as well.
    """
    if _ADDRESS.fullmatch(text):
        raise NotTaken(field, NO_ADDRESS)
    if looks_secret(text):
        raise NotTaken(field, REFUSED_FORM)


_ASKS: Final = {
    "reason": "Say why",
    "identified_by": "Say how you made sure who this person is",
}


def read_reason(field: str, text: str) -> str:
    """Return a reason, or how somebody was identified, without needless spaces.

    Raises ``NotTaken``.
    """
    tidy = " ".join(text.split())
    if not SHORTEST_REASON <= len(tidy) <= LONGEST_REASON:
        asks = _ASKS[field]
        raise NotTaken(field, f"{asks}, in {SHORTEST_REASON} to {LONGEST_REASON} characters.")
    if not can_be_seen(tidy):
        raise NotTaken(field, "There is a character in it that cannot be shown.")
    need_words(field, tidy)
    return tidy


def cleaned(text: str) -> str:
    """Return a name for the audit: unprintable characters are replaced, the rest is cut."""
    shown = "".join(character if character.isprintable() else "?" for character in text)
    return shown if len(shown) <= LONGEST_NAME else f"{shown[: LONGEST_NAME - 1]}…"


# What staff entered, read by the rules for people files.

Value = TypeVar("Value")

_ABOUT_IT = ("is ", "has ", "must ")


def entered(field: str, read: Callable[[], Value]) -> Value:
    """Return the result of ``read``; raises ``NotTaken``, naming ``field``, with the reason.

    No reason repeats the entered value, so it may be used on secrets.
    """
    try:
        return read()
    except CellRefused as refused:
        reason = refused.reason
    # Raised here, so that not even its context holds the entered value.
    sentence = f"it {reason}" if reason.startswith(_ABOUT_IT) else reason
    raise NotTaken(field, f"{sentence[0].upper()}{sentence[1:]}.")
