"""Before: the owner of the database put a function of their own in front of the server's clock, so
that a code or a visit never grew old; or had the server's clock put back, and nobody noticed.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from kiosk.authority.administration.caretaker import Caretaker
from kiosk.authority.administration.checks import check_clock
from kiosk.authority.audit.anchors import AnchorSigner
from kiosk.authority.records import Card
from kiosk.config.settings import NoticeSettings
from kiosk.contract.errors import AuthorityUnavailable
from kiosk.contract.findings import Condition
from kiosk.contract.messages import Heartbeat, SetPin, VisitOpened
from kiosk.contract.ports import SystemClock
from tests.authority.world import STAFF, World
from tests.support.database import TEMPLATE, PostgresServer

pytestmark = pytest.mark.postgresql

BEHIND = timedelta(minutes=50)


@pytest.fixture
def owned(postgres_server: PostgresServer) -> Iterator[str]:
    """A database for this test alone: to empty it would not undo what its owner does."""
    postgres_server.execute(f"CREATE DATABASE owned TEMPLATE {TEMPLATE}")
    yield postgres_server.url("owned")
    postgres_server.execute("DROP DATABASE owned WITH (FORCE)")


def served(folder: Path, url: str) -> World:
    """Return a world that goes by the server's clock, as a service does."""
    world = World(folder, url=url, time=SystemClock())
    world.clock.time = datetime.now(UTC)
    return world


def test_function_in_front_of_the_clock_is_not_asked(tmp_path: Path, owned: str) -> None:
    with psycopg.connect(owned) as owner:
        owner.execute("CREATE SCHEMA ours")
        owner.execute(
            "CREATE FUNCTION ours.clock_timestamp() RETURNS timestamptz LANGUAGE sql "
            f"AS $$ SELECT pg_catalog.clock_timestamp() - interval '{BEHIND.seconds} s' $$"
        )
        owner.execute("ALTER DATABASE owned SET search_path = ours, pg_catalog, public")
    world = served(tmp_path, owned)
    with world.store.read() as uow:
        assert abs(uow.now - datetime.now(UTC)) < BEHIND / 2
    world.store.close()


@pytest.fixture
def world(tmp_path: Path, postgres_server: PostgresServer) -> Iterator[World]:
    world = served(tmp_path, postgres_server.fresh())
    yield world
    world.store.close()


@pytest.fixture
def card(world: World) -> Card:
    card = world.registered_card()
    world.known_reader_card(card)
    return card


def set_back(world: World, by: timedelta, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the server be behind: here the machine is ahead, as no test may set a clock."""
    monkeypatch.setattr(SystemClock, "now", lambda _: datetime.now(UTC) + by)
    world.store.close()  # the next connection asks for the time


def test_clock_that_was_set_back_serves_nobody_and_costs_nothing(
    world: World, card: Card, monkeypatch: pytest.MonkeyPatch
) -> None:
    visit = world.insert(card, blocked=True)
    assert isinstance(visit.opened, VisitOpened)
    visit.to_code()
    code, before = world.relay.code, world.kinds()
    set_back(world, BEHIND, monkeypatch)
    with pytest.raises(AuthorityUnavailable):
        visit.enter(code)
    with pytest.raises(AuthorityUnavailable):
        visit.authority.heartbeat(Heartbeat())
    assert world.kinds() == before
    set_back(world, timedelta(), monkeypatch)
    assert isinstance(visit.enter(code), SetPin)


def test_clock_that_was_set_back_is_an_alarm_and_a_finding(
    world: World, card: Card, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_back(world, BEHIND, monkeypatch)
    caretaker = Caretaker(world.store, AnchorSigner(world.ring), NoticeSettings(), STAFF)
    caretaker.run()
    with world.store.read() as uow:
        (alarm,) = uow.alarms.standing()
    assert alarm.kind == "clocks-differ"
    assert alarm.detail["minutes"] in (49, 50)
    assert [message.template for message in world.outbox()] == ["clocks-differ"]
    found = check_clock(world.store, SystemClock(), lambda: True)
    assert found.condition is Condition.FAIL
    assert found.advice.endswith("no station is served")


def test_clocks_that_differ_a_little_serve(
    world: World, card: Card, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_back(world, timedelta(minutes=2), monkeypatch)
    assert isinstance(world.insert(card, blocked=True).opened, VisitOpened)
