"""Notices that are mailed to people: queued in the transaction of the event they report."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from kiosk.authority.addresses import Addresses
from kiosk.authority.mail import staff_words
from kiosk.authority.records import (
    Cardholder,
    OutboxMessage,
    Scalar,
    Visit,
    new_id,
)
from kiosk.authority.store.database import UnitOfWork
from kiosk.contract.language import Language
from kiosk.contract.policy import HOUR, mask_address


class Notice(StrEnum):
    """The notices, by the names of their templates."""

    REGISTERED = "registered"
    UNLOCKED = "unlocked"
    BLOCKED = "blocked"
    BLOCKED_STAFF = "blocked-staff"
    EMAIL_CHANGED_OLD = "email-changed-old"
    EMAIL_CHANGED_NEW = "email-changed-new"
    EMAIL_CHANGE_WAITS = "email-change-waits"
    FURTHER_ADDED = "further-added"
    QUESTIONS_CHANGED = "questions-changed"
    SAVED_CODES_MADE = "saved-codes-made"
    SAVED_CODE_REPLACED = "saved-code-replaced"
    SAVED_CODES_WITHDRAWN = "saved-codes-withdrawn"
    ATTEMPTS_PAUSED = "attempts-paused"
    ATTEMPTS_PAUSED_STAFF = "attempts-paused-staff"
    PIN_CHANGED = "pin-changed"
    PIN_MAYBE_CHANGED = "pin-maybe-changed"
    MISUSE_REPORTED = "misuse-reported"
    MISUSE_REPORTED_STAFF = "misuse-reported-staff"
    BLOCK_LIFTED = "block-lifted"
    PAUSE_LIFTED = "pause-lifted"
    REGISTRATION_REVOKED = "registration-revoked"
    EMAIL_CORRECTED_OLD = "email-corrected-old"
    EMAIL_CORRECTED_NEW = "email-corrected-new"
    ADDRESS_ADDED = "address-added"
    ADDRESS_WITHDRAWN = "address-withdrawn"
    RECORDED_EMAIL_CHANGED = "recorded-email-changed"
    LEAVER_MARKED = "leaver-marked"
    LEAVER_TAKEN_BACK = "leaver-taken-back"
    MISUSE_STOPPED = "misuse-stopped"
    CHANGE_STOPPED = "change-stopped"
    CARD_ADDED = "card-added"
    CARD_REPLACED = "card-replaced"
    CARD_REVOKED = "card-revoked"
    SECRET_SET = "secret-set"  # noqa: S105 - the name of a template
    CARD_KEY_SET = "card-key-set"
    CARD_IN_USE_AGAIN = "card-in-use-again"
    CODE_GIVEN = "code-given"
    FIRST_CODE_GIVEN = "first-code-given"
    CARD_EXPIRES = "card-expires"


def notify(
    uow: UnitOfWork,
    notice: Notice,
    to: str,
    occasion: Visit | str,
    holder: Cardholder,
    new_email: str = "",
    stop_number: str = "",
    others: str = "",
    language: Language | None = None,
    expires: datetime | None = None,
) -> None:
    """Queue one notice; it says who, where, when and under which reference, and no secret.

    ``occasion`` is the visit that it is about, or the reference of an act of staff. ``new_email``
    is shown masked where it is given. A ``stop_number`` opens nothing: it can only stop
    self-service for its holder. ``others`` says where further ones are. ``language`` None is that
    of the visit, for holders who are not registered: a visit belongs to who has the card.
    """
    reference, station = (
        (occasion.reference, occasion.station) if isinstance(occasion, Visit) else (occasion, "")
    )
    params: dict[str, Scalar] = {
        "holder_name": holder.name,
        "station": station,
        "when": uow.now.astimezone(UTC).isoformat(timespec="seconds"),
        "reference": reference,
    }
    if new_email:
        params["masked_email"] = mask_address(new_email)
    if stop_number:
        params["stop_number"] = stop_number
    if others:
        params["others"] = others
    if expires is not None:
        params["expires"] = expires.isoformat(timespec="seconds")
    message = OutboxMessage(
        new_id(),
        to,
        notice.value,
        params,
        uow.now,
        uow.now,
        holder_id=holder.id,
        language=language or (occasion.language if isinstance(occasion, Visit) else None),
    )
    uow.outbox.add(message)


def notify_staff(
    uow: UnitOfWork, notice: Notice, addresses: Iterable[str], visit: Visit, holder: Cardholder
) -> None:
    """Queue one notice for each address; about pauses, which a station can cause, a few an hour."""
    for address in addresses:
        others = ""
        if notice is Notice.ATTEMPTS_PAUSED_STAFF:
            left = left_this_hour(uow, address, notice)
            if left <= 0:
                continue
            others = staff_words.OTHERS_IN_AUDIT if left == 1 else ""
        notify(uow, notice, address, visit, holder, others=others)


MOST_AN_HOUR: Final = 10
"""Mails to staff, of a kind that a station can cause for one card or person after the other."""


def left_this_hour(uow: UnitOfWork, to: str, template: str) -> int:
    """Return how many mails of such a kind may still be queued; the last says that it is."""
    return MOST_AN_HOUR - uow.outbox.count(to, (template,), HOUR)


def notify_holder(
    uow: UnitOfWork,
    notice: Notice,
    occasion: Visit | str,
    holder: Cardholder,
    addresses: Addresses,
    *,
    new_email: str = "",
    leave_out: str = "",
    expires: datetime | None = None,
) -> None:
    """Queue one notice to every address of a holder, so that no single mailbox can hide it.

    About a visit each says how to stop what it reports; about an act of staff, whom to call.
    The address ``leave_out`` gets none.
    """
    known = [one for one in addresses.for_notices if one.lower() != leave_out.lower()]
    number = ""
    if known and isinstance(occasion, Visit):
        number = uow.stop_numbers.draw(holder.id, occasion.id)
    language = addresses.language
    for address in known:
        notify(
            uow,
            notice,
            address,
            occasion,
            holder,
            new_email,
            number,
            language=language,
            expires=expires,
        )
