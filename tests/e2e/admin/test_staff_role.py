"""Staff's own account in the database: every part of a log-in uses it, and the authority's none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from kiosk.authority.store.grants import ROLES, creations, grants
from tests.e2e.admin.ssh_login import Door
from tests.support.database import PostgresServer
from tests.support.sshd import need_programs

pytestmark = [pytest.mark.hardware, pytest.mark.terminal, pytest.mark.postgresql]

SESSIONS = "SELECT DISTINCT usename FROM pg_stat_activity WHERE application_name = 'kiosk'"


@dataclass
class Place:
    """What a door needs to know of an estate."""

    folder: Path
    config: Path
    state: Path


@pytest.fixture
def door(tmp_path: Path, postgres_server: PostgresServer) -> Iterator[Door]:
    """A door before an estate on PostgreSQL, whose authority may not even log in."""
    need_programs()
    url = postgres_server.fresh()
    place = Place(tmp_path, tmp_path / "kiosk.toml", tmp_path / "state")
    place.config.touch(0o600)
    door = Door(place)  # type: ignore[arg-type]
    door.open()
    owner = door.config.read_text().replace(f"sqlite:///{place.state}/kiosk.db", url)
    door.config.write_text(owner)
    door.kiosk("setup", "authority")
    with psycopg.connect(url, autocommit=True) as database:
        for statement in (*creations(), *grants()):
            database.execute(statement.encode())
        database.execute("ALTER ROLE kiosk_staff LOGIN")
    named = {role: url.replace("//kiosk@", f"//{role}@") for role in ROLES}
    accounts = f'url = "{named["kiosk_authority"]}"\nstaff_url = "{named["kiosk_staff"]}"'
    door.config.write_text(owner.replace(f'url = "{url}"', accounts))
    yield door
    door.close()
    postgres_server.execute("DROP DATABASE kiosk_test WITH (FORCE)")
    for role in ROLES:
        postgres_server.execute(f"DROP ROLE {role}")


def test_a_session_of_staff_works_as_the_role_of_staff(
    door: Door, postgres_server: PostgresServer
) -> None:
    manager = door.log_in(door.staff("Asha Okafor", "manager"), 100, 30)
    manager.see("log out", "Asha Okafor")
    with psycopg.connect(postgres_server.url("postgres")) as database:
        assert database.execute(SESSIONS).fetchall() == [("kiosk_staff",)]
    manager.send("\x11")
    manager.wait_for("You are logged out.")
    door.kiosk("people", "add", "900000000001", "Jo Smith", "--reason", "new")
    assert "Jo Smith" in door.kiosk("people", "search", "jo")
