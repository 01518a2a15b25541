"""By which words a person is found, and what becomes of what somebody types to find them.

Both sides are folded as answers are. So ``O'Brien``, ``o'bri`` and ``OBRIEN`` meet, and a
card's number is found with or without its dashes.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Final

from kiosk.folding import fold, folded_words

LONGEST: Final = 80
"""Characters that are kept of a term; a card without a GUID is named by 66."""

MOST_WORDS: Final = 8
"""Typed words beyond these narrow nothing."""

_SPELT_OUT: Final = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe"})
"""How the same names are written where a keyboard has no such letters."""

_UNSPACED: Final = re.compile(
    "[\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3"
    "\uf900-\ufaff\U00020000-\U0003ffff]+"
)
"""Han, kana and hangul: family and given name stand together, and either is looked for."""


def terms_of(
    name: str, number: str, emails: Iterable[str | None], identifiers: Iterable[str | None]
) -> frozenset[str]:
    """Return the terms of one person; what is None or empty gives none."""
    found = set(_of_name(name)) | {fold(number)}
    for email in filter(None, emails):
        found.update(_of_email(email))
    found.update(fold(identifier) for identifier in filter(None, identifiers))
    return frozenset(term[:LONGEST] for term in found if term)


def typed_words(text: str) -> tuple[str, ...]:
    """Return what each word of ``text`` has to begin like; the longest first."""
    words = {fold(word)[:LONGEST] for word in text.split()[:MOST_WORDS]}
    return tuple(sorted(filter(None, words), key=lambda word: (-len(word), word)))


def whole_word(text: str) -> str:
    """Return all of ``text`` as one word: an address, a number, a card as it is recorded."""
    return fold(text)[:LONGEST]


def joined_word(text: str) -> str:
    """Return a number that was typed with spaces as one word; empty for any other text."""
    joined = whole_word(text)
    spaced = len(text.split()) > 1 and any(sign.isdigit() for sign in joined)
    return joined if spaced else ""


def _of_name(name: str) -> Iterator[str]:
    for word in name.split():
        yield fold(word)
        yield from folded_words(word)
        yield fold(_composed(word).translate(_SPELT_OUT))
        yield from (fold(part) for part in _endings(_composed(word)))


def _endings(word: str) -> Iterator[str]:
    """Yield the ends of a name that is written without spaces, as in 李小龍 or 山田太郎."""
    if _UNSPACED.fullmatch(word):
        yield from (word[at:] for at in range(1, len(word)))


def _of_email(email: str) -> Iterator[str]:
    yield fold(email)
    local, _, _ = email.partition("@")
    yield from (piece for piece in folded_words(local) if len(piece) > 1)


def _composed(text: str) -> str:
    return unicodedata.normalize("NFKC", text.casefold())
