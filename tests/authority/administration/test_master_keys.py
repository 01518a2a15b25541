"""Another master key in use: everything that derives from an older one is kept as it is."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from kiosk.app.setup.authority import has_master_key
from kiosk.authority.administration.checks import check_master_keys
from kiosk.authority.administration.key_copies import check_holds_all
from kiosk.authority.administration.keys import MasterKeys
from kiosk.authority.administration.resealing import secrets_by
from kiosk.authority.crypto.derivation import Derivation, Masters
from kiosk.authority.crypto.keys import KeyPurpose, KeyRing
from kiosk.authority.crypto.macs import KeyedRowMacs
from kiosk.authority.crypto.sealing import Sealer, SealKind
from kiosk.authority.crypto.token import PREFIX, Token, TokenMasters
from kiosk.authority.errors import KeyMissing
from kiosk.authority.records import (
    AuditGap,
    AuditHead,
    AuditQuery,
    Card,
    Cardholder,
    GapKind,
    KeptKind,
    KeptSecret,
    NamedKey,
    new_id,
)
from kiosk.authority.store.database import Store
from kiosk.authority.unblock.stored_secrets import (
    archive_secrets,
    label_of,
    open_current,
    open_kept,
)
from kiosk.contract.findings import Condition, Finding
from kiosk.contract.sensitive import Sensitive
from tests.authority.crypto.token.hsm import Hsm
from tests.hardware.pkcs11.tokens import PIN, SOFTHSM
from tests.support.database import TestDatabase
from tests.support.prepared import prepared_program
from tests.support.waiting import PATIENCE_S

OK, WARN, FAIL = Condition.OK, Condition.WARN, Condition.FAIL


@pytest.fixture
def each_store(either_database: TestDatabase) -> Store:
    """A store on each of the databases."""
    return either_database.store()


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    KeyRing.create(tmp_path / "keys.json")
    return tmp_path / "keys.json"


def fill(store: Store, sealer: Sealer, count: int) -> list[Card]:
    """Add cards of the current master key, each with another secret that waits."""
    holder, master = Cardholder(new_id(), "1", "A"), sealer.masters.current()
    cards = [Card(new_id(), holder.id, "piv", f"{n:032x}") for n in range(count)]
    with store.begin() as uow:
        uow.holders.put([holder])
        uow.cards.put(cards)
        for card in cards:
            current = sealer.seal(Derivation(master), label_of(card, SealKind.UNBLOCK, 1))
            waits = sealer.seal(Derivation(master, 1), label_of(card, KeptKind.PENDING, 2))
            uow.cards.replace_secret(card.id, 0, current)
            uow.kept_secrets.add(KeptSecret(new_id(), card.id, KeptKind.PENDING, waits, uow.now))
        uow.commit()
    return cards


def opened(store: Store, sealer: Sealer, cards: list[Card]) -> list[tuple[str, list[str]]]:
    """Return the current secret of each card, and those beside it."""
    found = []
    with store.read() as uow:
        for each in cards:
            card, waits = uow.cards.get(each.id), uow.kept_secrets.pending(each.id)
            assert card is not None
            assert card.sealed_secret is not None
            several = (*uow.kept_secrets.former(each.id), *([waits] if waits else []))
            beside = sorted(open_kept(sealer, card, kept).reveal() for kept in several)
            found.append((open_current(sealer, card, card.sealed_secret).reveal(), beside))
    return found


def derived(store: Store) -> dict[str, int]:
    with store.read() as uow:
        return secrets_by(uow, NamedKey.MASTER)


def without(path: Path, master: str) -> KeyRing:
    """Return the keys of the file, after that one was destroyed."""
    entries = KeyRing.load(path).to_entries()
    return KeyRing.from_entries(tuple(entry for entry in entries if entry[1] != master))


def test_an_older_master_key_is_not_needed_after_a_rotation(
    each_store: Store, key_file: Path
) -> None:
    store, masters = each_store, MasterKeys(key_file, None, each_store)
    old = masters.add("test")
    sealer = Sealer(KeyRing.load(key_file))
    cards = fill(store, sealer, 5)
    before = opened(store, sealer, cards)
    told: list[tuple[int, int]] = []
    report = masters.rotate("test", lambda *seen: told.append(seen))
    assert (report.rotation.resealed, report.rotation.broken) == (10, [])
    assert told == [(n, 10) for n in range(1, 11)]
    assert report.added == report.current != old
    assert opened(store, Sealer(without(key_file, old)), cards) == before
    assert derived(store) == {}
    again = masters.rotate("test")
    assert (again.added, again.current, again.rotation.resealed) == (None, report.current, 0)
    with store.read() as uow:
        kinds = [event.kind for event in uow.trail.newest(AuditQuery(), limit=50)]
        assert uow.audit.verify().intact
    assert kinds.count("secrets-resealed") == 1
    assert kinds.count("key-added") == 2


def test_a_master_key_is_missed_only_where_a_secret_derives_from_it(
    each_store: Store, key_file: Path
) -> None:
    added = MasterKeys(key_file, None, each_store).add("test")
    destroyed = without(key_file, added)
    check_holds_all(destroyed, each_store)
    fill(each_store, Sealer(KeyRing.load(key_file)), 1)
    with pytest.raises(KeyMissing, match=added):
        check_holds_all(destroyed, each_store)


def test_a_rotation_knows_a_key_that_another_command_added_since(
    store: Store, key_file: Path
) -> None:
    """It said of a secret of that key that it cannot be derived."""
    masters, other = (MasterKeys(key_file, None, store) for _ in range(2))
    masters.add("test")
    (card,) = fill(store, Sealer(KeyRing.load(key_file)), 1)
    added = list[str]()

    def add_another(*_seen: int) -> None:
        if not added:
            added.append(other.add("other"))
            sealer, label = Sealer(KeyRing.load(key_file)), label_of(card, KeptKind.FORMER, 3)
            sealed = sealer.seal(Derivation(added[0], 3), label)
            with store.begin() as uow:
                kept = KeptSecret(new_id(), card.id, KeptKind.FORMER, sealed, uow.now)
                uow.kept_secrets.add(kept)
                uow.commit()

    assert masters.rotate("test", add_another).rotation.broken == []
    assert len(opened(store, Sealer(KeyRing.load(key_file)), [card])[0][1]) == 2


def test_what_takes_another_secret_meanwhile_is_left_alone(store: Store, key_file: Path) -> None:
    """Stations work on: a pending secret became current, and one was set by staff."""
    masters = MasterKeys(key_file, None, store)
    masters.add("test")
    sealer = Sealer(KeyRing.load(key_file))
    cards = fill(store, sealer, 3)
    (_, (waits,)) = opened(store, sealer, cards)[2]

    def meanwhile(seen: int, _: int) -> None:
        if seen == 1:
            with store.begin() as uow:
                card = uow.cards.get(cards[2].id)
                assert card is not None
                archive_secrets(uow, sealer, card)
                staffs = sealer.seal(Sensitive("99998888"), label_of(card, SealKind.UNBLOCK, 2))
                assert uow.cards.replace_secret(card.id, 1, staffs)
                uow.commit()

    cards = sorted(cards, key=lambda card: card.id)
    rotation = masters.rotate("test", meanwhile).rotation
    assert rotation.overtaken == 1
    masters.rotate("test")
    assert derived(store) == {}
    current = {card for card, _ in opened(store, sealer, cards)}
    assert "99998888" in current
    assert waits not in current


def test_a_secret_whose_master_key_is_gone_is_named_and_the_others_go_on(
    store: Store, key_file: Path
) -> None:
    masters = MasterKeys(key_file, None, store)
    masters.add("test")
    sealer = Sealer(KeyRing.load(key_file))
    cards = fill(store, sealer, 2)
    lost = sealer.seal(Derivation("derive-lost"), label_of(cards[0], SealKind.UNBLOCK, 2))
    with store.begin() as uow:
        uow.cards.replace_secret(cards[0].id, 1, lost)
        uow.commit()
    rotation = masters.rotate("test").rotation
    assert (rotation.resealed, rotation.broken) == (3, [cards[0].id])
    line = masters.lines()[-1]
    assert (line.id, line.there, line.secrets) == ("derive-lost", False, 1)


# --- with a token ----------------------------------------------------------------------


@pytest.fixture
def hsm(tmp_path: Path) -> Iterator[Hsm]:
    hsm = Hsm(tmp_path / "softhsm")
    yield hsm
    hsm.close()


def test_an_estate_moves_from_the_key_file_into_a_token_and_on(
    store: Store, key_file: Path, hsm: Hsm
) -> None:
    in_file = MasterKeys(key_file, None, store).add("test")
    ring = KeyRing.load(key_file)
    cards = fill(store, Sealer(ring), 3)
    before = opened(store, Sealer(ring), cards)
    masters = MasterKeys(key_file, hsm.masters(), store)
    first = masters.rotate("test")
    assert first.rotation.resealed == 6
    assert [(line.id, line.current, line.in_token) for line in masters.lines()] == [
        (in_file, False, False),
        (first.current, True, True),
    ]
    assert opened(store, Sealer(without(key_file, in_file)), cards) == before
    more = [Card(new_id(), cards[0].holder_id, "piv", f"{n:032x}") for n in range(90, 93)]
    token = hsm.masters()
    sealer = Sealer(ring, Masters(ring, token))
    with store.begin() as uow:
        uow.cards.put(more)
        for card in more:
            how = Derivation(first.current)
            sealed = sealer.seal(how, label_of(card, SealKind.UNBLOCK, 1))
            uow.cards.replace_secret(card.id, 0, sealed)
        uow.commit()
    before = opened(store, sealer, more)
    second = masters.rotate("test")
    assert second.added is not None
    assert second.rotation.resealed == 3
    hsm.destroy(PREFIX + first.current)
    assert opened(store, sealer, more) == before
    assert [line.id for line in masters.lines()] == [in_file, second.current]


KILLED = """
import os, signal, sys
from kiosk.__main__ import main
from kiosk.authority.store.repositories.cards import CardRecords, KeptSecrets

