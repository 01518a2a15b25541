"""Sealing every unblock secret anew under the current key, while stations go on working.

Each card is its own transaction, put back only if nobody changed it meanwhile. What is
left to do is found by key id, so a rotation that was interrupted starts again where
work is left, and one that is run twice does nothing the second time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from kiosk.dialogue import CardId
from kiosk.errors import KeyMissing, SealBroken
from kiosk.secrets.kept import label, open_kept
from kiosk.secrets.sealing import Sealer, SealKind, SealLabel
from kiosk.store.database import Store
from kiosk.store.records import Card, SealedSecret
from kiosk.store.secret_records import KeptSecret
from kiosk.store.unit_of_work import UnitOfWork

Progress = Callable[[int, int], None]
"""Takes the secrets looked at so far and those there were to do."""

ROTATED = "secret-resealed"
"""The audit's kind for one secret that was sealed anew."""


@dataclass(slots=True)
class Rotation:
    """What a rotation did; ``broken`` are ids of cards whose secret does not open."""

    resealed: int = 0
    overtaken: int = 0
    broken: list[str] = field(default_factory=list)


def reseal_all(store: Store, sealer: Sealer, progress: Progress | None = None) -> Rotation:
    """Seal under the current key what another key sealed; raises ``StoreError``.

    A secret that does not open is left as it is and named, and the others go on.
    """
    done, seen, last = Rotation(), 0, ""
    total = _how_many(store, sealer.current_key_id)
    while cards := _next(store, sealer.current_key_id, last):
        for card in cards:
            _reseal(store, sealer, card, done)
            seen, last = seen + 1, card.id
            if progress is not None:
                progress(seen, max(total, seen))
    last = ""
    while several := _next_kept(store, sealer.current_key_id, last):
        for kept in several:
            _reseal_kept(store, sealer, kept, done)
            seen, last = seen + 1, kept.id
            if progress is not None:
                progress(seen, max(total, seen))
    return done


def sealed_by_key(uow: UnitOfWork) -> dict[str, int]:
    """Return how many secrets each key sealed, those that are kept beside the current ones too."""
    return dict(Counter(uow.cards.count_by_key()) + Counter(uow.kept.count_by_key()))


def _reseal(store: Store, sealer: Sealer, card: Card, done: Rotation) -> None:
    old = card.sealed_secret
    if old is None:
        return
    try:
        sealed = _sealed_anew(sealer, card, old)
    except (SealBroken, KeyMissing):
        done.broken.append(card.id)
        return
    if _put(store, card, old, sealed):
        done.resealed += 1
    else:
        done.overtaken += 1


def _sealed_anew(sealer: Sealer, card: Card, old: SealedSecret) -> SealedSecret:
    named = CardId(card.driver, card.identifier)
    secret = sealer.open(old, SealLabel(named, SealKind.UNBLOCK, old.revision))
    return sealer.seal(secret, SealLabel(named, SealKind.UNBLOCK, old.revision + 1))


def _put(store: Store, card: Card, old: SealedSecret, sealed: SealedSecret) -> bool:
    with store.begin() as uow:
        if not uow.cards.replace_secret(card.id, old.revision, sealed):
            return False
        _tell(uow, card, old, sealed)
        uow.commit()
        return True


def _tell(uow: UnitOfWork, card: Card, old: SealedSecret, sealed: SealedSecret) -> None:
    uow.audit.append(
        kind=ROTATED,
        reference="",
        card_id=card.id,
        holder_id=card.holder_id,
        actor="kiosk keys rotate",
        detail={"from": old.key_id, "to": sealed.key_id, "revision": sealed.revision},
    )


def _how_many(store: Store, key_id: str) -> int:
    with store.read() as uow:
        return sum(count for key, count in sealed_by_key(uow).items() if key != key_id)


def _next(store: Store, key_id: str, after: str) -> tuple[Card, ...]:
    with store.read() as uow:
        return uow.cards.sealed_otherwise(key_id, after=after)


def _reseal_kept(store: Store, sealer: Sealer, kept: KeptSecret, done: Rotation) -> None:
    """Seal one anew in one transaction; it may become current or former at any moment."""
    with store.begin() as uow:
        card = uow.cards.lock(kept.card_id)
        if card is None:
            return
        try:
            secret = open_kept(sealer, card, kept)
        except (SealBroken, KeyMissing):
            done.broken.append(card.id)
            return
        sealed = sealer.seal(secret, label(card, kept.kind, kept.sealed.revision))
        if not uow.kept.reseal(kept, sealed):
            done.overtaken += 1
            return
        _tell(uow, card, kept.sealed, sealed)
        uow.commit()
        done.resealed += 1


def _next_kept(store: Store, key_id: str, after: str) -> tuple[KeptSecret, ...]:
    with store.read() as uow:
        return uow.kept.sealed_otherwise(key_id, after=after)
