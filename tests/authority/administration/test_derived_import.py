"""Cards that were personalised from a master key, in a file of people: no secret is in it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from kiosk.authority.crypto.derivation import Derivation, Masters
from kiosk.authority.crypto.keys import KeyPurpose, KeyRing
from kiosk.authority.crypto.sealing import Sealer, SealKind
from kiosk.authority.crypto.token import Token, TokenMasters
from kiosk.authority.errors import KeysUnavailable
from kiosk.authority.records import Card
from kiosk.authority.store.database import Store
from kiosk.authority.unblock.stored_secrets import archive_secrets, label_of
from kiosk.contract.messages import CardId
from kiosk.contract.sensitive import Sensitive
from tests.authority.administration.importing import HEADER, Importer, csv_of, line

WITH_MASTER = f"{HEADER},master_key"
STORED = "48271593"


@pytest.fixture
def ring() -> KeyRing:
    return KeyRing.fresh().with_new(KeyPurpose.DERIVE)


@pytest.fixture
def master(sealer: Sealer) -> str:
    return sealer.masters.current()


def derived(sealer: Sealer, card: Card, generation: int = 0) -> str:
    how = Derivation(sealer.masters.current(), generation)
    return sealer.masters.derive(how, CardId(card.driver, card.identifier)).reveal()


def file(folder: Path, *lines: str) -> Path:
    return csv_of(folder, *lines, header=WITH_MASTER)


def test_a_card_of_the_master_key_has_its_secret(
    importer: Importer, sealer: Sealer, master: str, tmp_path: Path
) -> None:
    path = file(tmp_path, line(0, secret="") + f",{master}", line(1) + ",")
    assert importer.work.rehearse(path).secrets_sealed == 2
    assert importer.run(path).secrets_sealed == 2
    card = importer.card(0)
    assert card.sealed_secret is not None
    assert (card.sealed_secret.derived_from, card.secret_generation) == (master, 0)
    assert importer.secret(card) == derived(sealer, card)
    assert importer.secret(importer.card(1)) == STORED


def test_the_same_file_again_changes_nothing_whatever_the_card_has_by_now(
    importer: Importer, store: Store, sealer: Sealer, master: str, tmp_path: Path
) -> None:
    path = file(tmp_path, line(0, secret="") + f",{master}")
    importer.run(path)
    for secret in (Derivation(master, 1), Sensitive("11112222")):
        card = importer.card(0)
        assert card.sealed_secret is not None
        revision = card.sealed_secret.revision
        sealed = sealer.seal(secret, label_of(card, SealKind.UNBLOCK, revision + 1))
        with store.begin() as uow:
            assert uow.cards.replace_secret(card.id, revision, sealed)
            uow.commit()
        assert importer.run(path).cards_changed == 0
        assert importer.card(0).sealed_secret == sealed


def test_the_same_file_again_needs_no_key_that_was_destroyed(
    importer: Importer, store: Store, ring: KeyRing, master: str, tmp_path: Path
) -> None:
    path = file(tmp_path, line(0, secret="") + f",{master}")
    importer.run(path)
    entries = [entry for entry in ring.to_entries() if entry[1] != master]
    later = Importer(store, Sealer(KeyRing.from_entries(tuple(entries))))
    assert later.run(path).cards_changed == 0


def test_a_card_whose_secret_was_stored_may_be_of_the_master_key_from_now_on(
    importer: Importer, store: Store, sealer: Sealer, master: str, tmp_path: Path
) -> None:
    importer.run(csv_of(tmp_path, line(0)))
    path = file(tmp_path, line(0, secret="") + f",{master}")
    assert importer.run(path).secrets_sealed == 1
    card = importer.card(0)
    assert importer.secret(card) == derived(sealer, card)
    assert importer.run(csv_of(tmp_path, line(0))).secrets_sealed == 0, "it had that one once"
    assert importer.secret(importer.card(0)) == derived(sealer, card)


@pytest.mark.parametrize("was_changed", [False, True])
def test_a_card_whose_stored_secret_was_the_derived_one_keeps_what_it_has(
    importer: Importer,
    store: Store,
    sealer: Sealer,
    master: str,
    tmp_path: Path,
    was_changed: bool,
) -> None:
    """Its issuer told the secret first, and later only the key: the card may be further on."""
    importer.run(csv_of(tmp_path, line(0)))
    issued = derived(sealer, importer.card(0))
    importer.run(csv_of(tmp_path, line(0, secret=issued)))
    has = issued
    if was_changed:
        has, card = "11112222", importer.card(0)
        assert card.sealed_secret is not None
        before = card.sealed_secret.revision
        sealed = sealer.seal(Sensitive(has), label_of(card, SealKind.UNBLOCK, before + 1))
        with store.begin() as uow:
            archive_secrets(uow, sealer, card)
            uow.cards.replace_secret(card.id, before, sealed)
            uow.commit()
    for changes in (1, 0):
        told = importer.run(file(tmp_path, line(0, secret="") + f",{master}"))
        assert (told.secrets_sealed, told.cards_changed) == (0, changes)
    assert importer.secret(importer.card(0)) == has


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        (line(0) + ",{master}", "master_key: there is an unblock_secret as well"),
        (line(0, card="", secret="") + ",{master}", "master_key: there is no card_id"),
        (line(0, secret="") + ",yes", "master_key: must be the id of one"),
        (line(0, secret="") + ",derive-none", "master_key: there is none"),
    ],
)
def test_a_line_that_cannot_be_right_is_named(
    importer: Importer, master: str, tmp_path: Path, cells: str, reason: str
) -> None:
    ((number, told),) = importer.refused(file(tmp_path, cells.format(master=master)))
    assert number == 2
    assert told.startswith(reason)


def test_a_token_that_is_away_keeps_all_of_a_file_out(
    importer: Importer, store: Store, ring: KeyRing, tmp_path: Path
) -> None:
    away = TokenMasters(Token("/none.so", "kiosk"), lambda: Sensitive("1"), {})
    later = Importer(store, Sealer(ring, Masters(ring, away)))
    path = file(tmp_path, line(0) + ",", line(1, secret="") + ",derive-0001-x")
    before = later.everything()
    with pytest.raises(KeysUnavailable):
        later.run(path)
    assert later.everything() == before


def test_a_secret_is_not_put_in_place_of_one_that_nobody_can_compare_now(
    importer: Importer, store: Store, sealer: Sealer, ring: KeyRing, tmp_path: Path
) -> None:
    """A file says what a card was issued with; its secret of today is a token's, which is away."""
    importer.run(csv_of(tmp_path, line(0)))
    card = importer.card(0)
    sealed = sealer.seal(Derivation("derive-0001-x", 1), label_of(card, SealKind.UNBLOCK, 2))
    with store.begin() as uow:
        archive_secrets(uow, sealer, card)
        assert uow.cards.replace_secret(card.id, 1, sealed)
        uow.commit()
    away = TokenMasters(Token("/none.so", "kiosk"), lambda: Sensitive("1"), {})
    later = Importer(store, Sealer(ring, Masters(ring, away)))
    assert later.run(csv_of(tmp_path, line(0))).cards_changed == 0, "it had that one once"
    with pytest.raises(KeysUnavailable):
        later.run(csv_of(tmp_path, line(0, secret="99998888")))
    assert later.card(0) == replace(card, sealed_secret=sealed)
