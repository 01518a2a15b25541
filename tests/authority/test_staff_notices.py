"""Who of the staff is told of a block: everybody on the list, or nobody where it is empty."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kiosk.authority.notices import Notice
from kiosk.authority.service import LocalAuthority
from tests.authority.world import World


@pytest.mark.parametrize("told", [(), ("one@nhs.net",), ("one@nhs.net", "two@nhs.net")])
def test_block_is_mailed_to_each_address_of_staff_once(world: World, told: tuple[str, ...]) -> None:
    world.authority = LocalAuthority(replace(world.parts, staff_addresses=told))
    card = world.registered_card()
    station_visit = world.insert(card, blocked=True)
    task = station_visit.questions()
    for _ in range(4):
        station_visit.answer(task, wrong=True)
    world.insert(card, blocked=True, station="B")
    notices = [one.to for one in world.outbox() if one.template == Notice.BLOCKED_STAFF]
    assert sorted(notices) == sorted(told)
