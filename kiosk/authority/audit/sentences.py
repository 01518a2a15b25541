"""Fuller sentences for audit events, made of their details.

A function returns a whole sentence, or what continues the event's own in the catalogue. It returns
an empty text where the detail holds nothing to say, as it may in a row of an older version.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from string import Formatter
from typing import Final

from kiosk.authority.audit.rows import row_name
from kiosk.authority.errors import MailRefused
from kiosk.authority.records import PinEvidence, Scalar
from kiosk.authority.wording import counted, numbered, reason_words
from kiosk.contract.messages import AnswerProblem, MaintenanceAct, Purpose, VisitEnd
from kiosk.contract.policy import EmailProblem

Detail = Mapping[str, Scalar]
FromDetail = Callable[[Detail], str]

# Values in details.


class Unproven(StrEnum):
    """Why a card does not count as genuine; the audit records it, and no screen shows it."""

    NO_KEY = "no-key"
    UNSUPPORTED_KEY = "unsupported-key"
    UNKNOWN_KEY = "unknown-key"
    NOT_ISSUED = "not-issued"
    REVOKED = "revoked"
    NO_CURRENT_LIST = "no-current-list"
    NO_ANSWER = "no-answer"
    WRONG_ANSWER = "wrong-answer"
    MIRRORED = "mirrored"
    NO_ADMIN_KEY = "no-admin-key"
    KEY_REFUSED = "key-refused"


class OutcomeSource(StrEnum):
    """What a card that was seen again shows about an unblock without a known outcome."""

    DONE = "done"
    NOT_DONE = "not-done"
    UNDETERMINED = "undetermined"


UNNUMBERED: Final = "wrong secret and no number"
"""Why the card refused an unblock, where ``tries_left`` beside it is not the card's number."""


def filled(sentence: str) -> FromDetail:
    """Return the sentence with the values that it names, where the detail has all of them."""
    names = [name for _, name, _, _ in Formatter().parse(sentence) if name]

    def filling(detail: Detail) -> str:
        is_full = all(detail.get(name) not in (None, "") for name in names)
        return sentence.format_map(detail) if is_full else ""

    return filling


def where(name: str, sentence: str) -> FromDetail:
    """Return the sentence where the detail has such a value."""
    return lambda detail: sentence if detail.get(name) else ""


def chosen(name: str, words: Mapping[str, str], sentence: str = "{}") -> FromDetail:
    """Return the sentence with the words for a value of the detail."""
    said = {value: sentence.format(each) for value, each in words.items()}
    return lambda detail: said.get(str(detail.get(name)), "")


def with_count(sentence: str, name: str, of: str, many: str = "") -> FromDetail:
    """Return the sentence with a count of the detail in words: ``three tries``."""

    def counting(detail: Detail) -> str:
        count = detail.get(name)
        return sentence.format(counted(count, of, many)) if isinstance(count, int) else ""

    return counting


# Sentences of events at stations.


def row_altered(detail: Detail) -> str:
    if not detail.get("table") or not detail.get("row"):
        return ""
    row = "Row {row} of the table {table}".format_map(detail)
    if detail.get("older"):
        return f"{row} says less than the audit: an older one was put back, and was refused."
    return f"{row} was altered outside of the service, and was refused."


