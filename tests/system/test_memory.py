"""The collector of garbage is paused while the program starts, and never for longer."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from kiosk.system.memory import pause_collector, resume_collector


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    yield
    gc.unfreeze()
    gc.enable()


def test_resumed_collector_passes_over_what_was_loaded() -> None:
    pause_collector()
    assert not gc.isenabled()
    resume_collector()
    assert gc.isenabled()
    assert gc.get_freeze_count() > 0


def test_second_resume_of_the_collector_keeps_no_garbage() -> None:
    """An executor that cannot be built is tried every few seconds, with garbage in between."""
    pause_collector()
    resume_collector()
    frozen = gc.get_freeze_count()
    kept = [[] for _ in range(1000)]  # type: list[list[int]]
    resume_collector()
    assert len(kept) == 1000
    assert gc.get_freeze_count() <= frozen
