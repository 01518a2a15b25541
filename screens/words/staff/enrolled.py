"""What somebody registered of each factor, on their page and on the command line."""

from __future__ import annotations

from typing import NamedTuple, assert_never

from kiosk.authority.facts import AnswersRegistered, CodesGoTo, CodesSaved, Enrolled
from kiosk.authority.wording import counted, numbered

UNCONFIRMED = "This address is not confirmed yet: the next code that they enter does it."
NO_CODES = "notices go there as well, no codes"


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
        case CodesGoTo(address=address, confirmed=confirmed, recorded=recorded, further=further):
            notes = [f"Recorded with {recorded}: {NO_CODES}"] if recorded else []
            notes += [f"Or, as they choose, to {' or '.join(further)}."] if further else []
            return EnrolledWords(
                f"codes go to {address}",
                warning="" if confirmed else UNCONFIRMED,
                more=" ".join(notes),
            )
        case CodesSaved(left=left):
            return EnrolledWords(f"{numbered(left, 'saved code')} left, which they wrote down")
        case _:
            assert_never(fact)
