"""What the lines of a log are about: the call, the station, the visit and its reference number."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

_ABOUT: ContextVar[Mapping[str, str]] = ContextVar("kiosk_log_context")


@contextmanager
def log_about(**named: str) -> Iterator[None]:
    """Let each line that this thread logs within the block say what it is about; empty is left out.

    Ids and names of machines alone: never a person's name, and never a secret.
    """
    token = _ABOUT.set({**logged_about(), **{name: text for name, text in named.items() if text}})
    try:
        yield
    finally:
        _ABOUT.reset(token)


def logged_about() -> Mapping[str, str]:
    """Return what a line that is logged now is about."""
    return _ABOUT.get({})
