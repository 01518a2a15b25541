"""The kinds of settings. A kind reads a value from the file, or a word of the environment.

They are hand-written and without a validation library, because the settings are read before the
first page is painted: such a library takes half as long to load as everything else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields
from typing import Any, Protocol


class InvalidValue(ValueError):
    """A value is refused; the text says why, and ``quotes`` whether it follows the value."""

    def __init__(self, reason: str, *, quotes: bool = True) -> None:
        super().__init__(reason)
        self.quotes = quotes


class Kind(Protocol):
    """The values of a setting."""

    @property
    def allowed(self) -> str:
        """Describe them in a few words."""

    def read(self, value: object) -> Any:
        """Return the value as the section holds it; raises ``InvalidValue``."""


class Text:
    """Text on one line, as it is shown to people or written into a mail header.

    ``pattern`` has to match all of it.
    """

    def __init__(
        self, allowed: str = "one line of text", pattern: str = "", *, empty: bool = False
    ) -> None:
        self.allowed = allowed
        self._pattern = pattern
        self._empty = empty

    def read(self, value: object) -> str:
        """Return the text without the spaces around it."""
        if not isinstance(value, str):
            raise InvalidValue("is not text")
        if not value.isprintable():
            raise InvalidValue("must be one line of printable text", quotes=False)
        text = value.strip()
        if not text and not self._empty:
            raise InvalidValue("is empty")
        if self._pattern and text and not re.fullmatch(self._pattern, text):
            raise InvalidValue("is not allowed here")
        return text


class Number:
    """Number within bounds; an integer where ``low`` and ``high`` are integers."""

    def __init__(self, low: float, high: float, *, whole: bool = False) -> None:
        self.low, self.high = low, high
        self._whole = whole

    @property
    def allowed(self) -> str:
        return f"{self.low:g} to {self.high:g}"

    def read(self, value: object) -> float:
        """Return the number, or parse it from text."""
        number = self._number(value)
        if not self.low <= number <= self.high:
            raise InvalidValue("is out of bounds")
        return number

    def _number(self, value: object) -> float:
        kinds = str | int if self._whole else str | int | float
        try:
            if isinstance(value, kinds) and not isinstance(value, bool):
                return int(value) if self._whole else float(value)
        except ValueError:
            pass
        raise InvalidValue("is not a whole number" if self._whole else "is not a number")


class Boolean:
    """True or false; the environment may use any of the usual words."""

    allowed = "true or false"

    def read(self, value: object) -> bool:
        if isinstance(value, bool):
            return value
        if isinstance(value, str) and value.lower() in _SPELT:
            return _SPELT[value.lower()]
        raise InvalidValue("is neither true nor false")


_SPELT = {"true": True, "yes": True, "on": True, "1": True} | {
    "false": False,
    "no": False,
    "off": False,
    "0": False,
}


class OneOf:
    def __init__(self, *words: str) -> None:
        self._words = words

    @property
    def allowed(self) -> str:
        return " or ".join(f'"{word}"' for word in self._words)

    def read(self, value: object) -> str:
        if value not in self._words:
            raise InvalidValue("is not allowed here")
        return str(value)


class Words:
    """A list of words, or a text with commas between them; ``each`` reads one word.

    ``every`` says what an empty list means, where it means all there are. ``*`` is one, too.
    """

    def __init__(self, allowed: str, each: Callable[[str], Any], every: str = "") -> None:
        self.allowed = f"{allowed}; *: {every}" if every else allowed
        self.every = every
        self._each = each

    def read(self, value: object) -> tuple[Any, ...]:
        if isinstance(value, str):
            value = [word.strip() for word in value.split(",") if word.strip()]
        if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
            raise InvalidValue("is not a list of words")
        if self.every and value == ["*"]:
            return ()
        return tuple(self._each(word) for word in value)


# A section of the settings: a frozen dataclass whose fields carry their kind and their help.

_ABOUT = "about"


@dataclass(frozen=True)
class About:
    """The properties of one setting; a ``hidden`` one is never repeated in a message."""

    name: str
    default: Any
    kind: Kind
    help: str
    hidden: bool


class Section:
    """One table of the settings file; its class holds the defaults."""

    def check(self) -> None:
        """Raise ``ValueError``, its text beginning with a setting's name, where two do not fit."""


def setting(default: Any, kind: Kind, text: str, *, hidden: bool = False) -> Any:
    """Declare a field of a section: its default, its kind, and its help."""
    return field(default=default, repr=not hidden, metadata={_ABOUT: (kind, text)})


def settings_of(section: type[Section] | Section) -> Iterator[About]:
    """Yield the properties of each setting of a section, in its order."""
    for each in fields(section):  # type: ignore[arg-type]
        kind, text = each.metadata[_ABOUT]
        yield About(each.name, each.default, kind, text, not each.repr)
