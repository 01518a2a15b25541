"""The words of ``stop_cards``: which cards no station serves while the setting names them.

A rule is one word or several, joined by ``+``, all of which have to hold:

- ``roca``: an RSA key of the card is one that Infineon's library made so that it can be factored.
- ``FAMILY:PREFIX*``, or without the star a whole identifier.
- ``issuer:TEXT``: a part of the issuer's name in the certificate that the card shows.
- ``issued:FROM..TO``: the first and the last of the days from which such a certificate is valid.
"""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import date
from typing import Final

from msgspec import Struct

from kiosk.contract.families import FAMILIES

STOP_WORDS: Final = "roca, FAMILY:PREFIX*, issuer:TEXT or issued:FROM..TO, joined by +"

ROCA: Final = "roca"
ISSUER: Final = "issuer"
ISSUED: Final = "issued"

_IDENTIFIER: Final = re.compile(r"[0-9a-z]*\*?")


class StopWord(Struct, frozen=True):
    """``kind`` is one of the three names above, or a family; ``last`` is of a span of days."""

    kind: str
    value: str = ""
    last: str = ""


def stop_words(rule: str) -> tuple[StopWord, ...]:
    """Read a rule; raises ``ValueError`` for what would stop nothing, or not what was meant."""
    return tuple(_word(each.strip()) for each in rule.split("+"))


def tidy_stop(rule: str) -> str:
    """Return a rule as it is stored; raises ``ValueError`` as ``stop_words``."""
    stop_words(rule)
    return "+".join(each.strip() for each in rule.split("+"))


def _word(word: str) -> StopWord:
    kind, colon, value = (part.strip() for part in word.partition(":"))
    if word == ROCA:
        return StopWord(ROCA)
    if not colon:
        raise ValueError(f"{word!r} is none of {STOP_WORDS}")
    if not value:
        raise ValueError(f"{word!r} names nothing after its colon")
    if kind == ISSUER:
        return StopWord(ISSUER, value.casefold())
    if kind == ISSUED:
        first, _, last = value.partition("..")
        with suppress(ValueError):
            if date.fromisoformat(first) <= date.fromisoformat(last):
                return StopWord(ISSUED, *(str(date.fromisoformat(day)) for day in (first, last)))
        raise ValueError(f"{word!r} is no span of days such as issued:2024-01-01..2024-06-30")
    if kind not in FAMILIES:
        raise ValueError(f"{kind!r} is no family of cards: they are {', '.join(sorted(FAMILIES))}")
    if not _IDENTIFIER.fullmatch(value.lower()):
        raise ValueError(f"{word!r}: an identifier has letters and digits, and * may end it")
    return StopWord(kind, value.lower())
