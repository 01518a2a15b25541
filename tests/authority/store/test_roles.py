"""The roles of the database: what each can do, and above all what it cannot."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from psycopg import errors

from kiosk.app.cli.main import run_command
from kiosk.authority.administration.audit_archive import archive_audit, exported_rows
from kiosk.authority.administration.caretaker import Caretaker
from kiosk.authority.administration.desk import AdminDesk
from kiosk.authority.administration.office import Office
from kiosk.authority.administration.verification import verify_audit
from kiosk.authority.administration.views import Actor, AuditFilter, ExportFormat, unseen
from kiosk.authority.audit.anchors import AnchorSigner, sign_heads
from kiosk.authority.audit.purge import plan_purge, purge_audit
from kiosk.authority.crypto.keys import KeyPurpose
from kiosk.authority.errors import RowAltered, StoreError
from kiosk.authority.key_names import claim, knows_ring
from kiosk.authority.retention import months, purge_records
from kiosk.authority.roles import Role
from kiosk.authority.store.grants import (
    AUTHORITY,
    REPORT,
    RETENTION,
    ROLES,
    STAFF,
    creations,
    grants,
)
from kiosk.authority.store.repositories.past import PastKind
from kiosk.authority.store.tables import TableRow
from kiosk.config.settings import NoticeSettings
from kiosk.contract.messages import Finished, Heartbeat, Purpose, UnblockDone
from tests.authority.administration.desk.offices import GROUNDS
from tests.authority.assisting import office_beside
from tests.authority.registering import OTHER, start, to_code
from tests.authority.world import World
from tests.support.database import PostgresServer

pytestmark = pytest.mark.postgresql

Address = Callable[[str], str]


@pytest.fixture
def address(postgres_server: PostgresServer) -> Iterator[Address]:
    """The address of one database for each role, which the owner has given its rights."""
    url = postgres_server.fresh()
    with psycopg.connect(url, autocommit=True) as owner:
        for statement in (*creations(), *grants()):
            owner.execute(statement.encode())
        for role in ROLES:
            owner.execute(f"ALTER ROLE {role} LOGIN".encode())
    yield lambda role: url.replace(f"//{postgres_server.owner}@", f"//{role}@")
    postgres_server.execute("DROP DATABASE kiosk_test WITH (FORCE)")
    for role in ROLES:
        postgres_server.execute(f"DROP ROLE {role}")


@pytest.fixture
def owner(address: Address, tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path, url=address("kiosk"))
    yield world
    world.store.close()


@pytest.fixture
def authority(owner: World, address: Address, tmp_path: Path) -> Iterator[World]:
    """The same estate, on which the authority works as its own role."""
    world = World(tmp_path, url=address("kiosk_authority"))
    world.reader_cards = owner.reader_cards
    yield world
    world.store.close()


def refused(url: str, *statements: str) -> None:
    for statement in statements:
        with psycopg.connect(url) as connection:
            connection.execute("SELECT set_config('lock_timeout', '1s', false)")
            with pytest.raises(errors.InsufficientPrivilege):
                connection.execute(statement.encode())


def test_the_authority_serves_whole_visits_as_its_own_role(owner: World, authority: World) -> None:
    card = owner.registered_card()
    authority.authority.heartbeat(Heartbeat("A"))
    authority.unlock(card)
    authority.clock.forward(hours=2)
    station_visit = authority.insert(card, blocked=True, station="B")
    station_visit.to_code()
    station_visit.pull()  # and comes back with the code
    back = authority.insert(card, blocked=True)
    back.enter(authority.relay.code)
    grant = back.grant()
    done = authority.authority.record_outcome(back.visit, grant.journal, UnblockDone())
    assert done == Finished(Purpose.UNLOCK)
    assert authority.authority.rotate_secret(back.visit, grant.journal) is not None
    authority.authority.confirm_rotation(back.visit, grant.journal, UnblockDone())
    back.pull()
    with owner.store.read() as uow:
        assert uow.audit.verify().intact


@pytest.mark.parametrize("purpose", [KeyPurpose.SEAL, KeyPurpose.DERIVE])
def test_the_authority_takes_up_a_key_that_was_added_as_its_own_role(
    owner: World, authority: World, purpose: KeyPurpose
) -> None:
    claim(owner.store, owner.ring)
    rotated = owner.ring.with_new(purpose)
    assert not knows_ring(authority.store, rotated)
    claim(authority.store, rotated)
    assert knows_ring(owner.store, rotated)


def test_a_holder_registers_and_changes_their_address(owner: World, authority: World) -> None:
    card = owner.add_card(owner.add_holder())
    station_visit = to_code(authority, card)
    assert station_visit.enter(authority.relay.code) == Finished(Purpose.REGISTER)
    station_visit.pull()
    authority.clock.forward(hours=1)
    changing = start(authority, card, Purpose.CHANGE_EMAIL)
    changing.email(OTHER)
    assert isinstance(changing.enter(authority.relay.code), Finished)


def test_the_authority_looks_after_the_service_as_its_own_role(
    owner: World, authority: World
) -> None:
    owner.unlock(owner.registered_card())
    caretaker = Caretaker(
        authority.store, AnchorSigner(authority.ring), NoticeSettings(), "ra@nhs.net"
    )
    for _ in range(40):  # each table is checked, and each job of a day is done
        assert caretaker.run()
        authority.clock.forward(minutes=61)
    with owner.store.read() as uow:
        assert uow.audit.anchors()


@pytest.mark.parametrize("role", ROLES)
def test_nobody_but_the_owner_changes_the_audit(owner: World, address: Address, role: str) -> None:
    owner.insert(owner.registered_card())
    sign_heads(owner.store, AnchorSigner(owner.ring))
    refused(
        address(role),
        "UPDATE audit_event SET actor = 'somebody else'",
        "UPDATE audit_event SET hash = '', mac = ''",
        "DELETE FROM audit_event",
        "TRUNCATE audit_event",
        "UPDATE audit_anchor SET hash = ''",
        "DELETE FROM audit_anchor",
        "TRUNCATE audit_anchor",
        "DELETE FROM audit_head",
        "ALTER TABLE audit_event DISABLE TRIGGER ALL",
        "DROP TRIGGER audit_event_append_only ON audit_event",
        "DROP TABLE audit_event CASCADE",
        "SET session_replication_role = replica",
        "UPDATE served_program SET least_program = '9999'",
        "UPDATE alembic_version SET version_num = '9999'",
        "CREATE TABLE mine (id int)",
    )


def test_a_role_has_no_part_of_another_s_work(owner: World, address: Address) -> None:
    owner.unlock(owner.registered_card())
    refused(
        address("kiosk_authority"),
        "UPDATE audit_event SET detail = NULL, salt = NULL",
        "INSERT INTO staff_member SELECT * FROM staff_member",
        "UPDATE staff_key SET public_key = ''",
        "UPDATE policy_setting SET value = ''",
        "DELETE FROM registration",
        "DELETE FROM card",
        "UPDATE cardholder SET address_id = ''",
    )
    refused(
        address("kiosk_report"),
        "SELECT hashes FROM registration",
        "SELECT sealed_secret FROM card",
        "SELECT name FROM cardholder",
        "SELECT detail FROM audit_event",
        "SELECT salt FROM audit_event",
        "SELECT params FROM outbox_message",
        "SELECT auth_key FROM visit",
        "INSERT INTO audit_event SELECT * FROM audit_event",
        "UPDATE visit SET station = ''",
    )
    with psycopg.connect(address("kiosk_report")) as report:
        for table, columns in REPORT.items():
            assert report.execute(f"SELECT {', '.join(columns)} FROM {table}".encode())


def test_staff_take_a_text_out_of_a_row_and_change_nothing_else(
    owner: World, address: Address
) -> None:
    owner.insert(owner.registered_card())
    with psycopg.connect(address("kiosk_staff")) as staff:
        staff.execute("UPDATE audit_event SET detail = NULL, salt = NULL WHERE seq = 1")
        with pytest.raises(errors.InsufficientPrivilege, match="append only"):
            staff.execute("UPDATE audit_event SET detail = '{}', salt = 'x' WHERE seq = 1")


def test_staff_do_their_work_as_their_own_role(
    owner: World, address: Address, tmp_path: Path
) -> None:
    card = owner.registered_card()
    owner.insert(card).pull()
    world = World(tmp_path, url=address("kiosk_staff"))
    manager = office_beside(world, Role.MANAGER)
    desk = AdminDesk(manager)
    assert desk.today.look()
    desk.people.add("900000000077", "Jo Smith", "jo@nhs.net", GROUNDS)
    assert desk.people.search("Jo Smi").people
    person = desk.people.find_one("900123456789")
    desk.people.correct_name(person.seen, "Asha Okafor-Bell", GROUNDS)
    person = desk.people.find_one("900123456789")
    issued = desk.codes.issue(person.seen, card.id, GROUNDS)
    desk.codes.withdraw(issued.code_id, GROUNDS)
    desk.questions.add("What was the name of your first boat?", GROUNDS)
    desk.audit.export(AuditFilter(), ExportFormat.CSV, unseen)
    assert desk.audit.verify(unseen).intact
    person = desk.people.find_one("900123456789")
    desk.people.revoke_registration(person.seen, GROUNDS)
    world.store.close()


def test_a_purge_deletes_what_is_past_as_its_own_role_and_nothing_else(
    owner: World, address: Address, tmp_path: Path
) -> None:
    card = owner.registered_card()
    owner.unlock(card)
    signer = AnchorSigner(owner.ring)
    sign_heads(owner.store, signer)
    purging = World(tmp_path, url=address("kiosk_retention"))
    purging.clock.forward(days=1100)
    store = purging.store
    folder = tmp_path / "exports"
    folder.mkdir()
    archive_audit(store, signer, folder, "root", unseen)
    with store.read() as uow:
        exported = exported_rows(uow)
    before = store.machine_clock.now() - months(24)
    plan = plan_purge(store, signer, before, exported, None)
    assert plan.rows > 0
    assert purge_records(store)[PastKind.VISITS] > 0
    purge_audit(store, signer, plan, "root")
    assert verify_audit(store, signer).intact
    store.close()
    refused(
        address("kiosk_retention"),
        "DELETE FROM audit_event",
        "DELETE FROM audit_anchor",
        "UPDATE audit_event SET detail = NULL, salt = NULL",
        "UPDATE audit_gap SET last_row = last_row + 1",
        "DELETE FROM audit_gap",
        "DELETE FROM audit_head",
        "DELETE FROM cardholder",
        "SELECT value FROM address",
        "SELECT hashes FROM registration",
        "SELECT sealed_secret FROM card",
        "SELECT sealed_secret FROM kept_secret",
        "SELECT public_key FROM staff_key",
        "UPDATE card SET status = 'active'",
        "UPDATE registration SET failures = 0",
        "INSERT INTO staff_key SELECT * FROM staff_key",
        "ALTER TABLE audit_event DISABLE TRIGGER ALL",
    )
    for role in ("kiosk_authority", "kiosk_staff", "kiosk_report"):
        refused(address(role), "INSERT INTO audit_gap SELECT * FROM audit_gap")
        refused(address(role), "DELETE FROM audit_event WHERE seq = 1")


def test_altered_row_is_named_to_a_role_that_may_not_read_which_programs_serve(
    owner: World, address: Address, tmp_path: Path
) -> None:
    visit = owner.insert(owner.registered_card()).visit
    owner.store.run_as_owner(["UPDATE visit SET mac = 'forged'"])
    store = World(tmp_path, url=address("kiosk_retention")).store
    with store.read() as uow, pytest.raises(RowAltered, match="of visit was altered"):
        uow.visits.get(visit)
    store.close()


def test_the_statements_name_tables_and_columns_that_there_are() -> None:
    tables = TableRow.metadata.tables
    assert tables.keys() >= {*AUTHORITY, *STAFF, *RETENTION, *REPORT}
    for table, columns in REPORT.items():
        assert frozenset(tables[table].c.keys()) >= frozenset(columns)


def test_the_command_prints_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["store", "roles"]) == 0
    said = capsys.readouterr().out
    assert "CREATE ROLE kiosk_authority;" in said
    assert "GRANT INSERT ON audit_event TO kiosk_authority;" in said


def test_what_a_role_may_not_is_one_error_and_no_line_of_the_driver(
    owner: World, authority: World, caplog: pytest.LogCaptureFixture
) -> None:
    means = office_beside(owner, Role.MANAGER).means
    desk = AdminDesk(Office(replace(means, store=authority.store), Actor("root", Role.MANAGER)))
    with pytest.raises(StoreError, match="the role may not do this in the database"):
        desk.people.add("900000000077", "Jo Smith", "jo@nhs.net", GROUNDS)
    assert not caplog.records


def test_what_a_role_lacks_is_found(owner: World, address: Address, tmp_path: Path) -> None:
    assert owner.store.lacking(STAFF) == owner.store.lacking(AUTHORITY) == ()
    for role, may, may_not in (
        ("kiosk_authority", AUTHORITY, STAFF),
        ("kiosk_staff", STAFF, RETENTION),
        ("kiosk_retention", RETENTION, AUTHORITY),
    ):
        store = World(tmp_path, url=address(role)).store
        assert store.lacking(may) == ()
        assert store.lacking(may_not)
        store.close()


@pytest.mark.parametrize("role", ROLES)
def test_only_the_owner_of_the_tables_gives_roles_their_rights(
    owner: World, address: Address, tmp_path: Path, capsys: pytest.CaptureFixture[str], role: str
) -> None:
    """Before: PostgreSQL warned, nothing was granted, and the command said that it was."""
    settings = tmp_path / "kiosk.toml"
    settings.write_text(f'[store]\nurl = "{address(role)}"\n')
    assert run_command(["store", "roles", "--apply", "--config", str(settings)]) == 2
    said = capsys.readouterr().err
    assert f"the role {role} is not the owner of the tables, " in said
    assert "docs/database.md" in said
    settings.write_text(f'[store]\nurl = "{address("kiosk")}"\n')
    assert run_command(["store", "roles", "--apply", "--config", str(settings)]) == 0


def test_roles_that_are_not_there_are_named_with_who_makes_them(
    postgres_server: PostgresServer,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    settings = tmp_path / "kiosk.toml"
    settings.write_text(f'[store]\nurl = "{postgres_server.fresh()}"\n')
    assert run_command(["store", "roles", "--apply", "--config", str(settings)]) == 2
    wanted = "the administrator of the database server makes it: CREATE ROLE kiosk_authority;"
    assert wanted in capsys.readouterr().err
