"""Holders are reminded by mail of a card that expires soon, once."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Final

from kiosk.authority.addresses import read_addresses
from kiosk.authority.audit.events import ServiceKind
from kiosk.authority.errors import RowAltered
from kiosk.authority.notices import Notice, notify_holder
from kiosk.authority.records import CardStatus
from kiosk.authority.store.database import Store, UnitOfWork
from kiosk.authority.visit.context import act_on_each

REMIND: Final = "remind"
"""The job; it reaches an end and a card, up to which all were reminded."""

CARDS_A_RUN: Final = 100


def remind(store: Store, before: timedelta) -> tuple[RowAltered, ...]:
    """Remind of the next cards that expire within ``before``; return what prevents it for some."""
    if not before:
        return ()
    with store.read() as uow:
        job, now = uow.jobs.get(REMIND), uow.now
        reached = _read(job.reached) if job is not None and job.reached else (now, "")
        cards = uow.cards.expiring(max(reached, (now, "")), now + before, CARDS_A_RUN)
    if not cards:
        return ()
    altered = act_on_each(store, [card_id for _, card_id in cards], _remind)
    with store.begin() as uow:
        at, card_id = cards[-1]
        uow.jobs.claim(REMIND, timedelta(0))
        uow.jobs.reach(REMIND, json.dumps([at.isoformat(), card_id]))
        uow.commit()
    return altered


def _read(reached: str) -> tuple[datetime, str]:
    """Return where the job goes on; where that cannot be read, it begins anew."""
    try:
        at, card_id = json.loads(reached)
        return datetime.fromisoformat(at).astimezone(UTC), str(card_id)
    except (ValueError, TypeError):
        return datetime.min.replace(tzinfo=UTC), ""


def _remind(uow: UnitOfWork, card_id: str) -> None:
    card = uow.cards.get(card_id)
    if card is None or card.status is not CardStatus.ACTIVE or card.expires_at is None:
        return
    holder = uow.holders.get(card.holder_id)
    if holder is None or holder.left_at is not None:
        return
    addresses = read_addresses(uow, holder.id)
    if not addresses.for_notices:
        return
    notify_holder(uow, Notice.CARD_EXPIRES, "", holder, addresses, expires=card.expires_at)
    uow.audit.append(
        kind=ServiceKind.EXPIRY_REMINDED.value, reference="", holder_id=holder.id, card_id=card.id
    )
