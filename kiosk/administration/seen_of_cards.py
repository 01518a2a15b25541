"""What stations saw of a person's cards last, where it keeps them from being unlocked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from kiosk.administration.kinds import StaffKind
from kiosk.authority.audit import AuditKind
from kiosk.dialogue import Reason
from kiosk.store.audit_records import AuditEvent, AuditQuery
from kiosk.store.records import PinEvidence
from kiosk.store.unit_of_work import UnitOfWork

OF_THE_CARD: Final = frozenset(
    {
        Reason.CARD_EXPIRED,
        Reason.NOT_GENUINE,
        Reason.SECRET_BLOCKED,
        Reason.CARD_REFUSED,
        Reason.PIN_BLOCKED,
        Reason.OUTCOME_UNKNOWN,
        Reason.CARD_UNREADABLE,
        Reason.INSERT_CARD,
        Reason.NO_RECORDED_EMAIL,
    }
)
"""Refusals that meet the same card again; a pause has its own end in the registration."""

_WORKED: Final = frozenset(
    {
        AuditKind.UNBLOCK_DONE.value,
        AuditKind.PIN_CHANGED.value,
        AuditKind.REGISTERED.value,
        AuditKind.QUESTIONS_CHANGED.value,
        AuditKind.EMAIL_CHANGED.value,
    }
)
"""After these, whatever was wrong with the card before is over."""

_ENDED_BY: Final[Mapping[str, frozenset[Reason]]] = {
    AuditKind.VISIT_OPENED.value: frozenset(
        {Reason.CARD_EXPIRED, Reason.CARD_UNREADABLE, Reason.INSERT_CARD}
    ),
    AuditKind.PIN_VERIFIED.value: frozenset({Reason.PIN_BLOCKED}),
    AuditKind.UNBLOCK_SETTLED.value: frozenset({Reason.OUTCOME_UNKNOWN}),
    StaffKind.SECRET_SET.value: frozenset({Reason.SECRET_BLOCKED, Reason.CARD_REFUSED}),
}
"""What ends some of the reasons without a visit that was finished."""

_REFUSED: Final = (AuditKind.REFUSED.value, AuditKind.REFUSED_AT_STATION.value)
_KINDS: Final = frozenset({*_REFUSED, *_WORKED, *_ENDED_BY})
_LOOKED_BACK: Final = 200


@dataclass(frozen=True, slots=True)
class SeenOfCard:
    """The newest refusal that is a card's own, and where and when a station met it."""

    reason: Reason
    at: datetime
    station: str


class SeenOfCards(NamedTuple):
    """By card (id): the refusal since it last worked; whether its last PIN was proven."""

    refused: Mapping[str, SeenOfCard]
    last_pin_proven: Mapping[str, bool]


def seen_of_cards(uow: UnitOfWork, holder_id: str) -> SeenOfCards:
    """Read it from the newest 200 events of a person that say something of a card."""
    query = AuditQuery(holder_id=holder_id, kinds=_KINDS)
    seen: dict[str, SeenOfCard] = {}
    proven: dict[str, bool] = {}
    for event in reversed(uow.trail.newest(query, limit=_LOOKED_BACK)):
        card_id = event.card_id
        if card_id is None:
            continue
        if event.kind == AuditKind.PIN_VERIFIED.value:
            proven[card_id] = event.detail.get("evidence") == PinEvidence.PROVEN.value
        reason = _reason_of(event)
        if reason is not None:
            seen[card_id] = SeenOfCard(reason, event.at, event.station or "")
        elif card_id in seen and _ends(event.kind, seen[card_id].reason):
            del seen[card_id]
    return SeenOfCards(seen, proven)


def _ends(kind: str, reason: Reason) -> bool:
    return kind in _WORKED or reason in _ENDED_BY.get(kind, frozenset())


def _reason_of(event: AuditEvent) -> Reason | None:
    """Return the reason of a refusal that is the card's.

    An end that was imported is judged by the record as it is now: only that of the
    certificate is told by the card.
    """
    if event.kind not in _REFUSED:
        return None
    told = event.detail.get("reason")
    reason = next((each for each in OF_THE_CARD if each.value == told), None)
    if reason is Reason.CARD_EXPIRED and event.detail.get("by") != "certificate":
        return None
    return reason
