"""What staff do about cards and unblock secrets; the holder is told by mail each time.

A card counts the wrong unblock secrets that it is given, and goes on counting whatever is
recorded here. So our account of its tries outlives the secret that is replaced: it only
begins anew where staff say that the card itself was given the new secret.
"""

from __future__ import annotations

from kiosk.administration.holder_notices import HolderNotice, address_of, tell_holder
from kiosk.administration.kinds import StaffKind
from kiosk.administration.new_card import (
    add_card,
    need_another,
    parameters_of,
    seal,
    secret_parameters,
)
from kiosk.administration.office import Act, Office
from kiosk.administration.proposals import Proposal
from kiosk.administration.unknown_cards import recent_unknown_cards
from kiosk.administration.views.acting import Done, Grounds, Seen
from kiosk.administration.views.people import IssuedFrom, NewCard, UnknownCard
from kiosk.authority.offers import has_left, secret_barred
from kiosk.errors import NothingThere, NotTaken
from kiosk.roles import Action
from kiosk.secrets.kept import make_way
from kiosk.sensitive import Sensitive
from kiosk.store.records import Card, Cardholder, CardStatus


class LocalCardsDesk:
    """Implements ``kiosk.administration.desk.CardsDesk``."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._sealer = office.means.sealer

    def unknown(self) -> tuple[UnknownCard, ...]:
        """Return the cards that stations met and nobody recorded, the newest first."""
        with self._office.look(Action.SEE_PEOPLE) as uow:
            return recent_unknown_cards(uow)

    def add(self, seen: Seen, card: NewCard, grounds: Grounds) -> Done:
        """Give the person another card."""
        proposal = Proposal("cards.add", parameters_of(card))
        with self._office.act(Action.ADD_CARD, grounds, seen=seen, proposal=proposal) as act:
            holder = _holder(act, seen)
            added = self._added(act, holder, card)
            act.tell(StaffKind.CARD_ADDED, card_id=added.id, has_secret=_has_secret(added))
            _tell(act, HolderNotice.CARD_ADDED, holder)
        return act.done("The card is added.")

    def replace(self, seen: Seen, card_id: str, card: NewCard, grounds: Grounds) -> Done:
        """Give a card in place of ``card_id``, which is revoked in the same moment."""
        proposal = Proposal("cards.replace", parameters_of(card), card_id=card_id)
        with self._office.act(Action.REPLACE_CARD, grounds, seen=seen, proposal=proposal) as act:
            holder = _holder(act, seen)
            old = _card_in_use(act, holder, card_id)
            need_another(old, card)
            _revoke(act, old)
            new = self._added(act, holder, card)
            act.tell(
                StaffKind.CARD_REPLACED,
                card_id=new.id,
                replaces=old.id,
                has_secret=_has_secret(new),
            )
            _tell(act, HolderNotice.CARD_REPLACED, holder)
        return act.done("The new card is added, and the old one is revoked.")

    def revoke(self, seen: Seen, card_id: str, grounds: Grounds) -> Done:
        """Bar a card at every station."""
        with self._office.act(Action.REVOKE_CARD, grounds, seen=seen) as act:
            holder = _holder(act, seen)
            card = _card_in_use(act, holder, card_id)
            _revoke(act, card)
            act.tell(StaffKind.CARD_REVOKED, card_id=card.id)
            _tell(act, HolderNotice.CARD_REVOKED, holder)
        return act.done("The card is revoked.")

    def set_secret(
        self,
        seen: Seen,
        card_id: str,
        secret: Sensitive | IssuedFrom,
        grounds: Grounds,
        *,
        tries_full: bool = False,
    ) -> Done:
        """Seal another unblock secret; it is never shown.

        ``tries_full``: the card was given it by whoever manages it, so that all its tries
        are there again. Otherwise what earlier unblocks may have cost stays on its account.
        """
        entered = secret_parameters(secret) | {"tries_full": tries_full}
        proposal = Proposal("cards.set_secret", entered, card_id=card_id)
        with self._office.act(Action.SET_SECRET, grounds, seen=seen, proposal=proposal) as act:
            holder = _holder(act, seen)
            card = _card_in_use(act, holder, card_id)
            sealed = seal(self._sealer, card, secret)
            make_way(act.uow, self._sealer, card)
            before = card.sealed_secret.revision if card.sealed_secret else 0
            act.uow.cards.replace_secret(card.id, before, sealed)
            if sealed.derived_from:
                act.uow.cards.note_issued(card.id)
            if tries_full:
                act.uow.cards.know_secret_tries(card.id, None)
            barred = secret_barred(act.uow.cards.get(card.id) or card) is not None
            act.tell(
                StaffKind.SECRET_SET,
                card_id=card.id,
                sealed_revision=sealed.revision,
                tries_full=tries_full,
            )
            _tell(act, HolderNotice.SECRET_SET, holder)
        return act.done(_STILL_BARRED if barred else "The unblock secret is set.")

    def _added(self, act: Act, holder: Cardholder, wanted: NewCard) -> Card:
        if has_left(holder, act.uow.now):
            raise NotTaken("card", "This person has left. Take them back before they get a card.")
        added = add_card(act.uow, self._sealer, holder, wanted)
        act.uow.search.refresh([holder.id])
        return added


_STILL_BARRED = (
    "The unblock secret is set, but stations will not use it: the card may have only one try "
    "left. Give the card the secret with your card management, and say so here."
)


def _holder(act: Act, seen: Seen) -> Cardholder:
    holder = act.uow.holders.get(seen.holder_id)
    if holder is None:
        raise NothingThere("This person is not recorded any more.")
    return holder


def _card_in_use(act: Act, holder: Cardholder, card_id: str) -> Card:
    """Take one of the holder's cards for this act alone."""
    card = act.uow.cards.lock(card_id)
    if card is None or card.holder_id != holder.id:
        raise NothingThere("This person has no such card any more.")
    if card.status is CardStatus.REVOKED:
        raise NotTaken("card", "This card is revoked already.")
    return card


def _revoke(act: Act, card: Card) -> None:
    """Revoke a card and its codes; the authority turns away its open visits by itself."""
    act.uow.cards.revoke(card.id)
    act.uow.codes.revoke_all(card.id)


def _tell(act: Act, notice: HolderNotice, holder: Cardholder) -> None:
    registration = act.uow.registrations.of_holder(holder.id)
    tell_holder(act, notice, address_of(holder, registration), holder)


def _has_secret(card: Card) -> bool:
    return card.sealed_secret is not None
