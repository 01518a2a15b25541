"""What the audit is told: one kind of event for each step, refusal and change."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from kiosk.dialogue import Reason, Refusal
from kiosk.errors import RowAltered
from kiosk.store.records import Scalar
from kiosk.store.unit_of_work import UnitOfWork
from kiosk.store.visit_records import Visit


class AuditKind(StrEnum):
    """The kinds of events; details hold counts, ids and reasons, never a person's data."""

    VISIT_OPENED = "visit-opened"
    VISIT_RESUMED = "visit-resumed"
    VISIT_SUPERSEDED = "visit-superseded"
    CARD_UNPROVEN = "card-unproven"
    CARD_PROVEN_BY_KEY = "card-proven-by-key"
    CARD_KEY_RECORDED = "card-key-recorded"
    PIN_KEY_RECORDED = "pin-key-recorded"
    STATION_LIMITED = "station-limited"
    VISIT_ENDED = "visit-ended"
    REFUSED = "refused"
    REFUSED_AT_STATION = "refused-at-station"
    STEP_REFUSED = "step-refused"
    ROW_ALTERED = "row-altered"

    PURPOSE_CHOSEN = "purpose-chosen"
    PIN_VERIFIED = "pin-verified"
    OWNER_CONFIRMED = "owner-confirmed"
    QUESTIONS_TAKEN = "questions-taken"
    QUESTIONS_NOT_TAKEN = "questions-not-taken"
    EMAIL_TAKEN = "email-taken"
    EMAIL_NOT_TAKEN = "email-not-taken"

    ATTEMPT_CHARGED = "attempt-charged"
    ANSWERS_RIGHT = "answers-right"
    ANSWERS_WRONG = "answers-wrong"
    REGISTRATION_BLOCKED = "registration-blocked"
    ATTEMPTS_PAUSED = "attempts-paused"

    STOP_NUMBER_TRIED = "stop-number-tried"
    STOP_NUMBER_WRONG = "stop-number-wrong"
    MISUSE_REPORTED = "misuse-reported"

    CODE_DRAFTED = "code-drafted"
    CODE_SENT = "code-sent"
    CODE_NOT_SENT = "code-not-sent"
    CODE_LIMITED = "code-limited"
    CODE_TRY_CHARGED = "code-try-charged"
    CODE_RIGHT = "code-right"
    CODE_WRONG = "code-wrong"
    CODE_DEAD = "code-dead"

    REGISTERED = "registered"
    EMAIL_CONFIRMED = "email-confirmed"
    EMAIL_CHANGED = "email-changed"
    EMAIL_CHANGE_WAITS = "email-change-waits"
    EMAIL_CHANGE_STOPPED = "email-change-stopped"
    QUESTIONS_CHANGED = "questions-changed"
    PIN_CHANGED = "pin-changed"

    SECRET_RELEASED = "secret-released"  # noqa: S105 - the name of an event
    ADMIN_KEY_USED = "admin-key-used"
    SECRET_BROKEN = "secret-broken"  # noqa: S105 - the name of an event
    UNBLOCK_DONE = "unblock-done"
    UNBLOCK_REFUSED = "unblock-refused"
    UNBLOCK_NOT_SENT = "unblock-not-sent"
    UNBLOCK_UNKNOWN = "unblock-unknown"
    UNBLOCK_SETTLED = "unblock-settled"
    UNBLOCK_TOLD_LATE = "unblock-told-late"

    SECRET_TRIES_TOLD = "secret-tries-told"  # noqa: S105 - the name of an event

    SECRET_DRAWN = "secret-drawn"  # noqa: S105 - the name of an event
    SECRET_CHANGED = "secret-changed"  # noqa: S105 - the name of an event
    SECRET_NOT_CHANGED = "secret-not-changed"  # noqa: S105 - the name of an event
    SECRET_CHANGE_UNKNOWN = "secret-change-unknown"  # noqa: S105 - the name of an event
    SECRET_FOUND = "secret-found"  # noqa: S105 - the name of an event
    CARD_SET_ASIDE = "card-set-aside"


def altered(error: RowAltered) -> dict[str, Scalar]:
    """Return what the audit is told of a row that does not fit its MAC."""
    return {"table": error.table, "row": error.row}


LONGEST_DETAIL = 80


def plain(text: str) -> str:
    """Keep what a station says short and printable before it goes into the audit."""
    kept = "".join(c for c in text if c.isascii() and (c.isalnum() or c in " -_.:"))
    return kept[:LONGEST_DETAIL]


def record(uow: UnitOfWork, kind: AuditKind, visit: Visit, /, **detail: Scalar) -> None:
    """Add one event of ``visit`` to what the unit of work will commit."""
    uow.audit.append(
        kind=kind.value,
        reference=visit.reference,
        visit_id=visit.id,
        card_id=visit.card_id,
        holder_id=visit.holder_id,
        station=visit.station,
        detail=detail,
    )


def turn_away(
    uow: UnitOfWork,
    visit: Visit,
    reason: Reason,
    retry_at: datetime | None = None,
    /,
    **detail: Scalar,
) -> Refusal:
    """Record that a visit is turned away; every report of refusals counts these events alone."""
    record(uow, AuditKind.REFUSED, visit, reason=reason.value, **detail)
    return Refusal(reason, visit.reference, retry_at)
