from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.admin.door import Door
from tests.e2e.world import World
from tests.support.sshd import need_programs


@pytest.fixture
def door(world: World) -> Iterator[Door]:
    """An sshd before an estate with Ada and Ben in it."""
    need_programs()
    door = Door(world)
    door.open()
    yield door
    door.close()
