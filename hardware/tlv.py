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
    try:
        tag_end = at + 1
        if data[at] & 0x1F == 0x1F:
            while data[tag_end] & 0x80:
                tag_end += 1
            tag_end += 1
        size, start = data[tag_end], tag_end + 1
    except IndexError:
        return None
    if size & 0x80:
        more = size & 0x7F
        if not 1 <= more <= LONGEST_LENGTH:
            return None
        size, start = int.from_bytes(data[start : start + more]), start + more
    if tag_end - at > LONGEST_TAG or start + size > len(data):
        return None
    return int.from_bytes(data[at:tag_end]), start, start + size
