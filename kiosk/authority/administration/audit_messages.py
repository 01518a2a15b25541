"""What the audit holds, in plain words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from kiosk.authority.administration.keys import BACKED_UP
from kiosk.authority.administration.saying import as_sentence, counted, reason_words
from kiosk.authority.audit import DEEDS, PERSON_IMPORTED, AuditKind, StaffKind
from kiosk.authority.card_evidence import Unproven
from kiosk.authority.crypto.rotation import RESEALED
from kiosk.authority.housekeeping import PURGED
from kiosk.authority.store.records import AuditEvent, PinEvidence, Scalar
from kiosk.authority.unblock.outcome import OutcomeSource
from kiosk.authority.unblock.retry_counter import UNNUMBERED
from kiosk.contract.errors import MailRefused
from kiosk.contract.messages import AnswerProblem, Purpose
from kiosk.contract.policy import EmailProblem

# What staff did to the service itself, where the audit says more than its kind.

Detail = Mapping[str, Scalar]


def _policy(detail: Detail) -> str:
    name, value, was = (detail.get(key) for key in ("setting", "value", "was"))
    if not name:
        return ""
    if detail.get("as_in_file"):
        return f"Put {name} back to the settings file's {value}; it was {was}."
    return f"Set {name} to {value or 'nothing'}; it was {was or 'nothing'}."


def _question(deed: str) -> Callable[[Detail], str]:
    def say(detail: Detail) -> str:
        return f"{deed.format(detail['question'])}." if detail.get("question") else ""

    return say


def _added(detail: Detail) -> str:
    role = detail.get("role")
    return f"Added a member of staff with the role {role}." if role else ""


def _role(detail: Detail) -> str:
    role, was = detail.get("role"), detail.get("was")
    return f"Changed the role of a member of staff from {was} to {role}." if role and was else ""


def _not_permitted(detail: Detail) -> str:
    action = detail.get("action")
    return f"Tried something that their role does not permit: {action}." if action else ""


def _verified(detail: Detail) -> str:
    if detail.get("intact") is False:
        return f"Verified the audit: row {detail.get('fault_row')} does not fit."
    return f"Verified the audit: {detail['rows']} rows fit." if detail.get("rows") else ""


def _exported(detail: Detail) -> str:
    return f"Exported {detail['rows']} rows of the audit." if "rows" in detail else ""


def _imported(detail: Detail) -> str:
    counts = tuple(detail.get(name) for name in ("lines", "people_added", "people_changed"))
    lines, added, changed = counts
    if None in counts:
        return ""
    return f"Imported people: {lines} lines, {added} people added, {changed} changed."


def _purged(detail: Detail) -> str:
    visits, journal, before = (detail.get(name) for name in ("visits", "journal", "before"))
    if before is None:
        return ""
    return f"Deleted {visits} visits and {journal} closed journal entries of before {before}."


def _resealed(detail: Detail) -> str:
    key, many = detail.get("to"), detail.get("secrets")
    return f"Sealed {many} unblock secrets anew, under {key}." if key else ""


def _redacted(detail: Detail) -> str:
    row, what = detail.get("row"), detail.get("what")
    return f"Took the {what} out of row {row} of the audit." if row and what else ""


_ACTS: Final = {
    "people.lift_block": "lift the block",
    "people.revoke_registration": "revoke the registration",
    "people.correct_email": "correct the email address",
    "cards.add": "add a card",
    "cards.replace": "replace a card",
    "cards.set_secret": "set an unblock secret",
    "staff.add": "let in a member of staff",
    "staff.change_role": "change the role of a member of staff",
    "staff.add_key": "let in another key of a member of staff",
    "policy.change": "change the policy",
    "policy.reset": "put a setting back to the settings file's value",
    "imports.run": "import a file",
    "audit.redact": "redact a text in the audit",
}
"""What a proposed act would do, by its name."""


def _of_act(words: str) -> Callable[[Detail], str]:
    def say(detail: Detail) -> str:
        act = detail.get("act")
        return words.format(_ACTS.get(str(act), act)) if act else ""

    return say


SAID_OF_SERVICE: Final[dict[str, Callable[[Detail], str]]] = {
    StaffKind.POLICY_CHANGED: _policy,
    StaffKind.QUESTION_ADDED: _question("Added security question {}"),
    StaffKind.QUESTION_RETIRED: _question("Retired security question {}"),
    StaffKind.QUESTION_REVIVED: _question("Offered security question {} again"),
    StaffKind.STAFF_ADDED: _added,
    StaffKind.ROLE_CHANGED: _role,
    StaffKind.ACT_PROPOSED: _of_act("Proposed to {}; it waits for a second member of staff."),
    StaffKind.ACT_AGREED: _of_act("Agreed to {}, as a colleague had proposed."),
    StaffKind.ACT_DECLINED: _of_act("Declined to {}, as had been proposed."),
    StaffKind.ACT_EXPIRED: _of_act("Nobody agreed in time to {}."),
    StaffKind.NOT_PERMITTED: _not_permitted,
    StaffKind.AUDIT_VERIFIED: _verified,
    StaffKind.AUDIT_EXPORTED: _exported,
    "people-imported": _imported,
    PURGED: _purged,
    StaffKind.AUDIT_REDACTED: _redacted,
    RESEALED: _resealed,
}
"""By kind; an empty text leaves it to the kind's own words."""