BEGUN: Final[dict[str, str]] = {
    Purpose.REGISTER: "Began to register.",
    Purpose.UNLOCK: "Began to unlock the card.",
    Purpose.FIRST_UNLOCK: "Began to unlock the card with a code from staff, before registering.",
    Purpose.CHANGE_PIN: "Began to change the PIN.",
    Purpose.CHANGE_QUESTIONS: "Began to change the security questions.",
    Purpose.CHANGE_EMAIL: "Began to change the email address.",
    Purpose.ADD_ADDRESS: "Began to add a further email address.",
    Purpose.SAVED_CODES: "Began to have saved codes made.",
    Purpose.REPORT_MISUSE: "Began to report that something was not done by the holder.",
    Purpose.MAINTENANCE: "Began to open the station's maintenance page.",
}
PROBLEMS: Final[dict[str, str]] = {
    AnswerProblem.EMPTY: "it was empty",
    AnswerProblem.TOO_SHORT: "it was too short",
    AnswerProblem.NOT_TYPABLE: "a station's keyboard cannot type it",
    AnswerProblem.REPEATS_QUESTION: "it repeated the question",
    AnswerProblem.SAME_AS_ANOTHER: "it was the same as another",
    AnswerProblem.TOO_LONG: "it was too long",
}
SETTLED: Final[dict[str, str]] = {
    OutcomeSource.DONE: "Seen again, the card shows that it was unlocked.",
    OutcomeSource.NOT_DONE: "Seen again, the card shows that it was not unlocked.",
    OutcomeSource.UNDETERMINED: "Seen again, the card does not show whether its PIN was changed.",
}
UNPROVEN: Final[dict[str, str]] = {
    Unproven.NO_KEY: "it offers no key to prove itself with",
    Unproven.UNSUPPORTED_KEY: "it offers a key of a kind that this service cannot check",
    Unproven.UNKNOWN_KEY: "nobody recorded or certified the key that it offers",
    Unproven.NOT_ISSUED: "it shows no valid certificate of an issuer of cards",
    Unproven.REVOKED: "its issuer has revoked its certificate",
    Unproven.NO_CURRENT_LIST: "no current list says whether its issuer has revoked its certificate",
    Unproven.NO_ANSWER: "it did not answer with its key",
    Unproven.WRONG_ANSWER: "its answer was not that of its key",
    Unproven.MIRRORED: "it drew no number of its own, but gave ours back",
    Unproven.NO_ADMIN_KEY: "it does not have the admin key that is recorded for it",
    Unproven.KEY_REFUSED: "it refused the admin key that is recorded for it, and showed none",
}


ENDED: Final[dict[str, str]] = {
    VisitEnd.CARD_REMOVED: "the card was taken out",
    VisitEnd.FINISHED: "what it was for was done",
    VisitEnd.LEFT: "the holder stopped it",
    VisitEnd.IDLE: "nobody did anything for a while",
    VisitEnd.REFUSED: "the holder was turned away",
    VisitEnd.FAULT: "the service or the station had a fault",
    VisitEnd.UPGRADED: "the service was upgraded, and no visit could go on",
}


def pin_verified(detail: Detail) -> str:
    if detail.get("evidence") == PinEvidence.PROVEN.value:
        return "Entered the PIN of the card; the card proved it by its key."
    because = detail.get("because")
    return f"The card said that its PIN was right, without a proof that counts ({because})."


_OTHER_KIND: Final = filled(
    "Turned away: the station would present the unblock secret as {presented}, but the authority "
    "has {stored} stored. Set {setting} the same for both."
)


def turned_away(detail: Detail) -> str:
    if other_kind := _OTHER_KIND(detail):
        return other_kind
    because = reason_words(detail.get("reason"))
    more = f", because {detail['because']}" if detail.get("because") else ""
    return f"Turned away: {because[:1].lower()}{because[1:]}{more}."


MAINTAINED: Final[dict[str, str]] = {
    MaintenanceAct.TEST_READER: "Had the station test its card reader.",
    MaintenanceAct.SHOW_NETWORK: "Had the station show the state of its network.",
    MaintenanceAct.RESTART_STATION: "Had the station's program restarted.",
    MaintenanceAct.RESTART_MACHINE: "Had the station's machine restarted.",
    MaintenanceAct.SWITCH_OFF: "Had the station switched off.",
}


def email_not_taken(detail: Detail) -> str:
    if detail.get("problem") == EmailProblem.DOMAIN.value:
        return "Gave an email address outside the approved domains; it was not accepted."
    return "Gave something that is no email address; it was not accepted."


def code_sent(detail: Detail) -> str:
    return "A code was sent by text message." if detail.get("by_text") else ""


def code_not_sent(detail: Detail) -> str:
    is_refused = detail.get("because") == MailRefused.__name__
    if detail.get("by_text"):
        return f": the number {'takes no text messages' if is_refused else 'could not be reached'}"
    what = "refused the address" if is_refused else "did not take it"
    return f": the mail server {what}"


def code_right(detail: Detail) -> str:
    if detail.get("proves"):
        return "Entered the right code, but the card had left."
    return "Entered the right code, which staff had given." if detail.get("given_by") else ""


def code_dead(detail: Detail) -> str:
    if detail.get("withdrawn"):
        return "Entered a code that had been withdrawn."
    if detail.get("moved"):
        return "Entered a code that was sent to an address that has changed since."
    if detail.get("expired"):
        return "Entered a code whose time was over."
    return "Entered a code that had no try left, or was replaced."


def registered(detail: Detail) -> str:
    many = detail.get("questions")
    if not isinstance(many, int) or not many:
        return ""
    return f"Registered for self-service, with {counted(many, 'security question')}."


def email_changed(detail: Detail) -> str:
    return "" if detail.get("other", True) else "Confirmed the same email address again."


