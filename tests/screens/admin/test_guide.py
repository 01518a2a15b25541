"""The guide shows the application as it is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.screens.admin.guide import GUIDE, drawn

DOCS = Path(__file__).parents[3] / "docs"


@pytest.mark.parametrize("name", GUIDE)
async def test_a_picture_shows_what_staff_see(name: str) -> None:
    shown = DOCS / "pictures" / f"{name}.svg"
    assert shown.read_text() == await drawn(name), "run `make pictures`, and look at it"


def test_the_guide_has_every_picture_and_no_other() -> None:
    named = re.findall(r"pictures/(ra-[a-z-]+)\.svg", (DOCS / "ra-guide.md").read_text())
    assert sorted(named) == sorted(GUIDE)
