"""The catalogue of audit events, and how an event is recorded.

Each event is one row of ``AuditKind`` (visits at stations), ``ServiceKind`` (the service by itself,
and imports) or ``StaffKind`` (members of staff): the stored name, the sentence, whether it is
grave, whether a person's story has it and what it counts as. Lists, filters and reports are derived
from these rows. Details hold counts, ids and reasons, never a person's data.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Self

from kiosk.authority.audit import sentences as sentences
from kiosk.authority.audit.sentences import (
    FromDetail,
    OutcomeSource,
    chosen,
    filled,
    where,
    with_count,
)
from kiosk.authority.errors import RowAltered, RowPutBack
from kiosk.authority.records import AuditEvent, Scalar, Visit, new_id
from kiosk.authority.store.audit_chain import OLDER_ENDED, REDACTED
from kiosk.contract.messages import NOT_ME, Reason, VisitId, reference_of

if TYPE_CHECKING:
    from kiosk.authority.store.database import UnitOfWork

# The columns of the catalogue.


class Count(StrEnum):
    """What reports and alarms count."""

    UNLOCKED = "unlocked"
    REGISTERED = "registered"
    REFUSED = "refused"
    FAILED = "failed"


EVERY_REASON: Final = frozenset(Reason)


@dataclass(frozen=True, slots=True)
class EventSpec:
    """What one kind of event means, wherever it was recorded."""

    kind: str
    """The name in the audit."""

    sentence: str
    """The sentence where the detail has nothing to add."""

    from_detail: FromDetail | None = None
    """Makes a fuller sentence from the detail; an empty one falls back to ``sentence``."""

    adds: FromDetail | None = None
    """Continues the sentence from the detail, before its full stop."""

    grave: bool = False
    """A refusal or a failure."""

    in_story: bool = True
    """Not in a person's story: steps on the way to another event, and what is of the machine."""

    counts: Set[Count] = frozenset()

    counts_where: tuple[str, str] | None = None
    """It counts only if the detail has this value under this name."""

    ends: Set[Reason] = frozenset()
    """Refusals of the same card that no longer stand after this event."""

    revises_member: bool = False
    """It raised the revision of a member of staff."""

    follows: bool = False
    """It follows from another event of its visit, which says what the visit was about."""

    @property
    def verb_phrase(self) -> str:
        """What follows the name of the member of staff who did it."""
        return f"{self.sentence[:1].lower()}{self.sentence[1:].rstrip('.')}"


class EventKind(StrEnum):
    """A kind of event: its value is what the audit stores, ``spec`` is its row."""

    _value_: str
    spec: EventSpec

    def __new__(cls, spec: EventSpec) -> Self:
        member = str.__new__(cls, spec.kind)
        member._value_ = spec.kind
        member.spec = spec
        return member


# The catalogue.