# What happened at stations, where the audit says more than its kind.


def _opened(detail: Detail) -> str:
    return "Put the card in; its PIN was blocked." if detail.get("pin_blocked") else ""


def _pin_verified(detail: Detail) -> str:
    if detail.get("evidence") == PinEvidence.PROVEN.value:
        return "Entered the PIN of the card; the card proved it by its key."
    because = detail.get("because")
    return f"The card said that its PIN was right, without a proof that counts ({because})."


def _unproven(detail: Detail) -> str:
    because = _UNPROVEN.get(str(detail.get("because")))
    return (
        f"The card did not prove that it is the one that was issued: {because}." if because else ""
    )


def _turned_away(detail: Detail) -> str:
    because = reason_words(detail.get("reason"))
    return f"Turned away: {because[:1].lower()}{because[1:]}."


def _altered(detail: Detail) -> str:
    row, table = detail.get("row"), detail.get("table")
    if not (row and table):
        return ""
    return f"Row {row} of the table {table} was altered outside of the service, and was refused."


def _chosen(detail: Detail) -> str:
    return _BEGUN.get(str(detail.get("purpose")), "")


def _answer_not_taken(detail: Detail) -> str:
    because = _PROBLEMS.get(str(detail.get("problem")))
    return f"An answer that was to be registered was not taken: {because}." if because else ""


def _email_not_taken(detail: Detail) -> str:
    if detail.get("problem") == EmailProblem.DOMAIN.value:
        return "Gave an email address outside the approved domains; it was not taken."
    return "Gave what is no email address; it was not taken."


def _answered_rightly(detail: Detail) -> str:
    late = "Answered the security questions rightly, but the card had left."
    return late if detail.get("proves") else ""


def _answered_wrongly(detail: Detail) -> str:
    left = _counted(detail, "left", "attempt")
    return left and f"Answered the security questions wrongly; {left} left."


def _blocked(detail: Detail) -> str:
    failed = _counted(detail, "failures", "failed attempt")
    return failed and f"Self-service was blocked after {failed}."


def _not_sent(detail: Detail) -> str:
    if detail.get("because") == MailRefused.__name__:
        return "A code could not be sent: the mail server refused the address."
    return "A code could not be sent: the mail server did not take it."


def _code_wrong(detail: Detail) -> str:
    left = _counted(detail, "left", "try", "tries")
    return left and f"Entered a wrong code; {left} left."


def _code_right(detail: Detail) -> str:
    return "Entered the code that staff had given, rightly." if detail.get("given_by") else ""


def _code_dead(detail: Detail) -> str:
    if detail.get("withdrawn"):
        return "Entered a code that had been withdrawn."
    if detail.get("expired"):
        return "Entered a code whose time was over."
    return "Entered a code that had no try left, or was replaced."


def _registered(detail: Detail) -> str:
    questions = _counted(detail, "questions", "security question")
    return f"Registered for self-service, with {questions}." if detail.get("questions") else ""


