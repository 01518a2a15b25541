from __future__ import annotations

import pytest

from tests.attacks.four_eyes import FILE
from tests.authority.conftest import (
    card,
    each_world,
    folder,
    postgresql_world,
    ring,
    signer,
    sqlite_world,
    world,
)
from tests.authority.world import World
from tests.e2e.conftest import authority, make_world, template

__all__ = [
    "authority",
    "card",
    "each_world",
    "folder",
    "make_world",
    "postgresql_world",
    "ring",
    "signer",
    "sqlite_world",
    "template",
    "world",
]


@pytest.fixture
def four_eyes(world: World) -> None:
    """Have the policy of ``world`` ask for two members of staff."""
    world.policy = FILE.policy()