class AuditKind(EventKind):
    """Events of a visit at a station."""

    VISIT_OPENED = EventSpec(
        "visit-opened",
        "Put the card into the station.",
        where("pin_blocked", "Put the card in; its PIN was blocked."),
        ends={
            Reason.CARD_EXPIRED,
            Reason.CARD_REVOKED,
            Reason.CARD_STOPPED,
            Reason.CARD_UNREADABLE,
            Reason.INSERT_CARD,
        },
    )
    VISIT_RESUMED = EventSpec("visit-resumed", "Came back to enter the code.")
    VISIT_SUPERSEDED = EventSpec(
        "visit-superseded", "The card went into another station.", in_story=False
    )
    VISIT_ENDED = EventSpec(
        "visit-ended",
        "The visit ended.",
        adds=chosen("how", sentences.ENDED, ": {}"),
        in_story=False,
    )
    CARD_PULLED = EventSpec("card-pulled", "The card was taken out while it was read.")
    CARD_UNPROVEN = EventSpec(
        "card-unproven",
        "The card could not prove that it is the one that was issued.",
        chosen(
            "because",
            sentences.UNPROVEN,
            "The card did not prove that it is the one that was issued: {}.",
        ),
        grave=True,
    )
    CARD_PROVEN_BY_KEY = EventSpec(
        "card-proven-by-key", "The card showed that it has its admin key."
    )
    CARD_KEY_RECORDED = EventSpec(
        "card-key-recorded",
        "The key of the card was recorded, to know the card by.",
        follows=True,
    )
    PIN_KEY_RECORDED = EventSpec(
        "pin-key-recorded",
        "The key that the card uses after its PIN was recorded.",
        follows=True,
    )
    STATION_LIMITED = EventSpec(
        "station-limited", "The station opened too many visits within a minute.", grave=True
    )
    REFUSED = EventSpec(
        "refused",
        "Turned away.",
        sentences.turned_away,
        grave=True,
        counts={Count.REFUSED, Count.FAILED},
    )
    REFUSED_AT_STATION = EventSpec(
        "refused-at-station",
        "Turned away by the station.",
        sentences.turned_away,
        grave=True,
        counts={Count.REFUSED, Count.FAILED},
    )
    STEP_REFUSED = EventSpec(
        "step-refused",
        "The station asked for something out of turn, and was refused.",
        grave=True,
        in_story=False,
        counts={Count.FAILED},
    )
    ROW_ALTERED = EventSpec(
        "row-altered",
        "A record that was altered outside of the service was refused.",
        sentences.row_altered,
        grave=True,
    )
    PURPOSE_CHOSEN = EventSpec(
        "purpose-chosen", "Chose what to do.", chosen("purpose", sentences.BEGUN)
    )
    WAY_CHOSEN = EventSpec("way-chosen", "Chose by what to show that it is them.")
    PIN_VERIFIED = EventSpec(
        "pin-verified", "The card took its PIN.", sentences.pin_verified, ends={Reason.PIN_BLOCKED}
    )
    OWNER_CONFIRMED = EventSpec(
        "owner-confirmed", "Entered the code that was sent to the known address."
    )
    QUESTIONS_TAKEN = EventSpec(
        "questions-taken", "Chose security questions and answered them.", in_story=False
    )
    QUESTIONS_NOT_TAKEN = EventSpec(
        "questions-not-taken",
        "An answer that was to be registered was not taken.",
        adds=chosen("problem", sentences.PROBLEMS, ": {}"),
        grave=True,
    )
    EMAIL_TAKEN = EventSpec("email-taken", "Gave an email address.", in_story=False)
    EMAIL_NOT_TAKEN = EventSpec(
        "email-not-taken",
        "Gave an email address that is not accepted.",
        sentences.email_not_taken,
        grave=True,
    )
    ATTEMPT_CHARGED = EventSpec(
        "attempt-charged", "Began an attempt at the security questions.", in_story=False
    )
    ENTRY_UNCHECKED = EventSpec(
        "entry-unchecked",
        "What was entered could not be checked, and cost no attempt.",
        adds=filled(": {because}"),
        grave=True,
    )
    ANSWERS_RIGHT = EventSpec(
        "answers-right",
        "Answered the security questions correctly.",
        adds=where("proves", ", but the card had left"),
    )
    ANSWERS_WRONG = EventSpec(
        "answers-wrong",
        "Answered the security questions wrongly.",
        adds=with_count("; {} left", "left", "attempt"),
        grave=True,
        counts={Count.FAILED},
    )
    ATTEMPTS_PAUSED = EventSpec(
        "attempts-paused",
        "For a while no answers are accepted with cards that cannot prove themselves.",
        grave=True,
    )
    ANSWERS_LIMITED = EventSpec(
        "answers-limited",
        "For a while the station accepts no answers with cards that cannot prove themselves.",
        grave=True,
        in_story=False,
    )
    REGISTRATION_BLOCKED = EventSpec(
        "registration-blocked",
        "Self-service was blocked: too many failed attempts.",
        with_count("Self-service was blocked after {}.", "failures", "failed attempt"),
        grave=True,
    )
    STOP_NUMBER_TRIED = EventSpec("stop-number-tried", "Began to enter the number of a notice.")
    STOP_NUMBER_WRONG = EventSpec(
        "stop-number-wrong", "Entered a wrong number as that of a notice.", grave=True
    )
    MISUSE_REPORTED = EventSpec(
        "misuse-reported",
        f'Reported "{NOT_ME}" with the number of a notice: self-service was stopped.',
        filled(
            f'Reported "{NOT_ME}" with the number of the mail about {{about}}; all was stopped.'
        ),
        grave=True,
    )
    SAVED_CODE_CHARGED = EventSpec(
        "saved-code-charged", "Began to enter a saved code.", in_story=False
    )
    SAVED_CODE_RIGHT = EventSpec(
        "saved-code-right",
        "Entered a right saved code.",
        adds=where("proves", ", but the card had left"),
    )
    SAVED_CODE_WRONG = EventSpec(
        "saved-code-wrong",
        "Entered a wrong saved code.",
        adds=with_count("; {} left", "left", "attempt"),
        grave=True,
        counts={Count.FAILED},
    )
    SAVED_CODE_USED = EventSpec("saved-code-used", "Used a saved code up.", in_story=False)
    SAVED_CODE_REPLACED = EventSpec(
        "saved-code-replaced", "Was shown the saved code that takes the place of the used one."
    )
    SAVED_CODES_SHOWN = EventSpec(
        "saved-codes-shown",
        "Was shown saved codes to write down; they do not count yet.",
        in_story=False,
    )
    SAVED_CODES_MADE = EventSpec(
        "saved-codes-made",
        "Wrote down saved codes; earlier ones no longer count.",
        with_count("Wrote down {}; earlier ones no longer count.", "count", "saved code"),
    )
    CODE_DRAFTED = EventSpec("code-drafted", "A code was made.", in_story=False)
    CODE_SENT = EventSpec("code-sent", "A code was sent by mail.", sentences.code_sent)
    CODE_NOT_SENT = EventSpec(
        "code-not-sent", "A code could not be sent.", adds=sentences.code_not_sent, grave=True
    )
    CODE_LIMITED = EventSpec(
        "code-limited", "Asked for another code too early.", grave=True, counts={Count.FAILED}
    )
    CODE_TRY_CHARGED = EventSpec("code-try-charged", "Began to enter a code.", in_story=False)
    CODE_RIGHT = EventSpec("code-right", "Entered the right code.", sentences.code_right)
    CODE_WRONG = EventSpec(
        "code-wrong",
        "Entered a wrong code.",
        adds=with_count("; {} left", "left", "try", "tries"),
        grave=True,
        counts={Count.FAILED},
    )
    CODE_DEAD = EventSpec(
        "code-dead",
        "Entered a code that no longer works.",
        sentences.code_dead,
        grave=True,
        counts={Count.FAILED},
    )
    CODE_ABANDONED = EventSpec(
        "code-abandoned",
        "Chose something else; the code that was waited for was withdrawn.",
    )
    CODE_OVER = EventSpec(
        "code-over", "The service was upgraded; the code that was waited for was withdrawn."
    )
    REGISTERED = EventSpec(
        "registered",
        "Registered for self-service.",
        sentences.registered,
        counts={Count.REGISTERED},
        ends=EVERY_REASON,
    )
    EMAIL_CHANGED = EventSpec(
        "email-changed", "Changed the email address.", sentences.email_changed, ends=EVERY_REASON
    )
    EMAIL_CHANGE_WAITS = EventSpec(
        "email-change-waits", "Gave another email address; it does not count yet."
    )
    EMAIL_CHANGE_STOPPED = EventSpec(
        "email-change-stopped", "The other email address was not put in place.", grave=True
    )
    FURTHER_ADDED = EventSpec(
        "further-added", "Added a further email address for codes and notices.", ends=EVERY_REASON
    )
    EMAIL_CONFIRMED = EventSpec(
        "email-confirmed", "Confirmed the email address that staff had put in place."
    )
    QUESTIONS_CHANGED = EventSpec(
        "questions-changed", "Changed the security questions.", ends=EVERY_REASON
    )
    MAINTAINED = EventSpec(
        "maintained",
        "Had something done on the station's maintenance page.",
        chosen("act", sentences.MAINTAINED),
    )
    PIN_CHANGED = EventSpec("pin-changed", "Changed the PIN.", ends=EVERY_REASON)
    PIN_CHANGE_UNKNOWN = EventSpec(
        "pin-change-unknown",
        "Began to change the PIN: whether the card has the new one is not known.",
        grave=True,
    )
    SECRET_RELEASED = EventSpec(
        "secret-released",
        "The unblock secret was given to the station for the card.",
        in_story=False,
    )
    ADMIN_KEY_USED = EventSpec(
        "admin-key-used",
        "The admin key was used for the card; the station was not given it.",
        in_story=False,
    )
    SECRET_BROKEN = EventSpec(
        "secret-broken", "The unblock secret of the card could not be opened.", grave=True
    )
    UNBLOCK_DONE = EventSpec(
        "unblock-done",
        "Unlocked the card and set a new PIN.",
        counts={Count.UNLOCKED},
        ends=EVERY_REASON,
    )
    UNBLOCK_REFUSED = EventSpec(
        "unblock-refused",
        "The card refused to be unlocked.",
        sentences.unblock_refused,
        grave=True,
        counts={Count.FAILED},
    )
    UNBLOCK_NOT_SENT = EventSpec(
        "unblock-not-sent", "The card was not unlocked: nothing was sent to it.", grave=True
    )
    UNBLOCK_UNKNOWN = EventSpec(
        "unblock-unknown",
        "The card's answer was lost: whether it was unlocked is not known.",
        grave=True,
    )
    UNBLOCK_SETTLED = EventSpec(
        "unblock-settled",
        "The card showed what had become of an unlock.",
        chosen("found", sentences.SETTLED),
        counts={Count.UNLOCKED},
        counts_where=("found", OutcomeSource.DONE.value),
        ends={Reason.OUTCOME_UNKNOWN},
    )
    UNBLOCK_REPORTED_LATE = EventSpec(
        "unblock-reported-late",
        "The station reported an unlock whose outcome was recorded already.",
        in_story=False,
    )
    SECRET_TRIES_REPORTED = EventSpec(
        "secret-tries-reported",
        "The card says how many tries its unblock secret has left.",
        with_count(
            "The card says that its unblock secret has {} left.", "tries_left", "try", "tries"
        ),
        follows=True,
    )
    SECRET_DRAWN = EventSpec(
        "secret-drawn", "Another unblock secret was made for the card.", in_story=False
    )
    SECRET_CHANGED = EventSpec(
        "secret-changed",
        "The unblock secret of the card was changed.",
        follows=True,
    )
    SECRET_NOT_CHANGED = EventSpec(
        "secret-not-changed",
        "The card kept its unblock secret.",
        follows=True,
    )
    SECRET_CHANGE_UNKNOWN = EventSpec(
        "secret-change-unknown",
        "Whether the card took its new unblock secret is not known; its next unlock finds out.",
        grave=True,
        follows=True,
    )
    SECRET_FOUND = EventSpec(
        "secret-found",
        "The card showed which of two unblock secrets it has.",
        follows=True,
    )
    SECRET_ADVANCED = EventSpec(
        "secret-advanced",
        "The card refused the unblock secret of a backup that was restored; the one that follows "
        "it is tried.",
    )
    CARD_SET_ASIDE = EventSpec(
        "card-set-aside",
        "The card was set aside: it refused every unblock secret that it could have.",
        grave=True,
    )


