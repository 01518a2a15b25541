"""Before: who put back in the database which programs may serve, had a newer one leave out of its
rows what protects a holder, as an older one did not know it.
"""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest

from kiosk.authority.administration.caretaker import Caretaker
from kiosk.authority.audit.anchors import AnchorSigner
from kiosk.authority.audit.events import ServiceKind
from kiosk.authority.errors import ProgramTooOld
from kiosk.authority.store import database
from kiosk.authority.store.database import LEVEL_S, SchemaFit
from kiosk.authority.store.tables import REVISION, VisitRow
from kiosk.config.settings import DEFAULTS, NoticeSettings
from kiosk.contract.errors import AuthorityUnavailable
from kiosk.contract.messages import Heartbeat
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


def test_older_program_serves_nobody_again_once_its_upgrade_was_finished(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that was left on some machine knew nothing of what the newer one wrote."""
    card = world.registered_card()
    run(world, f"UPDATE alembic_version SET version_num = '{NEXT}'")
    assert world.store.schema() == (SchemaFit.NEWER, NEXT)
    world.clock.time += timedelta(seconds=2 * LEVEL_S)
    with monkeypatch.context() as patched:
        patched.setattr(database, "REVISION", NEXT)
        assert world.store.end_older_programs(ENDED, "admin")
    run(world, f"UPDATE served_program SET least_program = '{REVISION}'")
    assert world.store.schema() == (SchemaFit.TOO_NEW, NEXT)
    assert not world.store.schema_serves()
    with pytest.raises(ProgramTooOld):
        caretaker_of(world).run()
    run(world, "UPDATE cardholder SET mac = 'of the next'")
    with pytest.raises(AuthorityUnavailable):
        world.authority.heartbeat(Heartbeat())
    with world.store.read() as uow, pytest.raises(ProgramTooOld):
        uow.holders.get(card.holder_id)


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the program have a column that an older one does not know."""
    monkeypatch.setattr(VisitRow, "since", {"way": REVISION})


def caretaker_of(world: World) -> Caretaker:
    return Caretaker(world.store, AnchorSigner(world.ring), NoticeSettings(), "ra@nhs.uk")


@pytest.mark.usefixtures("waits")
def test_level_of_a_new_database_is_not_lowered_in_it(world: World) -> None:
    """Nobody finished an upgrade there, so no event of one said that no older program serves."""
    assert caretaker_of(world).run()
    run(world, "UPDATE served_program SET least_program = '0000'")
    world.clock.time += timedelta(seconds=2 * LEVEL_S)
    with world.store.read() as uow:
        assert uow.level == REVISION
    said = [(one.actor, one.detail) for one in world.events() if one.kind == ENDED]
    assert said == [(None, {"level": REVISION, "kept": True})]


@pytest.mark.usefixtures("waits")
def test_level_is_said_anew_before_the_event_of_it_is_purged(world: World) -> None:
    """Also by who lowered it and waits for the purge."""
    assert caretaker_of(world).run()
    run(world, "UPDATE served_program SET least_program = '0000'")
    for _ in range(DEFAULTS.retention.audit_months):
        world.clock.time += timedelta(days=31)
        assert caretaker_of(world).run()
    kept = [one.at for one in world.events() if one.kind == ENDED]
    month = timedelta(days=31)
    assert len(kept) == 3
    assert all(later - earlier < 13 * month for earlier, later in pairwise(kept))
    assert world.now - kept[-1] < 13 * month


@pytest.mark.usefixtures("waits")
def test_level_that_is_not_this_program_s_is_not_said(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While an upgrade is under way, and by who lowered it before it was ever said."""
    run(world, f"UPDATE alembic_version SET version_num = '{NEXT}'")
    monkeypatch.setattr(database, "REVISION", NEXT)
    assert caretaker_of(world).run()
    assert ENDED not in world.kinds()
