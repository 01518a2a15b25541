"""Some rounds of ``make races``, which runs many more of them with more stations."""

from __future__ import annotations

from pathlib import Path

import pytest

from campaigns.races.estate import POLICY, racing
from campaigns.races.rounds import KINDS, Rounds
from kiosk.contract.ports import SystemClock
from tests.authority.world import World
from tests.support.database import PostgresServer

pytestmark = pytest.mark.postgresql


def test_no_race_is_won_twice(postgres_server: PostgresServer, tmp_path: Path) -> None:
    world = World(tmp_path, url=postgres_server.fresh(), time=SystemClock())
    world.policy = POLICY
    with racing(tmp_path, world.url, stations=8) as estate:
        rounds = Rounds(world, estate)
        rounds.run(30)
    world.store.close()
    assert rounds.violations == []
    assert len(rounds.counts) == len(KINDS)
