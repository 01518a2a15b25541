"""Frames between this program and the process of a module: four bytes of length, then JSON.

Secrets travel in them, so a frame is never logged and never part of an error.
"""

from __future__ import annotations

import json
import os
import select
import time
from collections.abc import Mapping
from typing import Any, Final

Message = dict[str, Any]

LONGEST: Final = 64 * 1024
"""Bytes of one frame: more than any message has, and no more than a pipe takes at once."""

_HEAD: Final = 4


class BrokenFrame(Exception):
    """The other end closed in the middle, or wrote what is no frame."""


def write(pipe: int, message: Mapping[str, object]) -> None:
    """Write one frame; raises ``OSError`` where nobody reads any more."""
    payload = json.dumps(message).encode("ascii")
    data = len(payload).to_bytes(_HEAD) + payload
    while data:
        data = data[os.write(pipe, data) :]


def read(pipe: int, within_s: float | None = None) -> Message | None:
    """Return the next message, or None where the other end closed.

    Raises ``TimeoutError`` where it takes longer than ``within_s``, ``BrokenFrame`` where
    it is none.
    """
    deadline = None if within_s is None else time.monotonic() + within_s
    head = _read_exactly(pipe, _HEAD, deadline)
    if head is None:
        return None
    length = int.from_bytes(head)
    payload = _read_exactly(pipe, length, deadline) if length <= LONGEST else None
    if payload is None:
        raise BrokenFrame("a frame without an end")
    return _parsed(payload)


def _parsed(payload: bytes) -> Message:
    try:
        message = json.loads(payload)
    except ValueError:
        raise BrokenFrame("a frame that is not JSON") from None
    if not isinstance(message, dict):
        raise BrokenFrame("a frame that is no object")
    return message


def _read_exactly(pipe: int, count: int, deadline: float | None) -> bytes | None:
    data = b""
    while len(data) < count:
        _wait(pipe, deadline)
        piece = os.read(pipe, count - len(data))
        if not piece:
            if data:
                raise BrokenFrame("a frame without an end")
            return None
        data += piece
    return data


def _wait(pipe: int, deadline: float | None) -> None:
    if deadline is None:
        return
    poll = select.poll()
    poll.register(pipe, select.POLLIN)
    if not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
        raise TimeoutError("no answer in time")
