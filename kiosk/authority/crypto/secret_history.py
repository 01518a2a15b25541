"""The secrets that a card has, may have and had: how each is sealed, and how one becomes another.

None that a card had, or may have had, is thrown away while it is recorded. A people file
may bring one back that the card had years ago, and a card that was told to take another one
may not have done so.
"""

from __future__ import annotations

from kiosk.authority.crypto.derivation import Derivation
from kiosk.authority.crypto.sealing import Sealer, SealKind, SealLabel
from kiosk.authority.store.records import Card, KeptKind, KeptSecret, SealedSecret, new_id
from kiosk.authority.store.unit_of_work import UnitOfWork
from kiosk.contract.errors import KeyMissing, SealBroken
from kiosk.contract.sensitive import Sensitive

Kind = SealKind | KeptKind

_KINDS = {KeptKind.PENDING: SealKind.PENDING, KeptKind.FORMER: SealKind.FORMER}


def label(card: Card, kind: Kind, revision: int) -> SealLabel:
    """Name what a secret of ``card`` is sealed for."""
    of_kind = _KINDS[kind] if isinstance(kind, KeptKind) else kind
    return SealLabel(card.identity, of_kind, revision)


def open_current(sealer: Sealer, card: Card, sealed: SealedSecret) -> Sensitive:
    """Open the card's current secret; raises ``SealBroken`` or ``KeyMissing``."""
    return sealer.open(sealed, label(card, SealKind.UNBLOCK, sealed.revision))


def open_kept(sealer: Sealer, card: Card, kept: KeptSecret) -> Sensitive:
    """Open one that is kept; raises ``SealBroken`` or ``KeyMissing``."""
    return sealer.open(kept.sealed, label(card, kept.kind, kept.sealed.revision))


def has_or_had(uow: UnitOfWork, sealer: Sealer, card: Card, given: Sensitive) -> bool:
    """Tell whether ``given`` is the card's secret, or one that it has taken the place of.

    One whose seal is broken is no secret any more: whatever is given is new then. Those that
    derive are compared last, for a token may have to be asked for each. Where it does not
    answer, or a key is not there, nobody knows: ``KeysUnavailable`` or ``KeyMissing`` is raised.
    """
    current = card.sealed_secret
    found = _looked_at(sealer, card, current) if current else None
    if current is None or found is None or found == given:
        return found == given
    former = uow.kept_secrets.former(card.id)
    known: list[tuple[SealedSecret, Kind]] = [(kept.sealed, kept.kind) for kept in former]
    if isinstance(found, Derivation):
        known.append((current, SealKind.UNBLOCK))
    known.sort(key=lambda one: bool(one[0].derived_from))
    return any(_opens_to(sealer, card, sealed, kind, given) for sealed, kind in known)


def archive_secrets(uow: UnitOfWork, sealer: Sealer, card: Card) -> None:
    """Keep what ``card`` had or may have as former, before staff's own word takes its place.

    A card that was set aside is not any more: there is something new to be tried.
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
    """Make the pending secret a former one; one whose seal is broken opens nothing, and goes.

    ``refused``: the card is said not to have taken it, by a station or by its own answer.
    """
    former = _as_former(sealer, card, pending.kind, pending.sealed)
    if former is None:
        uow.kept_secrets.take(pending)
    else:
        uow.kept_secrets.turn(pending, former, refused=refused)


def archive_current(uow: UnitOfWork, sealer: Sealer, card: Card, entry_id: str = "") -> None:
    """Keep a former copy of the current secret, where there is one that opens."""
    sealed = card.sealed_secret
    if sealed is None:
        return
    former = _as_former(sealer, card, SealKind.UNBLOCK, sealed)
    if former is not None:
        uow.kept_secrets.add(
            KeptSecret(new_id(), card.id, KeptKind.FORMER, former, uow.now, entry_id)
        )


def _as_former(sealer: Sealer, card: Card, kind: Kind, sealed: SealedSecret) -> SealedSecret | None:
    old, new = label(card, kind, sealed.revision), label(card, SealKind.FORMER, sealed.revision)
    try:
        return sealer.carry(sealed, old, new)
    except (SealBroken, KeyMissing):
        return None


def _looked_at(sealer: Sealer, card: Card, current: SealedSecret) -> Sensitive | Derivation | None:
    try:
        return sealer.look(current, label(card, SealKind.UNBLOCK, current.revision))
    except SealBroken:
        return None


def _opens_to(
    sealer: Sealer, card: Card, sealed: SealedSecret, kind: Kind, given: Sensitive
) -> bool:
    try:
        return sealer.open(sealed, label(card, kind, sealed.revision)) == given
    except SealBroken:
        return False
