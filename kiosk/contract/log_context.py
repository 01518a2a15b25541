"""The subject of log lines, and a log of what lasts: once, not at each look."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

_ABOUT: ContextVar[Mapping[str, str]] = ContextVar("kiosk_log_context")


@contextmanager
def log_about(**named: str) -> Iterator[None]:
    """Add this subject to each line that this thread logs within the block; empty is left out.

    Only ids and names of machines: never a person's name, and never a secret.
    """
    token = _ABOUT.set({**logged_about(), **{name: text for name, text in named.items() if text}})
    try:
        yield
    finally:
        _ABOUT.reset(token)


def logged_about() -> Mapping[str, str]:
    """Return the present subject."""
    return _ABOUT.get({})


class TroubleLog:
    """Logs a trouble that is met again and again once, until it changes or is over."""

    def __init__(self, log: logging.Logger, level: int = logging.ERROR) -> None:
        self._log = log
        self._level = level
        self._line = ""

    def note(self, line: str) -> None:
        """Log ``line`` unless it was the last one; an empty one says that all is well."""
        if line and line != self._line:
            self._log.log(self._level, "%s", line)
        self._line = line