class ServiceKind(EventKind):
    """Events of the service by itself, of imports, and of stations that enrol."""

    PERSON_CHANGED = EventSpec(
        "holder-changed",
        "Name or email address were changed by an import.",
        sentences.person_changed,
    )
    CARD_CHANGED = EventSpec(
        "card-changed",
        "The card was changed by an import.",
        adds=filled(": {changed}"),
    )
    PEOPLE_IMPORTED = EventSpec(
        "people-imported", "People were imported.", sentences.people_imported
    )
    ROWS_RESTAMPED = EventSpec(
        "rows-restamped", "The MACs of records were made anew under another key."
    )
    ROW_ACCEPTED = EventSpec(
        "row-accepted", "A record that was altered outside of the service was taken as it is."
    )
    KEY_ADDED = EventSpec(
        "key-added",
        "A key was added, to the key file or to a token.",
        where(
            "unrecorded",
            "A key is in the key file that no command said it added: one was cut short, or a "
            "backup from before it was restored.",
        ),
    )
    KEYS_BACKED_UP = EventSpec(
        "keys-backed-up",
        "A copy of the key file was made and is kept in a safe place.",
        adds=filled("; given up as lost: {lost}"),
    )
    KEYS_GIVEN_UP = EventSpec(
        "keys-given-up",
        "Keys were given up: no copy of the key file has them.",
        filled("Given up as lost: {lost}."),
    )
    SECRETS_RESEALED = EventSpec(
        "secrets-resealed",
        "Unblock secrets were sealed under another key.",
        filled("Sealed {secrets} unblock secrets anew, under {to}."),
    )
    ALARM_RAISED = EventSpec(
        "alarm-raised",
        "An alarm was raised.",
        adds=sentences.alarm,
        grave=True,
        in_story=False,
    )
    ALARM_OVER = EventSpec("alarm-over", "An alarm is over.", adds=sentences.alarm, in_story=False)
    ADDRESS_STOPPED = EventSpec(
        "address-stopped", "A further address was stopped in its cooling-off.", grave=True
    )
    RECORDS_PURGED = EventSpec(
        "records-purged",
        "What had been kept long enough was deleted.",
        sentences.records_purged,
    )
    EXPIRY_REMINDED = EventSpec(
        "expiry-reminded", "The holder was reminded that the card expires soon."
    )
    MAIL_FAILED = EventSpec(
        "mail-failed",
        "A mail to one of their addresses came back.",
        adds=filled(": status {status}"),
    )
    MAIL_LATE = EventSpec(
        "mail-late",
        "A mail to one of their addresses is late.",
        adds=filled(": status {status}"),
        in_story=False,
    )
    STORE_COPIED = EventSpec(
        "store-copied", "The database was copied from a file to a server.", in_story=False
    )
    STORE_BACKED_UP = EventSpec(
        "store-backed-up", "A backup of the database was made.", in_story=False
    )
    STORE_RESTORED = EventSpec(
        "store-restored",
        "The database was restored from a backup: what happened since is lost.",
        filled("The database was restored from a backup: what happened after row {until} is lost."),
        grave=True,
        in_story=False,
    )
    OLDER_ENDED = EventSpec(
        OLDER_ENDED,
        "An upgrade was finished: no program of the version before serves any more.",
        sentences.where("kept", "No program of a version before serves the database."),
        in_story=False,
    )
    AUDIT_PURGED = EventSpec(
        "audit-purged",
        "Rows of the audit that had been kept long enough were deleted.",
        sentences.audit_purged,
        in_story=False,
    )
    STATION_ENROLLED = EventSpec(
        "station-enrolled", "The station enrolled, with a key that it had made."
    )
    STATION_KEY_RENEWED = EventSpec(
        "station-key-renewed", "The station renewed its key and its certificate."
    )
    ENROLMENT_REFUSED = EventSpec(
        "enrolment-refused",
        "An attempt to enrol as the station was refused.",
        adds=filled(": {because}"),
        grave=True,
    )


