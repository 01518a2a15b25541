"""A machine that has none left of something that a process needs."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from argon2.exceptions import HashingError, VerificationError
from argon2.low_level import error_to_str


@contextmanager
def no_threads(*beginnings: str) -> Iterator[None]:
    """Let no thread start whose name begins with one of these, as the kernel does at a limit."""
    start = threading.Thread.start

    def refuse(thread: threading.Thread) -> None:
        if thread.name.startswith(beginnings):
            raise RuntimeError("can't start new thread")
        start(thread)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        yield


@contextmanager
def no_memory_for_hashes(code: int = -22) -> Iterator[None]:
    """Let Argon2 get no memory, or with -33 no thread (its argon2.h)."""

    def hash_secret(*_given: object) -> bytes:
        raise HashingError(error_to_str(code))

    def verify_secret(*_given: object) -> bool:
        raise VerificationError(error_to_str(code))

    with pytest.MonkeyPatch.context() as patch:
        for refuse in (hash_secret, verify_secret):
            patch.setattr(f"kiosk.authority.crypto.hashing.{refuse.__name__}", refuse)
        yield
