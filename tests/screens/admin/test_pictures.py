"""Every page and dialog of the RA application, at two sizes: as it was approved.

``pytest tests/screens/admin/test_pictures.py --snapshot-update`` takes the pictures anew;
each has to be looked at before it is committed.
"""

from __future__ import annotations

from functools import lru_cache

import pytest
from pytest_textual_snapshot import SVGImageExtension
from syrupy.assertion import SnapshotAssertion

from screens.admin.person import PERSON_ACTS
from tests.screens import idle_app
from tests.screens.admin.desk import FakeDesk
from tests.screens.admin.people_samples import people_samples
from tests.screens.admin.pilots import SIZES, running
from tests.screens.admin.record_samples import record_samples
from tests.screens.admin.samples import Sample, live_through, samples

_SAMPLES = {**samples(), **people_samples(), **record_samples()}
_AT_ITS_SIZE = set(
    "today-away add-card add-card-date replace-card replace-card-which audit-kind "
    "audit-verifying import-problems import-trying".split()
)
"""What these show depends on the size at which they came up: lived through at each."""


@lru_cache(maxsize=1)
def _taken(name: str) -> dict[tuple[int, int], str]:
    """Take all pictures of a sample at once: to live through it is most of the work."""
    return idle_app.run(_pictures(_SAMPLES[name], name in _AT_ITS_SIZE))


async def _pictures(sample: Sample, at_its_size: bool) -> dict[tuple[int, int], str]:
    if not at_its_size:
        return await _lived_through(sample, *SIZES)
    taken: dict[tuple[int, int], str] = {}
    for size in SIZES:
        taken |= await _lived_through(sample, size)
    return taken


async def _lived_through(
    sample: Sample, first: tuple[int, int], *later: tuple[int, int]
) -> dict[tuple[int, int], str]:
    """Live through it at the first size, and take a picture there and at each later one."""
    desk = FakeDesk(sample.role)
    sample.arrange(desk)
    async with running(desk, size=first, dark=sample.dark) as run:
        await live_through(run, sample)
        taken = {first: run.app.export_screenshot()}
        for size in later:
            await run.resize(size)
            taken[size] = run.app.export_screenshot()
    return taken


def test_act_on_a_person_has_a_picture_of_its_dialog() -> None:
    """A sample of a person's page presses the key of each act."""
    pressed = {key for sample in people_samples().values() for key in sample.steps}
    lacking = {act.label for act in PERSON_ACTS if act.key not in pressed}
    assert lacking == set(), "see tests/screens/admin/people_samples.py"


@pytest.mark.parametrize("size", SIZES, ids=lambda size: "x".join(map(str, size)))
@pytest.mark.parametrize("name", _SAMPLES)
def test_picture(name: str, size: tuple[int, int], snapshot: SnapshotAssertion) -> None:
    assert _taken(name)[size] == snapshot.use_extension(SVGImageExtension)
