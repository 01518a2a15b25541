"""The process that a module lives in: it answers one request after another, then ends.

Run as ``python -I -m hardware.pkcs11.worker MODULE [LABEL]``, requests on standard input
and answers on standard output. A module gets neither: what it reads or prints goes nowhere.
"""

from __future__ import annotations

import os
import sys
from typing import Protocol

from hardware.pkcs11 import wire
from kiosk.hardening import forbid_dumps

CANNOT_LOAD = "cannot-load"


class Answering(Protocol):
    """Answers one request."""

    def answer(self, request: wire.Message) -> wire.Message:
        """Return the answer; nothing that it goes wrong with may raise."""


class NotLoaded:
    """Stands for a module that cannot be loaded."""

    def __init__(self, reason: str) -> None:
        self._reason = reason

    def answer(self, _request: wire.Message) -> wire.Message:
        """Say why."""
        return {CANNOT_LOAD: self._reason}


def serve(requests: int, answers: int, module: str, label: str) -> None:
    """Load the module, and answer until nobody asks any more."""
    asked = _load(module, label)
    while (request := wire.read(requests)) is not None:
        wire.write(answers, asked.answer(request))


def _load(path: str, label: str) -> Answering:
    try:
        import pkcs11
    except ImportError:
        return NotLoaded("python-pkcs11 is not installed (the extra pkcs11)")
    from hardware.pkcs11.tokens import Tokens

    try:
        return Tokens(pkcs11.lib(path), label)
    except pkcs11.PKCS11Error as error:
        return NotLoaded(str(error) or type(error).__name__)


def _take_pipes() -> tuple[int, int]:
    """Keep the two pipes for the frames, and give the module the void in their place."""
    pipes = os.dup(0), os.dup(1)
    void = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(void, standard)
    os.close(void)
    return pipes


if __name__ == "__main__":
    forbid_dumps()
    serve(*_take_pipes(), sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "")