class StaffKind(EventKind):
    """Events that members of staff cause."""

    LOGGED_IN = EventSpec("staff-logged-in", "Logged in.")
    LOGGED_OUT = EventSpec("staff-logged-out", "Logged out.")
    TURNED_AWAY = EventSpec("staff-turned-away", "Was turned away at the door.", grave=True)
    NOT_PERMITTED = EventSpec(
        "staff-not-permitted",
        "Tried something that their role does not permit.",
        adds=filled(": {action}"),
        grave=True,
    )
    PERSON_ADDED = EventSpec("person-added", "Added this person.")
    BLOCK_LIFTED = EventSpec("block-lifted", "Lifted the block.")
    REGISTRATION_REVOKED = EventSpec("registration-revoked", "Revoked the registration.")
    NAME_CORRECTED = EventSpec("name-corrected", "Corrected the name.")
    EMAIL_CORRECTED = EventSpec("email-corrected", "Corrected the email address.")
    ADDRESS_ADDED = EventSpec("address-added", "Added another address for codes and notices.")
    ADDRESS_WITHDRAWN = EventSpec("address-withdrawn", "Withdrew one of the further addresses.")
    LEAVER_MARKED = EventSpec("leaver-marked", "Marked this person as a leaver.")
    LEAVER_TAKEN_BACK = EventSpec("leaver-taken-back", "Took this person back from the leavers.")
    MISUSE_STOPPED = EventSpec(
        "misuse-stopped", "Stopped self-service: something was not done by the holder."
    )
    CHANGE_STOPPED = EventSpec(
        "address-change-stopped", "Stopped a change of address that was waiting."
    )
    SAVED_CODES_WITHDRAWN = EventSpec("saved-codes-withdrawn", "Withdrew the saved codes.")
    PERSON_ERASED = EventSpec("person-erased", "Erased this person.")
    CARD_ADDED = EventSpec("card-added", "Added a card.")
    CARD_REPLACED = EventSpec("card-replaced", "Replaced a card.")
    CARD_REVOKED = EventSpec("card-revoked", "Revoked a card.")
    SECRET_SET = EventSpec(
        "secret-set",
        "Set the unblock secret of a card.",
        ends={Reason.SECRET_BLOCKED, Reason.CARD_REFUSED},
    )
    CODE_ISSUED = EventSpec("code-issued", "Gave an unlock code by word of mouth.")
    CODE_AGREED = EventSpec("code-agreed", "Agreed to an unlock code that a colleague gave.")
    CODE_WITHDRAWN = EventSpec("code-withdrawn", "Withdrew an unlock code.")
    ACT_PROPOSED = EventSpec(
        "act-proposed",
        "Proposed something that waits for a second member of staff.",
        sentences.of_act("Proposed to {}; it waits for a second member of staff."),
    )
    ACT_AGREED = EventSpec(
        "act-agreed",
        "Agreed to what a colleague had proposed.",
        sentences.of_act("Agreed to {}, as a colleague had proposed."),
    )
    ACT_DECLINED = EventSpec(
        "act-declined",
        "Declined what had been proposed.",
        sentences.act_declined,
    )
    ACT_EXPIRED = EventSpec(
        "act-expired",
        "Ended what had been proposed: nobody decided on it in time.",
        sentences.of_act("Nobody agreed in time to {}."),
    )
    ENROLMENT_OPENED = EventSpec(
        "enrolment-opened", "Made a line with which the station can enrol."
    )
    STATION_CERTIFIED = EventSpec("station-certified", "Let the station in by its certificate.")
    PAUSE_LIFTED = EventSpec(
        "pause-lifted",
        "Lifted the pause that wrong answers had made.",
        with_count(
            "Lifted the pause that {} had made.",
            "failures",
            "set of wrong answers",
            "sets of wrong answers",
        ),
    )
    STATION_RETIRED = EventSpec("station-retired", "Retired the station.")
    STATION_REINSTATED = EventSpec("station-reinstated", "Put the station back into service.")
    QUESTION_ADDED = EventSpec(
        "question-added",
        "Added a security question.",
        filled("Added security question {question}."),
    )
    QUESTION_TRANSLATED = EventSpec(
        "question-translated",
        "Set the text of a security question in another language.",
        filled("Set the text of security question {question} for the language {language}."),
    )
    QUESTION_RETIRED = EventSpec(
        "question-retired",
        "Retired a security question.",
        filled("Retired security question {question}."),
    )
    POLICY_CHANGED = EventSpec("policy-changed", "Changed the policy.", sentences.policy_changed)
    STAFF_ADDED = EventSpec(
        "staff-added",
        "Added a member of staff.",
        adds=filled(" with the role {role}"),
    )
    ROLE_CHANGED = EventSpec(
        "role-changed",
        "Changed the role of a member of staff.",
        adds=filled(" from {was} to {role}"),
        revises_member=True,
    )
    STAFF_REMOVED = EventSpec("staff-removed", "Removed a member of staff.", revises_member=True)
    KEY_ADDED = EventSpec(
        "staff-key-added", "Added a key of a member of staff.", revises_member=True
    )
    KEY_REMOVED = EventSpec(
        "staff-key-removed", "Removed a key of a member of staff.", revises_member=True
    )
    STAFF_CARD_ADDED = EventSpec(
        "staff-card-added",
        "Let the card of a member of staff open stations' maintenance pages.",
        revises_member=True,
    )
    STAFF_CARD_REMOVED = EventSpec(
        "staff-card-removed",
        "Let the card of a member of staff open no station's maintenance page any more.",
        revises_member=True,
    )
    AUDIT_VERIFIED = EventSpec(
        "audit-verified", "Verified the audit.", adds=sentences.audit_verified
    )
    AUDIT_EXPORTED = EventSpec(
        "audit-exported", "Exported a part of the audit.", sentences.audit_exported
    )
    AUDIT_REDACTED = EventSpec(REDACTED, "Took a text out of the audit.", sentences.audit_redacted)
    REPORT_EXPORTED = EventSpec("report-exported", "Exported a report.")
    REPORT_MAILED = EventSpec("report-mailed", "Asked for a report by mail.")


