"""Erasing a person: every row about them goes, and the audit keeps ids that name nobody.

A keyed digest of their number stays, so that an import can say that it brings them back.

What was written down of this act stays with the audit, but names nobody: so its words may
not name them either.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import tzinfo

from kiosk.administration.kinds import StaffKind
from kiosk.administration.office import Office
from kiosk.administration.saying import said_at
from kiosk.administration.views.acting import Done, Grounds, Seen
from kiosk.authority.scene import VISIT_LIFE
from kiosk.errors import NothingThere, NotTaken
from kiosk.roles import Action
from kiosk.store.records import Card, Cardholder, CardStatus
from kiosk.store.unit_of_work import UnitOfWork

_WORD = re.compile(r"\w+")


def erase(office: Office, seen: Seen, grounds: Grounds) -> Done:
    """Delete the person; raises ``NotTaken`` while a station may be at one of their cards."""
    means = office.means
    with office.act(Action.ERASE_PERSON, grounds, seen=seen) as act:
        uow, holder = act.uow, act.uow.holders.get(seen.holder_id)
        if holder is None:
            raise NothingThere("This person is not recorded any more.")
        cards = uow.cards.lock_of_holder(holder.id)
        _refuse_unsettled(uow, holder, cards, means.zone)
        _refuse_to_name(uow, holder, cards, grounds)
        uow.notes.detach(act.note_id)
        uow.holders.erase(holder.id)
        act.tell(StaffKind.PERSON_ERASED, cards=len(cards))
    means.store.empty_log()
    return act.done(
        "The person is erased. Nothing here names them any more; an import whose file still has "
        "them would bring them back, and says so."
    )


def _refuse_unsettled(
    uow: UnitOfWork, holder: Cardholder, cards: tuple[Card, ...], zone: tzinfo
) -> None:
    """A card may be changed at this moment, or wait to be asked what became of it."""
    revoked = {card.id for card in cards if card.status is CardStatus.REVOKED}
    for entry in uow.journal.open_of_holder(holder.id):
        began = said_at(entry.opened_at, uow.now, zone)
        if entry.opened_at > uow.now - VISIT_LIFE:
            raise NotTaken(
                "person", f"An unlock that began at {began} is under way. Erase them in an hour."
            )
        if entry.card_id not in revoked:
            raise NotTaken(
                "person",
                f"What became of the unlock of {began} is not known. Have the card put into "
                "any station, which settles it, or revoke the card; then erase them.",
            )


def _refuse_to_name(
    uow: UnitOfWork, holder: Cardholder, cards: tuple[Card, ...], grounds: Grounds
) -> None:
    named = tuple(_names(uow, holder, cards))
    for field, text in (("reason", grounds.reason), ("identified_by", grounds.identified_by)):
        words = set(_words(text))
        if any(name <= words for name in named):
            raise NotTaken(field, "This is kept: say it without naming the person.")


def _names(uow: UnitOfWork, holder: Cardholder, cards: tuple[Card, ...]) -> Iterator[set[str]]:
    """Yield the words that together name somebody."""
    registration = uow.registrations.of_holder(holder.id)
    addresses = (holder.email, registration.email if registration else None)
    identifiers = (card.identifier for card in cards)
    for name in (holder.name, holder.number, *addresses, *identifiers):
        if words := set(_words(name or "")):
            yield words


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold())
