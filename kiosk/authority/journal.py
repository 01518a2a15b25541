"""What became of an unblock: from the station's word, or from the card when it is next seen."""

from __future__ import annotations

from enum import StrEnum

from kiosk.authority.audit import AuditKind, record
from kiosk.authority.exchanging import owes_answer
from kiosk.authority.holding import conclude
from kiosk.authority.notices import Notice, notify_holder
from kiosk.secrets.sealing import Sealer
from kiosk.store.records import Card, Cardholder
from kiosk.store.unit_of_work import UnitOfWork
from kiosk.store.visit_records import UnblockEntry, UnblockState, Visit


class SettledAs(StrEnum):
    """What a card that was seen again says about an unblock without a known outcome."""

    DONE = "done"
    NOT_DONE = "not-done"
    UNDETERMINED = "undetermined"


def settle_by_card(
    uow: UnitOfWork,
    sealer: Sealer,
    visit: Visit,
    card: Card,
    holder: Cardholder,
    *,
    goes_on: bool = False,
) -> None:
    """Close the card's open entry, if there is one, by whether its PIN is blocked now.

    A PIN that was blocked and is not was reset, whatever got lost on the way, and what was
    presented for it was right. Otherwise the exposure of the unblock secret stays on its
    account. Where ``goes_on``, the visit is about to unblock the card once more, and keeps what
    it has proven. A card that never showed its admin key was not reset here, whatever it says now.
    """
    entry = uow.journal.open_for(card.id)
    if entry is None:
        return
    opened_in = uow.visits.get(entry.visit_id) or visit
    found = _seen(entry, still_blocked=visit.pin_was_blocked)
    if goes_on and found is SettledAs.NOT_DONE:
        # The PIN may have been reset and blocked again before this visit passed its factors.
        found = SettledAs.UNDETERMINED
    if owes_answer(card, opened_in):
        found = SettledAs.NOT_DONE
    uow.journal.close(entry.id, UnblockState.SETTLED, found.value, uow.now)
    record(uow, AuditKind.UNBLOCK_SETTLED, visit, journal=entry.id, found=found.value)
    if found is SettledAs.DONE:
        if goes_on:
            uow.cards.know_secret_tries(card.id, None)
            uow.cards.set_aside(card.id, None)
        else:
            count_as_done(uow, opened_in, card, holder)
        conclude(uow, sealer, visit, card, right=True)


def leave_undetermined(uow: UnitOfWork, visit: Visit, card: Card) -> None:
    """Close an unblock whose visit is over, of a card that is served no more.

    A card that is known by name only says nothing about it; what it may have cost stays charged.
    """
    entry = uow.journal.open_for(card.id)
    opened_in = uow.visits.get(entry.visit_id) if entry else None
    if entry is None or opened_in is None or opened_in.closed_at is None:
        return
    found = SettledAs.UNDETERMINED.value
    uow.journal.close(entry.id, UnblockState.SETTLED, found, uow.now)
    record(uow, AuditKind.UNBLOCK_SETTLED, visit, journal=entry.id, found=found)


def count_as_done(uow: UnitOfWork, visit: Visit, card: Card, holder: Cardholder) -> None:
    """Forget failures, asked questions, codes and exposure: the holder has a working card."""
    uow.cards.know_secret_tries(card.id, None)
    uow.cards.set_aside(card.id, None)
    uow.registrations.clear_failures(holder.id)
    uow.registrations.clear_asked(holder.id)
    uow.codes.revoke_all(card.id)
    registration = uow.registrations.of_holder(holder.id)
    notify_holder(uow, Notice.UNLOCKED, visit, holder, registration)


def _seen(entry: UnblockEntry, *, still_blocked: bool) -> SettledAs:
    if not entry.was_blocked:
        return SettledAs.UNDETERMINED
    return SettledAs.NOT_DONE if still_blocked else SettledAs.DONE
