"""What sshd is answered for a key that somebody offers, and that the answer costs little."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import replace

import pytest

from kiosk.authority.errors import StoreError
from kiosk.authority.records import StaffKey, StaffMember
from kiosk.authority.roles import Role
from kiosk.authority.store.key_lookup import key_of_staff
from kiosk.system.sockets import free_ports
from tests.authority.store import samples
from tests.support.database import PORT, SHARED, PostgresServer, TestDatabase
from tests.support.fresh_root import CHECKOUT

OFFERED, PUBLIC = "SHA256:offered", "ssh-ed25519 AAAAC3Nza asha"
HEAVY = {"sqlalchemy", "sqlmodel", "pydantic", "alembic", "cryptography", "argon2", "textual"}
IN_ONE_GO = """\
import sys
from kiosk.__main__ import main
code = main(["staff", "authorized-keys", "--fingerprint", "SHA256:offered"])
print(code, *sorted({name.partition(".")[0] for name in sys.modules}))
"""
GUIDE = CHECKOUT / "docs" / "database.md"


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


def answered_lightly(url: str) -> None:
    """Ask as sshd does, and look at what was imported for the answer."""
    done = subprocess.run(
        [sys.executable, "-c", IN_ONE_GO],
        capture_output=True,
        text=True,
        env=os.environ | {"KIOSK_SETTINGS": os.devnull, "KIOSK_STORE__URL": url},
    )
    assert done.stderr == ""
    line, ended = done.stdout.splitlines()
    assert line == f"restrict,pty {PUBLIC}"
    code, *loaded = ended.split()
    assert code == "0"
    assert not HEAVY & set(loaded)


def test_nothing_heavy_is_loaded_for_it(sqlite_database: TestDatabase) -> None:
    add_asha(sqlite_database)
    answered_lightly(sqlite_database.url)


@pytest.mark.parametrize(
    ("key", "answer"),
    [
        (PUBLIC, ""),
        ("sk-ssh-ed25519@openssh.com AAAAGnNr asha", "restrict,pty,verify-required {}\n"),
    ],
)
def test_verified_logins_take_a_key_in_a_security_key(
    sqlite_database: TestDatabase, key: str, answer: str
) -> None:
    asha = StaffMember("m1", "Asha Okafor", Role.AGENT, samples.NOW)
    with sqlite_database.store().begin() as uow:
        uow.staff.add(asha)
        uow.staff.add_key(StaffKey(OFFERED, asha.id, key, "desk", samples.NOW))
        uow.commit()
    named = {"KIOSK_SETTINGS": os.devnull, "KIOSK_STORE__URL": sqlite_database.url}
    done = subprocess.run(
        [sys.executable, "-m", "kiosk", "staff", "authorized-keys", "--fingerprint", OFFERED],
        capture_output=True,
        text=True,
        env=os.environ | named | {"KIOSK_ADMIN__LOGIN_KEYS": "verified"},
    )
    assert (done.returncode, done.stderr, done.stdout) == (0, "", answer.format(key))


@pytest.mark.postgresql
@pytest.mark.parametrize("away_first", [True, False])
def test_several_servers_are_asked_as_documented(
    postgres_server: PostgresServer, postgres_database: TestDatabase, *, away_first: bool
) -> None:
    add_asha(postgres_database)
    (documented,) = re.findall(r'^url = "(.*host=db1.*)"$', GUIDE.read_text(), re.M)
    url, verified = re.subn(r"&passfile=.*$", "", documented)
    assert verified
    url = url.replace("authority1@/kiosk?", f"{postgres_server.owner}@/{SHARED}?")
    [nobody] = free_ports(1)
    away = f"127.0.0.1:{nobody}"
    there = f"{postgres_server.folder}:{PORT}"
    for name, host in zip(
        ("db1", "db2"), (away, there) if away_first else (there, away), strict=True
    ):
        assert f"{name}.trust.example:5432" in url
        url = url.replace(f"{name}.trust.example:5432", host)
    answered_lightly(url)


@pytest.mark.postgresql
@pytest.mark.parametrize(
    "place", ["?host={0}:{1}", "?host={0}&port={1}", "?host=/x,{0}&port={1},{1}"]
)
def test_servers_may_be_named_in_every_other_way(
    postgres_server: PostgresServer, postgres_database: TestDatabase, place: str
) -> None:
    add_asha(postgres_database)
    named = place.format(postgres_server.folder, PORT)
    url = f"postgresql://{postgres_server.owner}@/{SHARED}{named}"
    assert key_of_staff(url, OFFERED, 5) == PUBLIC


@pytest.mark.postgresql
def test_a_standby_is_not_asked_whether_somebody_may_log_in(
    postgres_server: PostgresServer, postgres_database: TestDatabase
) -> None:
    """It may not know yet that a member was removed."""
    add_asha(postgres_database)
    postgres_server.execute(f"ALTER DATABASE {SHARED} SET default_transaction_read_only = on")
    try:
        with pytest.raises(StoreError):
            asked(postgres_database)
        assert key_of_staff(f"{postgres_database.url}&target_session_attrs=any", OFFERED, 5)
    finally:
        postgres_server.execute(f"ALTER DATABASE {SHARED} RESET default_transaction_read_only")


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
