"""Rotation that may stop anywhere, and an audit that cannot be rewritten unseen."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partialmethod
from pathlib import Path

import pytest

from kiosk.authority.administration.import_people import PeopleImport
from kiosk.authority.administration.keys import add_key, is_unfinished, list_keys, rotate_seal
from kiosk.authority.administration.verification import (
    anchor_line,
    public_key_lines,
    read_anchors,
    read_public_keys,
    verify_audit,
)
from kiosk.authority.audit.anchors import AnchorSigner, sign_heads
from kiosk.authority.crypto.keys import KeyPurpose, KeyRing
from kiosk.authority.crypto.sealing import Sealer, SealKind, SealLabel
from kiosk.authority.errors import StoreError
from kiosk.authority.key_names import claim, knows_ring, learn_names
from kiosk.authority.records import AuditQuery
from kiosk.authority.store.database import Store
from kiosk.authority.store.repositories.cards import CardRecords
from kiosk.contract.errors import ConfigError
from kiosk.contract.messages import CardId
from tests.support.database import SetClock, TestDatabase

CARDS = 12


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    KeyRing.create(tmp_path / "keys.json")
    return tmp_path / "keys.json"


@pytest.fixture
def sealed(store: Store, key_file: Path, tmp_path: Path) -> Store:
    lines = [f"{900000000000 + n},Jo,,{n + 1:032x},{n:08d}" for n in range(CARDS)]
    path = tmp_path / "people.csv"
    path.write_text("\n".join(["holder_number,name,email,card_id,unblock_secret", *lines]))
    PeopleImport(store, Sealer(KeyRing.load(key_file)), 12).run(path, "test")
    return store


def opened(store: Store, key_file: Path) -> Iterator[str]:
    """Open every secret with the keys of the file."""
    sealer = Sealer(KeyRing.load(key_file))
    ids = [CardId("piv", f"{n + 1:032x}") for n in range(CARDS)]
    with store.read() as uow:
        for card in uow.cards.by_card_ids(ids).values():
            secret = card.sealed_secret
            assert secret is not None
            label = SealLabel(CardId("piv", card.identifier), SealKind.UNBLOCK, secret.revision)
            yield sealer.open(secret, label).reveal()


def test_a_rotation_seals_all_and_keeps_the_older_key(sealed: Store, key_file: Path) -> None:
    seen: list[tuple[int, int]] = []
    report = rotate_seal(key_file, sealed, "test", lambda *told: seen.append(told))
    assert report.added == report.current
    assert (report.rotation.resealed, seen[-1]) == (CARDS, (CARDS, CARDS))
    assert sorted(opened(sealed, key_file)) == [f"{n:08d}" for n in range(CARDS)]
    keys = list_keys(KeyRing.load(key_file), sealed)
    old, new = (key for key in keys if key.purpose is KeyPurpose.SEAL)
    assert (old.current, old.secrets, new.current, new.secrets) == (False, 0, True, CARDS)


def test_an_interrupted_rotation_is_finished_without_another_key(
    sealed: Store, key_file: Path
) -> None:
    def interrupting(done: int, total: int) -> None:
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rotate_seal(key_file, sealed, "test", interrupting)
    assert is_unfinished(KeyRing.load(key_file), sealed)
    report = rotate_seal(key_file, sealed, "test")
    assert (report.added, report.rotation.resealed) == (None, CARDS - 5)
    assert len(KeyRing.load(key_file).ids(KeyPurpose.SEAL)) == 2
    assert sorted(opened(sealed, key_file)) == [f"{n:08d}" for n in range(CARDS)]


def test_two_rotations_at_once_end_under_one_key_and_no_secret_is_called_broken(
    sealed: Store, key_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both had looked before either added a key: the first did not know what the other sealed.

    Before, it said "its secret does not open and was left as it is; import it again", with which a
    file of old secrets would have taken the place of good ones.
    """
    few = partialmethod(CardRecords.naming_others, limit=4)
    monkeypatch.setattr(CardRecords, "naming_others", few)
    ran = list[str]()

    def other(done: int, _: int) -> None:
        if done == 5 and not ran:
            ran.append(add_key(key_file, KeyPurpose.SEAL, sealed, "other"))
            assert rotate_seal(key_file, sealed, "other").rotation.resealed == CARDS

    report = rotate_seal(key_file, sealed, "test", other)
    assert report.rotation.broken == []
    assert report.current == ran[0] == KeyRing.load(key_file).current(KeyPurpose.SEAL).id
    assert not is_unfinished(KeyRing.load(key_file), sealed)
    assert sorted(opened(sealed, key_file)) == [f"{n:08d}" for n in range(CARDS)]


