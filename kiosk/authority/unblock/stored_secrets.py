"""The secrets that a card has, may have and had: how each is sealed and changes its kind.

No secret that a card had, or may have had, is deleted while the card is recorded. A people file
may bring back one that the card had years ago, and a card may not have taken the one that it was
sent.
"""

from __future__ import annotations

from contextlib import suppress

from kiosk.authority.crypto.derivation import Derivation
from kiosk.authority.crypto.sealing import Sealer, SealKind, SealLabel
from kiosk.authority.errors import KeyMissing, SealBroken
from kiosk.authority.records import Card, KeptKind, KeptSecret, SealedSecret, new_id
from kiosk.authority.store.database import UnitOfWork
from kiosk.contract.sensitive import Sensitive

Kind = SealKind | KeptKind

_KINDS = {KeptKind.PENDING: SealKind.PENDING, KeptKind.FORMER: SealKind.FORMER}


def label_of(card: Card, kind: Kind, revision: int) -> SealLabel:
    of_kind = _KINDS[kind] if isinstance(kind, KeptKind) else kind
    return SealLabel(card.identity, of_kind, revision)


def open_current(sealer: Sealer, card: Card, sealed: SealedSecret) -> Sensitive:
    return sealer.open(sealed, label_of(card, SealKind.UNBLOCK, sealed.revision))


def open_kept(sealer: Sealer, card: Card, kept: KeptSecret) -> Sensitive:
    return sealer.open(kept.sealed, label_of(card, kept.kind, kept.sealed.revision))


def has_or_had(uow: UnitOfWork, sealer: Sealer, card: Card, given: Sensitive) -> bool:
    """Return whether ``given`` is the card's secret, or one that it replaced.

    A secret with a broken seal does not count: then any ``given`` is new. Derived ones are compared
    last, as each may need a call to the token. Raises ``KeysUnavailable`` or ``KeyMissing`` where
    it does not answer or a key is missing.
    """
    current, found = card.sealed_secret, None
    if current is not None:
        with suppress(SealBroken):
            found = sealer.look(current, label_of(card, SealKind.UNBLOCK, current.revision))
    if current is None or found is None or found == given:
        return found == given
    former = uow.kept_secrets.former(card.id)
    known: list[tuple[SealedSecret, Kind]] = [(kept.sealed, kept.kind) for kept in former]
    if isinstance(found, Derivation):
        known.append((current, SealKind.UNBLOCK))
    known.sort(key=lambda one: bool(one[0].derived_from))
    for sealed, kind in known:
        with suppress(SealBroken):
            if sealer.open(sealed, label_of(card, kind, sealed.revision)) == given:
                return True
    return False


def archive_secrets(uow: UnitOfWork, sealer: Sealer, card: Card) -> None:
    """Keep what ``card`` had or may have as former, before a secret that staff entered replaces it.

    A card that was set aside is so no longer: there is a new secret to try.
    """
    pending = uow.kept_secrets.pending(card.id)
    if pending is not None:
        archive_pending(uow, sealer, card, pending)
    archive_current(uow, sealer, card)
    uow.kept_secrets.forget_refusals(card.id)
    uow.cards.set_aside(card.id, None)
    uow.cards.secret_changed(card.id)
    uow.cards.forget_exchanges(card.id)


def archive_pending(
    uow: UnitOfWork, sealer: Sealer, card: Card, pending: KeptSecret, *, refused: bool = False
) -> None:
    """Make the pending secret a former one; one with a broken seal opens nothing, and is deleted.

    ``refused``: the card did not take it, as a station reported or its answer showed.
    """
    former = _as_former(sealer, card, pending.kind, pending.sealed)
    if former is None:
        uow.kept_secrets.delete(pending)
    else:
        uow.kept_secrets.make_former(pending, former, refused=refused)


def archive_current(uow: UnitOfWork, sealer: Sealer, card: Card, entry_id: str = "") -> None:
    """Keep a former copy of the current secret, if there is one that opens."""
    sealed = card.sealed_secret
    if sealed is None:
        return
    former = _as_former(sealer, card, SealKind.UNBLOCK, sealed)
    if former is not None:
        uow.kept_secrets.add(
            KeptSecret(new_id(), card.id, KeptKind.FORMER, former, uow.now, entry_id)
        )


def _as_former(sealer: Sealer, card: Card, kind: Kind, sealed: SealedSecret) -> SealedSecret | None:
    old = label_of(card, kind, sealed.revision)
    new = label_of(card, SealKind.FORMER, sealed.revision)
    try:
        return sealer.carry(sealed, old, new)
    except (SealBroken, KeyMissing):
        return None
