"""A second machine on the database of the first: it has to bring the same keys."""

from __future__ import annotations

import os
import re
import shutil
import time
from pathlib import Path

import pytest

from kiosk.__main__ import main
from kiosk.app.composition.authority import BuiltAuthority
from kiosk.authority.crypto.keys import KeyPurpose, KeyRing
from kiosk.authority.errors import KeyMissing
from kiosk.authority.mail.outbox import RELAY_AWAY
from kiosk.authority.stations import StationIdentity
from kiosk.authority.store.database import Store
from kiosk.config.loading import load_settings, settings_path
from kiosk.contract.errors import ConfigError
from kiosk.contract.messages import Heartbeat, StationStanding, VisitId
from tests.app.cli.samples import GOOD, people
from tests.support.database import TestDatabase

_PATIENCE_S = 60
ANOTHER = "the database was filled under other keys"


class Machine:
    """One machine: settings and state of its own, on the one database."""

    def __init__(self, place: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.keys = place / "state" / "keys.json"
        self._place, self._url, self._patch = place, url, monkeypatch

    def use(self) -> None:
        self._patch.setenv("KIOSK_SETTINGS", str(self._place / "etc" / "kiosk.toml"))
        self._patch.setenv("STATE_DIRECTORY", str(self._place / "state"))
        self._patch.setenv("KIOSK_STORE__URL", self._url)
        self._patch.setenv("KIOSK_MAIL__PORT", "1")

    def run(self, *words: str) -> int:
        self.use()
        return main(words)

    def open(self) -> None:
        """Open what a station opens behind its first page."""
        self.use()
        BuiltAuthority(
            load_settings(settings_path(None, os.environ), os.environ), os.environ
        ).close()


@pytest.fixture
def machines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Machine, Machine]:
    url = f"sqlite:///{tmp_path / 'one' / 'state' / 'kiosk.db'}"
    one, two = (Machine(tmp_path / name, url, monkeypatch) for name in ("one", "two"))
    assert one.run("setup", "authority") == 0
    return one, two


def test_setup_makes_no_second_keys(
    machines: tuple[Machine, Machine], capsys: pytest.CaptureFixture[str]
) -> None:
    _, two = machines
    assert two.run("setup", "authority") == 2
    said = capsys.readouterr().err
    assert ANOTHER in said
    assert f"copy the key file of a machine that works here to {two.keys}" in said
    assert not two.keys.exists()


def test_with_the_copied_key_file_all_is_well(machines: tuple[Machine, Machine]) -> None:
    one, two = machines
    two.keys.parent.mkdir(parents=True)
    shutil.copy(one.keys, two.keys)
    assert two.run("setup", "authority") == 0
    two.open()


