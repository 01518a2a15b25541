"""The process that a module lives in: it answers one request after another, then ends.

Requests come on standard input and answers go to standard output. A module gets neither:
what it reads or prints goes nowhere.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, Final, Protocol

from kiosk.hardening import forbid_dumps
from kiosk.modules import wire

CANNOT_LOAD: Final = "cannot-load"
"""Names the reason in an answer of a process whose module cannot be loaded."""


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


def run(module: str, serve: Callable[[Any], Answering]) -> None:
    """Load the module at the path, and answer with what ``serve`` makes of it until the end."""
    forbid_dumps()
    requests, answers = _take_pipes()
    asked = load(module, serve)
    while (request := wire.read(requests)) is not None:
        wire.write(answers, asked.answer(request))


def load(path: str, serve: Callable[[Any], Answering]) -> Answering:
    """Load a module; what keeps it from being loaded is told in each answer."""
    try:
        import pkcs11
    except ImportError:
        return NotLoaded("python-pkcs11 is not installed (the extra pkcs11)")
    try:
        return serve(pkcs11.lib(path))
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