# What is derived from the catalogue.

EVENTS: Final[dict[str, EventSpec]] = {
    kind.value: kind.spec for kinds in (AuditKind, ServiceKind, StaffKind) for kind in kinds
}
"""Each kind of event by its name in the audit."""

GRAVE: Final = frozenset(kind for kind, spec in EVENTS.items() if spec.grave)

FOLLOWING: Final = frozenset(kind for kind, spec in EVENTS.items() if spec.follows)

NOT_IN_STORY: Final = frozenset(kind for kind, spec in EVENTS.items() if not spec.in_story)

STAFF_KINDS: Final = frozenset(kind.value for kind in StaffKind)


def audit_message(event: AuditEvent) -> str:
    return message_of(event.kind, event.detail)


def message_of(kind: str, detail: Mapping[str, Scalar]) -> str:
    """Return the sentence, the general one where the detail was redacted.

    A kind of another version of the program is shown by its name.
    """
    spec = EVENTS.get(kind)
    if spec is None:
        return kind
    if detail.get("redacted"):
        return spec.sentence
    if spec.from_detail is not None and (fuller := spec.from_detail(detail)):
        return fuller
    more = spec.adds(detail) if spec.adds is not None else ""
    return f"{spec.sentence.removesuffix('.')}{more}."


# Recording.


