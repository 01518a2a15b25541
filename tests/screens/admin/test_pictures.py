"""Every page and dialog of the RA application, at two sizes: as it was approved.

``pytest tests/screens/admin/test_pictures.py --snapshot-update`` takes the pictures anew;
each has to be looked at before it is committed.
"""

from __future__ import annotations

import pytest
from pytest_textual_snapshot import SVGImageExtension
from syrupy.assertion import SnapshotAssertion

from tests.screens.admin.desk import FakeDesk
from tests.screens.admin.people_samples import people_samples
from tests.screens.admin.pilots import SIZES, running
from tests.screens.admin.record_samples import record_samples
from tests.screens.admin.samples import live_through, samples

_SAMPLES = {**samples(), **people_samples(), **record_samples()}


@pytest.mark.parametrize("size", SIZES, ids=lambda size: "x".join(map(str, size)))
@pytest.mark.parametrize("name", _SAMPLES)
async def test_picture(name: str, size: tuple[int, int], snapshot: SnapshotAssertion) -> None:
    sample = _SAMPLES[name]
    desk = FakeDesk(sample.role)
    sample.arrange(desk)
    async with running(desk, size=size, dark=sample.dark) as run:
        await live_through(run, sample)
        picture = run.app.export_screenshot()
    assert picture == snapshot.use_extension(SVGImageExtension)
