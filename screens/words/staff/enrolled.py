"""What somebody registered of each factor, on their page and on the command line."""

from __future__ import annotations

from typing import NamedTuple, assert_never

from kiosk.authority.facts import AnswersRegistered, CodesGoTo, CodesSaved, Enrolled
from kiosk.authority.wording import counted, numbered
from kiosk.contract.policy import is_number

UNCONFIRMED = "This address is not confirmed yet: the next code that they enter does it."
NO_CODES = "notices go there as well, no codes"
NOT_YET = "notices go there, codes once its cooling-off is over"


_BY_STATUS = {
    "5.1": "there is no such address",
    "5.2": "the mailbox takes nothing, as one that is full or closed",
    "5.4": "no mail server takes it",
    "5.7": "its mail server refuses ours",
}
"""By class and subject of RFC 3463."""


def _failing(address: str, status: str) -> str:
    if is_number(address):
        return f"Text messages to {address} are refused. Ask for another number."
    because = _BY_STATUS.get(status.rpartition(".")[0], "it was refused")
    return f"Mail to {address} came back ({status}: {because}). Ask for another address."


class EnrolledWords(NamedTuple):
    """``warning`` is what staff should notice; empty: nothing. ``questions`` are to be listed."""

    phrase: str
    warning: str = ""
    more: str = ""
    questions: tuple[str, ...] = ()


def enrolled_words(fact: Enrolled) -> EnrolledWords:
    match fact:
        case AnswersRegistered(questions=questions):
            phrase = f"answers to {counted(len(questions), 'security question')}"
            return EnrolledWords(phrase, questions=questions)
        case CodesGoTo(recorded=recorded, further=further, later=later, failing=failing, late=late):
            warnings = [] if fact.confirmed else [UNCONFIRMED]
            warnings += [_failing(address, status) for address, status in failing]
            warnings += [f"Mail to {address} was late within a day." for address in late]
            notes = [f"Recorded with {recorded}: {NO_CODES}"] if recorded else []
            notes += [f"Or, as they choose, to {' or '.join(further)}."] if further else []
            notes += [f"{' and '.join(later)}: {NOT_YET}."] if later else []
            return EnrolledWords(
                f"codes go to {fact.address}",
                warning=" ".join(warnings),
                more=" ".join(notes),
            )
        case CodesSaved(left=left):
            return EnrolledWords(f"{numbered(left, 'saved code')} left, which they wrote down")
        case _:
            assert_never(fact)
