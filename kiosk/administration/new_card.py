"""A card that staff want to add: read by the import's rules, sealed as the import does it."""

from __future__ import annotations

from dataclasses import replace

from kiosk.administration import people_fields
from kiosk.administration.entered import entered
from kiosk.administration.proposals import OpenedAct
from kiosk.administration.views.people import IssuedFrom, NewCard
from kiosk.dialogue import CardId
from kiosk.errors import NotTaken
from kiosk.secrets.deriving import ISSUED, Derivation
from kiosk.secrets.sealing import Sealer, SealKind, SealLabel
from kiosk.sensitive import Sensitive
from kiosk.store.records import Card, Cardholder, CardStatus, Scalar, SealedSecret, new_id
from kiosk.store.unit_of_work import UnitOfWork


def parameters_of(wanted: NewCard) -> dict[str, Scalar | Sensitive]:
    """Return what was entered, to be kept while it waits for a second member of staff."""
    entered_of: dict[str, Scalar | Sensitive] = {
        "identifier": wanted.identifier,
        "driver": wanted.driver,
        "expires_at": wanted.expires_at.isoformat() if wanted.expires_at else None,
        "secret_limit": wanted.secret_limit,
    }
    return entered_of | (secret_parameters(wanted.secret) if wanted.secret is not None else {})


def secret_parameters(secret: Sensitive | IssuedFrom) -> dict[str, Scalar | Sensitive]:
    """Return what was entered of an unblock secret; what derives is no secret itself."""
    return {"master": secret.master} if isinstance(secret, IssuedFrom) else {"secret": secret}


def card_of(opened: OpenedAct) -> NewCard:
    """Return the card that was entered."""
    return NewCard(
        opened.text("identifier"),
        opened.text("driver"),
        opened.moment("expires_at"),
        secret_of(opened),
        opened.number("secret_limit"),
    )


def secret_of(opened: OpenedAct) -> Sensitive | IssuedFrom | None:
    """Return the unblock secret that was entered."""
    master = opened.text("master")
    return IssuedFrom(master) if master else opened.secret("secret")


def add_card(uow: UnitOfWork, sealer: Sealer, holder: Cardholder, wanted: NewCard) -> Card:
    """Add the card to the holder's; raises ``NotTaken``, naming the field that is wrong."""
    if wanted.expires_at is not None and wanted.expires_at <= uow.now:
        raise NotTaken("expires_at", "A card that has expired already is of no use here.")
    card = _card(sealer, holder.id, wanted)
    if not uow.cards.add(card):
        raise NotTaken("identifier", _whose(uow, CardId(card.driver, card.identifier), holder.id))
    return card


def seal(sealer: Sealer, card: Card, secret: Sensitive | IssuedFrom) -> SealedSecret:
    """Seal a secret in place of the one a card has; raises ``NotTaken`` for its shape.

    Of one that the card was issued with, from a master key, only that is kept. Raises
    ``KeysAway`` where the token of the master keys has to be asked and does not answer.
    """
    named = CardId(card.driver, card.identifier)
    taken = _issued(sealer, secret) if isinstance(secret, IssuedFrom) else _entered(named, secret)
    revision = card.sealed_secret.revision + 1 if card.sealed_secret else 1
    return sealer.seal(taken, SealLabel(named, SealKind.UNBLOCK, revision))


def _entered(named: CardId, secret: Sensitive) -> Sensitive:
    taken = entered("secret", lambda: people_fields.unblock_secret(secret.reveal(), named))
    if taken is None:
        raise NotTaken("secret", "Enter the card's unblock secret.")
    return taken


def _issued(sealer: Sealer, secret: IssuedFrom) -> Derivation:
    if secret.master not in sealer.masters.ids():
        raise NotTaken("master_key", "There is no such master key; see `kiosk keys list`.")
    return Derivation(secret.master)


def need_another(old: Card, wanted: NewCard) -> None:
    """Raise ``NotTaken`` where the card that is to take the place of ``old`` is that card."""
    if _named(wanted) == CardId(old.driver, old.identifier):
        raise NotTaken(
            "identifier",
            "This is the card that is being replaced. Enter the identifier of the new card.",
        )


def _named(wanted: NewCard) -> CardId:
    driver = wanted.driver
    entered("driver", lambda: people_fields.card(driver, ""))
    named = entered("identifier", lambda: people_fields.card(driver, wanted.identifier))
    if named is None:
        raise NotTaken("identifier", "Enter the card's identifier.")
    return named


def _card(sealer: Sealer, holder_id: str, wanted: NewCard) -> Card:
    named, limit = _named(wanted), wanted.secret_limit
    if limit is not None:
        entered("secret_limit", lambda: people_fields.secret_limit(str(limit)))
    card = Card(
        new_id(),
        holder_id,
        named.driver,
        named.identifier,
        expires_at=wanted.expires_at,
        secret_limit=limit,
    )
    if wanted.secret is None:
        return card
    generation = ISSUED if isinstance(wanted.secret, IssuedFrom) else None
    sealed = seal(sealer, card, wanted.secret)
    return replace(card, sealed_secret=sealed, secret_generation=generation)


def _whose(uow: UnitOfWork, named: CardId, holder_id: str) -> str:
    known = uow.cards.find(named)
    if known is None:
        return "This card was added by somebody else just now. Look again."
    if known.holder.id != holder_id:
        return f"This card belongs to another person (number {known.holder.number})."
    if known.card.status is CardStatus.REVOKED:
        return "This person had this card, and it was revoked. A revoked card stays revoked."
    return "This person has this card already."
