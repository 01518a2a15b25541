"""A token in software, with master keys."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.authority.crypto.token.hsm import Hsm


@pytest.fixture
def hsm(tmp_path: Path) -> Iterator[Hsm]:
    hsm = Hsm(tmp_path / "softhsm")
    yield hsm
    hsm.close()
