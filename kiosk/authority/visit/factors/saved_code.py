"""Saved codes: made at a station, written down by their holder, and each used once.

They are kept with the registration, as the answers are: whoever deletes, revokes or erases it has
deleted them. What is stored is a hash, and for as long as a code may be shown what it was made of.

An entered one is only marked as proven. The transaction that releases the secret uses it up, so
that a card pulled before may come back with the same code. What takes its place is made when it is
entered, outside of any transaction, and counts once it is shown on the last page.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from kiosk.authority.addresses import Addresses
from kiosk.authority.audit.events import AuditKind, record
from kiosk.authority.dependencies import Dependencies
from kiosk.authority.facts import CodesSaved
from kiosk.authority.notices import Notice, notify_holder
from kiosk.authority.records import Proof, Registration, SavedCode
from kiosk.authority.store.database import UnitOfWork
from kiosk.authority.visit import tasks
from kiosk.authority.visit.attempts import AuditKinds, Charged, evaluate
from kiosk.authority.visit.context import VisitContext, VisitRefused, deciding, enter, reload
from kiosk.authority.visit.failures import attempts_left, charge_person, limited, was_wrong
from kiosk.authority.visit.pin_evidence import fresh_pending
from kiosk.authority.visit.registration import finish, keep_proven_key
from kiosk.authority.visit.rules import Gate
from kiosk.contract.errors import AuthorityUnavailable, StepRefused
from kiosk.contract.messages import (
    EnteredSavedCode,
    EnterSavedCode,
    Factor,
    FactorWrong,
    KeepSavedCodes,
    Purpose,
    Reason,
    RouteId,
    Task,
    VisitId,
)
from kiosk.contract.sensitive import Sensitive
from kiosk.contract.text import read_saved_code


class SavedCodeRules:
    entry = EnteredSavedCode

    def submit(
        self, parts: Dependencies, visit_id: VisitId, attempt: str, entry: EnteredSavedCode
    ) -> Task | FactorWrong:
        return enter_saved_code(parts, visit_id, attempt, entry.text)

    def prepare(self, parts: Dependencies, visit_id: VisitId, attempt: str, route: RouteId) -> Task:
        with deciding(parts) as uow:
            enter(uow, parts, visit_id)
        raise StepRefused("nothing is sent for this factor")

    def enrolled(self, registration: Registration) -> bool:
        return bool(registration.saved_left)

    def lines(
        self, uow: UnitOfWork, registration: Registration, addresses: Addresses
    ) -> tuple[CodesSaved, ...]:
        left = len(registration.saved_left)
        return (CodesSaved(left),) if left else ()

    def barred(
        self, uow: UnitOfWork, context: VisitContext, purpose: Purpose
    ) -> VisitRefused | None:
        return limited(uow, context)

    def task(self, uow: UnitOfWork, context: VisitContext) -> EnterSavedCode:
        position = context.position(Factor.SAVED_CODE)
        return EnterSavedCode(attempts_left(context), position=position)

    def stands(self, context: VisitContext, proof: Proof) -> bool:
        """Return whether this visit has used the code up, or it is still there to be used."""
        if proof.spent_by is not None:
            return True
        registration = context.registration
        left = registration.saved_left if registration is not None else ()
        return any(one.id == proof.subject for one in left)

    def refusal(self, context: VisitContext, proof: Proof) -> Reason:
        return Reason.SAVED_CODE_OVER

    def carries(self, proof: Proof) -> bool:
        return True

    def spend(self, uow: UnitOfWork, proof: Proof) -> bool:
        visit = uow.visits.get(proof.visit_id)
        if visit is None or visit.holder_id is None:
            return False
        if not uow.registrations.use_saved_code(visit.holder_id, proof.subject):
            return False
        record(uow, AuditKind.SAVED_CODE_USED, visit, saved_code=proof.subject)
        return True

    def withdraw(self, uow: UnitOfWork, holder_id: str) -> None:
        uow.registrations.drop_saved_codes(holder_id)
        uow.proofs.forget(holder_id, Factor.SAVED_CODE)


# Entering one.


@dataclass(frozen=True, slots=True)
class _Named:
    """The code that the entry's digit names; ``kept`` is None where it names none."""

    holder_id: str
    kept: SavedCode | None
    proven: bool


_KINDS = AuditKinds(
    AuditKind.SAVED_CODE_CHARGED, AuditKind.SAVED_CODE_RIGHT, AuditKind.SAVED_CODE_WRONG
)


def enter_saved_code(
    parts: Dependencies, visit_id: VisitId, attempt: str, text: Sensitive
) -> Task | FactorWrong:
    """Check one entry, once for each attempt; raises ``AuthorityUnavailable``.

    It takes one hash, whether or not the digit names a code of the holder; a right one takes a
    second one, for the code that replaces it.
    """
    read = read_saved_code(text.reveal())
    entered = Sensitive(read or "")
    made: list[SavedCode] = []

    def check(named: _Named) -> bool:
        holder, kept = named.holder_id, named.kept
        is_right = parts.hasher.check_code(holder, entered, kept)
        if is_right and kept is not None:
            now = parts.clock.now()
            made.extend(parts.hasher.make_codes(holder, (kept.digit,), visit_id, now, kept.id))
        return is_right

    return evaluate(
        parts,
        visit_id,
        enter=lambda uow: _enter(uow, parts, visit_id),
        charge=lambda uow, context: (
            _charge(uow, parts, context, attempt, entered) if read else _again(uow, context)
        ),
        check=check,
        right=lambda uow, context, charged: _right(uow, context, charged, tuple(made)),
        wrong=lambda uow, context, charged: was_wrong(
            uow, parts, context, charged, SavedCodeRules().task
        ),
    )


