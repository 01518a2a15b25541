"""Before: who inserted ``verification`` into the policy table was asked no questions any more."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kiosk.authority.policy import LivePolicy
from kiosk.authority.records import PolicySetting
from kiosk.authority.service import LocalAuthority
from kiosk.config.settings import PolicySettings
from kiosk.contract.messages import Purpose
from tests.attacks.database_writer import at, insert, refused_as_altered, write
from tests.authority.world import World

VERIFICATION = '["email-code"]'


@pytest.fixture
def living(world: World) -> World:
    """A world whose policy is read from its database."""
    policy = LivePolicy(world.store, PolicySettings(), world.clock)
    world.parts = replace(world.parts, policy=policy)
    world.authority = LocalAuthority(world.parts)
    return world


def test_an_inserted_setting_refuses_service(living: World) -> None:
    card = living.registered_card()
    insert(
        living,
        "policy_setting",
        name="verification",
        value=VERIFICATION,
        changed_at=at(living.now),
        changed_by="mallory",
        note_id="",
        revision=1,
    )
    station_visit = living.insert(card, blocked=True)
    if not refused_as_altered(living, station_visit.opened, "policy_setting"):
        living.authority.choose(station_visit.visit, Purpose.UNLOCK)
        station_visit.send()
        station_visit.enter(living.relay.code)
        raise AssertionError(f"opened without an answer: {station_visit.grant()}")


def test_a_changed_setting_refuses_a_visit_that_is_under_way(living: World) -> None:
    card = living.registered_card()
    with living.store.begin() as uow:
        kept = '["questions", "email-code"]'
        uow.policy_changes.save(PolicySetting("verification", kept, living.now, "asha", "note"))
        uow.commit()
    station_visit = living.insert(card, blocked=True)
    task = station_visit.questions()
    write(living, "UPDATE policy_setting SET value = ?", VERIFICATION)
    living.clock.forward(seconds=10)
    assert refused_as_altered(living, station_visit.answer(task), "policy_setting")
    living.clock.forward(hours=1)
    assert refused_as_altered(living, living.insert(card, blocked=True).opened, "policy_setting")
