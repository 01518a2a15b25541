"""What happened at stations, where the audit says more than its kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from kiosk.administration.reasons import reason_words
from kiosk.administration.saying import counted
from kiosk.authority.audit import AuditKind
from kiosk.authority.counting import UNNUMBERED
from kiosk.authority.journal import SettledAs
from kiosk.authority.proving import Unproven
from kiosk.dialogue import AnswerProblem, Purpose
from kiosk.errors import MailRefused
from kiosk.policy import EmailProblem
from kiosk.store.records import PinEvidence, Scalar

Detail = Mapping[str, Scalar]


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
    SettledAs.DONE: "Seen again, the card shows that it was unlocked.",
    SettledAs.NOT_DONE: "Seen again, the card shows that it was not unlocked.",
    SettledAs.UNDETERMINED: "Seen again, the card does not show whether its PIN was changed.",
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
