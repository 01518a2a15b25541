"""Sealing unblock secrets again: under another key, or so that a master key can be destroyed.

A card takes another secret only when it is unlocked at a station. A secret that derives from an
older master key is therefore derived once more and sealed itself; the card gets a secret of the new
master key at its next unlock.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from kiosk.authority.audit.events import ServiceKind
from kiosk.authority.crypto.sealing import Sealer, SealKind, SealLabel
from kiosk.authority.errors import KeyMissing, SealBroken
from kiosk.authority.records import Card, KeptSecret, NamedKey, Progress, Scalar, SealedSecret
from kiosk.authority.store.database import Store, UnitOfWork
from kiosk.authority.store.repositories.cards import Sealed, SealedSecrets
from kiosk.authority.unblock.stored_secrets import label_of

# Sealing every unblock secret again for another key, while stations go on working.
#
# Each card is one transaction, and is stored only if nobody changed it since it was read. The
# remaining work is found by key id, so an interrupted rotation continues where work is left, and a
# second run does nothing.


@dataclass(slots=True)
class Rotation:
    """The result of a rotation; ``broken`` are ids of cards whose secret does not open."""

    resealed: int = 0
    overtaken: int = 0
    broken: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class RotationWork:
    """Seals again what names another key than ``key``, also beside the current secrets of cards.

    ``anew`` seals one; it raises ``SealBroken``, ``KeyMissing`` or ``KeysUnavailable``.
    """

    which: NamedKey
    key: str
    anew: Callable[[SealedSecret, SealLabel, SealLabel], SealedSecret]


def reseal_all(
    store: Store, sealer: Sealer, actor: str, progress: Progress | None = None
) -> Rotation:
    """Seal under the current key what another key sealed; raises ``StoreError``.

    A secret that does not open is left alone and named, and the others go on. A derived secret
    stays derived.
    """
    work = RotationWork(NamedKey.SEAL, sealer.current_key_id, sealer.carry)
    return walk(store, work, actor, progress)


def seal_derived(
    store: Store, sealer: Sealer, current: str, actor: str, progress: Progress
) -> Rotation:
    """Derive each secret of another master key than ``current`` once more, and seal it."""

    def anew(sealed: SealedSecret, old: SealLabel, new: SealLabel) -> SealedSecret:
        return sealer.seal(sealer.open(sealed, old), new)

    return walk(store, RotationWork(NamedKey.MASTER, current, anew), actor, progress)


def walk(store: Store, work: RotationWork, actor: str, progress: Progress | None) -> Rotation:
    """Do all of ``work``; raises ``StoreError`` and ``KeysUnavailable``, and keeps what is done.

    The audit gets one row with the counts, also where the work ends early.
    """
    done = Rotation()

    def counts_done() -> dict[str, Scalar]:
        found = {
            "secrets": done.resealed,
            "overtaken": done.overtaken,
            "broken": len(done.broken),
        }
        return {"to": work.key, **found} if any(found.values()) else {}

    with store.record_at_end(ServiceKind.SECRETS_RESEALED.value, detail=counts_done, actor=actor):
        with store.read() as uow:
            counts = secrets_by(uow, work.which)
        total = sum(count for key, count in counts.items() if key != work.key)
        for seen, _ in enumerate(_resealing(store, work, done), 1):
            if progress is not None:
                progress(seen, max(total, seen))
    return done


def _resealing(store: Store, work: RotationWork, done: Rotation) -> Iterator[None]:
    """Seal one secret at each step: those of cards, and then those beside them."""
    for card in _left(store, work, lambda uow: uow.cards):
        _reseal(store, work, card, None, done)
        yield
    for kept in _left(store, work, lambda uow: uow.kept_secrets):
        with store.read() as uow:
            owner = uow.cards.get(kept.card_id)
        if owner is not None:
            _reseal(store, work, owner, kept, done)
        yield


def secrets_by(uow: UnitOfWork, which: NamedKey) -> dict[str, int]:
    """Return how many secrets name each key, also of those kept beside the current ones."""
    return dict(Counter(uow.cards.count_by(which)) + Counter(uow.kept_secrets.count_by(which)))


def _left(
    store: Store, work: RotationWork, table: Callable[[UnitOfWork], SealedSecrets[Sealed]]
) -> Iterator[Sealed]:
    last = ""
    while True:
        with store.read() as uow:
            found = table(uow).naming_others(work.which, work.key, after=last)
        if not found:
            return
        yield from found
        last = found[-1].id


def _reseal(
    store: Store, work: RotationWork, card: Card, kept: KeptSecret | None, done: Rotation
) -> None:
    """Seal the current secret of a card again, or one that is kept beside it.

    The kept one may become current or former at any moment, and is then left alone.
    """
    old = kept.sealed if kept else card.sealed_secret
    if old is None:
        return
    kind = kept.kind if kept else SealKind.UNBLOCK
    was = label_of(card, kind, old.revision)
    new = was if kept else label_of(card, kind, old.revision + 1)
    try:
        sealed = work.anew(old, was, new)
    except (SealBroken, KeyMissing):
        done.broken.append(card.id)
        return
    with store.begin() as uow:
        if kept:
            is_stored = uow.kept_secrets.reseal(kept, sealed)
        else:
            is_stored = uow.cards.reseal_secret(card.id, old.revision, sealed)
        uow.commit()
    if is_stored:
        done.resealed += 1
    else:
        done.overtaken += 1
