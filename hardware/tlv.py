"""BER-TLV as cards use it: tags of up to three bytes, lengths of up to three (ISO/IEC 7816-4, 5.2).

Data from a card is not trusted: a length cannot reach beyond the data, and reading stops at the
first element that does not fit.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

LONGEST_TAG: Final = 3
LONGEST_LENGTH: Final = 3
LONGEST_MADE: Final = 0xFFFF


@dataclass(frozen=True, slots=True)
class Element:
    """One tag with its value; the bytes of the tag are read as one number."""

    tag: int
    value: bytes


def elements(data: bytes) -> Iterator[Element]:
    """Yield the elements at the top level of ``data``, up to the end or the first broken one."""
    at = 0
    while at < len(data):
        head = _head(data, at)
        if head is None:
            return
        tag, start, end = head
        yield Element(tag, data[start:end])
        at = end


def find(data: bytes, tag: int) -> bytes | None:
    """Return the value of the first element with ``tag``, or None."""
    return next((item.value for item in elements(data) if item.tag == tag), None)


def make(tag: int, value: bytes) -> bytes:
    """Return one element; its value is shorter than 64 KiB."""
    size, name = len(value), tag.to_bytes(max(1, (tag.bit_length() + 7) // 8))
    if size < 0x80:
        return name + bytes((size,)) + value
    count = 1 if size < 0x100 else 2
    return name + bytes((0x80 | count,)) + size.to_bytes(count) + value


def _head(data: bytes, at: int) -> tuple[int, int, int] | None:
    """Return the tag and where its value starts and ends, or None where it does not fit."""
    tag_end = _tag_end(data, at)
    length = _length(data, tag_end) if tag_end is not None else None
    if tag_end is None or length is None:
        return None
    size, start = length
    if start + size > len(data):
        return None
    return int.from_bytes(data[at:tag_end]), start, start + size


def _tag_end(data: bytes, at: int) -> int | None:
    if data[at] & 0x1F != 0x1F:
        return at + 1
    for end in range(at + 2, min(at + LONGEST_TAG, len(data)) + 1):
        if not data[end - 1] & 0x80:
            return end
    return None


def _length(data: bytes, at: int) -> tuple[int, int] | None:
    """Return the length written at ``at`` and where it ends."""
    if at >= len(data):
        return None
    first = data[at]
    if first < 0x80:
        return first, at + 1
    end = at + 1 + (first & 0x7F)
    if not 1 <= first & 0x7F <= LONGEST_LENGTH or end > len(data):
        return None
    return int.from_bytes(data[at + 1 : end]), end
