"""Secrets to enter, and a search for whatever still holds one of them."""

from __future__ import annotations

import gc
import secrets
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Final

from kiosk.contract.messages import PinRules
from kiosk.contract.policy import broken_pin_rules
from kiosk.contract.sensitive import Sensitive

_TESTS: Final = Path(__file__).parents[1]
"""The tests' own frames hold what they look for."""

_Text = str | bytes | bytearray | Sensitive
_TEXTS: Final = (str, bytes, bytearray, Sensitive)


def digits(many: int) -> str:
    return "".join(secrets.choice("0123456789") for _ in range(many))


def letters() -> str:
    return "".join(secrets.choice("bcdfghjklmnpqrstvwxz") for _ in range(12))


def fresh_pin() -> str:
    """Return a PIN that no rule refuses."""
    while broken_pin_rules(pin := digits(8), PinRules()):
        pass
    return pin


def holders_of(*secrets: str) -> dict[int, list[str]]:
    """Name what holds a secret: as a text, in a longer one, as bytes, or in a frame.

    By the number of the secret; one that nothing holds is left out. All are looked for at once:
    there are millions of things in a process that runs all tests.
    """
    gc.collect()
    found: dict[int, list[str]] = {}

    def look(held: _Text, holder: object) -> None:
        for number, secret in enumerate(secrets):
            if _has(held, secret):
                kind = f"{type(holder).__module__}.{type(holder).__qualname__}"
                if isinstance(holder, FrameType):
                    kind = f"frame of {holder.f_code.co_name}"
                found.setdefault(number, []).append(kind)

    for thing in gc.get_objects():
        if not isinstance(thing, FrameType):
            for held in gc.get_referents(thing):
                if isinstance(held, _TEXTS):
                    look(held, thing)
    for frame in _frames():
        if _TESTS not in Path(frame.f_code.co_filename).parents:
            for held in frame.f_locals.values():
                if isinstance(held, _TEXTS):
                    look(held, frame)
    return found


def _frames() -> Iterator[FrameType]:
    for frame in sys._current_frames().values():
        at: FrameType | None = frame
        while at is not None:
            yield at
            at = at.f_back


def _has(held: _Text, secret: str) -> bool:
    if isinstance(held, Sensitive):
        return secret in held.reveal()
    if isinstance(held, str):
        return held is not secret and secret in held
    return secret.encode() in held
