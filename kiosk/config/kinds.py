"""The kinds of settings. A kind reads a value from the file, or a word of the environment.

They are hand-written, because all errors of a file are said at once, each with the setting's name
and a hint at a misspelt word.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from kiosk.contract.language import is_language


class InvalidValue(ValueError):
    """A value is refused; the text says why, and ``quotes`` whether it follows the value."""

    def __init__(self, reason: str, *, quotes: bool = True) -> None:
        super().__init__(reason)
        self.quotes = quotes


class Text:
    """One line, as people or a mail header get it, all of which ``pattern`` has to match."""

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
    _type: type[float] = float
    _what = "a number"

    def __init__(self, low: float, high: float) -> None:
        self.low, self.high = low, high
        self.allowed = f"{low:g} to {high:g}"

    def read(self, value: object) -> float:
        number = None
        if isinstance(value, (str, int, self._type)) and not isinstance(value, bool):
            with suppress(ValueError, OverflowError):
                number = self._type(value)
        if number is None:
            raise InvalidValue(f"is not {self._what}")
        if not self.low <= number <= self.high:
            raise InvalidValue("is out of bounds")
        return number


class Whole(Number):
    _type = int
    _what = "a whole number"


class Boolean:
    """True or false; the environment may use any of the usual words."""

    allowed = "true or false"

    def read(self, value: object) -> bool:
        if isinstance(value, bool):
            return value
        if isinstance(value, str) and value.lower() in _SPELT:
            return _SPELT[value.lower()]
        raise InvalidValue("is neither true nor false")


_SPELT = dict.fromkeys(("true", "yes", "on", "1"), True)
_SPELT |= dict.fromkeys(("false", "no", "off", "0"), False)


class OneOf:
    def __init__(self, *words: str) -> None:
        self._words = words
        self.allowed = " or ".join(f'"{word}"' for word in words)

    def read(self, value: object) -> str:
        if value not in self._words:
            raise InvalidValue("is not allowed here")
        return str(value)


class Words:
    """A list of words, or a text with commas between them; ``each`` reads one word.

    ``every`` says what an empty list means, where that stands for all of them. Then ``*`` is taken
    for an empty list.
    """

    def __init__(self, allowed: str, each: Callable[[str], Any], every: str = "") -> None:
        self.allowed = f"{allowed}; *: {every}" if every else allowed
        self.every = every
        self._each = each

    def read(self, value: object) -> tuple[Any, ...]:
        if isinstance(value, str):
            value = [word.strip() for word in value.split(",") if word.strip()]
        if not isinstance(value, list | tuple) or not all(isinstance(word, str) for word in value):
            raise InvalidValue("is not a list of words")
        if self.every and value == ["*"]:
            return ()
        return tuple(self._each(word) for word in value)


class Alternatives:
    """Lists of words, any of which will do: a list of lists, or one list alone.

    As a text: lists with commas, and ``or`` between them.
    """

    def __init__(self, words: Words) -> None:
        self.allowed = f"{words.allowed}, or several such lists, any of which will do"
        self._words = words

    def read(self, value: object) -> tuple[tuple[Any, ...], ...]:
        if isinstance(value, str):
            return tuple(self._words.read(each) for each in re.split(r"\bor\b", value))
        if isinstance(value, list) and value and not any(isinstance(each, str) for each in value):
            return tuple(self._words.read(each) for each in value)
        return (self._words.read(value),)


class ByLanguage:
    """A table for each language, by its tag, with texts that stand in place of settings.

    ``texts`` are the kinds of these settings by their names. As a text: the tables as in the file.
    """

    def __init__(self, texts: Mapping[str, Text]) -> None:
        self._texts = texts
        self.allowed = f'tables such as cy = {{ {next(iter(texts))} = "..." }}: {", ".join(texts)}'

    def read(self, value: object) -> dict[str, dict[str, str]]:
        if isinstance(value, str):
            with suppress(tomllib.TOMLDecodeError):
                value = tomllib.loads(f"value = {value}")["value"]
        if not isinstance(value, Mapping):
            raise InvalidValue("is no table of languages")
        return {tag: self._in_language(tag, texts) for tag, texts in value.items()}

    def _in_language(self, tag: str, texts: object) -> dict[str, str]:
        if not is_language(tag):
            raise InvalidValue(f"{tag!r} is no language such as cy or pt-BR", quotes=False)
        if not isinstance(texts, Mapping):
            raise InvalidValue(f"{tag} is no table of texts", quotes=False)
        read = {}
        for name, text in texts.items():
            if name not in self._texts:
                raise InvalidValue(f"{tag}.{name}: there is no such text", quotes=False)
            try:
                read[name] = self._texts[name].read(text)
            except InvalidValue as unfit:
                allowed = self._texts[name].allowed
                raise InvalidValue(f"{tag}.{name} {unfit} ({allowed})", quotes=False) from None
        return read


Kind = Text | Number | Boolean | OneOf | Words | Alternatives | ByLanguage
"""``allowed`` describes the values; ``read`` returns one, or raises ``InvalidValue``."""
