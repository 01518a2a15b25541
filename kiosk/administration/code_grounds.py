"""For whom a code may be given: somebody who can unlock with it, and not too often."""

from __future__ import annotations

from kiosk.administration.headline import trouble_words
from kiosk.administration.saying import counted
from kiosk.administration.standing import card_trouble, is_blocked
from kiosk.authority.offers import has_left, is_registered
from kiosk.dialogue import Purpose, Reason
from kiosk.errors import KeyMissing, NotTaken, SealBroken
from kiosk.policy import Policy
from kiosk.policy.codes import HOUR
from kiosk.secrets.sealing import Sealer, SealKind, SealLabel
from kiosk.store.records import Card, Cardholder
from kiosk.store.unit_of_work import UnitOfWork


def need_someone_able(
    uow: UnitOfWork, policy: Policy, sealer: Sealer, holder: Cardholder, card: Card
) -> None:
    """Raise ``NotTaken``, saying why, unless the holder can unlock the card with a code.

    Somebody who is not registered can, too: see ``purpose_for``.
    """
    registration = uow.registrations.of_holder(holder.id)
    if has_left(holder, uow.now):
        raise NotTaken("person", "They are marked as a leaver: no station serves them.")
    if is_blocked(registration, policy):
        raise NotTaken("person", "Self-service is blocked for them. Lift the block first.")
    trouble = card_trouble(card, uow.now) or _broken(sealer, card)
    if trouble is not None:
        words = trouble_words(card, trouble)
        raise NotTaken("card", f"A code is of no use for this card. {words}")


def purpose_for(uow: UnitOfWork, policy: Policy, holder: Cardholder) -> Purpose:
    """Return what a code for this holder is for now.

    One for a registered holder stands in for the mail, beside the questions. One for anybody
    else opens the first unlock alone, and nothing once they are registered.
    """
    registration = uow.registrations.of_holder(holder.id)
    return Purpose.UNLOCK if is_registered(registration, policy) else Purpose.FIRST_UNLOCK


def need_same_purpose(
    uow: UnitOfWork, policy: Policy, holder: Cardholder, purpose: Purpose
) -> None:
    """Raise ``NotTaken`` where they registered since a code was given, or are it no more."""
    if purpose_for(uow, policy, holder) is not purpose:
        what = "is registered now" if purpose is Purpose.FIRST_UNLOCK else "is not registered now"
        raise NotTaken(
            "person",
            f"{holder.name} {what}: the code is for something else. "
            "Withdraw it, and give another one.",
        )


def need_room(uow: UnitOfWork, policy: Policy, card: Card) -> None:
    """Raise ``NotTaken`` where a card was given as many codes in an hour as it may be."""
    given = uow.codes.give_times(card.id, uow.now - HOUR)
    if len(given) >= policy.codes_an_hour:
        raise NotTaken(
            "card",
            f"Staff have given {counted(len(given), 'code')} for this card within an hour. "
            "Wait, or let a colleague look into it.",
        )


def _broken(sealer: Sealer, card: Card) -> Reason | None:
    """Find out before somebody walks to a station whether the secret opens."""
    if card.sealed_secret is None:
        return Reason.SECRET_MISSING
    label = SealLabel(card.identity, SealKind.UNBLOCK, card.sealed_secret.revision)
    try:
        sealer.look(card.sealed_secret, label)
    except (SealBroken, KeyMissing):
        return Reason.SECRET_MISSING
    return None
