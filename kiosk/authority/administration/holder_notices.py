"""What holders are told by mail of what staff did: queued with the act itself."""

from __future__ import annotations

from enum import StrEnum

from kiosk.authority.administration.office import Act
from kiosk.authority.notices import queue
from kiosk.authority.store.records import Cardholder, Registration


class HolderNotice(StrEnum):
    """The notices, by the names of their templates."""

    BLOCK_LIFTED = "block-lifted"
    REGISTRATION_REVOKED = "registration-revoked"
    EMAIL_CORRECTED_OLD = "email-corrected-old"
    EMAIL_CORRECTED_NEW = "email-corrected-new"
    LEAVER_MARKED = "leaver-marked"
    LEAVER_TAKEN_BACK = "leaver-taken-back"
    MISUSE_STOPPED = "misuse-stopped"
    CARD_ADDED = "card-added"
    CARD_REPLACED = "card-replaced"
    CARD_REVOKED = "card-revoked"
    SECRET_SET = "secret-set"  # noqa: S105 - the name of a template
    CODE_GIVEN = "code-given"
    FIRST_CODE_GIVEN = "first-code-given"


def notify_holder(
    act: Act, notice: HolderNotice, to: str, holder: Cardholder, new_email: str = ""
) -> None:
    """Queue one notice under the act's reference; without an address nobody is told."""
    queue(act.uow, notice.value, to, holder, reference=act.reference, new_email=new_email)


def address_of(holder: Cardholder, registration: Registration | None) -> str:
    """Return where notices go: the registered address, else the one on record, else empty."""
    return registration.email if registration else holder.email or ""
