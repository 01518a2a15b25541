"""What people write and read out: texts that match, texts that hold a secret, numbers to type.

There is one folding for answers, names and questions, so that texts match that people take for the
same. Case, spaces, diacritics and punctuation go, so ``Siân O'Brien`` becomes ``sianobrien``. Other
scripts stay as they are, without their marks.

Its table is short and part of this product, because hashes of answers are made of folded text: a
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


BASE32: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's, for numbers that people read out and type: no two characters look alike."""

_LOOK_ALIKES: Final = str.maketrans("ILO", "110")


def encode_base32(number: int, length: int) -> str:
    """Return the lowest ``5 * length`` bits of ``number`` in ``length`` characters."""
    return "".join(BASE32[number >> 5 * at & 31] for at in reversed(range(length)))


def decode_base32(text: str) -> int:
    """Return the number that was written; raises ``ValueError`` for another character."""
    number = 0
    for sign in text:
        number = number << 5 | BASE32.index(sign)
    return number


def typed_base32(text: str) -> str:
    """Return ``text`` without spaces and dashes, in capitals, with I and L as 1 and O as 0.

    It may still contain characters that are not in the alphabet.
    """
    return "".join(text.replace("-", " ").split()).upper().translate(_LOOK_ALIKES)


# Saved codes: a digit that names the code, and signs that hold 70 bits: 7K7QF-2M9X4-TRD0A.

SAVED_CODE_SIGNS: Final = 14
"""Beside the digit. SP 800-63B-4, 4.2.1.1, asks for 64 bits at least."""

_SAVED_CODE_GROUP: Final = 5


def read_saved_code(text: str) -> str | None:
    """Return a typed saved code without dashes; None for a text that cannot be one."""
    typed = typed_base32(text)
    is_one = len(typed) == 1 + SAVED_CODE_SIGNS and typed[0] in BASE32[:10]
    return typed if is_one and set(typed) <= set(BASE32) else None


def shown_saved_code(code: str) -> str:
    """Write a saved code in groups, the way people copy it."""
    size = _SAVED_CODE_GROUP
    return "-".join(code[at : at + size] for at in range(0, len(code), size))


def group_size(digits: int) -> int:
    """Return the size of the groups in which so many digits are written.

    Two groups, as in a code of eight digits; three where there are nine or twelve.
    """
    return digits // 3 if digits > 8 and digits % 3 == 0 else (digits + 1) // 2


def in_groups(digits: str) -> str:
    """Write digits the way people read them aloud."""
    size = group_size(len(digits))
    return " ".join(digits[at : at + size] for at in range(0, len(digits), size))


SHORTEST_REASON: Final = 3
LONGEST_REASON: Final = 300
"""Characters of a reason that staff give."""

LONGEST_WORDS: Final = 100
"""Characters of an officer's own reason."""

_WORD: Final = re.compile(r"[^\W\d_]{3,}")
_LONG_HEX: Final = re.compile(r"(?:[0-9a-f]{2}[\s:.-]?){15,}[0-9a-f]{2}", re.IGNORECASE)
_NAMED_SECRET: Final = re.compile(
    r"\b(?:so[\s-]?pin|pin|puk|pac|otp|code|secret|password|passphrase|admin(?:[\s-]?(?:pin|key))?)"
    r"(?![^\W\d_])"
    r"(?:[\s:=\"'.,-]|\b(?:is|was|now|to|new|number|no)\b)*"
    r"(?:\d[\s-]?){4,}",
    re.IGNORECASE,
)

_DATE: Final = re.compile(
    r"(?<![\w-])(?:(?:19|20)\d\d-\d\d-\d\d|\d{1,2}-\d{1,2}-(?:19|20)\d\d"
    r"|(?:19|20)\d\d-(?:19|20)\d\d)(?![\w-])"
)
"""A day, or a span of years."""
_NUMBER: Final = re.compile(r"\+?\d+(?:[\s()-]{1,2}\d+)*")
_NAMED: Final = re.compile(
    r"(?:[^\W\d_]|\b[A-Z]{2,10}-"
    r"|(?i:\b(?:ticket|incident|case|request|change|problem|order|task|job|issue|ref|reference"
    r"|(?P<telephone>call|phone|telephone|tel|mobile|fax|extension|ext))"
    r"(?:\.|\s|:|#|\bno\b|\bnr\b|\bnumber\b|\bis\b|\bwas\b)+))$"
)
"""The end of what comes before a number that is named: a word, or the letters of a ticket."""
_SECRET: Final = range(6, 9)
_TELEPHONE: Final = range(9, 16)
"""Digits of a number that begins with 0 or +."""


def looks_secret(text: str) -> bool:
    """Return whether a text has the form of a PIN, a PUK, a code or a key.

    Such a text has no word in it (a PIN, a code and most PUKs have only digits), is a single run of
    letters and digits (an admin PIN or a security officer's PIN), holds 16 bytes or more in
    hexadecimal (an admin key has 24), has four digits or more after a word such as PUK, or six to
    eight digits that nothing names, as "ticket 4711234" and "INC4711234" do.
    """
    one_run = " " not in text and any(character.isdigit() for character in text)
    return (
        one_run
        or _WORD.search(text) is None
        or _LONG_HEX.search(text) is not None
        or _NAMED_SECRET.search(text) is not None
        or _has_unnamed_number(text)
    )


def _has_unnamed_number(text: str) -> bool:
    """Return whether six to eight digits are in a text that are no day, telephone or named number.

    Spaces and dashes between them do not count. What comes before a number names its first group.
    """
    undated = _DATE.sub("day", text)
    for number in _NUMBER.finditer(undated):
        groups = [len(group) for group in re.findall(r"\d+", number[0])]
        named = _NAMED.search(undated[: number.start()])
        can_be_called = number[0].startswith(("+", "0")) and sum(groups) in _TELEPHONE
        if can_be_called and (named is None or named["telephone"]):
            continue
        if named is not None:
            del groups[0]
        starts = range(len(groups))
        ends = ((start, end) for start in starts for end in range(start + 1, len(groups) + 1))
        if any(sum(groups[start:end]) in _SECRET for start, end in ends):
            return True
    return False


_BLANK: Final = re.compile(r"[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\uffa0]")
"""Letters, signs and marks that are drawn as nothing, and that ``isprintable`` takes for others."""

MOST_MARKS: Final = 5
"""Marks on one letter; more of them are drawn over the lines around it."""


def is_mark(character: str) -> bool:
    """Return whether a character is drawn onto the one before it."""
    return unicodedata.category(character) in ("Mn", "Me")


def can_be_seen(text: str) -> bool:
    """Return whether all of a text is drawn, and within its own line."""
    if text.isascii() or not text.isprintable():
        return text.isprintable()
    kinds = "".join("m" if is_mark(character) else "-" for character in text)
    return _BLANK.search(text) is None and "m" * (MOST_MARKS + 1) not in kinds


def says_why(words: str) -> bool:
    """Return whether an officer's words can be kept as the reason for an act."""
    return len(words) <= LONGEST_WORDS and can_be_seen(words) and not looks_secret(words)
