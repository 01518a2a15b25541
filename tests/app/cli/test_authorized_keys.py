"""What sshd is answered for a key that somebody offers, and that the answer costs little."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace

import pytest

from kiosk.authority.roles import Role
from kiosk.authority.store.key_lookup import key_of_staff
from kiosk.authority.store.records import StaffKey, StaffMember
from tests.authority.store import samples
from tests.support.database import TestDatabase

OFFERED, PUBLIC = "SHA256:offered", "ssh-ed25519 AAAAC3Nza asha"
HEAVY = {"sqlalchemy", "sqlmodel", "pydantic", "alembic", "cryptography", "argon2", "textual"}
IN_ONE_GO = """\
import sys
from kiosk.__main__ import main
code = main(["staff", "authorized-keys", "--fingerprint", "SHA256:offered"])
print(code, *sorted({name.partition(".")[0] for name in sys.modules}))
"""


def add_asha(database: TestDatabase) -> StaffMember:
    asha = StaffMember("m1", "Asha Okafor", Role.AGENT, samples.NOW)
    with database.store().begin() as uow:
        uow.staff.add(asha)
        uow.staff.add_key(StaffKey(OFFERED, asha.id, PUBLIC, "desk", samples.NOW))
        uow.commit()
    return asha


def asked(database: TestDatabase, fingerprint: str = OFFERED) -> str | None:
    return key_of_staff(database.url, fingerprint, 5)


def test_a_key_counts_while_its_member_is_there(either_database: TestDatabase) -> None:
    assert asked(either_database) is None
    asha = add_asha(either_database)
    assert asked(either_database) == PUBLIC
    assert asked(either_database, "SHA256:another") is None
    assert asked(either_database, "' OR 1=1 --") is None
    with either_database.store().begin() as uow:
        assert uow.staff.save(replace(asha, removed_at=samples.NOW))
        uow.commit()
    assert asked(either_database) is None


def test_nothing_heavy_is_loaded_for_it(sqlite_database: TestDatabase) -> None:
    add_asha(sqlite_database)
    done = subprocess.run(
        [sys.executable, "-c", IN_ONE_GO],
        capture_output=True,
        text=True,
        env=os.environ | {"KIOSK_SETTINGS": os.devnull, "KIOSK_STORE__URL": sqlite_database.url},
    )
    line, ended = done.stdout.splitlines()
    assert line == f"restrict,pty {PUBLIC}"
    code, *loaded = ended.split()
    assert code == "0"
    assert not HEAVY & set(loaded)


@pytest.mark.parametrize(
    "url", ["sqlite:////nowhere/kiosk.db", "postgresql://nobody@127.0.0.1:1/x"]
)
def test_a_database_that_is_away_lets_nobody_in_and_is_one_line(url: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "kiosk", "staff", "authorized-keys", "--fingerprint", OFFERED],
        capture_output=True,
        text=True,
        env=os.environ | {"KIOSK_SETTINGS": os.devnull, "KIOSK_STORE__URL": url},
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("kiosk: the database")
    assert len(done.stderr.splitlines()) == 1
