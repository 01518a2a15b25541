"""What answers: asked often, remembered for a while, and seen when it goes and comes back."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest
import sqlalchemy as sa

from kiosk.authority.errors import KeysUnavailable, MailUnavailable
from kiosk.authority.service import KEYS_S, STORE_S, Health, HealthWatch
from kiosk.authority.store.database import Store
from kiosk.contract.errors import AuthorityUnavailable
from kiosk.contract.messages import Heartbeat, StationStanding
from tests.authority.world import Relay, World
from tests.support.database import MACS, sqlite_url


def well() -> None:
    """Keys that are in the key file are always there."""


def test_health_is_remembered_for_a_while(world: World) -> None:
    for _ in range(5):
        assert world.authority.health.check() == Health(store=True, mail=True)
        world.clock.forward(seconds=4)
    assert world.relay.checks == 1
    world.clock.forward(seconds=60)
    world.authority.health.check()
    assert world.relay.checks == 2


def test_a_relay_that_is_away_is_seen_and_seen_again(world: World) -> None:
    world.relay.failure = MailUnavailable("away")
    assert world.authority.health.check() == Health(store=True, mail=False)
    world.relay.failure = None
    assert not world.authority.health.check().mail
    world.clock.forward(seconds=15)
    assert world.authority.health.check().mail


def test_a_database_that_is_away_is_seen_at_once_and_comes_back(world: World) -> None:
    assert world.authority.health.check().store
    moved = world.folder / "elsewhere"
    away = Store(sqlite_url(moved), world.clock, MACS)
    watch = HealthWatch(away, Relay(), world.clock, well)
    assert not watch.check().store
    (world.folder / "kiosk.db").rename(moved)
    assert watch.check().store
    away.close()


def test_a_disk_without_room_is_seen_before_a_card_goes_in_and_said_once(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Before: stations asked for cards, and each holder was sent away."""
    assert world.authority.heartbeat(Heartbeat()) is StationStanding.IN_USE
    left = [0]
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=left[0]))
    for _ in range(2):
        world.clock.forward(seconds=STORE_S)
        with pytest.raises(AuthorityUnavailable):
            world.authority.heartbeat(Heartbeat())
    assert caplog.messages == [
        f"stations are out of service: {world.folder}: the disk has 0 KiB left: make room on it"
    ]
    left[0] = 2**30
    assert world.authority.heartbeat(Heartbeat()) is StationStanding.IN_USE


def test_nobody_says_that_a_relay_answered_before_it_was_asked(world: World) -> None:
    watch = HealthWatch(world.store, Relay(), world.clock, well)
    assert watch.mail_answered is None
    watch.check()
    assert watch.mail_answered is True


def test_a_slow_relay_does_not_hold_up_that_the_database_is_back(world: World) -> None:
    relay, moved = Relay(), world.folder / "elsewhere"
    away = Store(sqlite_url(moved), world.clock, MACS)
    watch = HealthWatch(away, relay, world.clock, well)
    assert not watch.check().store
    (world.folder / "kiosk.db").rename(moved)
    assert watch.check().store
    assert relay.checks == 0
    watch.check()
    assert relay.checks == 1
    away.close()


def test_a_token_that_is_away_is_seen_soon_and_seen_again(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    asked, away = [0], [False]

    def reach() -> None:
        asked[0] += 1
        if away[0]:
            raise KeysUnavailable("away")

    assert world.authority.health.check().keys
    watch = HealthWatch(world.store, Relay(), world.clock, reach)
    assert [watch.check().keys for _ in range(3)] == [True] * 3
    assert asked == [1], "remembered for a while"
    away[0] = True
    world.clock.forward(seconds=KEYS_S)
    for _ in range(2):
        assert watch.check() == Health(store=True, mail=True, keys=False)
    away[0] = False
    with caplog.at_level("INFO"):
        assert watch.check().keys
    assert caplog.messages == ["the master keys are away: away", "the master keys are there again"]


def test_only_one_caller_asks_at_a_time(world: World) -> None:
    asked, go_on = threading.Event(), threading.Event()

    class Slow(Relay):
        def check(self) -> None:
            self.checks += 1
            asked.set()
            assert go_on.wait(60)

    relay = Slow()
    watch = HealthWatch(world.store, relay, world.clock, well)
    first = threading.Thread(target=watch.check)
    first.start()
    assert asked.wait(60)
    assert watch.check() == Health(store=True, mail=True)
    go_on.set()
    first.join()
    assert relay.checks == 1


def test_a_database_without_tables_is_not_well_until_it_has_them(
    world: World, tmp_path: Path
) -> None:
    bare = tmp_path / "bare.db"
    bare.touch()
    store = Store(sqlite_url(bare), world.clock, MACS)
    watch = HealthWatch(store, Relay(), world.clock, well)
    assert not watch.check().store
    store.migrate()
    assert watch.check().store
    store.close()


@pytest.mark.parametrize(
    ("revision", "least_program", "well"),
    [("0000", "0000", False), ("9999", "9999", False), ("9999", "0002", True)],
)
def test_a_database_of_another_version_is_well_where_it_serves_this_one(
    world: World, revision: str, least_program: str, well: bool
) -> None:
    with sa.create_engine(sqlite_url(world.folder / "kiosk.db")).begin() as connection:
        connection.execute(sa.text(f"UPDATE alembic_version SET version_num = '{revision}'"))
        connection.execute(sa.text(f"UPDATE served_program SET least_program = '{least_program}'"))
    assert world.authority.health.check().store is well


def test_who_looks_while_the_relay_is_asked_hears_of_what_else_is_away(world: World) -> None:
    asked, answer = threading.Event(), threading.Event()

    class Slow(Relay):
        def check(self) -> None:
            asked.set()
            assert answer.wait(60)

    def away() -> None:
        raise KeysUnavailable("away")

    watch, seen = HealthWatch(world.store, Slow(), world.clock, away), []
    asking = threading.Thread(target=watch.ask_relay)
    looking = threading.Thread(target=lambda: seen.append(watch.check()))
    asking.start()
    assert asked.wait(60)
    looking.start()
    answer.set()
    asking.join()
    looking.join()
    assert seen == [Health(store=True, mail=True, keys=False)]