def unblock_refused(detail: Detail) -> str:
    left = detail.get("tries_left")
    if not isinstance(left, int):
        return "The card refused the new PIN."
    if detail.get("because") == UNNUMBERED:
        return "The card refused the unblock secret, and does not say how many tries are left."
    tries = counted(left, "try", "tries")
    return f"The card refused the unblock secret, and has {tries} left for it."


# Sentences of acts of staff and of the service by itself.


def policy_changed(detail: Detail) -> str:
    name, value, was = (detail.get(key) for key in ("setting", "value", "was"))
    if not name:
        return ""
    if detail.get("as_in_file"):
        return f"Put {name} back to the settings file's {value}; it was {was}."
    return f"Set {name} to {value or 'nothing'}; it was {was or 'nothing'}."


def audit_verified(detail: Detail) -> str:
    if detail.get("intact") is False:
        return f": row {_row(detail.get('fault_row'))} does not fit"
    rows = detail.get("rows")
    return f": {numbered(rows, 'row')} in order" if rows else ""


def audit_exported(detail: Detail) -> str:
    return f"Exported {numbered(detail['rows'], 'row')} of the audit." if "rows" in detail else ""


def person_changed(detail: Detail) -> str:
    match detail.get("name"), detail.get("email"):
        case True, True:
            what = "Name and email address were"
        case True, False:
            what = "The name was"
        case False, True:
            what = "The email address was"
        case _:
            return ""
    match detail.get("approved"):
        case True:
            domain = "; the new address is of an approved domain"
        case False:
            domain = "; the new address is of no approved domain"
        case _:
            domain = ""
    return f"{what} changed by an import{domain}."


def people_imported(detail: Detail) -> str:
    counts = tuple(detail.get(name) for name in ("lines", "people_added", "people_changed"))
    lines, added, changed = counts
    if None in counts:
        return ""
    return f"Imported people: {numbered(lines, 'line')}, {added} people added, {changed} changed."


def alarm(detail: Detail) -> str:
    kind, station = detail.get("alarm"), detail.get("station")
    at = f" ({station})" if station else ""
    return f": {kind}{at}" if kind else ""


def records_purged(detail: Detail) -> str:
    counts = ", ".join(
        numbered(many, "entry of the journal", "entries of the journal")
        if name == "journal"
        else numbered(many, name.replace("_", " ").removesuffix("s"))
        for name, many in detail.items()
        if isinstance(many, int) and many
    )
    return f"Deleted what had been kept long enough: {counts}." if counts else ""


def audit_purged(detail: Detail) -> str:
    rows, until = detail.get("rows"), detail.get("until")
    return f"Deleted {numbered(rows, 'row')} of the audit, up to row {until}." if until else ""


def audit_redacted(detail: Detail) -> str:
    row, what = detail.get("row"), detail.get("what")
    return f"Took the {what} out of row {_row(row)} of the audit." if row and what else ""


def _row(number: Scalar) -> str:
    return row_name(number) if isinstance(number, int) else str(number)


ACTS: Final = {
    "people.add": "add a person",
    "people.lift_block": "lift the block",
    "people.take_back_leaver": "take them back from the leavers",
    "people.erase": "erase the person",
    "people.revoke_registration": "revoke the registration",
    "people.correct_email": "correct the email address",
    "people.add_address": "add another address",
    "people.withdraw_address": "withdraw a further address",
    "cards.add": "add a card",
    "cards.replace": "replace a card",
    "cards.set_secret": "set an unblock secret",
    "staff.add": "let in a member of staff",
    "staff.change_role": "change the role of a member of staff",
    "staff.add_key": "let in another key of a member of staff",
    "staff.add_card": "let a card of a member of staff open stations' maintenance pages",
    "stations.enrol": "let a station in",
    "stations.enrol_certificate": "let a station in by its certificate",
    "stations.reinstate": "put a station back into service",
    "questions.add": "add a security question",
    "questions.translate": "set the text of a security question in another language",
    "policy.change": "change the policy",
    "imports.run": "import a file",
    "audit.redact": "redact a text in the audit",
}
"""What a proposed act would do, by its name."""


def act_declined(detail: Detail) -> str:
    if detail.get("taken_back"):
        return of_act("Took back the proposal to {}.")(detail)
    return of_act("Declined to {}, as had been proposed.")(detail)


def of_act(words: str) -> FromDetail:
    def sentence(detail: Detail) -> str:
        act = detail.get("act")
        return words.format(ACTS.get(str(act), act)) if act else ""

    return sentence