def test_a_station_with_other_keys_does_not_open_and_says_so(
    machines: tuple[Machine, Machine], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its keys were made for a database of its own, before its settings named the shared one."""
    _, two = machines
    two._url, shared = f"sqlite:///{tmp_path / 'two' / 'own.db'}", two._url
    (tmp_path / "two").mkdir()
    assert two.run("setup", "authority") == 0
    two._url = shared
    with pytest.raises(ConfigError, match=ANOTHER):
        two.open()
    capsys.readouterr()
    assert two.run("doctor") == 1
    assert f"✗ fail  keys        {ANOTHER}" in capsys.readouterr().out
    assert two.run("import", str(tmp_path / "people.csv")) == 2
    assert ANOTHER in capsys.readouterr().err
    assert two.run("setup", "authority") == 2


def test_rotated_keys_stay_known_also_where_the_other_machine_has_not_got_them_yet(
    machines: tuple[Machine, Machine],
) -> None:
    one, two = machines
    two.keys.parent.mkdir(parents=True)
    shutil.copy(one.keys, two.keys)
    assert two.run("setup", "authority") == 0
    for purpose in ("seal", "pepper", "code-mac"):
        assert one.run("keys", "rotate", "--add-only", "--purpose", purpose) == 0
    one.open()
    two.open()


@pytest.mark.parametrize("words", [(), ("--add-only",), ("--purpose", "row-mac")])
def test_a_machine_that_lacks_a_key_of_another_rotates_none(
    machines: tuple[Machine, Machine], capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    """Before: two key files lacked a key of each other, and copying either lost one."""
    one, two = machines
    two.keys.parent.mkdir(parents=True)
    shutil.copy(one.keys, two.keys)
    assert two.run("setup", "authority") == 0
    assert one.run("keys", "rotate", "--add-only") == 0
    before = two.keys.read_bytes()
    capsys.readouterr()
    assert two.run("keys", "rotate", *words) == 2
    said = capsys.readouterr().err
    (added,) = re.findall(r"it is an older copy, without (seal-\w+); the machine", said)
    assert two.keys.read_bytes() == before
    assert two.run("keys", "recover", "--lost", added) == 0
    assert f"given up: {added}; 0 unblock secrets" in capsys.readouterr().out
    assert two.run("keys", "rotate", *words) == 0


@pytest.mark.parametrize("purpose", ["seal", "pepper"])
def test_a_machine_says_which_keys_it_lacks_and_where_they_are(
    machines: tuple[Machine, Machine],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    purpose: str,
) -> None:
    """Before: `keys list` showed no secret at any key, and doctor named a key and no place."""
    one, two = machines
    assert one.run("import", people(tmp_path, GOOD)) == 0
    two.keys.parent.mkdir(parents=True)
    shutil.copy(one.keys, two.keys)
    assert two.run("setup", "authority") == 0
    assert one.run("keys", "rotate", "--purpose", purpose) == 0
    added = KeyRing.load(one.keys).current(KeyPurpose(purpose)).id
    where = rf"the machine where they were added has it \({added} [-0-9]+ [0-9:]+ UTC by command"
    capsys.readouterr()

    assert two.run("keys", "list") == 1
    said = capsys.readouterr()
    secrets = " +2" if purpose == "seal" else ""
    assert re.search(rf"(?m)^{purpose} +{added} +MISSING{secrets}$", said.out)
    assert re.search(rf"{two.keys}: it is an older copy; see .*; {where}", said.err)
    assert two.run("keys", "rotate", "--purpose", purpose) == 2
    assert re.search(where, capsys.readouterr().err)
    two.run("doctor")
    assert re.search(rf"(fail|warn)  keys  .*{added}; see .*; {where}", capsys.readouterr().out)

    shutil.copy(one.keys, two.keys)
    assert two.run("keys", "list") == 0


@pytest.mark.postgresql
@pytest.mark.parametrize("purpose", ["row-mac", "seal", "derive"])
def test_on_a_server_a_key_is_used_when_the_key_file_could_be_copied(
    postgres_database: TestDatabase,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    purpose: str,
) -> None:
    """Before: a rotation on one machine took all others out of service, and said nothing."""
    url = postgres_database.url
    one, two = (Machine(tmp_path / name, url, monkeypatch) for name in ("one", "two"))
    assert one.run("setup", "authority") == 0
    assert one.run("policy", "set", "max_failures", "5", "--reason", "decided by the board") == 0
    two.keys.parent.mkdir(parents=True)
    shutil.copy(one.keys, two.keys)
    assert two.run("setup", "authority") == 0
    rotate = "keys", "rotate", "--purpose", purpose
    if purpose == "derive":  # the first one, from which nothing derives yet
        assert one.run(*rotate, "--add-only", "--yes") == 0
        shutil.copy(one.keys, two.keys)
    before = one.keys.read_bytes()
    capsys.readouterr()

    assert one.run(*rotate) == 2
    assert "Nothing was done yet" in capsys.readouterr().err
    assert one.keys.read_bytes() == before

    assert one.run(*rotate, "--yes") == 0
    said = capsys.readouterr().out
    assert f"copy {one.keys} to every machine on this database now" in said
    assert f"kiosk keys rotate --purpose {purpose} --yes" in said
    assert two.run("rows", "check") == 0
    shutil.copy(one.keys, two.keys)
    assert one.run(*rotate, "--yes") == 0
    assert "continued the rotation to" in capsys.readouterr().out
    assert two.run("rows", "check") == 0
    two.open()


@pytest.mark.postgresql
def test_a_machine_that_lacks_a_master_key_makes_none(
    postgres_database: TestDatabase,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    url = postgres_database.url
    one, two = (Machine(tmp_path / name, url, monkeypatch) for name in ("one", "two"))
    assert one.run("setup", "authority") == 0
    two.keys.parent.mkdir(parents=True)
    shutil.copy(one.keys, two.keys)
    assert two.run("setup", "authority") == 0
    rotate = "keys", "rotate", "--purpose", "derive", "--yes"
    assert one.run(*rotate) == 0
    added = KeyRing.load(one.keys).current(KeyPurpose.DERIVE).id
    assert one.run("import", people(tmp_path, GOOD)) == 0
    card = "cards", "set-secret", "900000000001", f"{1:032x}", "--derived-from", added
    assert one.run(*card, "--reason", "issued") == 0
    capsys.readouterr()
    assert two.run(*rotate) == 2
    assert f"lacks {added}, from which secrets derive; `kiosk keys" in capsys.readouterr().err
    assert KeyRing.load(two.keys).ids(KeyPurpose.DERIVE) == ()
    assert two.run("keys", "recover") == 1
    assert f"missing: {added}; without it 1 unblock secrets that derive" in capsys.readouterr().err
    assert two.run("keys", "recover", "--lost", added) == 0
    assert two.run(*rotate) == 0


def test_an_authority_serves_on_while_its_key_file_is_away(
    machines: tuple[Machine, Machine], tmp_path: Path
) -> None:
    """Before: whether it could depended on whether it had met a recorded row yet."""
    one, _ = machines
    one.use()
    built = BuiltAuthority(load_settings(settings_path(None, os.environ), os.environ), os.environ)
    try:
        one.keys.rename(tmp_path / "away.json")
        station = built.authority.seen_by(StationIdentity("West Wing 2"))
        assert station.heartbeat(Heartbeat()) is StationStanding.IN_USE
        assert station.heartbeat(Heartbeat()) is StationStanding.IN_USE
        station.refuse(VisitId("a" * 32), "the card was pulled")  # which the audit records
    finally:
        built.close()


def test_the_relay_is_asked_where_there_is_no_station(machines: tuple[Machine, Machine]) -> None:
    """A monitoring system, and staff, knew nothing of it until a station was let in."""
    one, _ = machines
    one.use()
    built = BuiltAuthority(load_settings(settings_path(None, os.environ), os.environ), os.environ)
    try:
        given_up = time.monotonic() + _PATIENCE_S
        while built.authority.health.mail_answered is None or not _noted(built.store):
            assert time.monotonic() < given_up
            time.sleep(0.02)
        assert built.authority.health.mail_answered is False
    finally:
        built.close()


def _noted(store: Store) -> bool:
    with store.read() as uow:
        return uow.jobs.get(RELAY_AWAY) is not None


@pytest.mark.parametrize("purpose", ["row-mac", "audit-link", "audit-sign"])
def test_an_older_copy_of_the_key_file_does_not_open_and_alters_nothing(
    machines: tuple[Machine, Machine], purpose: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """It served, refused what the service had written itself, and mailed staff of altered rows."""
    one, two = machines
    assert one.run("policy", "set", "max_failures", "5", "--reason", "decided by the board") == 0
    two.keys.parent.mkdir(parents=True)
    shutil.copy(one.keys, two.keys)
    assert two.run("setup", "authority") == 0
    assert one.run("keys", "rotate", "--purpose", purpose) == 0
    assert one.run("policy", "set", "max_failures", "4", "--reason", "decided by the board") == 0
    lacks = rf"the key file is an older copy, without {purpose}-\w+: restore its newest copy"
    with pytest.raises(KeyMissing, match=lacks):
        two.open()
    capsys.readouterr()
    assert two.run("setup", "authority") == 1
    assert re.search(lacks, capsys.readouterr().err)
    assert two.run("doctor") == 1
    said = capsys.readouterr().out
    assert re.search(rf"✗ fail  keys        {lacks}", said)
    assert "altered outside of the service" not in said
    assert "altered outside" not in said
    if purpose == "row-mac":
        lost = r"ha(?:s|ve) a MAC of a key that the key file lacks \('row-mac-\w+'\)"
        assert re.search(rf"records     \d+ {lost}", said)
        assert two.run("rows", "check") == 1
        assert "restore the newest copy of the key file" in capsys.readouterr().err
    shutil.copy(one.keys, two.keys)
    two.open()
    assert two.run("audit", "list", "--kind", "row-altered") == 0
    assert "altered" not in capsys.readouterr().out


@pytest.mark.parametrize("purpose", ["row-mac", "audit-link", "audit-sign"])
def test_a_rotation_lets_an_older_copy_go_on_where_there_is_no_newer_one(
    machines: tuple[Machine, Machine],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    purpose: str,
) -> None:
    one, _ = machines
    because = "--reason", "decided by the board"
    older = tmp_path / "older.json"
    assert one.run("policy", "set", "max_failures", "5", *because) == 0
    shutil.copy(one.keys, older)
    assert one.run("keys", "rotate", "--purpose", purpose) == 0
    shutil.copy(older, one.keys)
    with pytest.raises(KeyMissing):
        one.open()
    assert one.run("keys", "rotate", "--add-only", "--purpose", purpose) == 2
    (named,) = re.findall(rf"older copy, without ({purpose}-\w+)", capsys.readouterr().err)
    assert one.run("keys", "recover", "--lost", named) == 0
    one.open()
    lost = purpose == "row-mac"
    assert one.run("rows", "check") == int(lost)
    if lost:
        assert one.run("rows", "accept", "policy_setting", "max_failures", *because) == 0
        assert one.run("rows", "check") == 0
    assert one.run("policy", "set", "max_failures", "4", *because) == 0