def _email_changed(detail: Detail) -> str:
    return "" if detail.get("other", True) else "Confirmed the same email address again."


def _unblock_refused(detail: Detail) -> str:
    left = _counted(detail, "tries_left", "try", "tries")
    if not left:
        return "The card refused the new PIN."
    if detail.get("because") == UNNUMBERED:
        return "The card refused the unblock secret, and does not say how many tries are left."
    return f"The card refused the unblock secret, and has {left} left for it."


def _tries_told(detail: Detail) -> str:
    left = _counted(detail, "tries_left", "try", "tries")
    return left and f"The card says that its unblock secret has {left} left."


def _settled(detail: Detail) -> str:
    return _SETTLED.get(str(detail.get("found")), "")


def _counted(detail: Detail, name: str, of: str, many: str = "") -> str:
    count = detail.get(name)
    return counted(count, of, many) if isinstance(count, int) else ""


_BEGUN: Final[dict[str, str]] = {
    Purpose.REGISTER: "Began to register.",
    Purpose.UNLOCK: "Began to unlock the card.",
    Purpose.FIRST_UNLOCK: "Began to unlock the card with a code from staff, before registering.",
    Purpose.CHANGE_PIN: "Began to change the PIN.",
    Purpose.CHANGE_QUESTIONS: "Began to change the security questions.",
    Purpose.CHANGE_EMAIL: "Began to change the email address.",
    Purpose.REPORT_MISUSE: "Began to report that something was not done by the holder.",
}
_PROBLEMS: Final[dict[str, str]] = {
    AnswerProblem.EMPTY: "it was empty",
    AnswerProblem.TOO_SHORT: "it was too short",
    AnswerProblem.NOT_TYPABLE: "a station's keyboard cannot type it",
    AnswerProblem.REPEATS_QUESTION: "it repeated the question",
    AnswerProblem.SAME_AS_ANOTHER: "it was the same as another",
    AnswerProblem.TOO_LONG: "it was too long",
}
_SETTLED: Final[dict[str, str]] = {
    OutcomeSource.DONE: "Seen again, the card shows that it was unlocked.",
    OutcomeSource.NOT_DONE: "Seen again, the card shows that it was not unlocked.",
    OutcomeSource.UNDETERMINED: "Seen again, the card does not show whether its PIN was changed.",
}
_UNPROVEN: Final[dict[str, str]] = {
    Unproven.NO_KEY: "it offers no key to prove itself with",
    Unproven.UNSUPPORTED_KEY: "it offers a key of a kind that this service cannot check",
    Unproven.UNKNOWN_KEY: "nobody recorded or certified the key that it offers",
    Unproven.NOT_ISSUED: "it shows no valid certificate of an issuer of cards",
    Unproven.NO_ANSWER: "it did not answer with its key",
    Unproven.WRONG_ANSWER: "its answer was not that of its key",
    Unproven.MIRRORED: "it drew no number of its own, but gave ours back",
    Unproven.NO_ADMIN_KEY: "it does not have the admin key that is recorded for it",
}
SAID_OF_VISITS: Final[dict[str, Callable[[Detail], str]]] = {
    AuditKind.VISIT_OPENED: _opened,
    AuditKind.CARD_UNPROVEN: _unproven,
    AuditKind.PIN_VERIFIED: _pin_verified,
    AuditKind.REFUSED: _turned_away,
    AuditKind.REFUSED_AT_STATION: _turned_away,
    AuditKind.ROW_ALTERED: _altered,
    AuditKind.PURPOSE_CHOSEN: _chosen,
    AuditKind.QUESTIONS_NOT_TAKEN: _answer_not_taken,
    AuditKind.EMAIL_NOT_TAKEN: _email_not_taken,
    AuditKind.ANSWERS_RIGHT: _answered_rightly,
    AuditKind.ANSWERS_WRONG: _answered_wrongly,
    AuditKind.REGISTRATION_BLOCKED: _blocked,
    AuditKind.CODE_NOT_SENT: _not_sent,
    AuditKind.CODE_RIGHT: _code_right,
    AuditKind.CODE_WRONG: _code_wrong,
    AuditKind.CODE_DEAD: _code_dead,
    AuditKind.REGISTERED: _registered,
    AuditKind.EMAIL_CHANGED: _email_changed,
    AuditKind.UNBLOCK_REFUSED: _unblock_refused,
    AuditKind.UNBLOCK_SETTLED: _settled,
    AuditKind.SECRET_TRIES_TOLD: _tries_told,
}
"""Per kind; an empty answer leaves it to what the kind itself means."""