def _enter(uow: UnitOfWork, parts: Dependencies, visit_id: VisitId) -> VisitContext:
    """Enter, at the charge and at the verdict: another purpose may have been chosen since."""
    context = enter(uow, parts, visit_id)
    context.need(Factor.SAVED_CODE)
    return context


def _again(uow: UnitOfWork, context: VisitContext) -> EnterSavedCode:
    """Ask again, without a charge, for what can be a saved code at all."""
    return SavedCodeRules().task(uow, context)


def _charge(
    uow: UnitOfWork, parts: Dependencies, context: VisitContext, attempt: str, entered: Sensitive
) -> Charged[_Named]:
    holder, digit = context.holder.id, int(entered.reveal()[0])
    left = context.required_registration.saved_left
    kept = next((one for one in left if one.digit == digit), None)
    if kept is not None and not parts.hasher.can_check_code(kept):
        raise AuthorityUnavailable("the code cannot be checked: its pepper is not at hand")
    return charge_person(
        uow,
        parts,
        context,
        attempt,
        Factor.SAVED_CODE,
        bound=parts.hasher.bind_code(attempt, holder, entered),
        against=_Named(holder, kept, context.is_proven),
        kinds=_KINDS,
    )


def _right(
    uow: UnitOfWork,
    context: VisitContext,
    charged: Charged[_Named],
    made: tuple[SavedCode, ...],
) -> Task:
    registration, kept = context.required_registration, charged.against.kept
    if kept is None or not any(one.id == kept.id for one in registration.saved_left):
        raise StepRefused("the code was used or withdrawn while it was looked at")
    if charged.conclude(uow, context.visit, right=True):
        waits = tuple(replace(one, made_at=uow.now) for one in made)
        # What earlier visits showed is made by nobody any more, also where none of them ended.
        others = (
            one if one.replaces else replace(one, nonce="")
            for one in registration.saved_codes or ()
            if one.replaces != kept.id
        )
        uow.registrations.put_saved_codes(context.holder.id, (*others, *waits))
        # The count of failures is one lower now, and no later page shows it.
        context = reload(uow, context).passed(uow, Factor.SAVED_CODE, subject=kept.id)
    return tasks.next_task(uow, context)


# Making them, and keeping them once their holder has written them down.


def make_saved_codes(parts: Dependencies, visit_id: VisitId) -> Task:
    """Make a set, once in a visit; hashing takes about a second, outside of any transaction.

    A repeated call returns the same ones. They count once they are kept.
    """
    with deciding(parts) as uow:
        context = _enter_to_make(uow, parts, visit_id)
        if context.pending is not None and context.pending.saved_codes:
            return _shown(parts, context, context.pending.saved_codes)
        digits = range(1, context.policy.saved_codes + 1)
    if not digits:
        raise StepRefused("no codes are to be saved")
    made = parts.hasher.make_codes(context.holder.id, digits, visit_id, parts.clock.now())
    with deciding(parts) as uow:
        context = _enter_to_make(uow, parts, visit_id)
        pending = context.pending or fresh_pending(context, Purpose.SAVED_CODES, context.visit)
        if pending.saved_codes:
            # Made by the repeat of this call, at another process.
            return _shown(parts, context, pending.saved_codes)
        uow.pending.put(replace(pending, saved_codes=made))
        record(uow, AuditKind.SAVED_CODES_SHOWN, context.visit, count=len(made))
        context = reload(uow, context, replace(context.visit, pending_id=pending.id))
        uow.commit()
    return _shown(parts, context, made)


def _enter_to_make(uow: UnitOfWork, parts: Dependencies, visit_id: VisitId) -> VisitContext:
    context = enter(uow, parts, visit_id)
    if context.visit.purpose is not Purpose.SAVED_CODES:
        raise StepRefused("the visit is for something else")
    _need_proof(context)
    return context


def _need_proof(context: VisitContext) -> None:
    context.need(Gate.SAVED_CODES)
    context.need_own_pin()


def _shown(
    parts: Dependencies, context: VisitContext, codes: tuple[SavedCode, ...]
) -> KeepSavedCodes:
    shown = tuple(parts.hasher.saved_code(context.holder.id, one) for one in codes)
    return KeepSavedCodes(shown, position=context.position(Gate.SAVED_CODES))


def keep_saved_codes(parts: Dependencies, visit_id: VisitId) -> Task:
    """Let the codes that were shown in this visit count, in place of all earlier ones."""
    with deciding(parts) as uow:
        context = enter(uow, parts, visit_id)
        visit = context.visit
        if visit.purpose is Purpose.SAVED_CODES and visit.finished_at is not None:
            return tasks.finished(uow, context)  # the answer to the first call was lost
        _need_proof(context)
        pending = context.pending
        if pending is None or not pending.saved_codes:
            raise StepRefused("no codes were shown")
        kept = tuple(replace(one, nonce="", made_at=uow.now) for one in pending.saved_codes)
        if not uow.registrations.put_saved_codes(context.holder.id, kept):
            raise StepRefused("the holder is not registered any more")
        record(uow, AuditKind.SAVED_CODES_MADE, visit, count=len(kept))
        notify_holder(uow, Notice.SAVED_CODES_MADE, visit, context.holder, context.addresses)
        uow.pending.delete(pending.id)
        keep_proven_key(uow, context)
        task = tasks.next_task(uow, finish(uow, context))
        uow.commit()
        return task
