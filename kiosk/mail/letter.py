"""A letter before it has a layout: blocks that the text and the HTML part both show.

The words are plain typed values and no template language reads them, so a name from a
file of people can never become markup or an instruction.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Some sentences."""

    text: str


@dataclass(frozen=True, slots=True)
class Digits:
    """A code, large and in groups; ``label`` says what it is."""

    label: str
    grouped: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Facts:
    """Short lines of a name and a value."""

    rows: tuple[tuple[str, str], ...]


Block = Paragraph | Digits | Facts


@dataclass(frozen=True, slots=True)
class Letter:
    """One letter to ``reader``, who is greeted by that name."""

    subject: str
    reader: str
    blocks: tuple[Block, ...]


def in_groups(digits: str) -> str:
    """Write a code the way people read one aloud: halves, or thirds for nine digits."""
    size = 3 if len(digits) == 9 else (len(digits) + 1) // 2
    return " ".join(digits[i : i + size] for i in range(0, len(digits), size))
