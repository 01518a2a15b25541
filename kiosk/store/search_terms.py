"""By which words a person is found, and what becomes of what somebody types to find them.

Both sides are brought to one form: no case, no accents, letters and digits alone. So
``O'Brien``, ``o'bri`` and ``OBRIEN`` meet, and a card's number is found with or without
its dashes.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Final

LONGEST: Final = 80
"""Characters that are kept of a term; a card without a GUID is named by 66."""

MOST_WORDS: Final = 8
"""Typed words beyond these narrow nothing."""

_PLAIN: Final = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "ı": "i", "þ": "th", "æ": "ae", "œ": "oe"}
)
"""Letters that Unicode does not take apart into a letter and its accent."""

_SPELT_OUT: Final = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe"})
"""How the same names are written where a keyboard has no such letters."""

_UNSPACED: Final = re.compile(
    "[\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3"
    "\uf900-\ufaff\U00020000-\U0003ffff]+"
)
"""Han, kana and hangul: family and given name stand together, and either is looked for."""

_BETWEEN: Final = re.compile(r"[\W_]+")


def terms_of(
    name: str, number: str, emails: Iterable[str | None], identifiers: Iterable[str | None]
) -> frozenset[str]:
    """Return the terms of one person; what is None or empty gives none."""
    found = set(_of_name(name)) | {_compact(number)}
    for email in filter(None, emails):
        found.update(_of_email(email))
    found.update(_compact(identifier) for identifier in filter(None, identifiers))
    return frozenset(term[:LONGEST] for term in found if term)


def typed_words(text: str) -> tuple[str, ...]:
    """Return what each word of ``text`` has to begin like; the longest first."""
    words = {_compact(word)[:LONGEST] for word in text.split()[:MOST_WORDS]}
    return tuple(sorted(filter(None, words), key=lambda word: (-len(word), word)))


def whole_word(text: str) -> str:
    """Return all of ``text`` as one word: an address, a number, a card as it is recorded."""
    return _compact(text)[:LONGEST]


def joined_word(text: str) -> str:
    """Return a number that was typed with spaces as one word; empty for any other text."""
    joined = whole_word(text)
    spaced = len(text.split()) > 1 and any(sign.isdigit() for sign in joined)
    return joined if spaced else ""


def _of_name(name: str) -> Iterator[str]:
    for word in name.split():
        yield _compact(word)
        yield from _pieces(word)
        yield _compact(_composed(word).translate(_SPELT_OUT))
        yield from (_compact(part) for part in _endings(_composed(word)))


def _endings(word: str) -> Iterator[str]:
    """Yield the ends of a name that is written without spaces, as in 李小龍 or 山田太郎."""
    if _UNSPACED.fullmatch(word):
        yield from (word[at:] for at in range(1, len(word)))


def _of_email(email: str) -> Iterator[str]:
    yield _compact(email)
    local, _, _ = email.partition("@")
    yield from (piece for piece in _pieces(local) if len(piece) > 1)


def _compact(text: str) -> str:
    return _BETWEEN.sub("", _plain(text))


def _pieces(text: str) -> list[str]:
    return [piece for piece in _BETWEEN.split(_plain(text)) if piece]


def _plain(text: str) -> str:
    if text.isascii():
        return text.casefold()
    apart = unicodedata.normalize("NFKD", _composed(text))
    return "".join(sign for sign in apart if unicodedata.category(sign)[0] != "M").translate(_PLAIN)


def _composed(text: str) -> str:
    return unicodedata.normalize("NFKC", text.casefold())
