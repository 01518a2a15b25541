"""Reading what staff enter, in a file or a form: its value, or a reason that helps to correct it.

A reason never repeats an entry: where two columns are mixed up, it holds an unblock secret.
Spreadsheets silently change long numbers; their traces are recognised and named.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Final, TypeVar, assert_never

from kiosk.authority.errors import NotTaken
from kiosk.authority.refusals import PlainRefusal, ReasonLength
from kiosk.contract import families
from kiosk.contract.messages import CardId
from kiosk.contract.policy import email_problem, tidy_email
from kiosk.contract.sensitive import Sensitive
from kiosk.contract.text import LONGEST_REASON, SHORTEST_REASON, can_be_seen, looks_secret

NAME_LIMIT = 120
LIMIT_MOST = 15
"""A status word 63Cx counts to fifteen (ISO 7816-4)."""

_ROUNDED = re.compile(r"\d([.,]\d+)?[eE][+-]?\d+")
_WHOLE = re.compile(r"\d+[.,]0+")
_OTHER_DATE = re.compile(r"\d{1,2}[./-]\d{1,2}[./-]\d{2,4}")
_FIRST_END = datetime(2000, 1, 1, tzinfo=UTC)
_NO_END = "must be from 2000 to 9999-12-30; leave it empty for a card that does not expire"
"""Programs write the first or the last day of their calendar for no day at all."""
_SHORT_TEXT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,39}")
_HEX = re.compile(r"[0-9A-Fa-f\s:-]+")
_SPREADSHEET = "a spreadsheet has changed it; format the column as text and export it again"


class CellRefused(ValueError):
    """A cell is refused; the text names the cell, and ``reason`` is the reason alone."""

    def __init__(self, cell: str, reason: str) -> None:
        super().__init__(f"{cell}: {reason}")
        self.reason = reason


def read_holder_number(text: str, digits: int) -> str:
    """Return a holder number of so many digits; 0 accepts any short text."""
    if not text:
        raise CellRefused("holder_number", "is empty")
    if _ROUNDED.fullmatch(text):
        raise CellRefused("holder_number", _SPREADSHEET)
    if digits == 0:
        if not _SHORT_TEXT.fullmatch(text):
            raise CellRefused("holder_number", "must be at most 40 letters, digits and . _ / -")
        return text
    if _WHOLE.fullmatch(text):
        raise CellRefused("holder_number", _SPREADSHEET)
    if not (text.isascii() and text.isdigit()) or len(text) > digits:
        raise CellRefused("holder_number", f"must be {digits} digits")
    if len(text) < digits:
        lost = f"has {len(text)} digits and not {digits}; leading zeros may have been lost"
        raise CellRefused("holder_number", lost)
    return text


def read_name(text: str) -> str:
    """Return a name with normalised spaces."""
    tidied = " ".join(text.split())
    if not tidied:
        raise CellRefused("name", "is empty")
    if len(tidied) > NAME_LIMIT or not tidied.isprintable():
        raise CellRefused("name", f"must be at most {NAME_LIMIT} printable characters")
    if not any(sign.isalpha() and can_be_seen(sign) for sign in tidied):
        raise CellRefused("name", "has no letter: is it another column's?")
    return tidied


def read_email(text: str) -> str | None:
    """Return a tidied address; an empty cell is None. Registration checks its domain."""
    tidied = tidy_email(text)
    if not tidied:
        return None
    if email_problem(tidied, ()):
        raise CellRefused("email", "is not an address that mail can be sent to")
    return tidied


def read_family(driver: str) -> families.CardFamily:
    """Return the family of this name; an empty cell is the default one."""
    family = families.FAMILIES.get((driver or families.DEFAULT).lower())
    if family is None:
        allowed = ", ".join(families.FAMILIES)
        raise CellRefused("card_driver", f"allowed: {allowed}")
    return family


def read_card(family: families.CardFamily, identifier: str) -> CardId | None:
    """Return a card's id; an empty identifier is None: a person without a card."""
    if not identifier:
        return None
    if _ROUNDED.fullmatch(identifier):
        raise CellRefused("card_id", _SPREADSHEET)
    form = family.identifier
    found = re.fullmatch(form.pattern, re.sub(r"[\s:-]", "", identifier).lower())
    if not found:
        raise CellRefused("card_id", f"must be {form.words}")
    plain = found[found.lastindex or 0]
    if not plain.strip("0"):
        raise CellRefused("card_id", "is all zeros, as on a card that was never issued")
    for pattern, reason in form.refused:
        if re.fullmatch(pattern, plain):
            raise CellRefused("card_id", reason)
    return CardId(family.name, plain)


