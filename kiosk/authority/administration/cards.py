"""Cards and unblock secrets as staff change them, and cards that no station could serve.

The holder gets a mail of each change.

A card counts wrong unblock secrets, whatever is recorded here. Our count of its tries therefore
outlives the secret that is replaced: it is reset only where staff declare that the card itself got
the new secret.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Final
from uuid import UUID

from kiosk.authority.administration import fields
from kiosk.authority.administration.acts import (
    AddCard,
    ReplaceCard,
    SetSecret,
    revision_of,
)
from kiosk.authority.administration.deeds import PlainDeed
from kiosk.authority.administration.fields import entered
from kiosk.authority.administration.office import Act, Desk
from kiosk.authority.administration.proposals import Proposal
from kiosk.authority.administration.views import (
    Done,
    Grounds,
    IssuedFrom,
    NewCard,
    Seen,
    UnknownCard,
)
from kiosk.authority.audit.events import StaffKind
from kiosk.authority.crypto.derivation import ISSUED, Derivation
from kiosk.authority.crypto.sealing import Sealer, SealKind
from kiosk.authority.errors import ConcurrentChange, NotFound, NotTaken
from kiosk.authority.facts import (
    NearCard,
    OfFewOtherSigns,
    OfOtherByteOrder,
    OfOtherCapitals,
    OfOtherFamily,
    OfOtherLength,
    RecordedAs,
    RecordedSince,
    TooManyAlike,
)
from kiosk.authority.notices import Notice
from kiosk.authority.records import (
    Card,
    Cardholder,
    CardStatus,
    KnownCard,
    SealedSecret,
    Visit,
    new_id,
)
from kiosk.authority.refusals import CardOfOther, FamilyUnknown, PlainRefusal, Refusal
from kiosk.authority.roles import Action
from kiosk.authority.store.database import UnitOfWork
from kiosk.authority.unblock.stored_secrets import archive_secrets, label_of
from kiosk.authority.visit.lifecycle import end_visits
from kiosk.authority.visit.rules import has_left, secret_barred
from kiosk.contract.families import FAMILIES
from kiosk.contract.messages import CardId
from kiosk.contract.sensitive import Sensitive

# A card that staff want to add: read by the import's rules, sealed as by the import.


def seal(sealer: Sealer, card: Card, secret: Sensitive | IssuedFrom) -> SealedSecret:
    """Seal a secret in place of the one a card has; raises ``NotTaken`` for its form.

    Of one that the card was issued with, from a master key, only the derivation is kept. Raises
    ``KeysUnavailable`` where the token of the master keys is needed and does not answer.
    """
    if (family := FAMILIES.get(card.driver)) is None:
        raise NotTaken("", FamilyUnknown(card.driver))
    taken: Sensitive | Derivation | None
    if isinstance(secret, IssuedFrom):
        if secret.master not in sealer.masters.ids():
            raise NotTaken("master_key", PlainRefusal.NO_SUCH_MASTER_KEY)
        taken = Derivation(secret.master)
    else:
        taken = entered("secret", lambda: fields.read_unblock_secret(secret.reveal(), family))
        if taken is None:
            raise NotTaken("secret", PlainRefusal.SECRET_MISSING)
    return sealer.seal(taken, label_of(card, SealKind.UNBLOCK, revision_of(card) + 1))


def _named(wanted: NewCard) -> CardId:
    family = entered("driver", lambda: fields.read_family(wanted.driver))
    named = entered("identifier", lambda: fields.read_card(family, wanted.identifier))
    if named is None:
        raise NotTaken("identifier", PlainRefusal.IDENTIFIER_MISSING)
    return named


# Cards that stations could not serve: not recorded, or not read. Which recorded one is close?


def unknown_card_of(uow: UnitOfWork, visit: Visit) -> UnknownCard:
    """Return what is known of the card of a visit that has ``unknown_card`` or ``unread``."""
    family, _, identifier = (visit.unknown_card or "").partition(" ")
    known = uow.cards.known(visit.card_id) if visit.card_id else None
    if known is not None:
        family, identifier = known.card.driver, known.card.identifier
        near: list[NearCard] = [RecordedAs(*_whose(known))]
    else:
        near = _near(uow, identifier) if identifier else []
    is_named = identifier and not visit.unread
    since = uow.cards.find(CardId(family, identifier)) if is_named else None
    if since is not None:
        near = [RecordedSince(*_whose(since))]
    return UnknownCard(
        reference=visit.reference,
        at=visit.opened_at,
        station=visit.station,
        family=family,
        identifier=identifier,
        near=tuple(near),
        fault=visit.unread,
        recorded=since is not None,
    )


def _near(uow: UnitOfWork, identifier: str) -> list[NearCard]:
    """Return which recorded cards an identifier resembles, the closest first."""
    given = identifier.lower()
    reordered = _other_byte_orders(given)
    near: list[tuple[int, str, Callable[[str, str], NearCard]]] = []  # the rank, and the card's id
    for card_id, driver, recorded in uow.cards.resembling(given, reordered):
        named = recorded.lower()
        if recorded == identifier:
            near.append((1, card_id, partial(OfOtherFamily, family=driver)))
        elif named == given:
            near.append((2, card_id, OfOtherCapitals))
        elif named in reordered:
            near.append((3, card_id, partial(OfOtherByteOrder, identifier=recorded)))
        elif named.startswith(given) or given.startswith(named):
            longer = partial(OfOtherLength, identifier=recorded, signs=len(given))
            near.append((4, card_id, longer))
        elif edits := next((few for few in (1, 2) if _within(named, given, few)), 0):
            differs = partial(OfFewOtherSigns, identifier=recorded, signs=edits)
            near.append((_BY_EDITS + edits, card_id, differs))
    alike = sum(rank >= _BY_EDITS for rank, _, _ in near)
    if alike > _MOST_NEAR:  # consecutive serial numbers differ in one character
        near = [one for one in near if one[0] < _BY_EDITS]
    closest = sorted(near, key=lambda one: one[0])[:_MOST_NEAR]
    found = [(uow.cards.known(card_id), says) for _, card_id, says in closest]
    cards = [says(*_whose(known)) for known, says in found if known]
    return [*cards, TooManyAlike(alike)] if alike > _MOST_NEAR else cards


_MOST_NEAR: Final = 3
_BY_EDITS: Final = 5


def _within(one: str, other: str, edits: int) -> bool:
    """Return whether so many changed, added and left out signs turn ``one`` into ``other``."""
    if edits < 0 or abs(len(one) - len(other)) > edits:
        return False
    at = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), None)
    if at is None:
        return True  # the rest is no longer than ``edits``
    left = edits - 1
    return (
        _within(one[at + 1 :], other[at + 1 :], left)
        or _within(one[at + 1 :], other[at:], left)
        or _within(one[at:], other[at + 1 :], left)
    )


def _other_byte_orders(identifier: str) -> tuple[str, ...]:
    """Return it in reverse byte order, and as Windows writes a GUID (MS-DTYP 2.3.4)."""
    try:
        data = bytes.fromhex(identifier)
    except ValueError:
        return ()
    orders = [data[::-1]]
    if len(data) == 16:
        orders.append(UUID(bytes_le=data).bytes)
    return tuple(order.hex() for order in orders if order != data)


def _whose(known: KnownCard) -> tuple[str, str]:
    return known.holder.name, known.holder.number


class CardsDesk(Desk):
    def unknown(self) -> tuple[UnknownCard, ...]:
        """Return the newest 50 cards that stations met and could not serve, the newest first."""
        with self._office.look(Action.SEE_PEOPLE) as uow:
            return tuple(unknown_card_of(uow, visit) for visit in uow.visits.of_unknown_cards(50))

    def add(self, seen: Seen, card: NewCard, grounds: Grounds) -> Done:
        proposal = Proposal(AddCard.of(card))
        with self._on_person(seen, Action.ADD_CARD, grounds, proposal) as (act, holder):
            added = self._added(act, holder, card)
            act.record(
                StaffKind.CARD_ADDED, card_id=added.id, has_secret=added.sealed_secret is not None
            )
            act.notify(Notice.CARD_ADDED, holder)
        return act.done(PlainDeed.CARD_ADDED)

    def replace(self, seen: Seen, card_id: str, card: NewCard, grounds: Grounds) -> Done:
        """Give a card in place of ``card_id``, which is revoked in the same transaction."""
        proposal = Proposal(ReplaceCard.of(card), card_id=card_id)
        with self._on_person(seen, Action.REPLACE_CARD, grounds, proposal) as (act, holder):
            old = _card_in_use(act, holder, card_id)
            if _named(card) == CardId(old.driver, old.identifier):
                raise NotTaken("identifier", PlainRefusal.CARD_BEING_REPLACED)
            _revoke(act, old)
            new = self._added(act, holder, card)
            act.record(
                StaffKind.CARD_REPLACED,
                card_id=new.id,
                replaces=old.id,
                has_secret=new.sealed_secret is not None,
            )
            act.notify(Notice.CARD_REPLACED, holder)
        return act.done(PlainDeed.CARD_REPLACED)

    def revoke(self, seen: Seen, card_id: str, grounds: Grounds) -> Done:
        with self._on_person(seen, Action.REVOKE_CARD, grounds) as (act, holder):
            card = _card_in_use(act, holder, card_id)
            _revoke(act, card)
            act.record(StaffKind.CARD_REVOKED, card_id=card.id)
            act.notify(Notice.CARD_REVOKED, holder)
        return act.done(PlainDeed.CARD_REVOKED)

    def set_secret(
        self,
        seen: Seen,
        card_id: str,
        secret: Sensitive | IssuedFrom,
        grounds: Grounds,
        *,
        tries_full: bool = False,
    ) -> Done:
        """Seal another unblock secret; a visit that was granted the one before ends.

        ``tries_full``: the card got it from its card management, so that it has all its tries
        again. Otherwise what earlier unblocks may have cost stays charged.
        """
        proposal = Proposal(SetSecret.of(secret, tries_full=tries_full), card_id=card_id)
        with self._on_person(seen, Action.SET_SECRET, grounds, proposal) as (act, holder):
            card = _card_in_use(act, holder, card_id)
            sealed = seal(self._office.means.sealer, card, secret)
            before = revision_of(card)
            act.amend(replaced_revision=before)
            proposed = act.agreement.proposed.entered if act.agreement else None
            if isinstance(proposed, SetSecret) and proposed.is_older_than(card):
                raise ConcurrentChange(PlainRefusal.SECRET_REPLACED_SINCE)
            archive_secrets(act.uow, self._office.means.sealer, card)
            # One that was granted the other secret is not given this one.
            end_visits(act.uow, card.id, granted=True)
            act.uow.cards.replace_secret(card.id, before, sealed)
            if sealed.derived_from:
                act.uow.cards.note_issued(card.id)
            if tries_full:
                act.uow.cards.know_secret_tries(card.id, None)
            barred = secret_barred(act.uow.cards.get(card.id) or card) is not None
            act.record(
                StaffKind.SECRET_SET,
                card_id=card.id,
                sealed_revision=sealed.revision,
                tries_full=tries_full,
            )
            act.notify(Notice.SECRET_SET, holder)
        return act.done(PlainDeed.SECRET_SET_BUT_BARRED if barred else PlainDeed.SECRET_SET)

    def _added(self, act: Act, holder: Cardholder, wanted: NewCard) -> Card:
        uow = act.uow
        if has_left(holder, uow.now):
            raise NotTaken("card", PlainRefusal.HOLDER_HAS_LEFT)
        if wanted.expires_at is not None and wanted.expires_at <= uow.now:
            raise NotTaken("expires_at", PlainRefusal.NEW_CARD_EXPIRED)
        named, limit = _named(wanted), wanted.secret_limit
        if limit is not None:
            entered("secret_limit", lambda: fields.read_secret_limit(str(limit)))
        card = Card(
            new_id(),
            holder.id,
            named.driver,
            named.identifier,
            expires_at=wanted.expires_at,
            secret_limit=limit,
        )
        if wanted.secret is not None:
            generation = ISSUED if isinstance(wanted.secret, IssuedFrom) else None
            sealed = seal(self._office.means.sealer, card, wanted.secret)
            card = replace(card, sealed_secret=sealed, secret_generation=generation)
        if not uow.cards.add(card):
            known = uow.cards.find(named)
            because: Refusal
            if known is None:
                because = PlainRefusal.CARD_ADDED_JUST_NOW
            elif known.holder.id != holder.id:
                because = CardOfOther(known.holder.number)
            elif known.card.status is CardStatus.REVOKED:
                because = PlainRefusal.CARD_STAYS_REVOKED
            else:
                because = PlainRefusal.CARD_THEIRS_ALREADY
            raise NotTaken("identifier", because)
        uow.search.refresh([holder.id])
        return card


def locked_card(uow: UnitOfWork, holder: Cardholder, card_id: str) -> Card:
    card = uow.cards.lock(card_id)
    if card is None or card.holder_id != holder.id:
        raise NotFound(PlainRefusal.NO_SUCH_CARD_ANY_MORE)
    return card


def _card_in_use(act: Act, holder: Cardholder, card_id: str) -> Card:
    card = locked_card(act.uow, holder, card_id)
    if card.status is CardStatus.REVOKED:
        raise NotTaken("card", PlainRefusal.CARD_REVOKED_ALREADY)
    return card


def _revoke(act: Act, card: Card) -> None:
    """Revoke a card and its codes; the authority refuses its open visits by itself."""
    act.uow.cards.revoke(card.id)
    act.uow.codes.revoke_all(card.id)
