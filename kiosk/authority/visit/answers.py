"""One full set of answers: charged first, then checked, with one verdict.

A charge is for one set: the keyed digest of the answers is stored with it. A repeated call, at this
process or another, may check the same set again and learns nothing new; another set under the same
attempt is not checked.

A right set gives back its own charge and no other: wrong sets before it stay charged until the card
is unlocked. Somebody who knows the answers but not the mailbox can therefore not use them to win
further guesses for somebody else, and a crash gives nothing back.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field, replace

from kiosk.authority.audit.events import AuditKind, record, refuse_visit
from kiosk.authority.dependencies import Dependencies
from kiosk.authority.errors import KeyMissing, SealBroken
from kiosk.authority.store.records import Charge, JointHash, Verdict
from kiosk.authority.store.unit_of_work import UnitOfWork
from kiosk.authority.visit import tasks
from kiosk.authority.visit.blocking import block, pause_unproven
from kiosk.authority.visit.context import VisitContext, VisitRefused, enter, reload
from kiosk.authority.visit.gates import Gate
from kiosk.contract.errors import AuthorityUnavailable, StepRefused
from kiosk.contract.messages import Answer, AnswersWrong, Reason, Refusal, Task, VisitId
from kiosk.contract.sensitive import Sensitive

Given = dict[int, Sensitive]


@dataclass(frozen=True, slots=True)
class _ChargedAnswers:
    """A set that may be checked now, as it was charged."""

    charge: Charge
    holder_id: str
    kept: JointHash
    bound: bytes = field(repr=False)
    proven: bool


def answer(
    parts: Dependencies, visit_id: VisitId, attempt: str, answers: tuple[Answer, ...]
) -> Task | AnswersWrong | Refusal:
    """Check one set; raises ``AuthorityUnavailable`` before anything is charged."""
    given = {one.question: one.text for one in answers}
    charged = _charge_if_due(parts, visit_id, attempt, given, len(answers))
    if charged is None:
        return _exhausted(parts, visit_id)
    verdict = _verdict(parts, visit_id, charged, given)
    try:
        return _record_verdict(parts, visit_id, charged, verdict)
    except (StepRefused, VisitRefused):
        # The card left, or another set blocked it, while the answers were checked.
        _record_after_visit(parts, visit_id, charged, verdict)
        raise


def _charge_if_due(
    parts: Dependencies, visit_id: VisitId, attempt: str, given: Given, count: int
) -> _ChargedAnswers | None:
    """Charge and commit before anybody checks; None when no attempt is left."""
    with parts.store.begin() as uow:
        context = enter(uow, parts, visit_id)
        context.need(Gate.ANSWERS)
        kept = _kept(parts, context, given, count)
        proven, visit = context.is_proven, context.visit
        passed = visit.questions_proven_at is not None and not visit.questions_carried
        # Once a set was right, another one is not charged; the same one has its verdict.
        most = 0 if passed else context.policy.max_failures
        bound = parts.hasher.bind(attempt, context.holder.id, given, kept)
        account = uow.registrations
        charge_one = account.charge if proven else account.charge_unproven
        charge = charge_one(context.holder.id, attempt, most, bound)
        if charge is None and passed:
            raise StepRefused("the questions were answered in this visit")
        if charge is None:
            return None
        if charge.fresh:
            kind = AuditKind.ATTEMPT_CHARGED
            record(uow, kind, context.visit, left=charge.left, card_proven=proven)
        uow.commit()
        return _ChargedAnswers(charge, context.holder.id, kept, bound, proven)


def _kept(parts: Dependencies, context: VisitContext, given: Given, count: int) -> JointHash:
    """Return the hash to check against, after making sure that it can be checked."""
    registration = tasks.registration_of(context)
    asked = set(registration.asked or ())
    if not asked or set(given) != asked or count != len(asked):
        raise StepRefused("these are not the questions that were asked")
    for joint in registration.hashes:
        if set(joint.subset) == asked and parts.hasher.can_check(joint):
            return joint
    raise AuthorityUnavailable("the answers cannot be checked: their pepper is not at hand")


def _exhausted(parts: Dependencies, visit_id: VisitId) -> Refusal:
    """All attempts are charged, whatever their verdicts: the registration is blocked.

    A card that is known by name only does not block: it has to wait.
    """
    with parts.store.begin() as uow:
        context = enter(uow, parts, visit_id)
        registration = tasks.registration_of(context)
        is_open = registration.blocked_at is None
        if context.is_proven and is_open and registration.failures < context.policy.max_failures:
            raise AuthorityUnavailable("a right set has given its attempt back: ask again")
        refusal = _blocked(uow, parts, context) if context.is_proven else _paused(uow, context)
        uow.commit()
        return refusal


def _blocked(uow: UnitOfWork, parts: Dependencies, context: VisitContext) -> Refusal:
    """Block, and refuse the visit, which counts among the refusals as any other does."""
    block(uow, parts, context.visit, context.holder, tasks.registration_of(context))
    return refuse_visit(uow, context.visit, Reason.REGISTRATION_BLOCKED)


def _paused(uow: UnitOfWork, context: VisitContext) -> Refusal:
    return refuse_visit(uow, context.visit, Reason.ATTEMPTS_PAUSED, tasks.paused_until(context))


def _verdict(
    parts: Dependencies, visit_id: VisitId, charged: _ChargedAnswers, given: Given
) -> Verdict:
    """Check the charged set, unless it has its verdict."""
    charge = charged.charge
    if charge.verdict is not None:
        return charge.verdict
    if charge.given is None or not hmac.compare_digest(charge.given, charged.bound):
        return Verdict.WRONG
    try:
        right = parts.hasher.check(charged.holder_id, given, charged.kept)
    except (SealBroken, KeyMissing):
        _record_after_visit(parts, visit_id, charged, Verdict.RIGHT)
        raise AuthorityUnavailable("the answers cannot be checked: their hash is damaged") from None
    return Verdict.RIGHT if right else Verdict.WRONG


def _record_after_visit(
    parts: Dependencies, visit_id: VisitId, charged: _ChargedAnswers, verdict: Verdict
) -> None:
    """Record a verdict after its visit has ended: a right set costs nothing, and proves nothing."""
    with parts.store.begin() as uow:
        visit = uow.visits.get(visit_id)
        if verdict is Verdict.RIGHT and _give_back(uow, charged) and visit is not None:
            record(uow, AuditKind.ANSWERS_RIGHT, visit, proves="nothing")
        if verdict is Verdict.WRONG and _keep(uow, charged) and visit is not None:
            record(uow, AuditKind.ANSWERS_WRONG, visit, left=charged.charge.left)
        uow.commit()


def _give_back(uow: UnitOfWork, charged: _ChargedAnswers) -> bool:
    account, attempt = uow.registrations, charged.charge.attempt_id
    give_back = account.give_back if charged.proven else account.give_back_unproven
    return give_back(charged.holder_id, attempt)


def _keep(uow: UnitOfWork, charged: _ChargedAnswers) -> bool:
    account, attempt = uow.registrations, charged.charge.attempt_id
    keep = account.keep_charge if charged.proven else account.keep_unproven
    return keep(charged.holder_id, attempt)


def _record_verdict(
    parts: Dependencies, visit_id: VisitId, charged: _ChargedAnswers, verdict: Verdict
) -> Task | AnswersWrong | Refusal:
    """Commit verdict, counter and audit together, and return what follows."""
    with parts.store.begin() as uow:
        context = enter(uow, parts, visit_id)
        # Another purpose may have been chosen since.
        context.need(Gate.ANSWERS)
        right = verdict is Verdict.RIGHT
        reply = _right(uow, context, charged) if right else _wrong(uow, parts, context, charged)
        uow.commit()
        return reply


def _right(uow: UnitOfWork, context: VisitContext, charged: _ChargedAnswers) -> Task | Refusal:
    if tasks.registration_of(context).blocked_at is not None:
        # The last wrong set of another visit was first: the block counts.
        return refuse_visit(uow, context.visit, Reason.REGISTRATION_BLOCKED)
    if _give_back(uow, charged):
        record(uow, AuditKind.ANSWERS_RIGHT, context.visit)
        answered = replace(context.visit, questions_proven_at=uow.now, questions_carried=False)
        uow.visits.save(answered)
        # The count of failures is one lower now, and no later page shows it.
        context = replace(context, visit=answered)
    return tasks.next_task(uow, context)


def _wrong(
    uow: UnitOfWork, parts: Dependencies, context: VisitContext, charged: _ChargedAnswers
) -> Task | AnswersWrong | Refusal:
    charge = charged.charge
    fresh = _keep(uow, charged)
    if fresh:
        record(uow, AuditKind.ANSWERS_WRONG, context.visit, left=charge.left)
    # Of several sets at once a right one may have given its attempt back since.
    failures = tasks.registration_of(context).failures
    if charged.proven and charge.left == 0 and failures >= context.policy.max_failures:
        return _blocked(uow, parts, context)
    if charged.proven or charge.left > 0:
        return AnswersWrong(tasks.answer_questions(uow, reload(uow, context)))
    if fresh:
        registration = tasks.registration_of(context)
        pause_unproven(uow, parts, context.visit, context.holder, registration)
    return _paused(uow, reload(uow, context))