def test_a_key_added_first_is_the_one_that_is_sealed_under(sealed: Store, key_file: Path) -> None:
    added = add_key(key_file, KeyPurpose.SEAL, sealed, "test")
    report = rotate_seal(key_file, sealed, "test")
    assert (report.added, report.current) == (None, added)
    assert rotate_seal(key_file, sealed, "test").added not in (None, added)


def test_without_any_secret_one_new_key_is_enough(store: Store, key_file: Path) -> None:
    first = rotate_seal(key_file, store, "test")
    again = rotate_seal(key_file, store, "test")
    assert (again.added, again.current) == (None, first.added)


def test_new_key_is_audited(sealed: Store, key_file: Path) -> None:
    added = add_key(key_file, KeyPurpose.PEPPER, sealed, "command line: root")
    with sealed.read() as uow:
        (event,) = uow.trail.newest(AuditQuery(), limit=1)
    assert (event.kind, event.actor) == ("key-added", "command line: root")
    assert event.detail == {"purpose": "pepper", "key": added}


def added(store: Store) -> list[dict[str, object]]:
    with store.read() as uow:
        found = uow.trail.newest(AuditQuery(kind="key-added"), limit=9)
    return [dict(event.detail) for event in found]


def test_a_key_whose_command_was_killed_before_it_was_recorded_is_recorded_by_the_next(
    store: Store, key_file: Path
) -> None:
    """Before: no row of the audit ever named it."""
    claim(store, KeyRing.load(key_file))
    assert added(store) == []
    key = KeyRing.rotate(key_file, KeyPurpose.DERIVE).current(KeyPurpose.DERIVE).id
    for _ in range(2):
        claim(store, KeyRing.load(key_file))
        assert added(store) == [{"purpose": "derive", "key": key, "unrecorded": True}]


def test_of_two_key_files_that_find_an_empty_database_at_once_one_fills_it(store: Store) -> None:
    first, second = KeyRing.fresh(), KeyRing.fresh()
    assert not knows_ring(store, first)
    assert not knows_ring(store, second)
    learn_names(store, first)
    with pytest.raises(ConfigError, match="filled under other keys"):
        learn_names(store, second)
    assert knows_ring(store, first)


