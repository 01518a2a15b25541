"""What the audit is told: one kind of event for each step, refusal and change."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Final

from kiosk.authority.store.audit_chain import REDACTED
from kiosk.authority.store.records import Scalar, Visit
from kiosk.authority.store.unit_of_work import UnitOfWork
from kiosk.contract.errors import RowAltered
from kiosk.contract.messages import Reason, Refusal


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


def refuse_visit(
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


# What the audit is told of staff: one kind for each act, and its words.


class StaffKind(StrEnum):
    """The kinds of events that staff cause; details hold ids and counts, never a name."""

    LOGGED_IN = "staff-logged-in"
    LOGGED_OUT = "staff-logged-out"
    TURNED_AWAY = "staff-turned-away"
    NOT_PERMITTED = "staff-not-permitted"

    PERSON_ADDED = "person-added"
    BLOCK_LIFTED = "block-lifted"
    REGISTRATION_REVOKED = "registration-revoked"
    NAME_CORRECTED = "name-corrected"
    EMAIL_CORRECTED = "email-corrected"
    LEAVER_MARKED = "leaver-marked"
    LEAVER_TAKEN_BACK = "leaver-taken-back"
    MISUSE_STOPPED = "misuse-stopped"
    CHANGE_STOPPED = "address-change-stopped"
    PERSON_ERASED = "person-erased"

    CARD_ADDED = "card-added"
    CARD_REPLACED = "card-replaced"
    CARD_REVOKED = "card-revoked"
    SECRET_SET = "secret-set"  # noqa: S105 - the name of an event

    CODE_ISSUED = "code-issued"
    CODE_AGREED = "code-agreed"
    CODE_WITHDRAWN = "code-withdrawn"

    ACT_PROPOSED = "act-proposed"
    ACT_AGREED = "act-agreed"
    ACT_DECLINED = "act-declined"
    ACT_EXPIRED = "act-expired"

    STATION_RETIRED = "station-retired"
    STATION_REINSTATED = "station-reinstated"
    QUESTION_ADDED = "question-added"
    QUESTION_RETIRED = "question-retired"
    QUESTION_REVIVED = "question-revived"
    POLICY_CHANGED = "policy-changed"
    STAFF_ADDED = "staff-added"
    ROLE_CHANGED = "role-changed"
    STAFF_REMOVED = "staff-removed"
    KEY_ADDED = "staff-key-added"
    KEY_REMOVED = "staff-key-removed"
    AUDIT_VERIFIED = "audit-verified"
    AUDIT_EXPORTED = "audit-exported"
    AUDIT_REDACTED = REDACTED
    REPORT_EXPORTED = "report-exported"


PERSON_IMPORTED: Final = "holder-changed"
"""An import changed somebody's name or address; it raises their revision as staff do."""

DEEDS: Final[dict[StaffKind, str]] = {
    StaffKind.LOGGED_IN: "logged in",
    StaffKind.LOGGED_OUT: "logged out",
    StaffKind.TURNED_AWAY: "was turned away at the door",
    StaffKind.NOT_PERMITTED: "tried something that their role does not permit",
    StaffKind.PERSON_ADDED: "added this person",
    StaffKind.BLOCK_LIFTED: "lifted the block",
    StaffKind.REGISTRATION_REVOKED: "revoked the registration",
    StaffKind.NAME_CORRECTED: "corrected the name",
    StaffKind.EMAIL_CORRECTED: "corrected the email address",
    StaffKind.LEAVER_MARKED: "marked this person as a leaver",
    StaffKind.LEAVER_TAKEN_BACK: "took this person back from the leavers",
    StaffKind.MISUSE_STOPPED: "stopped self-service: something was not done by the holder",
    StaffKind.CHANGE_STOPPED: "stopped a change of address that was waiting",
    StaffKind.PERSON_ERASED: "erased this person",
    StaffKind.CARD_ADDED: "added a card",
    StaffKind.CARD_REPLACED: "replaced a card",
    StaffKind.CARD_REVOKED: "revoked a card",
    StaffKind.SECRET_SET: "set the unblock secret of a card",
    StaffKind.CODE_ISSUED: "gave an unlock code by word of mouth",
    StaffKind.CODE_AGREED: "agreed to an unlock code that a colleague gave",
    StaffKind.CODE_WITHDRAWN: "withdrew an unlock code",
    StaffKind.ACT_PROPOSED: "proposed something that waits for a second member of staff",
    StaffKind.ACT_AGREED: "agreed to what a colleague had proposed",
    StaffKind.ACT_DECLINED: "declined what had been proposed",
    StaffKind.ACT_EXPIRED: "let go of what had been proposed: nobody decided on it in time",
    StaffKind.STATION_RETIRED: "retired the station",
    StaffKind.STATION_REINSTATED: "put the station back into service",
    StaffKind.QUESTION_ADDED: "added a security question",
    StaffKind.QUESTION_RETIRED: "retired a security question",
    StaffKind.QUESTION_REVIVED: "offered a security question again",
    StaffKind.POLICY_CHANGED: "changed the policy",
    StaffKind.STAFF_ADDED: "added a member of staff",
    StaffKind.ROLE_CHANGED: "changed the role of a member of staff",
    StaffKind.STAFF_REMOVED: "removed a member of staff",
    StaffKind.KEY_ADDED: "added a key of a member of staff",
    StaffKind.KEY_REMOVED: "removed a key of a member of staff",
    StaffKind.AUDIT_VERIFIED: "verified the audit",
    StaffKind.AUDIT_EXPORTED: "exported a part of the audit",
    StaffKind.AUDIT_REDACTED: "took a text out of the audit",
    StaffKind.REPORT_EXPORTED: "exported a report",
}
"""What was done, to stand behind the name of who did it."""
