"""The collector rests while the program comes up, and never for good."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from kiosk.app import process


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    yield
    gc.unfreeze()
    gc.enable()


def test_it_works_again_and_passes_over_what_was_loaded() -> None:
    process.rest()
    assert not gc.isenabled()
    process.resume()
    assert gc.isenabled()
    assert gc.get_freeze_count() > 0


def test_a_second_resume_keeps_no_garbage() -> None:
    """An executor that cannot be built is tried every few seconds, with garbage in between."""
    process.rest()
    process.resume()
    frozen = gc.get_freeze_count()
    kept = [[] for _ in range(1000)]  # type: list[list[int]]
    process.resume()
    assert len(kept) == 1000
    assert gc.get_freeze_count() <= frozen