def new_reference() -> str:
    """Return a reference number for events outside of visits, of the form that visits have."""
    return reference_of(VisitId(new_id()))


def altered(error: RowAltered) -> dict[str, Scalar]:
    """Return the detail of an event about a row that was altered, or put back."""
    older = {"older": True} if isinstance(error, RowPutBack) else {}
    return {"table": error.table, "row": error.row, **older}


LONGEST_DETAIL = 80


def plain(text: str) -> str:
    """Return a station's text for a detail, short and printable."""
    kept = "".join(c for c in text if c.isascii() and (c.isalnum() or c in " -_.:"))
    return kept[:LONGEST_DETAIL]


def record(
    uow: UnitOfWork, kind: AuditKind, visit: Visit, actor: str | None = None, /, **detail: Scalar
) -> None:
    uow.audit.append(
        kind=kind.value,
        reference=visit.reference,
        visit_id=visit.id,
        card_id=visit.card_id,
        holder_id=visit.holder_id,
        station=visit.station,
        actor=actor,
        detail=detail,
    )


def record_refusal(uow: UnitOfWork, visit: Visit, reason: Reason, /, **detail: Scalar) -> None:
    """Record that a visit is refused; every report of refusals counts these events alone."""
    record(uow, AuditKind.REFUSED, visit, reason=reason.value, **detail)