WORDS: Final[dict[str, str]] = {
    AuditKind.VISIT_OPENED: "Put the card into the station.",
    AuditKind.VISIT_RESUMED: "Came back to enter the code.",
    AuditKind.VISIT_SUPERSEDED: "The card went into another station.",
    AuditKind.VISIT_ENDED: "The visit ended.",
    AuditKind.CARD_UNPROVEN: "The card could not prove that it is the one that was issued.",
    AuditKind.CARD_PROVEN_BY_KEY: "The card showed that it has its admin key.",
    AuditKind.CARD_KEY_RECORDED: "The key of the card was recorded, to know the card by.",
    AuditKind.PIN_KEY_RECORDED: "The key that the card uses after its PIN was recorded.",
    AuditKind.STATION_LIMITED: "The station opened too many visits within a minute.",
    AuditKind.REFUSED: "Turned away.",
    AuditKind.REFUSED_AT_STATION: "Turned away by the station.",
    AuditKind.STEP_REFUSED: "The station asked for something out of turn, and was refused.",
    AuditKind.ROW_ALTERED: "A record that was altered outside of the service was refused.",
    AuditKind.PURPOSE_CHOSEN: "Chose what to do.",
    AuditKind.PIN_VERIFIED: "The card took its PIN.",
    AuditKind.OWNER_CONFIRMED: "Entered the code that was sent to the known address.",
    AuditKind.QUESTIONS_TAKEN: "Chose security questions and answered them.",
    AuditKind.QUESTIONS_NOT_TAKEN: "An answer that was to be registered was not taken.",
    AuditKind.EMAIL_TAKEN: "Gave an email address.",
    AuditKind.EMAIL_NOT_TAKEN: "Gave an email address that is not taken.",
    AuditKind.ATTEMPT_CHARGED: "Began an attempt at the security questions.",
    AuditKind.ANSWERS_RIGHT: "Answered the security questions rightly.",
    AuditKind.ANSWERS_WRONG: "Answered the security questions wrongly.",
    AuditKind.ATTEMPTS_PAUSED: (
        "No answers are taken for a while with cards that cannot prove themselves."
    ),
    AuditKind.REGISTRATION_BLOCKED: "Self-service was blocked: too many failed attempts.",
    AuditKind.STOP_NUMBER_TRIED: "Began to enter the number of a notice.",
    AuditKind.STOP_NUMBER_WRONG: "Entered a wrong number as that of a notice.",
    AuditKind.MISUSE_REPORTED: (
        'Reported "This was not me" with the number of a notice: self-service was stopped.'
    ),
    AuditKind.CODE_DRAFTED: "A code was made.",
    AuditKind.CODE_SENT: "A code was sent by mail.",
    AuditKind.CODE_NOT_SENT: "A code could not be sent.",
    AuditKind.CODE_LIMITED: "Asked for another code too early.",
    AuditKind.CODE_TRY_CHARGED: "Began to enter a code.",
    AuditKind.CODE_RIGHT: "Entered the code rightly.",
    AuditKind.CODE_WRONG: "Entered a wrong code.",
    AuditKind.CODE_DEAD: "Entered a code that works no more.",
    AuditKind.REGISTERED: "Registered for self-service.",
    AuditKind.EMAIL_CHANGED: "Changed the email address.",
    AuditKind.EMAIL_CHANGE_WAITS: "Gave another email address; it does not count yet.",
    AuditKind.EMAIL_CHANGE_STOPPED: "The other email address was not put in place.",
    AuditKind.EMAIL_CONFIRMED: "Confirmed the email address that staff had put in place.",
    AuditKind.QUESTIONS_CHANGED: "Changed the security questions.",
    AuditKind.PIN_CHANGED: "Changed the PIN.",
    AuditKind.SECRET_RELEASED: "The unblock secret was given to the station for the card.",
    AuditKind.ADMIN_KEY_USED: "The admin key was used for the card; the station was not given it.",
    AuditKind.SECRET_BROKEN: "The unblock secret of the card could not be opened.",
    AuditKind.UNBLOCK_DONE: "Unlocked the card and set a new PIN.",
    AuditKind.UNBLOCK_REFUSED: "The card refused to be unlocked.",
    AuditKind.UNBLOCK_NOT_SENT: "The card was not unlocked: nothing was sent to it.",
    AuditKind.UNBLOCK_UNKNOWN: "The card's answer was lost: whether it was unlocked is not known.",
    AuditKind.UNBLOCK_SETTLED: "The card showed what had become of an unlock.",
    AuditKind.UNBLOCK_TOLD_LATE: "The station told of an unlock that was settled already.",
    AuditKind.SECRET_TRIES_TOLD: "The card says how many tries its unblock secret has left.",
    AuditKind.SECRET_DRAWN: "Another unblock secret was made for the card.",
    AuditKind.SECRET_CHANGED: "The unblock secret of the card was changed.",
    AuditKind.SECRET_NOT_CHANGED: "The card kept its unblock secret.",
    AuditKind.SECRET_CHANGE_UNKNOWN: (
        "Whether the card took its new unblock secret is not known; its next unlock finds out."
    ),
    AuditKind.SECRET_FOUND: "The card showed which of two unblock secrets it has.",
    AuditKind.CARD_SET_ASIDE: (
        "The card was set aside: it refused every unblock secret that it could have."
    ),
    PERSON_IMPORTED: "Name or email address were changed by an import.",
    "card-changed": "The card was changed by an import.",
    "people-imported": "People were imported.",
    "rows-restamped": "The MACs of records were made anew under another key.",
    "row-accepted": "A record that was altered outside of the service was taken as it is.",
    "key-added": "A key was added, to the key file or to a token.",
    BACKED_UP: "A copy of the key file was made and is kept in a safe place.",
    RESEALED: "Unblock secrets were sealed under another key.",
    PURGED: "Old visits and entries of the unblock journal were deleted.",
    **{kind: as_sentence(deed) for kind, deed in DEEDS.items()},
}
"""What each kind means, whatever its detail says."""

