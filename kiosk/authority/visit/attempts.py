"""The one rule for whatever may be guessed: answers, codes, numbers of notices.

1. An attempt is charged, and the charge committed, before anybody checks it. A process that dies
   after that gives nothing back, and of a thousand calls at once only as many check as were left.
2. What was charged is checked, and nothing else: its keyed digest is stored with the charge. A
   repeated call, at this process or another, may check the same entry again and learns nothing new;
   another entry under the same attempt is wrong, and not checked.
3. The verdict is written once, in the transaction that acts on it: a call that finds it written
   proves nothing, and gets the same reply. A right attempt gets its own charge back and no other.
4. Where the visit ended while the entry was checked, the verdict is written all the same: a right
   one costs nothing, and proves nothing.
5. An entry that could not be checked (a damaged record, no memory) gets its charge back, and is
   charged and checked when it is sent again.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Generic, TypeVar

from kiosk.authority.audit.events import AuditKind, record
from kiosk.authority.dependencies import Dependencies
from kiosk.authority.errors import KeyMissing, ResourcesExhausted, SealBroken
from kiosk.authority.records import Charge, Scalar, Verdict, Visit
from kiosk.authority.store.database import UnitOfWork
from kiosk.authority.store.repositories.attempts import AttemptCounter
from kiosk.authority.visit.context import VisitContext, VisitRefused, deciding
from kiosk.contract.errors import AuthorityUnavailable, StepRefused
from kiosk.contract.messages import VisitId

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class AuditKinds:
    charged: AuditKind
    right: AuditKind | None
    wrong: AuditKind


@dataclass(frozen=True, slots=True)
class Charged(Generic[T]):
    """An attempt that was charged to ``counter``, and may be checked against ``against``.

    ``bound`` is the keyed digest of what was entered. ``detail`` is in each of its audit events.
    """

    charge: Charge
    bound: bytes = field(repr=False)
    against: T
    counter: Callable[[UnitOfWork], AttemptCounter]
    kinds: AuditKinds
    detail: Mapping[str, Scalar]

    def conclude(
        self, uow: UnitOfWork, visit: Visit | None, *, right: bool, **detail: Scalar
    ) -> bool:
        """Write the verdict, once; False where another call has."""
        verdict = Verdict.RIGHT if right else Verdict.WRONG
        if not self.counter(uow).conclude(self.charge.attempt_id, verdict):
            return False
        kind = self.kinds.right if right else self.kinds.wrong
        left = {} if right else {"left": self.charge.left}
        if kind is not None and visit is not None:
            record(uow, kind, visit, **left, **self.detail, **detail)
        return True

    def leave_unchecked(self, uow: UnitOfWork, visit: Visit | None, because: str) -> None:
        """Give the charge back; another call may have written a verdict since."""
        first = self.counter(uow).conclude(self.charge.attempt_id, Verdict.UNCHECKED)
        if first and visit is not None:
            record(uow, AuditKind.ENTRY_UNCHECKED, visit, because=because, **self.detail)


def charge_attempt(
    uow: UnitOfWork,
    visit: Visit,
    attempt: str,
    *,
    bound: bytes,
    against: T,
    counter: Callable[[UnitOfWork], AttemptCounter],
    kinds: AuditKinds,
    detail: Mapping[str, Scalar] = MappingProxyType({}),
    **more: Scalar,
) -> Charged[T] | None:
    """Charge one attempt, once; None where none is left."""
    charge = counter(uow).charge(attempt, bound)
    if charge is None:
        return None
    if charge.fresh:
        record(uow, kinds.charged, visit, left=charge.left, **detail, **more)
    return Charged(charge, bound, against, counter, kinds, detail)


def evaluate(
    parts: Dependencies,
    visit_id: VisitId,
    *,
    enter: Callable[[UnitOfWork], VisitContext],
    charge: Callable[[UnitOfWork, VisitContext], Charged[T] | R],
    check: Callable[[T], bool],
    right: Callable[[UnitOfWork, VisitContext, Charged[T]], R],
    wrong: Callable[[UnitOfWork, VisitContext, Charged[T]], R],
) -> R:
    """Charge and commit, then check, then conclude and commit; return the reply.

    ``charge`` returns a reply where there is nothing to check. ``check`` is called outside of any
    transaction. ``right`` and ``wrong`` conclude.
    """
    with deciding(parts) as uow:
        charged = charge(uow, enter(uow))
        uow.commit()
    if not isinstance(charged, Charged):
        return charged
    try:
        is_right = _is_right(charged, check)
    except (SealBroken, KeyMissing, ResourcesExhausted) as error:
        because = str(error) if isinstance(error, ResourcesExhausted) else "its record is damaged"
        with deciding(parts) as uow:
            charged.leave_unchecked(uow, uow.visits.get(visit_id), because)
            uow.commit()
        raise AuthorityUnavailable(f"the entry cannot be checked: {because}") from None
    try:
        with deciding(parts) as uow:
            reply = (right if is_right else wrong)(uow, enter(uow), charged)
            uow.commit()
            return reply
    except (StepRefused, VisitRefused) as error:
        if isinstance(error, VisitRefused) and error.keep is not None:
            # The verdict was kept, too.
            raise
        proves = {"proves": "nothing"} if is_right else {}
        with deciding(parts) as uow:
            charged.conclude(uow, uow.visits.get(visit_id), right=is_right, **proves)
            uow.commit()
        raise


def _is_right(charged: Charged[T], check: Callable[[T], bool]) -> bool:
    """Check what was charged, unless it has its verdict."""
    charge = charged.charge
    if charge.verdict is not None:
        return charge.verdict is Verdict.RIGHT
    if charge.given is None or not hmac.compare_digest(charge.given, charged.bound):
        return False
    return check(charged.against)
