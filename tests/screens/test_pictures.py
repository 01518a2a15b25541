"""Every page, and every variant of it, at three sizes: laid out right, and as it was approved.

``pytest tests/screens/test_pictures.py --snapshot-update`` takes the pictures anew; each
has to be looked at before it is committed.
"""

from __future__ import annotations

import asyncio
from functools import cache

import pytest
from pytest_textual_snapshot import SVGImageExtension
from syrupy.assertion import SnapshotAssertion

from tests.screens.pictures import SIZES, Picture, pictures
from tests.screens.samples import samples

_SAMPLES = samples()


@cache
def _taken(size: tuple[int, int], touch: bool, dark: bool) -> dict[str, Picture]:
    """Take all pictures of one station at once: starting it is most of the work."""
    station = {n: s for n, s in _SAMPLES.items() if (s.touch, s.dark) == (touch, dark)}
    return asyncio.run(pictures(station, size))


@pytest.mark.parametrize("size", SIZES, ids=lambda size: "x".join(map(str, size)))
@pytest.mark.parametrize("name", _SAMPLES)
def test_page(name: str, size: tuple[int, int], snapshot: SnapshotAssertion) -> None:
    sample = _SAMPLES[name]
    picture = _taken(size, sample.touch, sample.dark)[name]
    assert not picture.faults, "\n".join(picture.faults)
    assert picture.svg == snapshot.use_extension(SVGImageExtension)
