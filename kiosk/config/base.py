"""A section of the settings: a frozen dataclass whose fields carry their kind and their help."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import Any

from kiosk.config.kinds import Kind

_ABOUT = "about"


@dataclass(frozen=True)
class About:
    """What is known of one setting; one that is ``hidden`` is never repeated in a message."""

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
    """Declare a field of a section: its default, what it takes, and its help."""
    return field(default=default, repr=not hidden, metadata={_ABOUT: (kind, text)})


def settings_of(section: type[Section] | Section) -> Iterator[About]:
    """Yield what is known of each setting of a section, in its order."""
    for each in fields(section):  # type: ignore[arg-type]
        kind, text = each.metadata[_ABOUT]
        yield About(each.name, each.default, kind, text, not each.repr)
