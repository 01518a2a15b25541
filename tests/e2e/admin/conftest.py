from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.admin.ssh_login import Door
from tests.e2e.world import World
from tests.support.hotplug import HotplugPcscd
from tests.support.sshd import need_programs


@pytest.fixture
def door(world: World) -> Iterator[Door]:
    """An sshd before an estate with Ada and Ben in it."""
    need_programs()
    door = Door(world)
    door.open()
    yield door
    door.close()


@pytest.fixture(scope="module")
def front(
    template: Path, pcscd: HotplugPcscd, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Door]:
    """One door for all tests that only try it, with a member of staff of each role.

    It lets ``stranger`` in without asking the service, as a careless administrator might.
    """
    need_programs()
    world = World(tmp_path_factory.mktemp("front") / "estate", pcscd)
    world.open(template)
    careless = world.folder / "careless_keys"
    door = Door(world, careless)
    door.open()
    careless.write_text(Path(f"{door.key('stranger')}.pub").read_text())
    for role in ("manager", "agent", "auditor"):
        door.staff(f"{role.title()} Okafor", role)
    yield door
    door.close()
    world.close()
