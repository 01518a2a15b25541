"""Joining several texts into bytes that can be read in one way only."""

from __future__ import annotations

from typing import assert_never


def framed(*parts: str | bytes | int) -> bytes:
    """Join ``parts``, each behind its kind and its length: no two lists give the same bytes."""
    return b"".join(_frame(part) for part in parts)


def _frame(part: str | bytes | int) -> bytes:
    match part:
        case str():
            kind, raw = b"s", part.encode("utf-8", "surrogatepass")
        case bytes():
            kind, raw = b"b", part
        case int():
            kind, raw = b"i", str(part).encode()
        case _:
            assert_never(part)
    return kind + len(raw).to_bytes(4, "big") + raw
