"""Secrets that are recorded and cannot be compared with those of a file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from kiosk.authority.administration.import_people import PeopleImport
from kiosk.authority.crypto.keys import KeyRing
from kiosk.authority.crypto.sealing import Sealer
from kiosk.authority.store.database import Store
from tests.authority.administration.importing import Importer, csv_of, line


def test_a_secret_whose_key_is_not_there_is_not_replaced_unasked(
    importer: Importer, store: Store, tmp_path: Path
) -> None:
    """A key file of before a rotation, and a file from before the cards took other secrets."""
    path = csv_of(tmp_path, line(0), line(1))
    importer.run(path)
    without = Sealer(KeyRing.fresh())
    reason = (
        "unblock_secret: what is recorded for this card cannot be compared (the key file holds "
        f"no key {importer.sealer.current_key_id!r} for the purpose 'seal'): restore that key, or "
        "see --replace-lost"
    )
    assert Importer(store, without).refused(path) == ((2, reason), (3, reason))
    other = Importer(store, without)
    other.work = PeopleImport(store, without, 12, replace_lost=True)
    assert other.run(path).secrets_sealed == 2
    assert other.secret(other.card(0)) == "48271593"


def test_a_secret_that_does_not_open_is_replaced(
    importer: Importer, store: Store, tmp_path: Path
) -> None:
    importer.run(csv_of(tmp_path, line(0)))
    card = importer.card(0)
    assert card.sealed_secret is not None
    broken = replace(card.sealed_secret, ciphertext=card.sealed_secret.ciphertext[:-1] + b"?")
    with store.begin() as uow:
        assert uow.cards.replace_secret(card.id, 1, broken)
        uow.commit()
    assert importer.run(csv_of(tmp_path, line(0))).secrets_sealed == 1
    assert importer.secret(importer.card(0)) == "48271593"