left = int(sys.argv[1])

def dies_in(write):
    def written(*given):
        global left
        done, left = write(*given), left - 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return done
    return written

CardRecords.reseal_secret = dies_in(CardRecords.reseal_secret)
KeptSecrets.reseal = dies_in(KeptSecrets.reseal)
sys.exit(main(sys.argv[2:]))
"""
"""A command that is killed once it has written so many secrets and one more, not yet committed."""


def test_a_rotation_that_is_killed_anywhere_is_finished(
    database: TestDatabase, hsm: Hsm, tmp_path: Path
) -> None:
    """A real process, killed again and again while it works, each time a little further on."""
    state = tmp_path / "state"
    state.mkdir(mode=0o700)
    KeyRing.create(state / "keys.json")
    (tmp_path / "pin").write_text(PIN.reveal())
    ring, token = KeyRing.load(state / "keys.json"), hsm.masters()
    store = Store(database.url, database.clock, KeyedRowMacs.of(ring))
    database.opened.append(store)
    masters = MasterKeys(state / "keys.json", token, store)
    old = masters.add("test")
    sealer = Sealer(ring, Masters(ring, token))
    cards = fill(store, sealer, 10)
    before = opened(store, sealer, cards)
    settings = tmp_path / "kiosk.toml"
    settings.write_text(
        f'[store]\nurl = "{database.url}"\n[secrets]\nmodule = "{SOFTHSM}"\ntoken = "kiosk"\n'
        f'pin_file = "{tmp_path / "pin"}"\n'
    )
    rotate = ["keys", "rotate", "--purpose", "derive"]
    environ = {**hsm.environ, "STATE_DIRECTORY": str(state), "KIOSK_SETTINGS": str(settings)}
    program = prepared_program()
    for written, left in ((0, 20), (4, 16), (9, 7)):  # the ten of the cards first
        with program.start_python(("-c", KILLED, str(written), *rotate), environ) as process:
            assert process.ended()[0] == -signal.SIGKILL
        assert derived(store)[old] == left
    finished = program.run(rotate, environ, tmp_path, PATIENCE_S)
    assert finished.returncode == 0, finished.stderr
    assert "continued the rotation to" in finished.stdout
    assert len(masters.lines()) == 2
    assert derived(store) == {}
    hsm.destroy(PREFIX + old)
    assert opened(store, sealer, cards) == before
    with store.read() as uow:
        assert uow.audit.verify().intact


# --- looking them over -----------------------------------------------------------------


def said(finding: Finding) -> tuple[Condition, str]:
    return finding.condition, f"{finding.found}; {finding.advice}"


def test_the_doctor_looks_at_master_keys(store: Store, key_file: Path) -> None:
    masters = MasterKeys(key_file, None, store)
    assert said(check_master_keys(masters, derives=False)) == (
        OK,
        "not in use: each unblock secret follows from the one before; ",
    )
    assert said(check_master_keys(masters, derives=True)) == (
        FAIL,
        "there is none yet; run `kiosk keys rotate --purpose derive`",
    )
    assert not has_master_key(masters)
    masters.add("test")
    assert has_master_key(masters)
    (line,) = masters.lines()
    fill(store, Sealer(KeyRing.load(key_file)), 2)
    assert check_master_keys(masters, derives=False).condition is OK
    assert said(check_master_keys(masters, derives=True)) == (
        OK,
        f"there; 4 secrets derive from {line.id}; ",
    )
    masters.add("test")
    condition, text = said(check_master_keys(masters, derives=True))
    assert (condition, "4 secrets derive from an older key" in text) == (WARN, True)
    fresh = key_file.with_name("other.json")
    KeyRing.create(fresh)
    condition, text = said(check_master_keys(MasterKeys(fresh, None, store), derives=True))
    assert (condition, f"4 secrets derive from {line.id}" in text) == (FAIL, True)


def test_the_doctor_misses_a_token(store: Store, key_file: Path) -> None:
    KeyRing.rotate(key_file, KeyPurpose.DERIVE)
    away = TokenMasters(Token("/none.so", "kiosk"), lambda: Sensitive("1"), {})
    condition, text = said(check_master_keys(MasterKeys(key_file, away, store), derives=True))
    assert (condition, "'kiosk'" in text) == (FAIL, True)


def test_the_doctor_says_of_a_key_in_the_token_that_nobody_recorded_it(
    store: Store, key_file: Path, hsm: Hsm
) -> None:
    """Before: a command that was killed while the token made a key left it unseen."""
    token = hsm.masters()
    masters = MasterKeys(key_file, token, store)
    masters.add("test")
    assert check_master_keys(masters, derives=True).condition is OK
    left = token.add()
    condition, text = said(check_master_keys(masters, derives=True))
    assert (condition, f"who made {left} in the token" in text) == (WARN, True)
    fill(store, Sealer(KeyRing.load(key_file), Masters(KeyRing.load(key_file), token)), 1)
    assert check_master_keys(masters, derives=True).condition is OK, "it is in use"


def lose_rows(store: Store, kind: GapKind) -> None:
    """Let rows of the audit be absent for a good reason."""
    with store.begin() as uow:
        head = next(iter(uow.audit.heads()), AuditHead(1, ""))
        uow.audit.add_gap(AuditGap(1, head.seq, head.hash, kind, uow.now, b"", ""))
        uow.commit()


def test_the_doctor_asks_for_no_row_that_was_purged_or_lost(
    store: Store, key_file: Path, hsm: Hsm
) -> None:
    """Before: it warned for ever, once the row of a key that nothing uses was purged."""
    token = hsm.masters()
    masters = MasterKeys(key_file, token, store)
    token.add()
    assert check_master_keys(masters, derives=True).condition is WARN
    lose_rows(store, GapKind.PURGED)
    assert check_master_keys(masters, derives=True).condition is OK
    masters.add("test")
    left = token.add()
    condition, text = said(check_master_keys(masters, derives=True))
    assert (condition, left in text) == (WARN, True), "an older key's row is there"
    lose_rows(store, GapKind.RESTORED)
    assert check_master_keys(masters, derives=True).condition is OK


def test_the_doctor_says_both_of_a_key_that_nobody_recorded_and_of_secrets_under_an_older_one(
    store: Store, key_file: Path, hsm: Hsm
) -> None:
    """Before: the first hid the second."""
    token = hsm.masters()
    masters = MasterKeys(key_file, token, store)
    masters.add("test")
    fill(store, Sealer(KeyRing.load(key_file), Masters(KeyRing.load(key_file), token)), 1)
    left = token.add()
    condition, text = said(check_master_keys(masters, derives=True))
    assert condition is WARN
    assert f"who made {left} in the token; 2 secrets derive from an older key" in text
    assert text.endswith("; then run `kiosk keys rotate --purpose derive`")