def test_no_key_is_added_while_the_database_is_away(
    store: Store, key_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> None:
        raise StoreError("away", "08006")

    monkeypatch.setattr(store, "begin", away)
    before = key_file.read_bytes()
    with pytest.raises(StoreError):
        add_key(key_file, KeyPurpose.SEAL, store, "test")
    assert key_file.read_bytes() == before


def test_a_service_that_reads_the_new_key_first_does_not_record_it_twice(
    store: Store, key_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is there before the row: a running service may look in between."""
    claim(store, KeyRing.load(key_file))
    services = list[threading.Thread]()
    rotate = KeyRing.rotate

    def seen_by_a_service(path: Path, purpose: KeyPurpose) -> KeyRing:
        ring = rotate(path, purpose)
        services.append(threading.Thread(target=claim, args=(store, ring)))
        services[0].start()
        return ring

    monkeypatch.setattr(KeyRing, "rotate", seen_by_a_service)
    key = add_key(key_file, KeyPurpose.SEAL, store, "test")
    services[0].join()
    assert added(store) == [{"purpose": "seal", "key": key}]


# --- the audit --------------------------------------------------------------------------


def events(store: Store, count: int, kind: str = "test") -> None:
    for number in range(count):
        with store.begin() as uow:
            uow.audit.append(kind=kind, reference="", detail={"number": number})
            uow.commit()


def tamper(database: TestDatabase, statement: str) -> None:
    """Do as the database's owner can: take its guards away first."""
    with closing(sqlite3.connect(database.url.removeprefix("sqlite:///"))) as connection:
        guards = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        for (name,) in connection.execute(guards).fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute(statement)
        connection.commit()


def test_an_audit_that_fits(store: Store, signer: AnchorSigner) -> None:
    assert verify_audit(store, signer).intact
    events(store, 5)
    seen: list[tuple[int, int]] = []
    verdict = verify_audit(store, signer, progress=lambda *told: seen.append(told))
    assert (verdict.intact, verdict.rows, seen[-1]) == (True, 5, (5, 5))


@pytest.mark.parametrize(
    ("statement", "row"),
    [
        ("UPDATE audit_event SET kind = 'other' WHERE seq = 3", 3),
        ("DELETE FROM audit_event WHERE seq = 3", 3),
        ("DELETE FROM audit_event WHERE seq = 5", 5),
    ],
)
def test_a_row_that_does_not_fit_is_named(
    database: TestDatabase, store: Store, signer: AnchorSigner, statement: str, row: int
) -> None:
    events(store, 5)
    tamper(database, statement)
    fault = verify_audit(store, signer).fault
    assert fault is not None
    assert fault.seq == row


def test_an_anchor_covers_what_was_recorded(store: Store, signer: AnchorSigner) -> None:
    assert sign_heads(store, signer) == ()
    events(store, 3)
    assert len(sign_heads(store, signer)) == 1
    assert sign_heads(store, signer) == ()
    events(store, 1)
    verdict = verify_audit(store, signer)
    assert (verdict.anchored, verdict.rows, verdict.anchors) == (3, 4, 1)


def test_anchors_kept_elsewhere_find_a_rewritten_history(
    database: TestDatabase, store: Store, signer: AnchorSigner, tmp_path: Path
) -> None:
    """The owner of the database takes everything back to the beginning, anchors too."""
    events(store, 3)
    (anchor,) = sign_heads(store, signer)
    (tmp_path / "anchors").write_text(anchor_line(anchor) + "\n")
    kept = read_anchors(tmp_path / "anchors")
    assert kept == (anchor,)
    of_a_log = {"time": "2026-11-26", "message": f"audit anchor {anchor_line(anchor)}"}
    (tmp_path / "log").write_text(json.dumps(of_a_log) + "\n")
    assert read_anchors(tmp_path / "log") == kept
    fresh = TestDatabase(f"sqlite:///{tmp_path}/fresh.db", "sqlite", SetClock())
    rewritten = fresh.store()
    rewritten.migrate()
    events(rewritten, 3, kind="nothing-to-see")
    assert verify_audit(rewritten, signer).intact is True
    fault = verify_audit(rewritten, signer, kept).fault
    fresh.close()
    assert fault is not None
    assert fault.seq == 3


def test_an_anchor_of_another_key_is_no_anchor(store: Store, signer: AnchorSigner) -> None:
    events(store, 3)
    sign_heads(store, AnchorSigner(KeyRing.fresh()))
    fault = verify_audit(store, signer).fault
    assert fault is not None
    assert fault.kind == "signature"


@pytest.mark.parametrize("text", ["{}", "not json", '{"seq": "x"}', "[]"])
def test_a_line_that_is_no_anchor_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "anchors").write_text(f"\n{text}\n")
    with pytest.raises(ConfigError, match="line 2 is not an anchor"):
        read_anchors(tmp_path / "anchors")
    with pytest.raises(ConfigError, match="No such file"):
        read_anchors(tmp_path / "none")


def test_a_line_that_was_cut_off_is_said_to_be_deleted_by_hand(
    store: Store, signer: AnchorSigner, tmp_path: Path
) -> None:
    events(store, 1)
    (anchor,) = sign_heads(store, signer)
    whole = anchor_line(anchor)
    (tmp_path / "anchors").write_text(f"{whole}\n{whole[:-20]}")
    with pytest.raises(ConfigError, match="line 2 is not an anchor; where it was cut off, delete"):
        read_anchors(tmp_path / "anchors")


@pytest.mark.parametrize("read", [read_anchors, read_public_keys])
@pytest.mark.parametrize("text", ["", "\n"])
def test_a_file_without_any_is_refused(
    tmp_path: Path, read: Callable[[Path], object], text: str
) -> None:
    """Before: an audit with which nothing was compared was said to fit."""
    (tmp_path / "kept").write_text(text)
    with pytest.raises(ConfigError, match=r"kept: (there is none in it|line 1 is not a key)"):
        read(tmp_path / "kept")


def test_a_mark_of_an_editor_counts_for_nothing(
    store: Store, signer: AnchorSigner, tmp_path: Path
) -> None:
    """Before: the first public key had another name, and what it signed was called altered."""
    events(store, 1)
    (anchor,) = sign_heads(store, signer)
    for name, lines in (("anchors", [anchor_line(anchor)]), ("keys", public_key_lines(signer))):
        (tmp_path / name).write_text("\r\n".join(lines), encoding="utf-8-sig")
    assert read_anchors(tmp_path / "anchors") == (anchor,)
    assert read_public_keys(tmp_path / "keys") == signer.public_keys()
