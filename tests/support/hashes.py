"""Registrations whose answers are hashed at next to no cost.

The four hashes of a registration are a second of the processor. Each says what it cost, so
the installed program checks these as it checks its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import pytest

from kiosk.authority.crypto.hashing import AnswerHasher, Cost

CHEAP = Cost(memory_kib=32, passes=1, lanes=1)


@contextmanager
def cheap_hashes() -> Iterator[None]:
    """Let an authority that is built in here, by this process, hash answers so."""
    with pytest.MonkeyPatch.context() as patch:
        hasher = partial(AnswerHasher, cost=CHEAP)
        patch.setattr("kiosk.app.composition.authority.AnswerHasher", hasher)
        yield
