"""One entered code: charged first, looked at after, and used once.

A code that opens an unblock is only marked as proven here. It is used up in the
transaction that releases the secret, so a card pulled at the new-PIN page may come back
with the same code within its life. One that finishes a registration or a change is used
up in the transaction that writes it.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field, replace

from kiosk.authority import tasks
from kiosk.authority.applying import apply_pending
from kiosk.authority.assisted import given_by, is_vouched_for
from kiosk.authority.audit import AuditKind, record, turn_away
from kiosk.authority.parts import Parts
from kiosk.authority.scene import Scene, again, enter
from kiosk.authority.steps import UNLOCKS
from kiosk.dialogue import (
    CodeDead,
    CodeEnd,
    CodeWrong,
    Purpose,
    Reason,
    Refusal,
    Task,
    VisitId,
)
from kiosk.errors import AuthorityUnavailable, StepRefused
from kiosk.secrets.codes import CodeBinding, CodeDigest
from kiosk.sensitive import Sensitive
from kiosk.store.records import Charge, Scalar, Verdict
from kiosk.store.unit_of_work import UnitOfWork
from kiosk.store.visit_records import EmailCode


@dataclass(frozen=True, slots=True)
class _Charged:
    """An entry that may be looked at now, for it has been paid for."""

    charge: Charge
    code: EmailCode
    bound: bytes = field(repr=False)


def enter_code(
    parts: Parts, visit_id: VisitId, attempt: str, entered: Sensitive
) -> Task | CodeWrong | CodeDead | Refusal:
    """Check one entry; raises ``AuthorityUnavailable`` before anything is charged.

    Where staff gave a code since the page was put up, it may ask for the answers first.
    """
    digits = Sensitive("".join(entered.reveal().split()))
    charged = _charge(parts, visit_id, attempt, digits)
    if not isinstance(charged, _Charged):
        return charged
    return _conclude(parts, visit_id, charged, _verdict(parts, charged, digits))


def _charge(
    parts: Parts, visit_id: VisitId, attempt: str, digits: Sensitive
) -> _Charged | CodeDead | Refusal | Task:
    """Charge, commit, and only then let anybody look."""
    with parts.store.begin() as uow:
        scene = enter(uow, parts, visit_id)
        if scene.visit.finished_at is not None and _ends_with_a_code(scene):
            return tasks.finished(uow, scene)
        if _confirmed_owner(uow, scene, attempt):
            return tasks.next_task(uow, scene)
        scene.need(scene.code_gate)
        code = scene.own_code
        charged = _try(uow, parts, scene, code, attempt, digits) if code else None
        if charged is not None:
            uow.commit()
            return charged
        instead = _dead(uow, scene, code) if code else _instead(uow, scene)
        uow.commit()
        return instead


def _confirmed_owner(uow: UnitOfWork, scene: Scene, attempt: str) -> bool:
    """Tell whether this very entry has used up the code that went to the known address."""
    code, pending = uow.codes.newest(scene.card.id), scene.pending
    if code is None or pending is None or code.pending_id != pending.id:
        return False
    if not code.proves_owner or code.consumed_at is None:
        return False
    charge = uow.codes.charge_try(code.id, attempt)
    return charge is not None and charge.verdict is Verdict.RIGHT


def _ends_with_a_code(scene: Scene) -> bool:
    return scene.visit.purpose in (Purpose.REGISTER, Purpose.CHANGE_EMAIL)


def _try(
    uow: UnitOfWork,
    parts: Parts,
    scene: Scene,
    code: EmailCode,
    attempt: str,
    digits: Sensitive,
) -> _Charged | None:
    """Charge one try, for this entry alone; None where the code has none left."""
    if not parts.codes.can_match(code.key_id):
        raise AuthorityUnavailable("the code cannot be checked: its key is not at hand")
    bound = parts.codes.bind(attempt, digits, code.id, code.key_id)
    charge = uow.codes.charge_try(code.id, attempt, bound)
    if charge is None:
        return None
    if charge.fresh:
        _tell(uow, AuditKind.CODE_TRY_CHARGED, scene, code, left=charge.left)
    return _Charged(charge, code, bound)


def _instead(uow: UnitOfWork, scene: Scene) -> CodeDead | Refusal | Task:
    """Say what is due where there is no code to look at, though the page may not know it."""
    if scene.asks_again:
        return tasks.answer_questions(uow, scene)
    code = uow.codes.newest(scene.card.id)
    unlocks = scene.visit.purpose in UNLOCKS
    if code is None or not unlocks or not _is_withdrawn(uow, code):
        raise StepRefused("no code was sent for this")
    _tell(uow, AuditKind.CODE_DEAD, scene, code, withdrawn=True)
    if scene.visit.purpose is Purpose.FIRST_UNLOCK:
        return turn_away(uow, scene.visit, Reason.GIVEN_CODE_OVER)
    return CodeDead(CodeEnd.WITHDRAWN, tasks.send_code(scene))


def _is_withdrawn(uow: UnitOfWork, code: EmailCode) -> bool:
    """Tell whether an unlock code would still be good, had staff not taken it away."""
    if code.purpose not in UNLOCKS or code.consumed_at is not None:
        return False
    alive = code.expires_at is not None and code.expires_at > uow.now
    return alive and (code.revoked_at is not None or not is_vouched_for(uow, code))


def _dead(uow: UnitOfWork, scene: Scene, code: EmailCode) -> CodeDead | Refusal:
    expired = code.expires_at is not None and code.expires_at <= scene.now
    _tell(uow, AuditKind.CODE_DEAD, scene, code, expired=expired)
    if scene.visit.purpose is Purpose.FIRST_UNLOCK:
        return turn_away(uow, scene.visit, Reason.GIVEN_CODE_OVER)
    return CodeDead(CodeEnd.EXPIRED if expired else CodeEnd.SPENT, tasks.send_code(scene))


def _tell(
    uow: UnitOfWork, kind: AuditKind, scene: Scene, code: EmailCode, **detail: Scalar
) -> None:
    """Add a row about a code; where staff gave it, it says who."""
    record(uow, kind, scene.visit, code=code.id, **detail, **given_by(code))


def _verdict(parts: Parts, charged: _Charged, digits: Sensitive) -> Verdict:
    """Look at the entry that was paid for, unless it has its verdict."""
    charge, code = charged.charge, charged.code
    if charge.verdict is not None:
        return charge.verdict
    if charge.given is None or not hmac.compare_digest(charge.given, charged.bound):
        return Verdict.WRONG
    binding = CodeBinding(code.id, code.purpose, code.card_id, code.visit_id)
    right = parts.codes.matches(digits, CodeDigest(code.digest, code.key_id), binding)
    return Verdict.RIGHT if right else Verdict.WRONG


def _conclude(
    parts: Parts, visit_id: VisitId, charged: _Charged, verdict: Verdict
) -> Task | CodeWrong | CodeDead | Refusal:
    """Commit verdict, counter, audit and what follows together."""
    with parts.store.begin() as uow:
        scene = enter(uow, parts, visit_id)
        right = verdict is Verdict.RIGHT
        reply = (_right if right else _wrong)(uow, scene, charged)
        uow.commit()
        return reply


def _right(uow: UnitOfWork, scene: Scene, charged: _Charged) -> Task:
    code = charged.code
    if uow.codes.give_back(code.id, charged.charge.attempt_id):
        _tell(uow, AuditKind.CODE_RIGHT, scene, code)
        scene = _prove(uow, scene, code)
    return tasks.next_task(uow, scene)


def _prove(uow: UnitOfWork, scene: Scene, code: EmailCode) -> Scene:
    if scene.own_code is None or scene.own_code.id != code.id:
        raise StepRefused("the code was replaced while it was looked at")
    if scene.asks_owner:
        return _confirm_owner(uow, scene, code)
    if not _ends_with_a_code(scene):
        _confirm_address(uow, scene, code)
        return again(uow, scene, replace(scene.visit, code_proven_id=code.id))
    if not uow.codes.consume(code.id):
        raise StepRefused("the code was used already")
    return apply_pending(uow, scene)


def _confirm_owner(uow: UnitOfWork, scene: Scene, code: EmailCode) -> Scene:
    """Note that somebody who reads the known address goes on with this; the code is used up."""
    pending = scene.pending
    if pending is None or not uow.codes.consume(code.id):
        raise StepRefused("the code was used already")
    uow.pending.put(replace(pending, owner_email=code.sent_to))
    record(uow, AuditKind.OWNER_CONFIRMED, scene.visit, code=code.id)
    _confirm_address(uow, scene, code)
    return again(uow, scene, replace(scene.visit, owner_email=code.sent_to))


def _confirm_address(uow: UnitOfWork, scene: Scene, code: EmailCode) -> None:
    """An address that staff put in place is confirmed by the first code that was read there."""
    if code.sent_to and uow.registrations.confirm_email(scene.holder.id, code.sent_to):
        record(uow, AuditKind.EMAIL_CONFIRMED, scene.visit, code=code.id)


def _wrong(uow: UnitOfWork, scene: Scene, charged: _Charged) -> CodeWrong | CodeDead | Refusal:
    charge, code = charged.charge, charged.code
    if uow.codes.keep_charge(code.id, charge.attempt_id):
        _tell(uow, AuditKind.CODE_WRONG, scene, code, left=charge.left)
    waiting = again(uow, scene).waiting_code
    if charge.left <= 0 or waiting is None or waiting.id != code.id:
        return _dead(uow, scene, code)
    return CodeWrong(tasks.enter_code(uow, scene, waiting))
