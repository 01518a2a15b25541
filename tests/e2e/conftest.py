from __future__ import annotations

import fcntl
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.processes import Authority
from tests.e2e.world import World
from tests.support.hotplug import HotplugPcscd
from tests.support.pcsc import start_empty

MakeWorld = Callable[..., World]


@pytest.fixture(scope="session")
def template(pcscd: HotplugPcscd, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The state of an estate that the installed program has set up, once in a run."""
    here = tmp_path_factory.getbasetemp()
    run = here.parent if "PYTEST_XDIST_WORKER" in os.environ else here
    estate, done = run / "estate", run / "estate.done"
    with (run / "estate.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            shutil.rmtree(estate, ignore_errors=True)  # of a process that died at it
            world = World(estate, pcscd)
            try:
                world.open()
            finally:
                world.close()
            done.touch()
    return estate / "state"


@pytest.fixture
def make_world(tmp_path: Path, pcscd: HotplugPcscd, template: Path) -> Iterator[MakeWorld]:
    """Open estates with settings of their own: ``make_world(policy={"code_tries": 2})``."""
    start_empty(pcscd)
    opened: list[World] = []

    def make(**settings: dict[str, Any]) -> World:
        world = World(tmp_path / f"estate-{len(opened)}", pcscd, settings)
        opened.append(world)
        world.open(template)
        return world

    yield make
    for world in opened:
        world.close()


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    """One estate with Ada and Ben in it."""
    return make_world()


@pytest.fixture
def authority(world: World) -> Iterator[Authority]:
    """``kiosk authority`` of the estate, running."""
    made = Authority(world, forked=True)
    yield made
    if made.process.poll() is None:
        made.end(signal.SIGKILL)
