"""``kiosk keys`` and ``kiosk audit``, run as they are typed."""

from __future__ import annotations

import errno
import fcntl
import gc
import json
import os
import shlex
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from stat import S_IMODE
from types import ModuleType
from typing import Any

import pytest

from kiosk.__main__ import main
from kiosk.app.composition.opening import open_desk
from kiosk.app.setup import authority
from kiosk.app.setup.steps import Step
from kiosk.authority import key_names
from kiosk.authority.administration import audit_archive, key_copies, verification
from kiosk.authority.administration import keys as administration_keys
from kiosk.authority.administration.keys import add_key
from kiosk.authority.administration.views import Actor, unseen
from kiosk.authority.audit import purge
from kiosk.authority.audit.anchors import AnchorSigner, sign_heads
from kiosk.authority.crypto import keys as crypto
from kiosk.authority.crypto.keys import KeyPurpose, KeyRing
from kiosk.authority.errors import KeyMissing, StoreError
from kiosk.authority.key_names import check_is_newest
from kiosk.authority.roles import Role
from kiosk.authority.store.database import Store
from kiosk.config.loading import load_settings
from kiosk.contract.ports import SystemClock
from screens.words.staff.proposals import proposal_words
from tests.app.cli.samples import GOOD, Kiosk, people, store_of_settings, two_members
from tests.support.confined import obeying_modes
from tests.support.fresh_root import CHECKOUT, commands, shell_blocks

Capsys = pytest.CaptureFixture[str]


