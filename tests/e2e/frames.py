"""The pictures that a terminal showed, one after the other, from what was written to it."""

from __future__ import annotations

from collections.abc import Iterator

import pyte

FRAME_ENDS = b"\x1b[?2026l"


def frames(written: bytes, columns: int = 80, rows: int = 24) -> Iterator[str]:
    """Yield each picture; a terminal shows nothing between the marks of mode 2026."""
    screen = pyte.Screen(columns, rows)
    stream = pyte.ByteStream(screen)
    *whole, _ = written.split(FRAME_ENDS)
    for part in whole:
        stream.feed(part + FRAME_ENDS)
        yield "\n".join(screen.display)