def read_unblock_secret(text: str, family: families.CardFamily | None) -> Sensitive | None:
    """Return the secret; an empty cell is None. ``family`` is None where no card is named."""
    if not text:
        return None
    if family is None:
        raise CellRefused("unblock_secret", "there is no card_id that it could belong to")
    if _ROUNDED.fullmatch(text) or _WHOLE.fullmatch(text):
        raise CellRefused("unblock_secret", _SPREADSHEET)
    match family.secret:
        case families.AdminKey():
            try:
                return Sensitive(families.tidy_admin_key(text))
            except ValueError as error:
                raise CellRefused("unblock_secret", str(error)) from None
        case families.TextSecret(shortest=shortest, longest=longest):
            if text.isascii() and text.isprintable() and shortest <= len(text) <= longest:
                return Sensitive(text)
            lengths = f"{longest}" if shortest == longest else f"{shortest} to {longest}"
            lost = text.isdigit() and len(text) < shortest
            hint = "; leading zeros may have been lost" if lost else ""
            raise CellRefused("unblock_secret", f"must be {lengths} digits or letters{hint}")
        case other:
            assert_never(other)


def split_card(text: str) -> tuple[str, str]:
    """Split ``piv 0123...``, as ``kiosk cards read`` prints it; the family may be left out."""
    family, _, rest = text.strip().partition(" ")
    if family.lower() in families.FAMILIES and rest:
        return family.lower(), rest.strip()
    return "", text.strip()


def without_family(text: str) -> str:
    """Return the identifier of a printed line; any other text unchanged."""
    family, rest = split_card(text)
    return rest if family and _HEX.fullmatch(rest) else text


def read_expires(text: str) -> datetime | None:
    """Return the end of the given day, or the given time; an empty cell is None."""
    if not text:
        return None
    try:
        if len(text) <= len("2026-12-31"):
            day = date.fromisoformat(text)
            end = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1)
        else:
            moment = datetime.fromisoformat(text)
            end = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except OverflowError:
        raise CellRefused("expires", _NO_END) from None
    except ValueError:
        hint = "; day and month cannot be told apart" if _OTHER_DATE.fullmatch(text) else ""
        wanted = f"is no day of the form YYYY-MM-DD, such as 2027-03-31{hint}"
        raise CellRefused("expires", wanted) from None
    if end < _FIRST_END:
        raise CellRefused("expires", _NO_END)
    return end


def read_secret_limit(text: str) -> int | None:
    """Return how many wrong secrets the card takes; an empty cell is None."""
    if not text:
        return None
    if text.isascii() and text.isdigit() and 1 <= int(text[:3]) <= LIMIT_MOST and len(text) <= 2:
        return int(text)
    raise CellRefused("secret_limit", f"must be 1 to {LIMIT_MOST}")


# Free text is kept with the audit for years, and in every export. A PIN, a PUK, a code or a key
# that is typed into the wrong field is therefore refused before anything is written.

LONGEST_NAME: Final = 100
"""Characters of the name of a file, a station or an account in the audit."""

_ADDRESS: Final = re.compile(r"\S+@\S+")


def read_reason(field: str, text: str) -> str:
    """Return a reason, or how somebody was identified, without needless spaces.

    Raises ``NotTaken`` that does not repeat it, also for an address alone and for a text that
    ``looks_secret``.
    """
    tidy = " ".join(text.split())
    if not SHORTEST_REASON <= len(tidy) <= LONGEST_REASON:
        identifies = field == "identified_by"
        raise NotTaken(field, ReasonLength(identifies, SHORTEST_REASON, LONGEST_REASON))
    if not can_be_seen(tidy):
        raise NotTaken(field, PlainRefusal.NOT_SHOWABLE)
    if _ADDRESS.fullmatch(tidy):
        raise NotTaken(field, PlainRefusal.ADDRESS_ALONE)
    if looks_secret(tidy):
        raise NotTaken(field, PlainRefusal.LOOKS_SECRET)
    return tidy


def cleaned(text: str) -> str:
    """Return a name for the audit: unprintable characters are replaced, the rest is cut."""
    shown = "".join(character if character.isprintable() else "?" for character in text)
    return shown if len(shown) <= LONGEST_NAME else f"{shown[: LONGEST_NAME - 1]}…"


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