GRAVE: Final[frozenset[str]] = frozenset(
    {
        AuditKind.REFUSED,
        AuditKind.REFUSED_AT_STATION,
        AuditKind.STEP_REFUSED,
        AuditKind.ROW_ALTERED,
        AuditKind.QUESTIONS_NOT_TAKEN,
        AuditKind.EMAIL_NOT_TAKEN,
        AuditKind.ANSWERS_WRONG,
        AuditKind.REGISTRATION_BLOCKED,
        AuditKind.ATTEMPTS_PAUSED,
        AuditKind.STATION_LIMITED,
        AuditKind.STOP_NUMBER_WRONG,
        AuditKind.MISUSE_REPORTED,
        AuditKind.EMAIL_CHANGE_STOPPED,
        AuditKind.CODE_NOT_SENT,
        AuditKind.CODE_LIMITED,
        AuditKind.CODE_WRONG,
        AuditKind.CODE_DEAD,
        AuditKind.CARD_UNPROVEN,
        AuditKind.SECRET_BROKEN,
        AuditKind.UNBLOCK_REFUSED,
        AuditKind.UNBLOCK_NOT_SENT,
        AuditKind.UNBLOCK_UNKNOWN,
        AuditKind.SECRET_CHANGE_UNKNOWN,
        AuditKind.CARD_SET_ASIDE,
        StaffKind.TURNED_AWAY,
        StaffKind.NOT_PERMITTED,
    }
)
"""Refusals and failures."""


_MORE: Final = {**SAID_OF_VISITS, **SAID_OF_SERVICE}


def audit_message(event: AuditEvent) -> str:
    """Return what happened; a kind of another version of the program is named as it is."""
    say = _MORE.get(event.kind)
    words = say(event.detail) if say else ""
    return words or WORDS.get(event.kind, event.kind)