def test_keys_are_listed_and_rotated(
    kiosk: Kiosk, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kiosk("import", people(place, GOOD))
    assert kiosk("keys", "rotate") == 0
    assert "sealed again under it: 2\n" in capsys.readouterr().out
    assert kiosk("keys", "list") == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [row[2:] for row in rows if row[0] == "seal"] == [["older", "0"], ["current", "2"]]
    assert kiosk("keys", "rotate", "--purpose", "audit-sign") == 0
    assert "added audit-sign-" in capsys.readouterr().out


def test_a_rotation_that_finishes_a_killed_one_records_its_key(
    kiosk: Kiosk, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Killed between the key file and the audit: no row named the key, also later."""
    kiosk("import", people(place, GOOD))
    ring = KeyRing.rotate(place / "state" / "keys.json", KeyPurpose.SEAL)
    assert kiosk("keys", "rotate") == 0
    assert "continued the rotation to" in capsys.readouterr().out
    assert kiosk("audit", "list", "--kind", "key-added", "--json") == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert f"key: {ring.current(KeyPurpose.SEAL).id}" in row["detail"]
    assert row["sentence"].startswith("A key is in the key file that no command said it added")


def test_a_session_of_staff_takes_up_keys_that_are_added_while_it_is_open(
    kiosk: Kiosk, place: Path
) -> None:
    """It said of what a colleague proposed, and of the audit, that somebody had altered them."""
    kiosk("import", people(place, GOOD))
    two_members(kiosk, place, "manager")
    kiosk("policy", "set", "four_eyes", "true", "--reason", "decided by the board")
    settings = load_settings(Path(os.environ["KIOSK_SETTINGS"]), os.environ)
    store = store_of_settings()
    who = Actor("in a session", Role.MANAGER)
    desk = open_desk(settings, os.environ, store, SystemClock(), who)
    for purpose in ("seal", "code-mac", "pepper", "audit-link", "audit-sign", "row-mac"):
        assert kiosk("keys", "rotate", "--purpose", purpose) == 0
    assert kiosk("policy", "set", "max_failures", "5", "--reason", "decided by the board") == 0
    assert kiosk("audit", "anchor") == 0
    (line,) = desk.proposals.waiting()
    assert proposal_words(line.what) == "Set max_failures to 5."
    assert desk.audit.verify(unseen).intact
    store.close()


def test_a_copy_of_the_key_file_is_declared_and_lacks_what_a_rotation_adds(
    kiosk: Kiosk, capsys: pytest.CaptureFixture[str]
) -> None:
    assert kiosk("keys", "copy", "--declare") == 0
    assert "keys.json, as it is now" in capsys.readouterr().out
    assert kiosk("keys", "rotate") == 0
    assert "no declared copy of the key file has every key of it" in capsys.readouterr().out
    assert kiosk("keys", "copy", "--declare") == 0
    assert kiosk("audit", "list", "--kind", "keys-backed-up") == 0
    assert capsys.readouterr().out.count("A copy of the key file was made") == 2


def test_a_copy_that_was_made_and_not_written_down_is_taken_by_the_same_command(
    kiosk: Kiosk, place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed in between, it was refused: "there is one already", and doctor went on warning."""
    copy, keys = place / "copy.json", place / "state" / "keys.json"

    def cut_short(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(key_copies, "declare_copy", cut_short)
        assert kiosk("keys", "copy", "--to", str(copy)) == 130
    assert kiosk("keys", "copy", "--to", str(keys)) == 2
    assert "there is one already" in capsys.readouterr().err
    assert kiosk("keys", "copy", "--to", str(copy)) == 0
    assert "recorded: a copy" in capsys.readouterr().out
    assert KeyRing.load(copy).to_entries() == KeyRing.load(keys).to_entries()
    assert kiosk("keys", "rotate") == 0
    assert kiosk("keys", "copy", "--to", str(copy)) == 2
    assert "there is one already" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "checks"),
    [
        ("keys rotate", (key_copies, "check_current")),
        ("keys copy --declare", (key_copies, "check_current")),
        ("import {}", (key_names, "claim")),
    ],
)
def test_a_key_that_is_added_while_a_command_starts_is_not_called_lost(
    kiosk: Kiosk,
    place: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    words: str,
    checks: tuple[ModuleType, str],
) -> None:
    """It was to be restored, or given up, where two commands began in the same moment."""
    file, (module, name), added = people(place, GOOD), checks, list[str]()
    check = getattr(module, name)

    def check_after_another(*given: object) -> object:
        if not added:
            path, store = place / "state" / "keys.json", store_of_settings()
            added.append(add_key(path, KeyPurpose.AUDIT_LINK, store, "other"))
        return check(*given)

    monkeypatch.setattr(module, name, check_after_another)
    assert kiosk(*words.format(file).split()) == 0, capsys.readouterr().err
    assert added


@pytest.mark.parametrize(
    ("words", "module", "name"),
    [
        ("audit verify", verification, "verify_audit"),
        ("audit export --format chain", audit_archive, "archive_audit"),
        ("purge --unexported", purge, "plan_purge"),
    ],
)
def test_an_anchor_of_a_key_that_was_added_since_is_no_alarm(
    kiosk: Kiosk,
    place: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    words: str,
    module: ModuleType,
    name: str,
) -> None:
    """While one verified, another rotated the key of anchors, and the caretaker signed with it."""
    kiosk("import", people(place, GOOD))
    work = getattr(module, name)

    def work_after_another(*given: object, **named: object) -> object:
        path, store = place / "state" / "keys.json", store_of_settings()
        add_key(path, KeyPurpose.AUDIT_SIGN, store, "other")
        assert sign_heads(store, AnchorSigner(KeyRing.load(path)))
        return work(*given, **named)

    monkeypatch.setattr(module, name, work_after_another)
    assert kiosk(*words.split()) == 0, capsys.readouterr().err


def test_no_key_is_added_to_a_file_that_is_sealed_and_deleted(
    kiosk: Kiosk, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that a rotation added in that moment was deleted with the plain file."""
    plain = place / "state" / "keys.json"
    monkeypatch.setattr(crypto, "seal", lambda _, plain: plain)
    monkeypatch.setattr(crypto, "unseal", lambda _, sealed: sealed)
    write, tried = authority.write_settings, list[bool]()

    def write_beside_a_rotation(*given: Any) -> Step:
        if given[1]:
            directory = os.open(plain.parent, os.O_RDONLY)
            with pytest.raises(BlockingIOError):
                fcntl.flock(directory, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.close(directory)
            tried.append(True)
        return write(*given)

    monkeypatch.setattr(authority, "write_settings", write_beside_a_rotation)
    assert kiosk("keys", "copy", "--declare") == 0
    assert kiosk("setup", "authority", "--seal-keys") == 0
    assert tried
    assert not plain.exists()
    assert kiosk("keys", "rotate") == 0
    assert len(KeyRing.load(plain.with_suffix(".cred")).ids(KeyPurpose.SEAL)) == 2


def test_an_outdated_copy_of_the_key_file_is_not_declared(
    kiosk: Kiosk, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It was written down unseen, and doctor was content with a copy that opens nothing."""
    keys, old, new = place / "state" / "keys.json", place / "old.json", place / "new.json"
    assert kiosk("keys", "copy", "--to", str(old)) == 0
    assert kiosk("keys", "rotate") == 0
    assert kiosk("keys", "copy", "--to", str(new)) == 0
    capsys.readouterr()
    assert kiosk("keys", "copy", "--check", str(old)) == 2
    said = capsys.readouterr().err
    assert f"{old}: it is no copy of {keys} as it is now, which has seal-" in said
    assert kiosk("keys", "copy", "--check", str(new)) == 0
    assert "as it is now, is in a safe place" in capsys.readouterr().out
    assert kiosk("keys", "copy", "--check", str(place / "none.json")) == 2
    assert "there is no such file" in capsys.readouterr().err
    shutil.copy(old, keys)
    assert kiosk("keys", "copy", "--declare") == 2
    said = capsys.readouterr().err
    assert f"{keys}: it is an older copy, without seal-" in said
    assert "`kiosk keys recover` says how to go on" in said
    assert kiosk("keys", "copy", "--check", str(new)) == 2
    shutil.copy(new, keys)
    assert kiosk("audit", "list", "--kind", "keys-backed-up") == 0
    assert capsys.readouterr().out.count("A copy of the key file was made") == 3


@pytest.mark.parametrize("how", ["--to", "--check"])
def test_a_copy_without_a_name_is_not_declared(
    kiosk: Kiosk, capsys: pytest.CaptureFixture[str], how: str
) -> None:
    """It was written down unseen where a script's variable was empty."""
    with pytest.raises(SystemExit) as ended:
        kiosk("keys", "copy", how, "")
    assert ended.value.code == 2
    assert f"argument {how}: the name of the file is empty" in capsys.readouterr().err
    assert kiosk("audit", "list", "--kind", "keys-backed-up") == 0
    assert "A copy of the key file was made" not in capsys.readouterr().out


@pytest.mark.parametrize("name", ["keys.json", "link.json", "hard.json"])
def test_key_file_is_no_copy_of_itself(
    kiosk: Kiosk, place: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    """It compared equal to itself, and doctor was content with one file on one disk."""
    keys = place / "state" / "keys.json"
    if name == "link.json":
        (keys.parent / name).symlink_to(keys)
    elif name == "hard.json":
        (keys.parent / name).hardlink_to(keys)
    assert kiosk("keys", "copy", "--check", str(keys.parent / name)) == 2
    assert "it is the key file itself, no copy of it" in capsys.readouterr().err
    assert kiosk("audit", "list", "--kind", "keys-backed-up") == 0
    assert "A copy of the key file was made" not in capsys.readouterr().out


@pytest.mark.parametrize("how", ["--to", "--check"])
def test_a_copy_that_is_sealed_to_the_machine_is_none(
    kiosk: Kiosk, place: Path, capsys: pytest.CaptureFixture[str], how: str
) -> None:
    copy = place / "keys.cred"
    assert kiosk("keys", "copy", how, str(copy)) == 2
    said = capsys.readouterr().err
    assert f"{copy}: by a name in .cred it is sealed, and opens on this machine alone" in said
    assert not copy.exists()
    assert kiosk("audit", "list", "--kind", "keys-backed-up") == 0
    assert "A copy of the key file was made" not in capsys.readouterr().out


def test_a_key_that_no_copy_has_is_given_up(
    kiosk: Kiosk, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before: where a key was lost, no copy of the key file could ever be declared again."""
    keys, old = place / "state" / "keys.json", place / "old.json"
    kiosk("import", people(place, GOOD))
    assert kiosk("keys", "copy", "--to", str(old)) == 0
    assert kiosk("keys", "rotate") == 0
    lost = KeyRing.load(keys).current(KeyPurpose.SEAL).id
    shutil.copy(old, keys)
    capsys.readouterr()
    assert kiosk("keys", "copy", "--declare") == 2
    assert f"is an older copy, without {lost}; the machine" in capsys.readouterr().err
    held = KeyRing.load(keys).current(KeyPurpose.SEAL).id
    assert kiosk("keys", "recover", "--lost", held, "--lost", lost) == 2
    assert f"{held}: the key file {keys} lacks no such key" in capsys.readouterr().err
    assert kiosk("keys", "recover", "--lost", lost) == 0
    said = capsys.readouterr().out
    assert f"given up: {lost}; 2 unblock secrets can never be opened" in said
    assert "added seal-" in said
    assert kiosk("audit", "list", "--kind", "keys-given-up") == 0
    assert f"Given up as lost: {lost}." in capsys.readouterr().out
    assert kiosk("keys", "recover") == 0
    assert kiosk("keys", "copy", "--to", str(place / "new.json")) == 0
    assert kiosk("audit", "list", "--kind", "keys-backed-up") == 0
    assert f"given up as lost: {lost}." in capsys.readouterr().out
    # It stays given up when another key is added, and its copy declared.
    assert kiosk("keys", "rotate", "--purpose", "pepper") == 0
    kiosk("doctor")
    assert "keys were added since the copy" in capsys.readouterr().out
    assert kiosk("keys", "copy", "--declare") == 0


def test_lost_key_is_not_given_up_while_another_is_missing(
    kiosk: Kiosk, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keys, old = place / "state" / "keys.json", place / "old.json"
    assert kiosk("keys", "copy", "--to", str(old)) == 0
    for purpose in ("seal", "pepper"):
        assert kiosk("keys", "rotate", "--purpose", purpose) == 0
    seal, pepper = (KeyRing.load(keys).current(KeyPurpose(each)).id for each in ("seal", "pepper"))
    shutil.copy(old, keys)
    before = keys.read_bytes()
    capsys.readouterr()
    assert kiosk("keys", "recover", "--lost", seal) == 2
    assert f"it lacks {pepper}, too" in capsys.readouterr().err
    assert keys.read_bytes() == before
    assert kiosk("keys", "recover", "--lost", seal, "--lost", pepper) == 0
    assert kiosk("keys", "recover") == 0


def test_key_whose_giving_up_was_cut_short_is_given_up_by_the_same_command(
    kiosk: Kiosk, place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was on record as given up, so that no command named it, and the service did not start."""
    keys, old = place / "state" / "keys.json", place / "old.json"
    assert kiosk("keys", "copy", "--to", str(old)) == 0
    for purpose in ("seal", "pepper"):
        assert kiosk("keys", "rotate", "--purpose", purpose) == 0
    seal, pepper = (KeyRing.load(keys).current(KeyPurpose(each)).id for each in ("seal", "pepper"))
    shutil.copy(old, keys)
    real, added = administration_keys.add_key, list[KeyPurpose]()

    def cut_short(path: Path, purpose: KeyPurpose, store: Store, actor: str) -> str:
        if added:
            raise StoreError("the power is off", "")
        added.append(purpose)
        return real(path, purpose, store, actor)

    command = ("keys", "recover", "--lost", seal, "--lost", pepper)
    with monkeypatch.context() as cut:
        cut.setattr(administration_keys, "add_key", cut_short)
        assert kiosk(*command) != 0
    store = store_of_settings()
    with pytest.raises(KeyMissing, match=pepper):
        check_is_newest(store, KeyRing.load(keys))
    capsys.readouterr()
    assert kiosk("keys", "recover") == 1
    said = capsys.readouterr().err
    assert f"given up, and no key in its place: {pepper}" in said
    assert f"`kiosk keys recover --lost {pepper}`" in said
    assert seal not in said
    assert kiosk(*command) == 0
    check_is_newest(store, KeyRing.load(keys))
    store.close()
    assert kiosk("keys", "recover") == 0


def test_missing_keys_come_back_from_the_newest_copy(
    kiosk: Kiosk, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keys, old, new = place / "state" / "keys.json", place / "old.json", place / "new.json"
    kiosk("import", people(place, GOOD))
    assert kiosk("keys", "copy", "--to", str(old)) == 0
    assert kiosk("keys", "rotate") == 0
    assert kiosk("keys", "copy", "--to", str(new)) == 0
    added = KeyRing.load(new).current(KeyPurpose.SEAL).id
    shutil.copy(old, keys)
    capsys.readouterr()
    assert kiosk("keys", "recover") == 1
    said = capsys.readouterr().err
    assert f"missing: {added}; without it 2 unblock secrets can never be opened" in said
    assert "`kiosk keys recover --from FILE`" in said
    assert kiosk("keys", "recover", "--from", str(old)) == 1
    assert "put back into" in capsys.readouterr().out
    assert kiosk("keys", "recover", "--from", str(new)) == 0
    said = capsys.readouterr().out
    assert f"put back into {keys}: {added}\n" in said
    assert "it lacks no key" in said
    assert KeyRing.load(keys).to_entries() == KeyRing.load(new).to_entries()
    assert S_IMODE(keys.stat().st_mode) == 0o600
    assert kiosk("keys", "list") == 0


def test_lost_key_file_comes_back_from_a_copy(
    kiosk: Kiosk, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keys, copy = place / "state" / "keys.json", place / "copy.json"
    assert kiosk("keys", "copy", "--to", str(copy)) == 0
    keys.unlink()
    capsys.readouterr()
    assert kiosk("keys", "recover") == 2
    assert "`kiosk keys recover --from FILE`" in capsys.readouterr().err
    assert kiosk("keys", "recover", "--from", str(copy)) == 0
    assert KeyRing.load(keys).to_entries() == KeyRing.load(copy).to_entries()
    assert S_IMODE(keys.stat().st_mode) == 0o600


def test_older_copy_and_copy_of_another_service_are_not_put_back(
    kiosk: Kiosk, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keys, old, other = place / "state" / "keys.json", place / "old.json", place / "other.json"
    assert kiosk("keys", "copy", "--to", str(old)) == 0
    assert kiosk("keys", "rotate") == 0
    KeyRing.create(other)
    before = keys.read_bytes()
    capsys.readouterr()
    for copy, why in (
        (old, "it lacks seal-"),
        (other, "the database was filled under other keys"),
        (keys, "it is the key file itself"),
    ):
        assert kiosk("keys", "recover", "--from", str(copy)) == 2
        assert why in capsys.readouterr().err
        assert keys.read_bytes() == before


def test_current_copy_of_key_file_is_named(
    kiosk: Kiosk, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert kiosk("keys", "copy") == 1
    assert "no copy of the key file was ever declared" in capsys.readouterr().out
    assert kiosk("keys", "copy", "--to", str(place / "copy.json")) == 0
    assert kiosk("keys", "copy") == 0
    assert "is current: it has every key\n" in capsys.readouterr().out
    assert kiosk("keys", "rotate") == 0
    assert kiosk("keys", "copy") == 1
    assert "is out of date: keys were added since" in capsys.readouterr().out


def test_an_auditor_without_the_key_file_verifies_with_public_keys(
    kiosk: Kiosk, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kiosk("import", people(place, GOOD))
    assert kiosk("audit", "anchor", "--out", str(place / "anchors")) == 0
    capsys.readouterr()
    assert main(["audit", "public-keys"]) == 0
    (place / "public").write_text(capsys.readouterr().out)
    (place / "state" / "keys.json").rename(place / "keys.json")
    without = "audit", "verify", "--without-key", "--anchors", str(place / "anchors")
    assert kiosk(*without, "--public-keys", str(place / "public")) == 0
    said = capsys.readouterr().out
    assert "1 anchor fit\nthe MACs of the rows were not checked" in said
    assert "signatures" not in said
    assert kiosk(*without) == 0
    assert "signatures of the anchors were not checked" in capsys.readouterr().out
    (place / "public").write_text("audit-sign-1 abcd\n")
    assert kiosk(*without, "--public-keys", str(place / "public")) == 2
    assert "line 1 is not a key" in capsys.readouterr().err
    assert kiosk("audit", "verify") == 2


def test_an_auditor_elsewhere_verifies_a_copy_by_the_documented_lines(
    kiosk: Kiosk, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capsys
) -> None:
    kiosk("import", people(place, GOOD))
    (block,) = (
        each for each in shell_blocks(CHECKOUT / "docs" / "security.md") if "copy.db" in each
    )
    backup, public, verify = (
        shlex.split(line.replace("/mnt/auditor", str(tmp_path)))[1:] for line in commands(block)
    )
    *words, _, file = public
    assert kiosk(*backup) == 0
    capsys.readouterr()
    assert main(words) == 0
    Path(file).write_text(capsys.readouterr().out)
    database, by_cp = place / "state" / "kiosk.db", place / "by_cp.db"
    with closing(sqlite3.connect(place / "empty.db")) as early:  # as before the first checkpoint
        early.execute("PRAGMA journal_mode = WAL")
    with closing(sqlite3.connect(database)) as station:
        station.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        station.execute("SELECT count(*) FROM card").fetchone()
        kiosk("import", people(place, GOOD.replace("Jo Smith", "Joan")))
        assert kiosk("audit", "anchor", "--out", str(place / "anchors")) == 0
        shutil.copyfile(database, by_cp)

    monkeypatch.setenv("KIOSK_SETTINGS", str(place / "nowhere.toml"))
    monkeypatch.setenv("STATE_DIRECTORY", str(place / "nowhere"))
    assert kiosk(*verify) == 0
    said = capsys.readouterr().out
    assert "1 row and 1 anchor fit" in said
    assert "the MACs of the rows were not checked" in said
    elsewhere = "--store", f"sqlite:///{by_cp}", "--anchors", str(place / "anchors")
    assert kiosk("audit", "verify", "--without-key", *elsewhere) == 1
    assert "make copies with `kiosk backup`" in capsys.readouterr().err
    assert kiosk(*verify, "--anchors", str(place / "anchors")) == 1
    said = capsys.readouterr().err
    assert "(cut)" in said
    assert "give the anchors of that time alone, or a newer copy" in said
    assert kiosk("audit", "verify", "--store", f"sqlite:///{place}/copy.db") == 2
    assert "--store goes with --without-key" in capsys.readouterr().err
    (place / "text.db").write_text("This is no database.\n" * 100)
    for name, code, said in (
        ("none", 2, "there is no such file"),
        ("empty", 2, "is not this program's"),
        ("text", 1, "text.db cannot be read (SQLITE_NOTADB)"),
    ):
        url = f"sqlite:///{place}/{name}.db"
        assert kiosk("audit", "verify", "--without-key", "--store", url) == code
        assert said in capsys.readouterr().err


def test_a_key_added_alone_is_finished_later(
    kiosk: Kiosk, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kiosk("import", people(place, GOOD))
    assert kiosk("keys", "rotate", "--add-only") == 0
    assert kiosk("keys", "rotate") == 0
    said = capsys.readouterr().out
    assert "continued the rotation to" in said
    assert "sealed again under it: 2\n" in said


def test_rotation_tells_of_a_secret_that_does_not_open(
    kiosk: Kiosk, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kiosk("import", people(place, GOOD))
    with closing(sqlite3.connect(place / "state" / "kiosk.db")) as connection:
        connection.execute(
            "UPDATE card SET sealed_secret = zeroblob(40) WHERE identifier LIKE '%1'"
        )
        connection.commit()
    assert kiosk("keys", "rotate") == 1
    said = capsys.readouterr()
    assert "sealed again under it: 1\n" in said.out
    assert "its secret does not open" in said.err


def test_the_audit_is_verified_and_anchored(
    kiosk: Kiosk, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kiosk("import", people(place, GOOD))
    assert kiosk("audit", "verify") == 0
    assert "1 row and 0 anchors fit\nsigned anchors cover nothing" in capsys.readouterr().out
    anchors = str(place / "anchors")
    assert kiosk("audit", "anchor", "--out", anchors) == 0
    assert kiosk("audit", "anchor", "--out", anchors) == 0
    assert "nothing was recorded since" in capsys.readouterr().out
    assert S_IMODE(os.stat(anchors).st_mode) == 0o600  # noqa: PTH116
    assert kiosk("audit", "verify", "--anchors", anchors) == 0
    assert capsys.readouterr().out == "1 row and 1 anchor fit\n"


def test_an_anchor_that_cannot_be_written_is_not_made_and_one_there_is_can_be_written_later(
    kiosk: Kiosk, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kiosk("import", people(place, GOOD))
    assert kiosk("audit", "anchor", "--out", str(place / "nowhere" / "anchors")) == 2
    kiosk("audit", "verify")
    assert "0 anchors fit" in capsys.readouterr().out
    assert kiosk("audit", "anchor") == 0
    anchors = place / "anchors"
    assert kiosk("audit", "anchor", "--out", str(anchors)) == 0
    assert len(anchors.read_text().splitlines()) == 1
    assert kiosk("audit", "verify", "--anchors", str(anchors)) == 0


def test_anchors_that_others_signed_reach_the_file_too(
    kiosk: Kiosk, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    anchors = place / "anchors"
    kiosk("import", people(place, GOOD))
    assert kiosk("audit", "anchor", "--out", str(anchors)) == 0
    for name in ("Joe", "Joey"):  # as the caretaker does
        kiosk("import", people(place, GOOD.replace("Jo Smith", name)))
        assert kiosk("audit", "anchor") == 0
    for wrote in ("wrote 2 anchors to", "wrote 0 anchors to"):
        assert kiosk("audit", "anchor", "--out", str(anchors)) == 0
        said = capsys.readouterr().out
        assert "nothing was recorded since the last anchor" in said
        assert wrote in said
        assert [json.loads(line)["seq"] for line in anchors.read_text().splitlines()] == [1, 3, 5]
    kiosk("import", people(place, GOOD.replace("Jo Smith", "Joan")))
    assert kiosk("audit", "anchor", "--out", str(anchors)) == 0
    assert "wrote 1 anchor to" in capsys.readouterr().out
    assert kiosk("audit", "verify", "--anchors", str(anchors)) == 0
    assert capsys.readouterr().out == "7 rows and 4 anchors fit\n"


def test_a_disk_that_is_full_leaves_no_half_anchor_and_no_two_share_a_line(
    kiosk: Kiosk, place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before: the half line that it left spoiled the file, for a restore as well."""
    anchors = place / "anchors"
    kiosk("import", people(place, GOOD))
    assert kiosk("audit", "anchor", "--out", str(anchors)) == 0
    anchors.write_text(kept := anchors.read_text().rstrip("\n"))
    kiosk("import", people(place, GOOD.replace("Jo Smith", "Joan")))
    write, left = os.write, [60]

    def full(handle: int, data: bytes) -> int:
        if not left:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(handle, data[: left.pop()])

    with monkeypatch.context() as patch:
        patch.setattr("kiosk.app.cli.audit.os.write", full)
        assert kiosk("audit", "anchor", "--out", str(anchors)) == 2
    assert "No space left on device" in capsys.readouterr().err
    assert anchors.read_text() == kept
    assert kiosk("audit", "anchor", "--out", str(anchors)) == 0
    assert "wrote 1 anchor to" in capsys.readouterr().out
    assert kiosk("audit", "verify", "--anchors", str(anchors)) == 0


@pytest.mark.parametrize(
    "words",
    [
        "keys list",
        "keys rotate",
        "keys copy --to {}",
        "doctor",
        "setup authority --dry-run",
        "setup authority",
        "audit anchor",
    ],
)
def test_a_key_file_that_is_missing_has_to_be_put_back(
    kiosk: Kiosk, place: Path, capsys: pytest.CaptureFixture[str], words: str
) -> None:
    kiosk("import", people(place, GOOD))
    (place / "state" / "keys.json").rename(place / "copy.json")
    assert kiosk(*words.format(place / "other.json").split()) != 0
    said = "".join(capsys.readouterr())
    assert "put your copy of the key file back" in said
    assert "makes one" not in said
    assert "would make    keys" not in said
    assert not (place / "state" / "keys.json").exists()


def test_where_there_is_no_database_yet_setup_makes_the_key_file(
    kiosk: Kiosk, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gc.collect()
    shutil.rmtree(place / "state")
    assert kiosk("keys", "list") == 2
    assert "`kiosk setup authority` makes one" in capsys.readouterr().err
    assert kiosk("setup", "authority", "--dry-run") == 0
    assert kiosk("setup", "authority") == 0


def test_an_auditor_verifies_what_they_may_only_read(
    kiosk: Kiosk, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kiosk("import", people(place, GOOD))
    folder, database = place / "read-only", place / "state" / "kiosk.db"
    folder.mkdir()
    assert kiosk("backup", str(folder / "backup.db")) == 0
    with closing(sqlite3.connect(database)) as station:
        station.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        shutil.copyfile(database, folder / "by-cp.db")
        kiosk("import", people(place, GOOD.replace("Jo Smith", "Joan")))
        shutil.copyfile(database, folder / "with-log.db")
        shutil.copyfile(f"{database}-wal", folder / "with-log.db-wal")
    for each in folder.iterdir():
        each.chmod(0o400)
    folder.chmod(0o500)

    def verify(name: str) -> subprocess.CompletedProcess[str]:
        words = "audit", "verify", "--without-key", "--store", f"sqlite:///{folder / name}"
        command = [*obeying_modes(), sys.executable, "-m", "kiosk", *words]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    for name in ("backup.db", "by-cp.db"):
        seen = verify(name)
        assert (seen.returncode, seen.stderr) == (0, "")
        assert "fit" in seen.stdout
    seen = verify("with-log.db")
    assert seen.returncode == 2
    assert "with-log.db-wal holds its newest rows: copy both to a folder" in seen.stderr
    folder.chmod(0o700)
    for each in folder.iterdir():
        each.chmod(0o600)
    assert verify("with-log.db").returncode == 0


SWAP = """
UPDATE audit_event SET seq = 9 WHERE seq = 2;
UPDATE audit_event SET seq = 2 WHERE seq = 3;
UPDATE audit_event SET seq = 3 WHERE seq = 9;
"""


@pytest.mark.parametrize(
    ("script", "named"),
    [
        ("UPDATE audit_event SET actor = 'somebody else' WHERE seq = 2", "row 2 (changed)"),
        ("UPDATE audit_event SET detail = '{}' WHERE seq = 3", "row 3 (changed)"),
        ("DELETE FROM audit_event WHERE seq = 2", "row 2 (removed)"),
        (SWAP, "row 2 (reordered)"),
    ],
    ids=["edited", "emptied", "deleted", "swapped"],
)
def test_a_tampered_audit_fails_and_names_the_row(
    kiosk: Kiosk, place: Path, capsys: pytest.CaptureFixture[str], script: str, named: str
) -> None:
    for name in ("Jo", "Joe", "Joey", "Joan"):
        kiosk("import", people(place, GOOD.replace("Jo Smith", name)))
    with closing(sqlite3.connect(place / "state" / "kiosk.db")) as connection:
        for (trigger,) in connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        ).fetchall():
            connection.execute(f"DROP TRIGGER {trigger}")
        connection.executescript(script)
    assert kiosk("audit", "verify") == 1
    said = capsys.readouterr().err
    assert named in said
    assert "NOT intact" in said


def test_an_altered_anchor_is_found_however_often_one_looks(
    kiosk: Kiosk, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kiosk("import", people(place, GOOD))
    kept, public = place / "anchors", place / "public"
    assert kiosk("audit", "anchor", "--out", str(kept)) == 0
    capsys.readouterr()
    assert main(["audit", "public-keys"]) == 0
    public.write_text(capsys.readouterr().out)
    line = kept.read_text()
    for digits in ("000000", "888888", "ffffff"):
        bad = place / f"anchors.{digits}"
        bad.write_text(line.replace('"hash": "', f'"hash": "{digits}'))
        for how in ((), ("--without-key",), ("--without-key", "--public-keys", str(public))):
            assert kiosk("audit", "verify", "--anchors", str(bad), *how) == 1
            said = capsys.readouterr().err
            assert f"row 1 ({'anchor' if how == ('--without-key',) else 'signature'})" in said
            assert digits in said
