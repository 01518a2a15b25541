"""What a registration or a change gathers before its code is entered: questions, an address."""

from __future__ import annotations

from dataclasses import replace

from kiosk.authority.audit.events import AuditKind, record
from kiosk.authority.dependencies import Dependencies
from kiosk.authority.records import PendingChange, new_id
from kiosk.authority.store.database import UnitOfWork
from kiosk.authority.visit import tasks
from kiosk.authority.visit.context import VisitContext, deciding, enter, reload
from kiosk.authority.visit.factors.email_code import send_code
from kiosk.authority.visit.pin_evidence import fresh_pending
from kiosk.authority.visit.registration import apply_pending, change_questions
from kiosk.authority.visit.rules import GIVES_ADDRESS, Gate
from kiosk.contract.errors import StepRefused
from kiosk.contract.messages import (
    Answer,
    AnswersRefused,
    CodeNotSent,
    EmailRefused,
    Finished,
    Purpose,
    Refusal,
    Task,
    VisitId,
)
from kiosk.contract.policy import EmailProblem, answer_problem, email_problem, tidy_email


def save_questions(
    parts: Dependencies, visit_id: VisitId, answers: tuple[Answer, ...]
) -> Task | AnswersRefused:
    """Take questions and answers; hashing takes about a second, outside of any transaction."""
    with deciding(parts) as uow:
        context = enter(uow, parts, visit_id)
        if _are_changed(context):
            return Finished(Purpose.CHANGE_QUESTIONS)
        context.need(Gate.NEW_QUESTIONS)
        context.need_own_pin()
        refused = _first_problem(uow, context, answers)
        if refused is not None:
            problem = refused.problem.value
            record(uow, AuditKind.QUESTIONS_NOT_TAKEN, context.visit, problem=problem)
            uow.commit()
            return refused
    given = {one.question: one.text for one in answers}
    hashes = parts.hasher.hash_sets(context.holder.id, given, context.policy.questions_asked)
    with deciding(parts) as uow:
        if context.visit.purpose is Purpose.CHANGE_QUESTIONS:
            # All cards by id, before the visit's own: answers that were given with them end.
            uow.cards.lock_of_holder(context.holder.id)
        context = enter(uow, parts, visit_id)
        if _are_changed(context):
            # By the repeat of this call, at another process.
            return Finished(Purpose.CHANGE_QUESTIONS)
        context.need(Gate.NEW_QUESTIONS)
        context.need_own_pin()
        ids = tuple(sorted({one for joint in hashes for one in joint.subset}))
        if context.visit.purpose is Purpose.CHANGE_QUESTIONS:
            context = change_questions(uow, context, ids, hashes)
        else:
            pending = replace(_gathered(context), question_ids=ids, hashes=hashes)
            uow.pending.put(pending)
            record(uow, AuditKind.QUESTIONS_TAKEN, context.visit, count=len(ids))
            context = reload(uow, context, replace(context.visit, pending_id=pending.id))
        task = tasks.next_task(uow, context)
        uow.commit()
        return task


def give_email(
    parts: Dependencies, visit_id: VisitId, email: str, attempt: str
) -> Task | EmailRefused | CodeNotSent | Refusal:
    """Store an address and send a code to it; another address makes an earlier code useless."""
    address = tidy_email(email)
    with deciding(parts) as uow:
        context = enter(uow, parts, visit_id)
        visit = context.visit
        # The visit was for this address, whose code had shown the owner before.
        needed_no_code = address == context.addresses.value_of(visit.owner_route)
        if visit.finished_at is not None and visit.purpose in GIVES_ADDRESS and needed_no_code:
            # The answer to the first call was lost.
            return tasks.finished(uow, context)
        context.need(Gate.EMAIL)
        context.need_own_pin()
        problem = email_problem(address, context.policy.email_domains)
        if problem is not None:
            record(uow, AuditKind.EMAIL_NOT_TAKEN, context.visit, problem=problem.value)
            uow.commit()
            suggested = tasks.give_email(context, typed=address)
            return EmailRefused(problem is EmailProblem.DOMAIN, suggested)
        context = _keep_address(uow, context, address)
        if context.next_step is not Gate.CODE:
            task = tasks.next_task(uow, apply_pending(uow, context))
            uow.commit()
            return task
        route = next(iter(context.routes))
        uow.commit()
    return send_code(parts, visit_id, attempt, route)


def _are_changed(context: VisitContext) -> bool:
    visit = context.visit
    return visit.purpose is Purpose.CHANGE_QUESTIONS and visit.finished_at is not None


def _first_problem(
    uow: UnitOfWork, context: VisitContext, answers: tuple[Answer, ...]
) -> AnswersRefused | None:
    """Return the first answer that breaks a rule; ``StepRefused`` where the questions are wrong."""
    language = context.visit.language
    bank = {one.id: one.in_language(language) for one in uow.questions.current()}
    ids = [one.question for one in answers]
    fits = len(ids) == context.policy.questions_registered and len(set(ids)) == len(ids)
    if not fits or not bank.keys() >= set(ids):
        raise StepRefused("these are not so many different questions of the list")
    before: list[str] = []
    for one in answers:
        text = one.text.reveal()
        problem = answer_problem(text, bank[one.question], before)
        if problem is not None:
            return AnswersRefused(one.question, problem)
        before.append(text)
    return None


def _keep_address(uow: UnitOfWork, context: VisitContext, address: str) -> VisitContext:
    pending = context.pending
    if pending is not None and pending.email == address:
        return context
    # Under a new id: a code that was sent to another address must not belong to it.
    changed = replace(_gathered(context), id=new_id(), email=address)
    if pending is not None:
        uow.pending.delete(pending.id)
    uow.pending.put(changed)
    uow.codes.revoke_live(context.card.id)
    record(uow, AuditKind.EMAIL_TAKEN, context.visit)
    return reload(uow, context, replace(context.visit, pending_id=changed.id))


def _gathered(context: VisitContext) -> PendingChange:
    """Return what this visit has gathered so far, or an empty record of it."""
    return context.pending or fresh_pending(context, context.progress.purpose, context.visit)
