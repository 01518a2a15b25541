"""Notices that are mailed to people: queued in the transaction of the event they report."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC
from enum import StrEnum

from kiosk.authority.store.records import (
    Cardholder,
    OutboxMessage,
    Registration,
    Scalar,
    Visit,
    new_id,
)
from kiosk.authority.store.unit_of_work import UnitOfWork
from kiosk.contract.policy import mask_email


class Notice(StrEnum):
    """The notices, by the names of their templates."""

    REGISTERED = "registered"
    UNLOCKED = "unlocked"
    BLOCKED = "blocked"
    BLOCKED_STAFF = "blocked-staff"
    EMAIL_CHANGED_OLD = "email-changed-old"
    EMAIL_CHANGED_NEW = "email-changed-new"
    EMAIL_CHANGE_WAITS = "email-change-waits"
    QUESTIONS_CHANGED = "questions-changed"
    ATTEMPTS_PAUSED = "attempts-paused"
    ATTEMPTS_PAUSED_STAFF = "attempts-paused-staff"
    PIN_CHANGED = "pin-changed"
    MISUSE_REPORTED = "misuse-reported"
    MISUSE_REPORTED_STAFF = "misuse-reported-staff"


def notify(
    uow: UnitOfWork,
    notice: Notice,
    to: str,
    visit: Visit,
    holder: Cardholder,
    new_email: str = "",
    stop_number: str = "",
) -> None:
    """Queue one notice about what happened in a visit; see ``queue``."""
    place = {"reference": visit.reference, "station": visit.station}
    queue(uow, notice.value, to, holder, new_email=new_email, stop_number=stop_number, **place)


def notify_staff(
    uow: UnitOfWork, notice: Notice, addresses: Iterable[str], visit: Visit, holder: Cardholder
) -> None:
    """Queue one notice to each of the addresses of RA staff."""
    for address in addresses:
        notify(uow, notice, address, visit, holder)


def draw_stop_number(uow: UnitOfWork, visit: Visit, holder: Cardholder) -> str:
    """Draw the number by which the holder can stop what was done in a visit.

    It goes only to addresses that are already recorded: somebody with a copy of a card, who gave an
    address of their choice, must not be able to block its holder.
    """
    return uow.stop_numbers.draw(holder.id, visit.id)


def addresses_of(holder: Cardholder, registration: Registration | None) -> tuple[str, ...]:
    """Return every registered or recorded address of a holder, each once."""
    known = (registration.email if registration else None, holder.email)
    return tuple({one.lower(): one for one in reversed(known) if one}.values())


def notify_holder(
    uow: UnitOfWork,
    notice: Notice,
    visit: Visit,
    holder: Cardholder,
    registration: Registration | None,
    *,
    new_email: str = "",
) -> None:
    """Queue one notice to every address of a holder, so that no single mailbox can hide it.

    Each says how to stop what it reports.
    """
    known = addresses_of(holder, registration)
    number = draw_stop_number(uow, visit, holder) if known else ""
    for address in known:
        notify(uow, notice, address, visit, holder, new_email, number)


def queue(
    uow: UnitOfWork,
    template: str,
    to: str,
    holder: Cardholder,
    *,
    reference: str,
    station: str = "",
    new_email: str = "",
    stop_number: str = "",
) -> None:
    """Queue one notice; it says who, where, when and under which reference, and no secret.

    Without an address nothing is sent. ``new_email`` is shown masked where it is given. A
    ``stop_number`` opens nothing: it can only stop self-service for its holder.
    """
    if not to:
        return
    params: dict[str, Scalar] = {
        "holder_name": holder.name,
        "station": station,
        "when": uow.now.astimezone(UTC).isoformat(timespec="seconds"),
        "reference": reference,
    }
    if new_email:
        params["masked_email"] = mask_email(new_email)
    if stop_number:
        params["stop_number"] = stop_number
    message = OutboxMessage(new_id(), to, template, params, uow.now, uow.now, holder_id=holder.id)
    uow.outbox.add(message)
