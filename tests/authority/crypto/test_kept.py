"""How a secret becomes former and is known again, and how keys are rotated under all of them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from kiosk.authority.administration.resealing import reseal_all, secrets_by
from kiosk.authority.crypto.keys import KeyPurpose, KeyRing
from kiosk.authority.crypto.sealing import Sealer, SealKind
from kiosk.authority.records import Card, Cardholder, KeptKind, KeptSecret, NamedKey, new_id
from kiosk.authority.store.database import Store, UnitOfWork
from kiosk.authority.unblock.stored_secrets import (
    archive_current,
    archive_pending,
    archive_secrets,
    has_or_had,
    label_of,
    open_kept,
)
from kiosk.contract.sensitive import Sensitive
from tests.support.database import MACS, SetClock, sqlite_url

FIRST, SECOND, NEVER = "11111111", "22222222", "33333333"


@dataclass
class Safe:
    """A store with one card, whose secret is ``FIRST``, and ``SECOND`` waits."""

    store: Store
    ring: KeyRing
    card: Card

    @property
    def sealer(self) -> Sealer:
        return Sealer(self.ring)

    def held(self, uow: UnitOfWork, sealer: Sealer) -> list[str]:
        """Every secret beside the current one, opened."""
        waits = uow.kept_secrets.pending(self.card.id)
        several = (*uow.kept_secrets.former(self.card.id), *([waits] if waits else []))
        return sorted(open_kept(sealer, self.card, kept).reveal() for kept in several)


@pytest.fixture
def safe(tmp_path: Path, sqlite_template: Path) -> Iterator[Safe]:
    shutil.copy(sqlite_template, tmp_path / "kiosk.db")
    store, ring = Store(sqlite_url(tmp_path / "kiosk.db"), SetClock(), MACS), KeyRing.fresh()
    sealer, holder = Sealer(ring), Cardholder(new_id(), "1", "A")
    card = Card(new_id(), holder.id, "piv", "ab" * 16)
    sealed = sealer.seal(Sensitive(FIRST), label_of(card, SealKind.UNBLOCK, 1))
    card = replace(card, sealed_secret=sealed)
    waits = sealer.seal(Sensitive(SECOND), label_of(card, KeptKind.PENDING, 2))
    with store.begin() as uow:
        uow.holders.put([holder])
        uow.cards.put([card])
        uow.kept_secrets.add(KeptSecret(new_id(), card.id, KeptKind.PENDING, waits, uow.now))
        uow.commit()
    yield Safe(store, ring, card)
    store.close()


def test_what_makes_way_is_kept_and_known_again(safe: Safe) -> None:
    with safe.store.begin() as uow:
        uow.cards.set_aside(safe.card.id, uow.now)
        archive_secrets(uow, safe.sealer, safe.card)
        assert uow.kept_secrets.pending(safe.card.id) is None
        assert safe.held(uow, safe.sealer) == [FIRST, SECOND]
        for known, told in ((FIRST, True), (SECOND, True), (NEVER, False)):
            assert has_or_had(uow, safe.sealer, safe.card, Sensitive(known)) is told
        now = uow.cards.get(safe.card.id)
        assert now is not None
        assert now.set_aside_at is None


def test_a_card_that_staff_give_another_secret_is_asked_as_a_new_one(safe: Safe) -> None:
    """It may have refused a secret, and used up the exchanges of an admin key, beforehand."""
    with safe.store.begin() as uow:
        pending = uow.kept_secrets.pending(safe.card.id)
        assert pending is not None
        archive_pending(uow, safe.sealer, safe.card, pending, refused=True)
        uow.cards.count_exchange(safe.card.id, uow.now, since=uow.now - timedelta(hours=1))
        archive_secrets(uow, safe.sealer, safe.card)
        assert uow.kept_secrets.refused(safe.card.id) is None
        now = uow.cards.get(safe.card.id)
        assert now is not None
        assert (now.key_exchanges, now.key_exchanged_at) == (0, None)


def test_the_present_one_is_known_and_any_is_new_where_it_does_not_open(safe: Safe) -> None:
    sealed = safe.card.sealed_secret
    assert sealed is not None
    broken = replace(safe.card, sealed_secret=replace(sealed, revision=9))
    with safe.store.begin() as uow:
        assert has_or_had(uow, safe.sealer, safe.card, Sensitive(FIRST))
        archive_current(uow, safe.sealer, safe.card)
        assert not has_or_had(uow, safe.sealer, broken, Sensitive(FIRST))


def test_a_secret_that_does_not_open_is_in_nobodys_way(safe: Safe) -> None:
    with safe.store.begin() as uow:
        archive_secrets(uow, Sealer(KeyRing.fresh()), safe.card)
        assert uow.kept_secrets.pending(safe.card.id) is None
        assert uow.kept_secrets.former(safe.card.id) == ()


def test_all_are_sealed_anew_under_another_key(safe: Safe) -> None:
    with safe.store.begin() as uow:
        archive_current(uow, safe.sealer, safe.card)
        uow.commit()
    rotated = safe.ring.with_new(KeyPurpose.SEAL)
    told: list[tuple[int, int]] = []
    done = reseal_all(safe.store, Sealer(rotated), "test", lambda seen, of: told.append((seen, of)))
    assert (done.resealed, done.overtaken, done.broken) == (3, 0, [])
    assert told == [(1, 3), (2, 3), (3, 3)]
    entries = [one for one in rotated.to_entries() if one[1] != safe.ring.ids(KeyPurpose.SEAL)[0]]
    with safe.store.read() as uow:
        assert safe.held(uow, Sealer(KeyRing.from_entries(tuple(entries)))) == [FIRST, SECOND]
        assert secrets_by(uow, NamedKey.SEAL) == {Sealer(rotated).current_key_id: 3}


def test_former_secret_that_does_not_open_is_named_and_the_others_go_on(safe: Safe) -> None:
    strange = Sealer(KeyRing.fresh()).seal(
        Sensitive(NEVER), label_of(safe.card, KeptKind.FORMER, 1)
    )
    with safe.store.begin() as uow:
        uow.kept_secrets.add(KeptSecret(new_id(), safe.card.id, KeptKind.FORMER, strange, uow.now))
        uow.commit()
    done = reseal_all(safe.store, Sealer(safe.ring.with_new(KeyPurpose.SEAL)), "test")
    assert (done.resealed, done.broken) == (2, [safe.card.id])
