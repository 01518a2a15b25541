from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.authority.world import copy_template
from tests.contract.wirings import WiredWorld, wired

HOW = ("in process", "socket", "mutual TLS")


@pytest.fixture
def folder(sqlite_template: Path, database_folder: Path) -> Path:
    return copy_template(sqlite_template, database_folder)


@pytest.fixture(params=HOW)
def world(request: pytest.FixtureRequest, folder: Path) -> Iterator[WiredWorld]:
    with wired(folder, request.param) as made:
        yield made


@pytest.fixture(params=HOW[1:])
def served(request: pytest.FixtureRequest, folder: Path) -> Iterator[WiredWorld]:
    with wired(folder, request.param) as made:
        yield made
