"""A code is made, mailed, and only then alive.

It is drafted first, so that two stations cannot both send the last one of the hour; then
mailed, outside of any transaction; then made the card's live code, which revokes an
earlier one. If the relay does not take it, the draft goes and nothing was counted.

A call that is repeated with its attempt finds what the first one left: a code that was sent
is answered as sent; a draft is mailed, with another code, unless this process knows that its
mail was taken. If the program dies in between, the mail carries a dead code, and the repeat
at another process mails another one. While that first process may still be at it (a mailer
gives up after some seconds) the repeat has to wait.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from kiosk.authority import tasks
from kiosk.authority.audit import AuditKind, record, turn_away
from kiosk.authority.notices import addresses_of, draw_stop_number
from kiosk.authority.parts import Parts
from kiosk.authority.scene import Scene, TurnedAway, enter, look
from kiosk.authority.steps import answers_come_before_code
from kiosk.dialogue import (
    CodeNotSent,
    EnterCode,
    GiveEmail,
    Purpose,
    Reason,
    Refusal,
    SendCode,
    Task,
    VisitId,
)
from kiosk.errors import AuthorityUnavailable, MailError, MailRefused, StepRefused
from kiosk.policy import SendVerdict
from kiosk.ports import Message
from kiosk.secrets.codes import CodeBinding, draw_code
from kiosk.sensitive import Sensitive
from kiosk.store.records import new_id
from kiosk.store.unit_of_work import UnitOfWork
from kiosk.store.visit_records import EmailCode

_MAILING: Final = timedelta(seconds=15)
"""After so long no process is still mailing a draft: a mailer's own deadline is shorter."""


@dataclass(frozen=True, slots=True)
class _Drafted:
    """A code that is about to be mailed."""

    id: str
    message: Message | None
    """None where the relay has taken it."""


def send_code(parts: Parts, visit_id: VisitId, attempt: str) -> Task | CodeNotSent | Refusal:
    """Send the code that is due, or a fresh one; takes as long as the mailer's deadline."""
    drafted = _draft(parts, visit_id, attempt)
    if not isinstance(drafted, _Drafted):
        return drafted
    if drafted.message is not None:
        try:
            parts.mailer.send(drafted.message)
        except MailError as error:
            return _not_sent(parts, visit_id, drafted.id, error)
        parts.mailed.add(drafted.id)
    task = _activate(parts, visit_id, drafted.id)
    parts.mailed.discard(drafted.id)
    return task


def _draft(
    parts: Parts, visit_id: VisitId, attempt: str
) -> _Drafted | Task | CodeNotSent | Refusal:
    with parts.store.begin() as uow:
        scene = enter(uow, parts, visit_id)
        if scene.visit.purpose is Purpose.FIRST_UNLOCK:
            raise StepRefused("only staff give a code for a first unlock")
        scene.need(scene.code_gate)
        if not scene.address:
            raise TurnedAway(Reason.NO_EMAIL)
        earlier = uow.codes.of_attempt(scene.card.id, visit_id, attempt)
        if earlier is not None and earlier.sent_to == scene.address:
            return _repeated(uow, parts, scene, earlier)
        verdict = tasks.may_send(uow, scene)
        if verdict.wait:
            limited = _limited(uow, scene, verdict)
            uow.commit()
            return limited
        code = draw_code(scene.policy.code_digits)
        draft = _written_down(parts, scene, code, new_id(), attempt)
        uow.codes.draft(draft)
        record(uow, AuditKind.CODE_DRAFTED, scene.visit, code=draft.id)
        number = _stop_number(uow, scene)
        uow.commit()
        return _Drafted(draft.id, _compose(parts, scene, code, number))


def _repeated(uow: UnitOfWork, parts: Parts, scene: Scene, earlier: EmailCode) -> _Drafted | Task:
    """Go on where the first call of the same attempt stopped."""
    if earlier.sent_at is not None:
        parts.mailed.discard(earlier.id)
        return tasks.next_task(uow, scene)
    if earlier.id in parts.mailed:
        return _Drafted(earlier.id, None)
    elsewhere = earlier.drafted_by != parts.process
    if elsewhere and uow.now - earlier.drafted_at < _MAILING:
        raise AuthorityUnavailable("the code may still be on its way to the relay")
    code = draw_code(scene.policy.code_digits)
    draft = _written_down(parts, scene, code, earlier.id, earlier.attempt)
    if not uow.codes.redraft(draft):
        raise StepRefused("the code is no draft any more")
    number = _stop_number(uow, scene)
    uow.commit()
    return _Drafted(draft.id, _compose(parts, scene, code, number))


