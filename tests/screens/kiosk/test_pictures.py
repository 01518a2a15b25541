"""Every page, and every variant of it, at three sizes: laid out right, and as it was approved.

At the largest size one picture of each page is kept; its variants have to be laid out right.

``pytest tests/screens/kiosk/test_pictures.py --snapshot-update`` takes the pictures anew; each
has to be looked at before it is committed. ``python -m tests.screens.kiosk.gallery --pictures
docs/pictures`` draws the README's.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, cast

import pytest
from pytest_textual_snapshot import SVGImageExtension
from syrupy.assertion import SnapshotAssertion

from tests.screens import idle_app
from tests.screens.kiosk.gallery import unlock
from tests.screens.kiosk.pictures import SIZES, Picture, pictures
from tests.screens.kiosk.samples import samples

_SAMPLES = samples()

_LARGE = SIZES[-1]
_FIRST_OF_PAGE = {type(sample.state): name for name, sample in reversed(_SAMPLES.items())}


Take = Callable[[str, tuple[int, int]], Picture]


@pytest.fixture(scope="session")
def take(request: pytest.FixtureRequest) -> Take:
    """Take a picture, and with it all others of the same station that this run asks for.

    Starting the station is most of the work.
    """
    wanted: set[tuple[str, tuple[int, int]]] = set()
    for item in request.session.items:
        if isinstance(item, pytest.Function) and item.function is test_page:
            params = cast(dict[str, Any], item.callspec.params)
            wanted.add((params["name"], params["size"]))

    @cache
    def taken(size: tuple[int, int], touch: bool, dark: bool) -> dict[str, Picture]:
        station = {
            name: sample
            for name, sample in _SAMPLES.items()
            if (name, size) in wanted and (sample.touch, sample.dark) == (touch, dark)
        }
        return idle_app.run(pictures(station, size))

    def take_one(name: str, size: tuple[int, int]) -> Picture:
        sample = _SAMPLES[name]
        return taken(size, sample.touch, sample.dark)[name]

    return take_one


@pytest.mark.parametrize("size", SIZES, ids=lambda size: "x".join(map(str, size)))
@pytest.mark.parametrize("name", _SAMPLES)
def test_page(name: str, size: tuple[int, int], take: Take, snapshot: SnapshotAssertion) -> None:
    picture = take(name, size)
    assert not picture.faults, "\n".join(picture.faults)
    if size != _LARGE or name in _FIRST_OF_PAGE.values():
        assert picture.svg == snapshot.use_extension(SVGImageExtension)


def test_the_readme_shows_an_unlock_as_it_is() -> None:
    shown = Path(__file__).parents[3] / "docs" / "pictures" / "unlock.svg"
    assert shown.read_text() == unlock(), "draw it anew: make pictures"
