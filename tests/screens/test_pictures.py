"""Every page, and every variant of it, at three sizes: laid out right, and as it was approved.

``pytest tests/screens/test_pictures.py --snapshot-update`` takes the pictures anew; each
has to be looked at before it is committed. ``python -m tests.screens.gallery --pictures
docs/pictures`` draws those of the README.
"""

from __future__ import annotations

import asyncio
from functools import cache
from pathlib import Path

import pytest
from pytest_textual_snapshot import SVGImageExtension
from syrupy.assertion import SnapshotAssertion

from tests.screens.gallery import README
from tests.screens.pictures import SIZES, Picture, pictures
from tests.screens.samples import samples
from tests.screens.svg import stretched

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


@pytest.mark.parametrize("name", README)
def test_the_readme_shows_what_the_station_shows(name: str) -> None:
    picture = _taken(SIZES[0], True, False)[README[name]]
    shown = Path(__file__).parents[2] / "docs" / "pictures" / f"{name}.svg"
    assert shown.read_text() == stretched(picture.svg)
