"""Before: who put back in the database which programs may serve, had a newer one leave out of its
rows what protects a holder, as an older one did not know it.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from kiosk.authority.audit.events import ServiceKind
from kiosk.authority.store import database
from kiosk.authority.store.database import LEVEL_S
from kiosk.authority.store.tables import REVISION
from tests.attacks.database_writer import run
from tests.authority.world import World

ENDED = ServiceKind.OLDER_ENDED.value
NEXT = f"{int(REVISION) + 1:04d}"


@pytest.fixture
def world(each_world: World) -> World:
    return each_world


def test_finished_upgrade_that_is_undone_in_the_database_stays_finished(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(world, f"UPDATE alembic_version SET version_num = '{NEXT}'")
    monkeypatch.setattr(database, "REVISION", NEXT)
    assert world.store.end_older_programs(ENDED, "admin")
    run(world, f"UPDATE served_program SET least_program = '{REVISION}'")
    world.clock.time += timedelta(seconds=2 * LEVEL_S)
    with world.store.read() as uow:
        assert uow.level == NEXT
