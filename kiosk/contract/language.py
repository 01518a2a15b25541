"""Sentences that are read in several languages: ``Text``, ``Counted``, and the language itself.

A sentence stands in the code in English, and that is its name in every catalogue. It is looked up
when it is shown, never before: a station has imported all its words before anybody has chosen a
language, and the authority writes to people of several languages at once. A name, a number and an
address are plain ``str``, and are never looked up.

``make words`` extracts the sentences for translators.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from gettext import GNUTranslations, NullTranslations, translation
from pathlib import Path
from string import Formatter
from typing import Annotated, Final, TypeVar

from msgspec import Meta

TAG: Final = "[a-z]{2,3}(-[A-Za-z0-9]{1,8}){0,3}"
Language = Annotated[str, Meta(pattern=f"^{TAG}$")]
"""A tag of BCP 47, such as ``en``, ``cy`` or ``pt-BR``."""

ENGLISH: Final = "en"

CATALOGUES = Path(__file__).parent.parent / "locale"
"""``<tag>/LC_MESSAGES/kiosk.mo`` for each language but English."""


def is_language(tag: str) -> bool:
    return re.fullmatch(TAG, tag) is not None


@lru_cache(maxsize=100)  # who writes the database can name any number
def catalogue_of(language: Language) -> NullTranslations:
    """Return the catalogue of ``language``; English where there is none.

    A tag may come from the database: one that is none would be a path to another file.
    """
    if language == ENGLISH or not is_language(language):
        return NullTranslations()
    return translation("kiosk", CATALOGUES, [language.replace("-", "_")], fallback=True)


def spoken(language: Language) -> Language:
    """Return the language that sentences come in: English where ``language`` has no catalogue."""
    return language if isinstance(catalogue_of(language), GNUTranslations) else ENGLISH


_FROM_THE_RIGHT: Final = frozenset({"ar", "ckb", "dv", "fa", "he", "ps", "sd", "ug", "ur", "yi"})


def is_from_the_right(language: Language) -> bool:
    """Return whether what is said in ``language`` is written from right to left."""
    return spoken(language).partition("-")[0] in _FROM_THE_RIGHT


Said = TypeVar("Said")


def text_in(texts: Mapping[Language, Said], language: Language) -> Said | None:
    """Return what there is in ``language``, else in the language without its region."""
    return texts.get(language) or texts.get(language.partition("-")[0])


class _Display:
    """The language that this process shows: a station has one process for each visit."""

    language: Language = ENGLISH


def show_in(language: Language) -> None:
    """Read sentences in ``language`` from now on, where nothing else is said."""
    _Display.language = language


def shown_language() -> Language:
    return _Display.language


_COUNTS: Final = frozenset({"n", "number", "Number"})

Place = tuple[str, str | None, str | None]


@lru_cache(maxsize=5000)  # more than there are sentences
def has_places_of(said: str, english: str, counts: frozenset[str] = frozenset()) -> bool:
    """Return whether a translation has the placeholders of the English, and no other.

    One that has not could not be filled, and leave a code or whom to call out of a mail: the
    English is read then. ``counts`` are names that it may say or not.
    """
    try:
        ours = _places(english)
    except ValueError:  # braces that are no placeholders: it is never filled
        return True
    try:
        theirs = _places(said)
    except ValueError:
        return False
    free = {(name, "", None) for name in counts}
    return ours - free <= theirs <= ours | free


def _places(sentence: str) -> frozenset[Place]:
    parsed = Formatter().parse(sentence)
    return frozenset((name, spec, how) for _, name, spec, how in parsed if name is not None)


class Text(str):
    """A sentence, or a word that stands alone; ``str()`` of it is in the language of the display.

    Its other methods know the English: measure, cut and join ``str(text)``. Placeholders are
    filled by ``format`` for the display, by ``in_language`` for a mail.
    """

    __slots__ = ()

    def __str__(self) -> str:
        return self.in_language(_Display.language)

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)

    def format(self, *values: object, **named: object) -> str:
        return str(self).format(*values, **named)

    def in_language(self, language: Language, **named: object) -> str:
        """Return it in ``language``, and in it whatever of ``named`` is a ``Text``."""
        english = str.__str__(self)
        # "" is the name of a catalogue's head.
        said = catalogue_of(language).gettext(english) if english else ""
        if said != english and not has_places_of(said, english):
            said = english
        return _filled(said, language, named) if named else said


class OwnText(Text):
    """Data with a text for each language, such as the name of the service; it is in no catalogue.

    ``others`` are those in other languages than the setting's, which stands for the rest.
    """

    __slots__ = ("others",)

    others: Mapping[Language, str]

    def __new__(cls, text: str, others: Mapping[Language, str]) -> OwnText:
        made = super().__new__(cls, text)
        made.others = others
        return made

    def in_language(self, language: Language, **named: object) -> str:
        return text_in(self.others, language) or str.__str__(self)


MONTHS: Final = (
    Text("January"),
    Text("February"),
    Text("March"),
    Text("April"),
    Text("May"),
    Text("June"),
    Text("July"),
    Text("August"),
    Text("September"),
    Text("October"),
    Text("November"),
    Text("December"),
)
"""As they stand in a date."""

WEEKDAYS: Final = (
    Text("Monday"),
    Text("Tuesday"),
    Text("Wednesday"),
    Text("Thursday"),
    Text("Friday"),
    Text("Saturday"),
    Text("Sunday"),
)

_NUMBERS: Final = (
    # Translators: this and the next ones stand in for {number}. Where a noun changes the word
    # before it, write {n}, the figure, in the sentence, and leave these as they are.
    Text("no"),
    Text("one"),
    Text("two"),
    Text("three"),
    Text("four"),
    Text("five"),
    Text("six"),
    Text("seven"),
    Text("eight"),
    Text("nine"),
    Text("ten"),
)
_CAPITAL_NUMBERS: Final = (
    # Translators: this and the next ones stand in for {Number}, which begins a sentence.
    Text("No"),
    Text("One"),
    Text("Two"),
    Text("Three"),
    Text("Four"),
    Text("Five"),
    Text("Six"),
    Text("Seven"),
    Text("Eight"),
    Text("Nine"),
    Text("Ten"),
)


class Counted:
    """A sentence about ``n`` things, in as many forms as a language has.

    It may say the number as ``{n}``, a figure, or in English as ``{number}``, or ``{Number}`` where
    it begins a sentence: a word up to ``spelled``.
    """

    __slots__ = ("many", "one", "spelled")

    def __init__(self, one: str, many: str, *, spelled: int = 9) -> None:
        self.one = one
        self.many = many
        self.spelled = spelled

    def of(self, n: int, **named: object) -> str:
        """Return the sentence about ``n`` in the language of the display."""
        return self.in_language(_Display.language, n, **named)

    def in_language(self, language: Language, n: int, **named: object) -> str:
        said = catalogue_of(language).ngettext(self.one, self.many, n)
        if not has_places_of(said, self.many, _COUNTS):
            said = self.one if n == 1 else self.many
        is_spelled = 0 <= n <= self.spelled
        number = _NUMBERS[n] if is_spelled else str(n)
        capital = _CAPITAL_NUMBERS[n] if is_spelled else str(n)
        return _filled(said, language, {"n": n, "number": number, "Number": capital, **named})


def _filled(said: str, language: Language, named: dict[str, object]) -> str:
    in_it = {
        name: value.in_language(language) if isinstance(value, Text) else value
        for name, value in named.items()
    }
    return said.format(**in_it)
