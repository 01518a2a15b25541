"""BER-TLV, as much as PIV needs (SP 800-73-5 part 1, ISO 7816-4, 5.2.2)."""

from __future__ import annotations


def tlv(tag: int, value: bytes) -> bytes:
    """Encode one data object with a definite length."""
    return _tag(tag) + _length(len(value)) + value


def read(encoded: bytes) -> dict[int, bytes]:
    """Read the data objects on the top level; raises ``ValueError`` when they are cut off."""
    found: dict[int, bytes] = {}
    at = 0
    while at < len(encoded):
        tag, at = _read_tag(encoded, at)
        length, at = _read_length(encoded, at)
        if at + length > len(encoded):
            raise ValueError("a data object is cut off")
        found[tag] = encoded[at : at + length]
        at += length
    return found


def _tag(tag: int) -> bytes:
    return tag.to_bytes((tag.bit_length() + 7) // 8 or 1, "big")


def _length(length: int) -> bytes:
    if length < 0x80:
        return bytes([length])
    size = (length.bit_length() + 7) // 8
    return bytes([0x80 | size]) + length.to_bytes(size, "big")


def _read_tag(encoded: bytes, at: int) -> tuple[int, int]:
    end = at + 1
    if encoded[at] & 0x1F == 0x1F:
        while encoded[_within(encoded, end)] & 0x80:
            end += 1
        end += 1
    return int.from_bytes(encoded[at:end], "big"), end


def _read_length(encoded: bytes, at: int) -> tuple[int, int]:
    first = encoded[_within(encoded, at)]
    if first < 0x80:
        return first, at + 1
    end = at + 1 + (first & 0x7F)
    return int.from_bytes(encoded[at + 1 : end], "big"), end


def _within(encoded: bytes, at: int) -> int:
    if at >= len(encoded):
        raise ValueError("a data object is cut off")
    return at
