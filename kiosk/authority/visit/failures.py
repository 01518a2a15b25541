"""Attempts that count for the person, whichever factor they are at: answers, saved codes.

See ``kiosk.authority.visit.attempts`` for the rule of the attempts.

A right entry gives back its own charge and no other: wrong ones before it stay charged until the
card is unlocked. Somebody who knows the answers but not the mailbox can therefore not use them to
win further guesses for somebody else. After too many wrong ones the registration is blocked.

Wrong ones with a card that is known by name only pause such cards of the holder instead. They count
for the station, too: its key alone could otherwise pause everybody.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol, TypeVar

from kiosk.authority.audit.events import AuditKind, record
from kiosk.authority.dependencies import Dependencies
from kiosk.authority.notices import Notice, notify_holder, notify_staff
from kiosk.authority.records import AuditQuery, Verdict, Visit
from kiosk.authority.store.database import UnitOfWork
from kiosk.authority.store.repositories.attempts import AttemptCounter
from kiosk.authority.visit.attempts import AuditKinds, Charged, charge_attempt
from kiosk.authority.visit.blocking import block, has_to_block
from kiosk.authority.visit.context import VisitContext, VisitRefused, reload
from kiosk.contract.errors import AuthorityUnavailable, StepRefused
from kiosk.contract.messages import Factor, FactorTask, FactorWrong, Reason
from kiosk.contract.policy import HOUR


class _Counted(Protocol):
    """What an entry is checked against, and by which count: ``proven`` as the card was then."""

    @property
    def proven(self) -> bool: ...


T = TypeVar("T", bound=_Counted)


def attempts_left(context: VisitContext) -> int:
    """Return how many are left, for a page.

    While the last one is being checked that is one: if it is right, it is left again.
    """
    registration = context.required_registration
    failures = registration.failures if context.is_proven else registration.unproven_failures
    return max(1, context.policy.max_failures - failures)


def limited(uow: UnitOfWork, context: VisitContext) -> VisitRefused | None:
    """Return why such an entry has to wait, and until when."""
    until = _no_answers_until(uow, context)
    return None if until is None else VisitRefused(Reason.ANSWERS_LIMITED, until)


def _no_answers_until(uow: UnitOfWork, context: VisitContext) -> datetime | None:
    """Return until when the station takes no answers with this card, if it does not."""
    if context.is_proven:
        return None
    return uow.registrations.no_answers_until(context.visit.station)


def charge_person(
    uow: UnitOfWork,
    parts: Dependencies,
    context: VisitContext,
    attempt: str,
    factor: Factor,
    *,
    bound: bytes,
    against: T,
    kinds: AuditKinds,
) -> Charged[T]:
    """Charge one entry for a factor; ``VisitRefused`` where none is left, or it has to wait."""
    visit, holder = context.visit, context.holder.id
    most, proven = context.policy.max_failures, against.proven

    def counter(uow: UnitOfWork) -> AttemptCounter:
        return uow.registrations.attempts(holder, most, proven=proven, station=visit.station)

    # Once an entry was right, another one is not charged; the same one has its verdict.
    passed = context.is_passed_here(factor)
    earlier = counter(uow).earlier(attempt) if passed or not proven else None
    if passed and earlier is None:
        raise StepRefused(f"the factor {factor.value!r} was passed in this visit")
    if not proven and (earlier is None or earlier.verdict is Verdict.UNCHECKED):
        uow.registrations.lock_answers_at(visit.station)
        if (until := _no_answers_until(uow, context)) is not None:
            raise VisitRefused(Reason.ANSWERS_LIMITED, until, keep=visit)
    charged = charge_attempt(
        uow,
        visit,
        attempt,
        bound=bound,
        against=against,
        counter=counter,
        kinds=kinds,
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
        raise AuthorityUnavailable("another entry is being checked, or was right: ask again")
    block(uow, parts, context)
    raise VisitRefused(Reason.REGISTRATION_BLOCKED, keep=context.visit)


def was_wrong(
    uow: UnitOfWork,
    parts: Dependencies,
    context: VisitContext,
    charged: Charged[T],
    again: Callable[[UnitOfWork, VisitContext], FactorTask],
) -> FactorWrong:
    """Conclude a wrong entry; ``VisitRefused`` where it was the last one."""
    first = charged.conclude(uow, context.visit, right=False)
    left, proven = charged.charge.left, charged.against.proven
    # Of several entries at once a right one may have given its attempt back since.
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
        return FactorWrong(again(uow, reload(uow, context)))
    if first:
        # The registration is not blocked: a copy of a card must not lock its holder out.
        visit, holder, registration = context.visit, context.holder, context.required_registration
        record(uow, AuditKind.ATTEMPTS_PAUSED, visit, failures=registration.unproven_failures)
        notify_holder(uow, Notice.ATTEMPTS_PAUSED, visit, holder, context.addresses)
        notify_staff(uow, Notice.ATTEMPTS_PAUSED_STAFF, parts.staff_addresses, visit, holder)
    context = reload(uow, context)
    raise VisitRefused(Reason.ATTEMPTS_PAUSED, context.paused_until, keep=context.visit)


def _note_limited(uow: UnitOfWork, visit: Visit) -> None:
    """Audit that the station takes no such answers; once, though several were checked."""
    uow.registrations.lock_answers_at(visit.station)
    kind, since = AuditKind.ANSWERS_LIMITED, uow.now - HOUR
    before = AuditQuery(kind=kind.value, station=visit.station, since=since, until=uow.now + HOUR)
    if not uow.trail.newest(before, limit=1):
        record(uow, kind, visit)
