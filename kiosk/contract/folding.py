"""One folding for answers, names and questions, so that texts match that people take for the same.

Case, spaces, diacritics and punctuation go, so ``Siân O'Brien`` becomes ``sianobrien``. Other
scripts stay as they are, without their marks.

The table is short and part of this product, because hashes of answers are made of folded text: a
library's table that changes with a release would lock people out, and one that spells Han in Latin
letters makes different names alike. Unicode never changes how an assigned character decomposes.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_LETTERS: Final = {
    "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i", "ȷ": "j",
    "ħ": "h", "ŧ": "t", "ŋ": "n", "ĸ": "k", "ƶ": "z", "ǥ": "g", "ɨ": "i", "ʉ": "u", "ə": "e",
    "ǝ": "e", "ɛ": "e", "ɔ": "o", "ɓ": "b", "ɗ": "d", "ɖ": "d", "ƙ": "k", "ƴ": "y", "ɣ": "g",
    "ƒ": "f", "ʋ": "v", "ɲ": "n", "ƀ": "b", "ɍ": "r", "ɏ": "y", "ɉ": "j", "ȼ": "c", "ⱥ": "a",
    "ƚ": "l", "ⱦ": "t", "ɇ": "e",
}  # fmt: skip
"""Latin letters that Unicode does not decompose into a letter and its diacritic."""

_APOSTROPHES: Final = "ʹʺʻʼʽʾʿˈˊˋˮꞌ"
"""Letters to Unicode; people type an apostrophe, or nothing."""

_TABLE: Final = str.maketrans(_LETTERS) | str.maketrans("", "", _APOSTROPHES)
_NO_LETTER_OR_DIGIT: Final = re.compile(r"[\W_]+")
_TYPABLE: Final = re.compile(r"[a-z0-9]*")


def fold(text: str) -> str:
    """Return the letters and digits of ``text``, folded; idempotent."""
    return _NO_LETTER_OR_DIGIT.sub("", _plain(text))


def folded_words(text: str) -> list[str]:
    """Return the folded parts of ``text`` between spaces, signs and punctuation."""
    return [word for word in _NO_LETTER_OR_DIGIT.split(_plain(text)) if word]


def sort_name(name: str) -> str:
    """Return the sort key of a name: each of its words, folded."""
    return " ".join(filter(None, map(fold, name.split())))


def typable(folded: str) -> bool:
    """Return whether a station's on-screen keyboard can type what folds to ``folded``."""
    return _TYPABLE.fullmatch(folded) is not None


def _plain(text: str) -> str:
    if text.isascii():
        return text.lower()
    bare = _without_marks(text)
    if bare.isascii():
        return bare.lower()
    # Folding the case of a compatibility character can leave one more to take apart.
    again = _without_marks(bare.casefold()).casefold()
    return _without_marks(again).translate(_TABLE)


def _without_marks(text: str) -> str:
    apart = unicodedata.normalize("NFKD", text)
    return "".join(sign for sign in apart if unicodedata.category(sign)[0] != "M")
