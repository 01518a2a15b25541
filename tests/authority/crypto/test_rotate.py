"""Rotation: every secret under the current key, whatever happens in between."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from kiosk.authority.administration.resealing import reseal_all
from kiosk.authority.crypto.derivation import Derivation
from kiosk.authority.crypto.keys import KeyPurpose, KeyRing
from kiosk.authority.crypto.sealing import Sealer, SealKind, SealLabel
from kiosk.authority.records import (
    AuditQuery,
    Card,
    Cardholder,
    NamedKey,
    SealedSecret,
    new_id,
)
from kiosk.authority.store.database import Store
from kiosk.contract.messages import CardId
from kiosk.contract.sensitive import Sensitive
from tests.support.database import MACS, SetClock, sqlite_url


@pytest.fixture
def store(sqlite_template: Path, tmp_path: Path) -> Iterator[Store]:
    shutil.copy(sqlite_template, tmp_path / "kiosk.db")
    store = Store(sqlite_url(tmp_path / "kiosk.db"), SetClock(), MACS)
    yield store
    store.close()


@pytest.fixture
def old() -> KeyRing:
    return KeyRing.fresh()


def _label(card: Card, revision: int) -> SealLabel:
    return SealLabel(CardId(card.driver, card.identifier), SealKind.UNBLOCK, revision)


def _fill(store: Store, sealer: Sealer, count: int) -> list[Card]:
    holder = Cardholder(new_id(), "1", "A")
    cards = [Card(new_id(), holder.id, "piv", f"{n:04x}") for n in range(count)]
    sealed = [
        replace(card, sealed_secret=sealer.seal(Sensitive(f"{n:08d}"), _label(card, 1)))
        for n, card in enumerate(cards)
    ]
    with store.begin() as uow:
        uow.holders.put([holder])
        uow.cards.put([*sealed, Card(new_id(), holder.id, "piv", "none")])
        uow.commit()
    return sealed


def _opened(store: Store, sealer: Sealer, cards: list[Card]) -> list[str]:
    found = []
    for card in cards:
        with store.read() as uow:
            kept = uow.cards.get(card.id)
        assert kept is not None
        assert kept.sealed_secret is not None
        label = _label(kept, kept.sealed_secret.revision)
        found.append(sealer.open(kept.sealed_secret, label).reveal())
    return found


def test_all_are_resealed_and_the_audit_has_one_row(store: Store, old: KeyRing) -> None:
    cards = _fill(store, Sealer(old), 230)
    sealer = Sealer(old.with_new(KeyPurpose.SEAL))
    told: list[tuple[int, int]] = []
    done = reseal_all(store, sealer, "test", lambda seen, total: told.append((seen, total)))
    assert (done.resealed, done.overtaken, done.broken) == (230, 0, [])
    assert told == [(n, 230) for n in range(1, 231)]
    assert _opened(store, sealer, cards) == [f"{n:08d}" for n in range(230)]
    with store.read() as uow:
        assert uow.cards.count_by(NamedKey.SEAL) == {sealer.current_key_id: 230}
        (event,) = uow.trail.newest(AuditQuery(), limit=1000)
    assert (event.kind, event.actor) == ("secrets-resealed", "test")
    counts = {"secrets": 230, "overtaken": 0, "broken": 0}
    assert event.detail == {"to": sealer.current_key_id, **counts}
    assert reseal_all(store, sealer, "test").resealed == 0


def test_the_old_key_is_not_needed_afterwards(store: Store, old: KeyRing) -> None:
    cards = _fill(store, Sealer(old), 3)
    rotated = old.with_new(KeyPurpose.SEAL)
    reseal_all(store, Sealer(rotated), "test")
    entries = [one for one in rotated.to_entries() if one[1] != old.ids(KeyPurpose.SEAL)[0]]
    assert _opened(store, Sealer(KeyRing.from_entries(tuple(entries))), cards)


def test_interrupted_rotation_is_continued(store: Store, old: KeyRing) -> None:
    cards = _fill(store, Sealer(old), 10)
    sealer = Sealer(old.with_new(KeyPurpose.SEAL))

    def stop(seen: int, total: int) -> None:
        if seen == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        reseal_all(store, sealer, "test", stop)
    told: list[tuple[int, int]] = []
    done = reseal_all(store, sealer, "test", lambda seen, total: told.append((seen, total)))
    assert done.resealed == 6
    assert told[-1] == (6, 6)
    with store.read() as uow:
        assert [event.detail["secrets"] for event in uow.trail.newest(AuditQuery())] == [6, 4]
    assert _opened(store, sealer, cards) == [f"{n:08d}" for n in range(10)]


def test_secret_that_does_not_open_is_named_and_left(store: Store, old: KeyRing) -> None:
    cards = _fill(store, Sealer(old), 3)
    broken = replace(cards[1], sealed_secret=cards[0].sealed_secret)
    lost = replace(
        cards[2], sealed_secret=Sealer(KeyRing.fresh()).seal(Sensitive("1"), _label(cards[2], 1))
    )
    with store.begin() as uow:
        uow.cards.put([broken, lost])
        uow.commit()
    done = reseal_all(store, Sealer(old.with_new(KeyPurpose.SEAL)), "test")
    assert done.resealed == 1
    assert sorted(done.broken) == sorted([broken.id, lost.id])
    with store.read() as uow:
        assert uow.cards.get(broken.id) == broken


class _Overtaken(Sealer):
    """Another writer replaces the secret while this one seals."""

    store: Store
    other: Sealer

    def seal(self, secret: Sensitive | Derivation, label: SealLabel) -> SealedSecret:
        with self.store.begin() as uow:
            card = uow.cards.by_card_ids([label.card])[label.card]
            newer = self.other.seal(Sensitive("99999999"), _label(card, 2))
            assert uow.cards.replace_secret(card.id, 1, newer)
            uow.commit()
        return super().seal(secret, label)


def test_a_secret_that_was_replaced_meanwhile_is_not_overwritten(
    store: Store, old: KeyRing
) -> None:
    cards = _fill(store, Sealer(old), 1)
    rotated = old.with_new(KeyPurpose.SEAL)
    sealer = _Overtaken(rotated)
    sealer.store, sealer.other = store, Sealer(rotated)
    done = reseal_all(store, sealer, "test")
    assert (done.resealed, done.overtaken) == (0, 1)
    assert _opened(store, Sealer(rotated), cards) == ["99999999"]
