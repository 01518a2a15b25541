"""Security questions: one full set of answers, with one verdict.

See ``kiosk.authority.visit.attempts`` for the rule of the attempts.

A right set gives back its own charge and no other: wrong sets before it stay charged until the card
is unlocked. Somebody who knows the answers but not the mailbox can therefore not use them to win
further guesses for somebody else. After too many wrong sets the registration is blocked.

Wrong sets with a card that is known by name only pause such cards of the holder instead. They count
for the station, too: its key alone could otherwise pause everybody.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime

from kiosk.authority.addresses import Addresses
from kiosk.authority.audit.events import AuditKind, record
from kiosk.authority.dependencies import Dependencies
from kiosk.authority.facts import AnswersRegistered
from kiosk.authority.notices import Notice, notify_holder, notify_staff
from kiosk.authority.records import AuditQuery, JointHash, Proof, Registration, Verdict, Visit
from kiosk.authority.store.database import UnitOfWork
from kiosk.authority.store.repositories.attempts import AttemptCounter
from kiosk.authority.visit import tasks
from kiosk.authority.visit.attempts import AuditKinds, Charged, charge_attempt, evaluate
from kiosk.authority.visit.blocking import block, has_to_block
from kiosk.authority.visit.context import VisitContext, VisitRefused, deciding, enter, reload
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
from kiosk.contract.policy import HOUR
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
        until = _no_answers_until(uow, context)
        return None if until is None else VisitRefused(Reason.ANSWERS_LIMITED, until)

    def task(self, uow: UnitOfWork, context: VisitContext) -> AnswerQuestions:
        """Ask the pinned questions; they are drawn once and stay until the card is unlocked."""
        registration = context.required_registration
        asked = registration.asked
        if not asked:
            drawn = draw_questions(registration, context.policy.questions_asked)
            asked = uow.registrations.set_asked(registration.holder_id, drawn)
        texts = uow.questions.by_ids(asked)
        failures = registration.failures if context.is_proven else registration.unproven_failures
        # While the last one is being checked: if it is right, it is left again.
        left = max(1, context.policy.max_failures - failures)
        language = context.visit.language
        questions = tuple(Question(i, texts[i].in_language(language)) for i in asked)
        return AnswerQuestions(questions, left, position=context.position(Factor.QUESTIONS))

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


def _no_answers_until(uow: UnitOfWork, context: VisitContext) -> datetime | None:
    """Return until when the station takes no answers with this card, if it does not."""
    if context.is_proven:
        return None
    return uow.registrations.no_answers_until(context.visit.station)


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
        wrong=lambda uow, context, charged: _wrong(uow, parts, context, charged),
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
    registration, visit, holder = context.required_registration, context.visit, context.holder.id
    asked = set(registration.asked or ())
    if not asked or set(given) != asked or count != len(asked):
        raise StepRefused("these are not the questions that were asked")
    of_asked = (joint for joint in registration.hashes if set(joint.subset) == asked)
    kept = next((joint for joint in of_asked if parts.hasher.can_check(joint)), None)
    if kept is None:
        raise AuthorityUnavailable("the answers cannot be checked: their pepper is not at hand")
    most, proven = context.policy.max_failures, context.is_proven

    def counter(uow: UnitOfWork) -> AttemptCounter:
        return uow.registrations.attempts(holder, most, proven=proven, station=visit.station)

    # Once a set was right, another one is not charged; the same one has its verdict.
    passed = context.is_passed_here(Factor.QUESTIONS)
    earlier = counter(uow).earlier(attempt) if passed or not proven else None
    if passed and earlier is None:
        raise StepRefused("the questions were answered in this visit")
    if not proven and (earlier is None or earlier.verdict is Verdict.UNCHECKED):
        uow.registrations.lock_answers_at(visit.station)
        if (until := _no_answers_until(uow, context)) is not None:
            raise VisitRefused(Reason.ANSWERS_LIMITED, until, keep=visit)
    charged = charge_attempt(
        uow,
        visit,
        attempt,
        bound=parts.hasher.bind(attempt, holder, given, kept),
        against=_Registered(holder, kept, proven),
        counter=counter,
        kinds=_KINDS,
        card_proven=proven,
    )
    if charged is not None:
        return charged
    # All attempts are charged, whatever their verdicts: the registration is blocked. A card that is
    # known by name only does not block: it has to wait.
    context = reload(uow, context)
    if not context.is_proven:
        raise VisitRefused(Reason.ATTEMPTS_PAUSED, context.paused_until, keep=context.visit)
    registration = context.required_registration
    if registration.blocked_at is None and not has_to_block(uow, registration, context.policy):
        raise AuthorityUnavailable("another set is being checked, or was right: ask again")
    block(uow, parts, context)
    raise VisitRefused(Reason.REGISTRATION_BLOCKED, keep=context.visit)


def _right(uow: UnitOfWork, context: VisitContext, charged: Charged[_Registered]) -> Task:
    if charged.against.kept not in context.required_registration.hashes:
        raise StepRefused("the questions were replaced while the answers were checked")
    if charged.conclude(uow, context.visit, right=True):
        # The count of failures is one lower now, and no later page shows it.
        context = context.passed(uow, Factor.QUESTIONS)
    return tasks.next_task(uow, context)


def _wrong(
    uow: UnitOfWork, parts: Dependencies, context: VisitContext, charged: Charged[_Registered]
) -> FactorWrong:
    first = charged.conclude(uow, context.visit, right=False)
    left, proven = charged.charge.left, charged.against.proven
    # Of several sets at once a right one may have given its attempt back since.
    failures = context.required_registration.failures
    if proven and left == 0 and failures >= context.policy.max_failures:
        block(uow, parts, context)
        raise VisitRefused(Reason.REGISTRATION_BLOCKED, keep=context.visit)
    until = None if proven else _no_answers_until(uow, context)
    if first and until is not None:
        _note_limited(uow, context.visit)
    if left > 0 and until is not None:
        raise VisitRefused(Reason.ANSWERS_LIMITED, until, keep=context.visit)
    if proven or left > 0:
        return FactorWrong(QuestionRules().task(uow, reload(uow, context)))
    if first:
        # The registration is not blocked: a copy of a card must not lock its holder out.
        visit, holder, registration = context.visit, context.holder, context.required_registration
        record(uow, AuditKind.ATTEMPTS_PAUSED, visit, failures=registration.unproven_failures)
        notify_holder(uow, Notice.ATTEMPTS_PAUSED, visit, holder, context.addresses)
        notify_staff(uow, Notice.ATTEMPTS_PAUSED_STAFF, parts.staff_addresses, visit, holder)
    context = reload(uow, context)
    raise VisitRefused(Reason.ATTEMPTS_PAUSED, context.paused_until, keep=context.visit)


def _note_limited(uow: UnitOfWork, visit: Visit) -> None:
    """Audit that the station takes no such answers; once, though several sets were checked."""
    uow.registrations.lock_answers_at(visit.station)
    kind, since = AuditKind.ANSWERS_LIMITED, uow.now - HOUR
    before = AuditQuery(kind=kind.value, station=visit.station, since=since, until=uow.now + HOUR)
    if not uow.trail.newest(before, limit=1):
        record(uow, kind, visit)