def _limited(uow: UnitOfWork, scene: Scene, verdict: SendVerdict) -> CodeNotSent | Refusal:
    """Say when another may go out; without a code to enter, an hour is too long to stand."""
    wait = verdict.wait.total_seconds()
    record(uow, AuditKind.CODE_LIMITED, scene.visit, wait_s=round(wait))
    code = scene.waiting_code
    if code is None and verdict.too_many:
        return turn_away(uow, scene.visit, Reason.TOO_MANY_CODES, uow.now + verdict.wait)
    again = tasks.enter_code(uow, scene, code) if code else tasks.send_code(scene)
    return CodeNotSent(mail_away=False, retry_in_s=wait, again=again)


def _written_down(
    parts: Parts, scene: Scene, code: Sensitive, code_id: str, attempt: str
) -> EmailCode:
    purpose = scene.progress.purpose
    binding = CodeBinding(code_id, purpose, scene.card.id, scene.visit.id)
    kept = parts.codes.digest(code, binding)
    return EmailCode(
        id=code_id,
        card_id=scene.card.id,
        holder_id=scene.holder.id,
        purpose=purpose,
        visit_id=scene.visit.id,
        digest=kept.digest,
        key_id=kept.key_id,
        sent_to=scene.address,
        drafted_at=scene.now,
        max_tries=scene.policy.code_tries,
        # Where the code comes first, each visit asks the questions after it.
        questions_proven_at=scene.visit.questions_proven_at
        if answers_come_before_code(scene.policy)
        else None,
        pending_id=scene.pending.id if scene.pending else None,
        attempt=attempt,
        drafted_by=parts.process,
        proves_owner=scene.asks_owner,
        unproven=not scene.is_proven,
    )


def _stop_number(uow: UnitOfWork, scene: Scene) -> str:
    """Draw one for an address that is known already; one that was typed is anybody's."""
    if scene.address not in addresses_of(scene.holder, scene.registration):
        return ""
    return draw_stop_number(uow, scene.visit, scene.holder)


def _compose(parts: Parts, scene: Scene, code: Sensitive, stop_number: str) -> Message:
    return parts.compose(
        to=scene.address,
        purpose=scene.progress.purpose,
        holder_name=scene.holder.name,
        code=code,
        minutes=max(1, int(scene.policy.code_life.total_seconds() // 60)),
        proves_owner=scene.asks_owner,
        stop_number=stop_number,
    )


def _activate(parts: Parts, visit_id: VisitId, code_id: str) -> Task:
    """Let the code's life begin, also when its card was taken out meanwhile.

    Whoever pulls the card while "sending" is on the screen still gets a mail that works.
    """
    with parts.store.begin() as uow:
        scene = _wherever(uow, parts, visit_id)
        expires_at = uow.now + scene.policy.code_life
        if not uow.codes.activate(code_id, uow.now, expires_at, parts.process):
            raise StepRefused("the code is no draft any more")
        record(uow, AuditKind.CODE_SENT, scene.visit, code=code_id)
        scene = look(uow, scene.policy, scene.visit, scene.card, scene.holder)
        task = tasks.next_task(uow, scene)
        uow.commit()
        return task


def _not_sent(
    parts: Parts, visit_id: VisitId, code_id: str, error: MailError
) -> CodeNotSent | Refusal:
    """Forget the draft: nothing was counted. A refused address is given again, or ends it."""
    with parts.store.begin() as uow:
        scene = _wherever(uow, parts, visit_id)
        uow.codes.discard(code_id)
        record(uow, AuditKind.CODE_NOT_SENT, scene.visit, because=type(error).__name__)
        again = _instead(uow, scene, refused=isinstance(error, MailRefused))
        reply: CodeNotSent | Refusal
        if again is None:
            reply = turn_away(uow, scene.visit, Reason.NO_EMAIL)
        else:
            reply = CodeNotSent(mail_away=True, retry_in_s=0.0, again=again)
        uow.commit()
        return reply


def _instead(
    uow: UnitOfWork, scene: Scene, *, refused: bool
) -> EnterCode | SendCode | GiveEmail | None:
    code = scene.waiting_code
    if code is not None:
        return tasks.enter_code(uow, scene, code)
    if not refused:
        return tasks.send_code(scene)
    own = scene.visit.purpose is not Purpose.UNLOCK and scene.visit.pin_proven_at is not None
    may_give = own and not scene.asks_owner
    return tasks.give_email(scene) if may_give else None


def _wherever(uow: UnitOfWork, parts: Parts, visit_id: VisitId) -> Scene:
    """Read the scene of a visit that may be over by now."""
    visit = uow.visits.get(visit_id)
    card = uow.cards.lock(visit.card_id) if visit is not None and visit.card_id else None
    holder = uow.holders.get(card.holder_id) if card else None
    if visit is None or card is None or holder is None:
        raise StepRefused("the visit that asked for this code is not recorded any more")
    return look(uow, parts.policy(), visit, card, holder)
