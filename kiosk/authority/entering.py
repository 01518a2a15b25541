"""One entered code: charged first, looked at after, and used once.

A code that opens an unblock is only marked as proven here. It is used up in the
transaction that releases the secret, so a card pulled at the new-PIN page may come back
with the same code within its life. One that finishes a registration or a change is used
up in the transaction that writes it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from kiosk.authority import tasks
from kiosk.authority.applying import apply_pending
from kiosk.authority.audit import AuditKind, record
from kiosk.authority.parts import Parts
from kiosk.authority.scene import Scene, again, enter
from kiosk.authority.steps import Gate
from kiosk.dialogue import CodeDead, CodeWrong, Finished, Purpose, Task, VisitId
from kiosk.errors import AuthorityUnavailable, StepRefused
from kiosk.secrets.codes import CodeBinding, CodeDigest
from kiosk.sensitive import Sensitive
from kiosk.store.records import Charge, EmailCode, Verdict
from kiosk.store.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class _Charged:
    """An entry that may be looked at now, for it has been paid for."""

    charge: Charge
    code: EmailCode


def enter_code(
    parts: Parts, visit_id: VisitId, attempt: str, entered: Sensitive
) -> Task | CodeWrong | CodeDead:
    """Check one entry; raises ``AuthorityUnavailable`` before anything is charged."""
    charged = _charge(parts, visit_id, attempt)
    if not isinstance(charged, _Charged):
        return charged
    verdict = _verdict(parts, visit_id, charged, entered)
    parts.verdicts.remember(visit_id, attempt, verdict)
    reply = _conclude(parts, visit_id, charged, verdict)
    parts.verdicts.forget(visit_id, attempt)
    return reply


def _charge(parts: Parts, visit_id: VisitId, attempt: str) -> _Charged | CodeDead | Finished:
    """Charge, commit, and only then let anybody look."""
    with parts.store.begin() as uow:
        scene = enter(uow, parts, visit_id)
        if scene.visit.finished_at is not None and _ends_with_a_code(scene):
            return Finished(scene.progress.purpose)
        scene.need(Gate.CODE)
        code = _own_code(parts, scene)
        charge = uow.codes.charge_try(code.id, attempt)
        if charge is None:
            dead = _dead(uow, scene, code)
            uow.commit()
            return dead
        if charge.fresh:
            record(uow, AuditKind.CODE_TRY_CHARGED, scene.visit, code=code.id, left=charge.left)
        uow.commit()
        return _Charged(charge, code)


def _ends_with_a_code(scene: Scene) -> bool:
    return scene.visit.purpose in (Purpose.REGISTER, Purpose.CHANGE_EMAIL)


def _own_code(parts: Parts, scene: Scene) -> EmailCode:
    code = scene.own_code
    if code is None:
        raise StepRefused("no code was sent for this")
    if not parts.codes.can_match(code.key_id):
        raise AuthorityUnavailable("the code cannot be checked: its key is not at hand")
    return code


def _dead(uow: UnitOfWork, scene: Scene, code: EmailCode) -> CodeDead:
    expired = code.expires_at is not None and code.expires_at <= scene.now
    record(uow, AuditKind.CODE_DEAD, scene.visit, code=code.id, expired=expired)
    return CodeDead(expired, tasks.send_code(scene))


def _verdict(parts: Parts, visit_id: VisitId, charged: _Charged, entered: Sensitive) -> Verdict:
    """Look at the entry; a repeated call gets the first one's verdict, and wrong if it has none."""
    charge, code = charged.charge, charged.code
    if not charge.fresh:
        found = parts.verdicts.recall(visit_id, charge.attempt_id)
        return charge.verdict or found or Verdict.WRONG
    binding = CodeBinding(code.id, code.purpose, code.card_id, code.visit_id)
    digits = Sensitive("".join(entered.reveal().split()))
    right = parts.codes.matches(digits, CodeDigest(code.digest, code.key_id), binding)
    return Verdict.RIGHT if right else Verdict.WRONG


def _conclude(
    parts: Parts, visit_id: VisitId, charged: _Charged, verdict: Verdict
) -> Task | CodeWrong | CodeDead:
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
        record(uow, AuditKind.CODE_RIGHT, scene.visit, code=code.id)
        scene = _prove(uow, scene, code)
    return tasks.next_task(uow, scene)


def _prove(uow: UnitOfWork, scene: Scene, code: EmailCode) -> Scene:
    if scene.own_code is None or scene.own_code.id != code.id:
        raise StepRefused("the code was replaced while it was looked at")
    if not _ends_with_a_code(scene):
        return again(uow, scene, replace(scene.visit, code_proven_id=code.id))
    if not uow.codes.consume(code.id):
        raise StepRefused("the code was used already")
    return apply_pending(uow, scene)


def _wrong(uow: UnitOfWork, scene: Scene, charged: _Charged) -> CodeWrong | CodeDead:
    charge, code = charged.charge, charged.code
    if uow.codes.keep_charge(code.id, charge.attempt_id):
        record(uow, AuditKind.CODE_WRONG, scene.visit, code=code.id, left=charge.left)
    waiting = again(uow, scene).waiting_code
    if charge.left <= 0 or waiting is None or waiting.id != code.id:
        return _dead(uow, scene, code)
    return CodeWrong(tasks.enter_code(uow, scene, waiting))
