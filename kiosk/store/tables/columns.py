"""Column types that give a record's own types back, the same on both databases."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import DateTime, Dialect, String, Text
from sqlalchemy.types import TypeDecorator

from kiosk.store.records import JointHash


class UtcDateTime(TypeDecorator[datetime]):
    """An aware time in UTC; a naive one is refused with ``ValueError``.

    SQLite keeps no zone, so the zone is put back when a value is read.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Turn into UTC what is aware."""
        if value is None:
            return None
        if value.utcoffset() is None:
            raise ValueError("a time without a zone was given to the store")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give UTC, whatever zone the server speaks."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Worded(TypeDecorator[StrEnum]):
    """One word of a ``StrEnum``, checked on its way in and on its way out."""

    impl = String
    cache_ok = True

    def __init__(self, words: type[StrEnum]) -> None:
        super().__init__()
        self.words = words

    def process_bind_param(self, value: StrEnum | str | None, dialect: Dialect) -> str | None:
        """Refuse what is none of the words."""
        return None if value is None else self.words(value).value

    def process_result_value(self, value: str | None, dialect: Dialect) -> StrEnum | None:
        """Give the member."""
        return None if value is None else self.words(value)


class Numbers(TypeDecorator[tuple[int, ...]]):
    """A short list of numbers, kept as JSON text."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: tuple[int, ...] | None, dialect: Dialect) -> str | None:
        """Write it as JSON."""
        return None if value is None else json.dumps([int(number) for number in value])

    def process_result_value(self, value: str | None, dialect: Dialect) -> tuple[int, ...] | None:
        """Read it as a tuple."""
        return None if value is None else tuple(json.loads(value))


class Scalars(TypeDecorator[dict[str, Any]]):
    """A flat dictionary of JSON scalars, kept as canonical JSON text."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: dict[str, Any] | None, dialect: Dialect) -> str | None:
        """Refuse anything but scalars: an object could hide a secret."""
        return None if value is None else scalars_to_text(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> dict[str, Any] | None:
        """Read it as a dictionary."""
        return None if value is None else json.loads(value)


class JointHashes(TypeDecorator[tuple[JointHash, ...]]):
    """The joint hashes of one registration, kept as JSON text: they are only read together."""

    impl = Text
    cache_ok = True

    def process_bind_param(
        self, value: tuple[JointHash, ...] | None, dialect: Dialect
    ) -> str | None:
        """Write subset, digest and pepper id of each."""
        if value is None:
            return None
        return json.dumps([[list(one.subset), one.digest, one.pepper_id] for one in value])

    def process_result_value(
        self, value: str | None, dialect: Dialect
    ) -> tuple[JointHash, ...] | None:
        """Read them back in order."""
        if value is None:
            return None
        return tuple(JointHash(tuple(one[0]), one[1], one[2]) for one in json.loads(value))


def scalars_to_text(scalars: dict[str, Any]) -> str:
    """Return canonical JSON; raise ``TypeError`` for anything but str, int, bool and None."""
    for name, value in scalars.items():
        if not isinstance(value, str | int | bool | None):
            raise TypeError(f"{name} is neither text, number, truth value nor nothing")
    return json.dumps(scalars, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
