"""Free text that people enter and that the audit keeps for years: it must hold no secret."""

from __future__ import annotations

import re
from typing import Final

SHORTEST_REASON: Final = 3
LONGEST_REASON: Final = 300
"""Characters of a reason that staff give."""

LONGEST_WORDS: Final = 100
"""Characters of an officer's own reason."""

_WORD: Final = re.compile(r"[^\W\d_]{3,}")
_LONG_HEX: Final = re.compile(r"(?:[0-9a-f]{2}[\s:.-]?){15,}[0-9a-f]{2}", re.IGNORECASE)
_NAMED_SECRET: Final = re.compile(
    r"\b(?:so[\s-]?pin|pin|puk|pac|otp|code|secret|password|passphrase|admin(?:[\s-]?(?:pin|key))?)\b"
    r"(?:[\s:=\"'.,-]|\b(?:is|was|now|to|new|number|no)\b)*"
    r"(?:\d[\s-]?){4,}",
    re.IGNORECASE,
)


def looks_secret(text: str) -> bool:
    """Return whether a text has the form of a PIN, a PUK, a code or a key.

    Such a text has no word in it (a PIN, a code and most PUKs have only digits), is a single run of
    letters and digits (an admin PIN or a security officer's PIN), holds 16 bytes or more in
    hexadecimal (an admin key has 24), or has four digits or more after a word such as PUK.
    """
    one_run = " " not in text and any(character.isdigit() for character in text)
    return (
        one_run
        or _WORD.search(text) is None
        or _LONG_HEX.search(text) is not None
        or _NAMED_SECRET.search(text) is not None
    )


def says_why(words: str) -> bool:
    """Return whether an officer's words can be kept as the reason for an act."""
    return len(words) <= LONGEST_WORDS and words.isprintable() and not looks_secret(words)
