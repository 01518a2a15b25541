"""Security questions: one full set of answers, with one verdict.

See ``kiosk.authority.visit.failures`` for how wrong sets are counted.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from kiosk.authority.addresses import Addresses
from kiosk.authority.audit.events import AuditKind
from kiosk.authority.dependencies import Dependencies
from kiosk.authority.facts import AnswersRegistered
from kiosk.authority.records import JointHash, Proof, Registration
from kiosk.authority.store.database import UnitOfWork
from kiosk.authority.visit import tasks
from kiosk.authority.visit.attempts import AuditKinds, Charged, evaluate
from kiosk.authority.visit.context import VisitContext, VisitRefused, deciding, enter
from kiosk.authority.visit.failures import attempts_left, charge_person, limited, was_wrong
from kiosk.contract.errors import AuthorityUnavailable, StepRefused
from kiosk.contract.messages import (
    Answer,
    AnswerQuestions,
    Answers,
    Factor,
    FactorWrong,
    Purpose,
    Question,
    Reason,
    RouteId,
    Task,
    VisitId,
)
from kiosk.contract.sensitive import Sensitive


class QuestionRules:
    entry = Answers

    def submit(
        self, parts: Dependencies, visit_id: VisitId, attempt: str, entry: Answers
    ) -> Task | FactorWrong:
        return answer(parts, visit_id, attempt, entry.answers)

    def prepare(self, parts: Dependencies, visit_id: VisitId, attempt: str, route: RouteId) -> Task:
        with deciding(parts) as uow:
            enter(uow, parts, visit_id)
        raise StepRefused("nothing is sent for this factor")

    def enrolled(self, registration: Registration) -> bool:
        return bool(registration.hashes)

    def lines(
        self, uow: UnitOfWork, registration: Registration, addresses: Addresses
    ) -> tuple[AnswersRegistered, ...]:
        texts = uow.questions.by_ids(registration.question_ids)
        known = (texts[each].text for each in registration.question_ids if each in texts)
        return (AnswersRegistered(tuple(known)),)

    def barred(
        self, uow: UnitOfWork, context: VisitContext, purpose: Purpose
    ) -> VisitRefused | None:
        return limited(uow, context)

    def task(self, uow: UnitOfWork, context: VisitContext) -> AnswerQuestions:
        """Ask the pinned questions; they are drawn once and stay until the card is unlocked."""
        registration = context.required_registration
        asked = registration.asked
        if not asked:
            drawn = draw_questions(registration, context.policy.questions_asked)
            asked = uow.registrations.set_asked(registration.holder_id, drawn)
        texts = uow.questions.by_ids(asked)
        language = context.visit.language
        questions = tuple(Question(i, texts[i].in_language(language)) for i in asked)
        position = context.position(Factor.QUESTIONS)
        return AnswerQuestions(questions, attempts_left(context), position=position)

    def stands(self, context: VisitContext, proof: Proof) -> bool:
        return True

    def refusal(self, context: VisitContext, proof: Proof) -> Reason:
        return Reason.CHANGED_MEANWHILE

    def carries(self, proof: Proof) -> bool:
        return True

    def spend(self, uow: UnitOfWork, proof: Proof) -> bool:
        return True  # answers are not used up

    def withdraw(self, uow: UnitOfWork, holder_id: str) -> None:
        uow.proofs.forget(holder_id, Factor.QUESTIONS)


def draw_questions(registration: Registration, count: int) -> tuple[int, ...]:
    """Draw one of the sets that were hashed: of ``count``, or of the nearest size there is."""
    sizes = {len(joint.subset) for joint in registration.hashes}
    if not sizes:
        raise VisitRefused(Reason.NOT_REGISTERED)
    size = min(sizes, key=lambda have: (abs(have - count), -have))
    sets = [joint.subset for joint in registration.hashes if len(joint.subset) == size]
    drawn = list(secrets.choice(sets))
    secrets.SystemRandom().shuffle(drawn)
    return tuple(drawn)


Given = dict[int, Sensitive]

_KINDS = AuditKinds(AuditKind.ATTEMPT_CHARGED, AuditKind.ANSWERS_RIGHT, AuditKind.ANSWERS_WRONG)


@dataclass(frozen=True, slots=True)
class _Registered:
    """What a set is checked against, and by which count: ``proven`` as the card was then."""

    holder_id: str
    kept: JointHash
    proven: bool


def answer(
    parts: Dependencies, visit_id: VisitId, attempt: str, answers: tuple[Answer, ...]
) -> Task | FactorWrong:
    """Check one set, once for each attempt; raises ``AuthorityUnavailable``."""
    given = {one.question: one.text for one in answers}
    count = len(answers)
    return evaluate(
        parts,
        visit_id,
        enter=lambda uow: _enter(uow, parts, visit_id),
        charge=lambda uow, context: _charge(uow, parts, context, attempt, given, count),
        check=lambda against: parts.hasher.check(against.holder_id, given, against.kept),
        right=_right,
        wrong=lambda uow, context, charged: was_wrong(
            uow, parts, context, charged, QuestionRules().task
        ),
    )


def _enter(uow: UnitOfWork, parts: Dependencies, visit_id: VisitId) -> VisitContext:
    """Enter, at the charge and at the verdict: another purpose may have been chosen since."""
    context = enter(uow, parts, visit_id)
    context.need(Factor.QUESTIONS)
    return context


def _charge(
    uow: UnitOfWork,
    parts: Dependencies,
    context: VisitContext,
    attempt: str,
    given: Given,
    count: int,
) -> Charged[_Registered]:
    registration, holder = context.required_registration, context.holder.id
    asked = set(registration.asked or ())
    if not asked or set(given) != asked or count != len(asked):
        raise StepRefused("these are not the questions that were asked")
    of_asked = (joint for joint in registration.hashes if set(joint.subset) == asked)
    kept = next((joint for joint in of_asked if parts.hasher.can_check(joint)), None)
    if kept is None:
        raise AuthorityUnavailable("the answers cannot be checked: their pepper is not at hand")
    return charge_person(
        uow,
        parts,
        context,
        attempt,
        Factor.QUESTIONS,
        bound=parts.hasher.bind(attempt, holder, given, kept),
        against=_Registered(holder, kept, context.is_proven),
        kinds=_KINDS,
    )


def _right(uow: UnitOfWork, context: VisitContext, charged: Charged[_Registered]) -> Task:
    if charged.against.kept not in context.required_registration.hashes:
        raise StepRefused("the questions were replaced while the answers were checked")
    if charged.conclude(uow, context.visit, right=True):
        # The count of failures is one lower now, and no later page shows it.
        context = context.passed(uow, Factor.QUESTIONS)
    return tasks.next_task(uow, context)
