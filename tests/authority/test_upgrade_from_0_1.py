"""A database of version 0.1, in the middle of its work, is migrated and goes on."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from kiosk.authority.addresses import read_addresses
from kiosk.authority.administration.verification import accept, sweep, verify_audit
from kiosk.authority.audit.anchors import AnchorSigner
from kiosk.authority.audit.events import AuditKind
from kiosk.authority.audit.put_back import find
from kiosk.authority.errors import StoreError
from kiosk.authority.mail.compose import compose_notice
from kiosk.authority.policy import LivePolicy
from kiosk.authority.records import UnblockState, Visit
from kiosk.authority.store.engine import parse_url
from kiosk.authority.store.schema import MIGRATIONS
from kiosk.authority.store.sqlite_file import schema_of
from kiosk.authority.store.tables import REVISION
from kiosk.authority.visit.upgrading import end_open_visits
from kiosk.config.settings import PolicySettings, ServiceSettings
from kiosk.contract.errors import StepRefused
from kiosk.contract.messages import (
    AnswerQuestions,
    EnterCode,
    Factor,
    JournalId,
    Purpose,
    SetPin,
    UnblockDone,
    VisitEnd,
    VisitId,
    VisitOpened,
)
from kiosk.contract.sensitive import Sensitive
from tests.authority.station_visit import resumed_by
from tests.authority.world import World
from tests.support.database import PostgresServer
from tests.support.release_0_1 import PEOPLE, load_file, load_server, person, world_of_0_1

IN_THE_MIDDLE = ("answered", "coded", "ready", "intent", "registers")


@pytest.fixture
def server_url(postgres_server: PostgresServer, tmp_path: Path) -> Iterator[str]:
    """The address of an empty database."""
    name = f"of_0_1_{abs(hash(tmp_path))}"
    postgres_server.execute(f"CREATE DATABASE {name}")
    yield postgres_server.url(name)
    postgres_server.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def old_world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """The estate of 0.1, which nobody has migrated."""
    on_server = request.param == "postgresql"
    world = world_of_0_1(tmp_path, request.getfixturevalue("server_url") if on_server else "")
    yield world
    world.store.close()


@pytest.fixture
def upgraded(old_world: World) -> World:
    assert not old_world.store.schema_serves()
    assert old_world.store.migrate(end_open_visits) == REVISION
    return old_world


def visit_of(world: World, name: str) -> Visit:
    with world.store.read() as uow:
        found = uow.visits.get(PEOPLE[name]["visit"])
    assert found is not None
    return found


def ends_of(world: World, visit: str) -> list[object]:
    return [
        one.detail["how"]
        for one in world.events()
        if one.kind == AuditKind.VISIT_ENDED and one.visit_id == visit
    ]


def test_every_row_and_the_audit_fit_after_the_upgrade(upgraded: World) -> None:
    assert upgraded.store.schema_serves()
    assert sweep(upgraded.store).altered == []
    assert verify_audit(upgraded.store, AnchorSigner(upgraded.ring), (), lambda *_: None).intact
    assert find(upgraded.store) == ()


def test_open_visits_end_at_the_upgrade_and_the_audit_says_why(upgraded: World) -> None:
    for name in IN_THE_MIDDLE:
        visit = visit_of(upgraded, name)
        assert (visit.how, visit.closed_at) == (VisitEnd.UPGRADED, upgraded.now), name
        assert ends_of(upgraded, visit.id) == ["upgraded"]
    for name in ("walked", "quiet"):
        visit = visit_of(upgraded, name)
        assert visit.how is VisitEnd.CARD_REMOVED, name
        assert ends_of(upgraded, visit.id) == ["card-removed"]
    upgraded.store.migrate(end_open_visits)  # and once
    assert ends_of(upgraded, visit_of(upgraded, "coded").id) == ["upgraded"]


def test_nothing_is_done_in_a_visit_of_before_the_upgrade(upgraded: World) -> None:
    for name in IN_THE_MIDDLE:
        about = PEOPLE[name]
        authority = upgraded.at(about["station"])
        with pytest.raises(StepRefused):
            authority.release(VisitId(about["visit"]), "late", None)


@pytest.mark.parametrize("name", ["coded", "registers"])
def test_codes_of_open_visits_are_withdrawn_at_the_upgrade(upgraded: World, name: str) -> None:
    someone = person(upgraded, name)
    assert upgraded.live_code(someone.card) is None
    (withdrawn,) = (
        one
        for one in upgraded.events()
        if one.kind == AuditKind.CODE_OVER and one.visit_id == someone.about["visit"]
    )
    assert isinstance(withdrawn.detail["code"], str)


@pytest.mark.parametrize("name", ["quiet", "answered", "coded", "ready"])
def test_holder_of_0_1_unlocks_with_their_answers(upgraded: World, name: str) -> None:
    someone, before = person(upgraded, name), None
    with upgraded.store.read() as uow:
        before = uow.registrations.of_holder(someone.about["holder"])
    assert before is not None
    upgraded.clock.forward(minutes=2)  # the last code is too fresh for another
    visit = someone.insert()
    visit.to_new_pin()
    grant = visit.grant()
    visit.authority.record_outcome(visit.visit, grant.journal, UnblockDone())
    visit.pull()
    with upgraded.store.read() as uow:
        after = uow.registrations.of_holder(someone.about["holder"])
    assert after is not None
    assert after.failures == 0


def test_failed_attempts_of_0_1_count_on(upgraded: World) -> None:
    with upgraded.store.read() as uow:
        counted = uow.registrations.of_holder(PEOPLE["quiet"]["holder"])
    assert counted is not None
    assert counted.failures == 1
    visit = person(upgraded, "quiet").insert()
    for _ in range(upgraded.policy.max_failures - 1):
        visit.answer(visit.questions(), wrong=True)
    with upgraded.store.read() as uow:
        blocked = uow.registrations.of_holder(PEOPLE["quiet"]["holder"])
    assert blocked is not None
    assert blocked.blocked_at is not None


def test_holder_who_went_to_read_the_mail_comes_back_to_the_code(upgraded: World) -> None:
    someone = person(upgraded, "walked")
    visit = someone.insert("Z")
    resumed = resumed_by(visit)
    assert resumed is not None
    purpose, task = resumed
    assert (purpose, type(task)) == (Purpose.UNLOCK, EnterCode)
    assert upgraded.proofs(visit)[Factor.QUESTIONS].carried_from == someone.about["visit"]
    assert isinstance(visit.enter(Sensitive(someone.about["code"])), SetPin)
    assert visit.grant()


def test_code_that_was_entered_before_the_upgrade_opens_nothing_by_itself(upgraded: World) -> None:
    visit = person(upgraded, "ready").insert()
    assert isinstance(visit.questions(), AnswerQuestions)
    with pytest.raises(StepRefused):
        visit.release()


def test_code_that_staff_gave_in_0_1_is_good(upgraded: World) -> None:
    someone = person(upgraded, "given")
    visit = someone.insert()
    assert isinstance(visit.answer(visit.questions()), EnterCode)
    assert isinstance(visit.enter(Sensitive(someone.about["code"])), SetPin)


@pytest.mark.parametrize("name", ["intent", "unknown"])
def test_unblock_in_doubt_stays_in_doubt(upgraded: World, name: str) -> None:
    about = PEOPLE[name]
    entry = upgraded.entry(JournalId(about["journal"]))
    state = UnblockState.INTENT if name == "intent" else UnblockState.UNKNOWN
    assert (entry.state, entry.closed_at) == (state, None)


@pytest.mark.parametrize("name", ["intent", "unknown"])
def test_unblock_in_doubt_is_settled_by_the_report_of_its_station(
    upgraded: World, name: str
) -> None:
    about = PEOPLE[name]
    authority = upgraded.at(about["station"])
    journal = JournalId(about["journal"])
    authority.record_outcome(VisitId(about["visit"]), journal, UnblockDone())
    assert upgraded.entry(journal).state is UnblockState.DONE


@pytest.mark.parametrize("name", ["intent", "unknown"])
def test_unblock_in_doubt_is_settled_when_the_card_comes_back(upgraded: World, name: str) -> None:
    upgraded.clock.forward(hours=2)
    someone = person(upgraded, name)
    visit = someone.insert(blocked=False)
    assert isinstance(visit.opened, VisitOpened)
    entry = upgraded.entry(JournalId(someone.about["journal"]))
    assert (entry.state, entry.closed_at) == (UnblockState.SETTLED, upgraded.now)


def test_policy_that_staff_set_in_0_1_is_read_as_one_way(upgraded: World) -> None:
    live = LivePolicy(upgraded.store, PolicySettings(), upgraded.clock)
    assert live().verification == ((Factor.EMAIL_CODE, Factor.QUESTIONS),)


def test_notices_that_waited_in_0_1_are_mailed(upgraded: World) -> None:
    waiting = upgraded.outbox()
    assert {one.template for one in waiting} >= {"registered", "unlocked", "code-given"}
    for one in waiting:
        service = ServiceSettings()
        assert compose_notice(
            to=one.to, template=one.template, params=one.params, service=service
        ).text


def test_altered_visit_of_0_1_stays_altered(old_world: World) -> None:
    """A migration that made its MAC anew would certify what somebody else wrote."""
    visit = PEOPLE["coded"]["visit"]
    with sa.create_engine(parse_url(old_world.url)).begin() as connection:
        changed = sa.text("UPDATE visit SET station = 'Z' WHERE id = :visit")
        connection.execute(changed, {"visit": visit})
    old_world.store.migrate(end_open_visits)
    assert sweep(old_world.store).altered == [("visit", visit)]
    assert ends_of(old_world, visit) == []


NAMES_A_ROUTE = (
    ("visit", "owner_route"),
    ("pending_change", "owner_route"),
    ("email_code", "route"),
    ("cardholder", "address_id"),
    ("registration", "address_id"),
)


def test_altered_row_of_0_1_keeps_no_address_where_a_route_is_named(old_world: World) -> None:
    """Before: it stayed there in clear, and the audit named it once such a row was accepted."""
    about = PEOPLE["walked"]
    rows = [
        ("visit", about["visit"], "station = 'Z', owner_email = 'mallory@nhs.net'"),
        ("cardholder", about["holder"], "email = 'mallory@nhs.net'"),
        ("registration", about["holder"], "email = 'mallory@nhs.net'"),
    ]
    engine = sa.create_engine(parse_url(old_world.url))
    with engine.begin() as connection:
        for table, row, change in rows:
            key = "holder_id" if table == "registration" else "id"
            this = sa.text(f"UPDATE {table} SET {change} WHERE {key} = :row")
            assert connection.execute(this, {"row": row}).rowcount == 1
        changed = "UPDATE email_code SET visit_id = 'another' WHERE holder_id = :row"
        assert connection.execute(sa.text(changed), {"row": about["holder"]}).rowcount > 0
    old_world.store.migrate(end_open_visits)
    with engine.connect() as connection:
        for table, column in NAMES_A_ROUTE:
            clear = sa.text(f"SELECT count(*) FROM {table} WHERE {column} LIKE '%@%'")
            assert connection.scalar(clear) == 0, (table, column)
    altered = sweep(old_world.store).altered
    assert {table for table, _ in altered} == {*(table for table, _, _ in rows), "email_code"}
    for table in "cardholder", "registration":
        accept(old_world.store, table, about["holder"], "root", "It is the right one")
    with old_world.store.read() as uow:
        assert read_addresses(uow, about["holder"]).shown == "mallory@nhs.net"


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 1.0])
def test_migration_that_is_cut_off_leaves_all_of_0_1_and_is_done_again(
    old_world: World, share: float
) -> None:
    """After any of its statements, the last of which is before its commit."""
    engine = sa.create_engine(parse_url(old_world.url), poolclass=sa.NullPool)
    before = contents(engine)
    passed = 0

    def count(*_: object) -> None:
        nonlocal passed
        passed += 1
        if passed == end:
            raise sa.exc.OperationalError("cut off", None, OSError("power"))

    end = 0
    sa.event.listen(sa.Engine, "after_cursor_execute", count)
    try:
        with pytest.raises(LookupError):
            old_world.store.migrate(lambda _: raise_lookup())
        end, passed = max(1, int(passed * share)), 0
        with pytest.raises(StoreError):
            old_world.store.migrate(end_open_visits)
    finally:
        sa.event.remove(sa.Engine, "after_cursor_execute", count)
    assert contents(engine) == before
    assert old_world.store.migrate(end_open_visits) == REVISION
    assert sweep(old_world.store).altered == []
    for name in IN_THE_MIDDLE:
        assert ends_of(old_world, visit_of(old_world, name).id) == ["upgraded"]


def raise_lookup() -> None:
    raise LookupError


def contents(engine: sa.Engine) -> dict[str, object]:
    """Return every table with its columns and rows."""
    there = sa.inspect(engine)
    found: dict[str, object] = {}
    with engine.connect() as connection:
        for table in there.get_table_names():
            rows = connection.execute(sa.text(f"SELECT * FROM {table}"))
            found[table] = [tuple(rows.keys()), sorted(map(repr, rows))]
    return found


@pytest.mark.postgresql
def test_copy_that_is_not_complete_stays_out_of_service(tmp_path: Path, server_url: str) -> None:
    old_world = world_of_0_1(tmp_path, server_url)
    with sa.create_engine(parse_url(old_world.url)).begin() as connection:
        connection.execute(
            sa.text("UPDATE served_program SET least_program = 'it is being copied'")
        )
    old_world.store.migrate(end_open_visits)
    assert not old_world.store.schema_serves()
    assert old_world.store.out_of_service() == "it is being copied"
    old_world.store.close()


# The frozen first migration, beside what 0.1 made.


def migrate_first(url: str) -> None:
    engine = sa.create_engine(parse_url(url), poolclass=sa.NullPool)
    with engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")


def test_first_migration_makes_the_file_of_0_1(tmp_path: Path) -> None:
    """To the letter: a restored backup is compared with it."""
    load_file(tmp_path / "old.db")
    with closing(sqlite3.connect(tmp_path / "new.db")):
        migrate_first(f"sqlite:///{tmp_path / 'new.db'}")
    assert schema_of(tmp_path / "old.db") == schema_of(tmp_path / "new.db")


def test_upgraded_file_is_as_a_new_one(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    new.mkdir()
    for world in (world_of_0_1(old), World(new)):
        world.store.migrate(end_open_visits)
        world.store.close()
    assert schema_of(old / "kiosk.db") == schema_of(new / "kiosk.db")


CATALOGUE = """
SELECT table_name, column_name, data_type, is_nullable, collation_name, column_default
FROM information_schema.columns WHERE table_schema = 'public'
UNION ALL SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid), '', '', ''
FROM pg_constraint WHERE connamespace = 'public'::regnamespace
UNION ALL SELECT tablename, indexname, indexdef, '', '', '' FROM pg_indexes
WHERE schemaname = 'public'
UNION ALL SELECT tgrelid::regclass::text, tgname, pg_get_triggerdef(oid), '', '', ''
FROM pg_trigger WHERE NOT tgisinternal
UNION ALL SELECT proname, prosrc, '', '', '', '' FROM pg_proc
WHERE pronamespace = 'public'::regnamespace
"""


@pytest.mark.postgresql
def test_first_migration_makes_the_server_s_database_of_0_1(
    postgres_server: PostgresServer, server_url: str
) -> None:
    postgres_server.execute("CREATE DATABASE first_migration")
    new = postgres_server.url("first_migration")
    migrate_first(new)
    load_server(server_url)
    found = []
    for url in (server_url, new):
        engine = sa.create_engine(parse_url(url), poolclass=sa.NullPool)
        with engine.connect() as connection:
            found.append({tuple(row) for row in connection.execute(sa.text(CATALOGUE))})
    assert found[0] == found[1]
    assert len(found[0]) > 300
