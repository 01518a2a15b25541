"""The steps of every factor: choose a way, have sent what is needed, and submit an entry."""

from __future__ import annotations

from typing import assert_never

from kiosk.authority.dependencies import Dependencies
from kiosk.authority.visit import answers, codes
from kiosk.authority.visit.context import deciding, enter
from kiosk.contract.errors import StepRefused
from kiosk.contract.messages import (
    Answers,
    Code,
    CodeNotSent,
    Factor,
    FactorEntry,
    FactorOver,
    FactorWrong,
    Task,
    VisitId,
)


def choose_way(parts: Dependencies, visit_id: VisitId, way: tuple[Factor, ...]) -> Task:
    """Take one of the ways that were offered; no policy offers any yet."""
    with deciding(parts) as uow:
        enter(uow, parts, visit_id)
    raise StepRefused("there is no way to choose")


def prepare(
    parts: Dependencies, visit_id: VisitId, attempt: str, factor: Factor
) -> Task | CodeNotSent:
    """Send what ``factor`` needs, or a fresh one; takes as long as the mailer's deadline."""
    match factor:
        case Factor.EMAIL_CODE:
            return codes.send_code(parts, visit_id, attempt)
        case Factor.QUESTIONS:
            with deciding(parts) as uow:
                enter(uow, parts, visit_id)
            raise StepRefused("nothing is sent for this factor")
        case _:
            assert_never(factor)


def submit(
    parts: Dependencies, visit_id: VisitId, attempt: str, entry: FactorEntry
) -> Task | FactorWrong | FactorOver:
    """Check one entry, once for each attempt; raises ``AuthorityUnavailable``."""
    match entry:
        case Answers(answers=given):
            return answers.answer(parts, visit_id, attempt, given)
        case Code(digits=digits):
            return codes.enter_code(parts, visit_id, attempt, digits)
        case _:
            assert_never(entry)
