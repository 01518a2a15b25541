"""The subject of log lines: the call, the station, the visit and its reference number."""

from __future__ import annotations

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
