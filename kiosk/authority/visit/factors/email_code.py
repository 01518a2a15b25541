"""A code by email or text message, or by word of mouth from staff: made, sent, and used once.

A code for an unblock is only marked as proven here. The transaction that releases the secret uses
it up, so that a card pulled at the new-PIN page may come back with the same code within its life.
The transaction that writes a registration or a change uses up its code.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from kiosk.authority.addresses import Addresses
from kiosk.authority.audit.events import AuditKind, record
from kiosk.authority.audit.put_back import need_owner
from kiosk.authority.crypto.macs import scan_tag
from kiosk.authority.dependencies import Dependencies
from kiosk.authority.errors import MailError, MailRefused
from kiosk.authority.facts import CodesGoTo
from kiosk.authority.mail.bounces import NO_SUCH_ADDRESS
from kiosk.authority.mail.compose import Message
from kiosk.authority.records import (
    Address,
    AddressKind,
    EmailCode,
    Proof,
    Registration,
    Scalar,
    Verdict,
    new_id,
)
from kiosk.authority.store.database import UnitOfWork
from kiosk.authority.store.repositories.visits import VISIT_LIFE
from kiosk.authority.visit import tasks
from kiosk.authority.visit.attempts import AuditKinds, Charged, charge_attempt, evaluate
from kiosk.authority.visit.context import (
    VisitContext,
    VisitRefused,
    can_be_entered,
    context_of,
    deciding,
    enter,
    given_by,
    is_assisted,
    is_vouched_for,
    reload,
)
from kiosk.authority.visit.registration import apply_pending
from kiosk.authority.visit.rules import GIVES_ADDRESS, UNLOCKS
from kiosk.contract.errors import AuthorityUnavailable, StepRefused
from kiosk.contract.messages import (
    Code,
    CodeNotSent,
    EnterCode,
    Factor,
    FactorEnd,
    FactorOver,
    FactorWrong,
    GiveEmail,
    Purpose,
    Reason,
    Route,
    RouteId,
    SendCode,
    Task,
    VisitId,
)
from kiosk.contract.policy import (
    HOUR,
    LONGEST_LIFE_BY_TEXT,
    SendVerdict,
    is_number,
    mask_routes,
    may_send_code,
)
from kiosk.contract.scans import scan_of
from kiosk.contract.sensitive import Sensitive


class EmailCodeRules:
    entry = Code

    def submit(
        self, parts: Dependencies, visit_id: VisitId, attempt: str, entry: Code
    ) -> Task | FactorWrong | FactorOver:
        return enter_code(parts, visit_id, attempt, entry.digits)

    def prepare(
        self, parts: Dependencies, visit_id: VisitId, attempt: str, route: RouteId
    ) -> Task | CodeNotSent:
        return send_code(parts, visit_id, attempt, route)

    def enrolled(self, registration: Registration) -> bool:
        return bool(registration.address_id)

    def lines(
        self, uow: UnitOfWork, registration: Registration, addresses: Addresses
    ) -> tuple[CodesGoTo, ...]:
        confirmed = addresses.unconfirmed is None
        counting = [one for one in addresses.further if one.effective_from <= uow.now]
        further = tuple(one.value for one in counting)
        later = tuple(one.value for one in addresses.further if one not in counting)
        return (
            CodesGoTo(
                addresses.shown,
                confirmed,
                addresses.recorded_apart,
                further,
                later,
                addresses.failing,
                addresses.late(uow.now),
            ),
        )

    def barred(
        self, uow: UnitOfWork, context: VisitContext, purpose: Purpose
    ) -> VisitRefused | None:
        wait = codes_used_up(uow, context, purpose)
        return None if wait is None else VisitRefused(Reason.TOO_MANY_CODES, context.now + wait)

    def task(self, uow: UnitOfWork, context: VisitContext) -> EnterCode | SendCode:
        code = context.waiting_code
        if code is None and context.visit.purpose is Purpose.FIRST_UNLOCK:
            raise VisitRefused(Reason.GIVEN_CODE_OVER)
        return enter_code_page(uow, context, code) if code else _send_code_page(context)

    def stands(self, context: VisitContext, proof: Proof) -> bool:
        """Return whether the code was not withdrawn, and its address is still the recorded one."""
        code = context.proven_code
        if code is None or code.id != proof.subject or code.revoked_at is not None:
            return False
        if code.purpose is not context.visit.purpose:
            return False
        return is_assisted(code) or code.route in context.routes

    def refusal(self, context: VisitContext, proof: Proof) -> Reason:
        if context.visit.purpose is Purpose.FIRST_UNLOCK:
            return Reason.GIVEN_CODE_OVER
        code = context.proven_code
        if code is None or code.revoked_at is not None or is_assisted(code):
            return Reason.CODE_WITHDRAWN
        return Reason.CODE_MOVED

    def carries(self, proof: Proof) -> bool:
        return False  # the code itself can be entered again

    def spend(self, uow: UnitOfWork, proof: Proof) -> bool:
        return uow.codes.consume(proof.subject)

    def withdraw(self, uow: UnitOfWork, holder_id: str) -> None:
        uow.codes.revoke_of_holder(holder_id)


def codes_used_up(uow: UnitOfWork, context: VisitContext, purpose: Purpose) -> timedelta | None:
    """Return how long no code can be sent, where none can be now and no live one helps."""
    code = context.code
    if code is not None and code.purpose is purpose and can_be_entered(code, context.now):
        return None
    verdict = _may_send(uow, context)
    return verdict.wait if verdict.too_many else None


def _may_send(uow: UnitOfWork, context: VisitContext) -> SendVerdict:
    sent = uow.codes.send_times(
        context.card.id,
        context.now - HOUR,
        proves_owner=context.asks_owner,
        unproven=not context.is_proven,
    )
    return may_send_code(sent, context.now, context.policy)


def _routes(context: VisitContext) -> tuple[Route, ...]:
    """Return where a code of this visit can go now; what a station names is compared with these."""
    routes = context.routes
    masks = mask_routes(routes.values())
    troubled = {one.value.lower() for one in context.rows if _may_fail(context, one)}
    return tuple(
        Route(RouteId(each), mask, value.lower() in troubled, is_number(value))
        for (each, value), mask in zip(routes.items(), masks, strict=True)
    )


def _may_fail(context: VisitContext, address: Address) -> bool:
    """Return whether the holder reads that mail to it may fail; somebody with a copy does not."""
    return context.is_proven and (address.is_failing or address.is_late(context.now))


def _send_code_page(context: VisitContext) -> SendCode:
    """Ask for a code; ``VisitRefused`` where the holder has no address any more."""
    routes, position = _routes(context), context.position(context.code_step)
    if not routes:
        raise VisitRefused(Reason.NO_EMAIL, keep=context.visit)
    return SendCode(routes, context.asks_owner, position=position)


def enter_code_page(uow: UnitOfWork, context: VisitContext, code: EmailCode) -> EnterCode:
    routes, life = _routes(context), (code.expires_at or context.now) - context.now
    sent_to = next((each for each in routes if each.id == code.route), None)
    by_text = sent_to is not None and sent_to.by_text
    return EnterCode(
        sent_to=sent_to,
        routes=routes,
        digits=code.digits,
        expires_in_s=max(timedelta(0), life).total_seconds(),
        resend_in_s=_may_send(uow, context).wait.total_seconds(),
        tries_left=code.max_tries - code.tries,
        proves_owner=code.proves_owner,
        tag="" if is_assisted(code) or by_text else scan_tag(code),
        mail_takes_s=0.0 if by_text else _mail_takes_s(context, code),
        position=context.position(context.code_step),
    )


def _mail_takes_s(context: VisitContext, code: EmailCode) -> float:
    """Return how long a code by mail takes, where it is slow; 0 also for one that staff gave."""
    slow = None if is_assisted(code) else context.slow_mail
    return slow.total_seconds() if slow else 0.0


# A code is made, mailed, and only then live.
#
# It is drafted first, so that two stations cannot both send the last one of the hour; then mailed,
# outside of any transaction; then made the card's live code, which revokes an earlier one. If the
# relay refuses it, the draft is deleted and not counted.
#
# A repeated call with the same attempt finds the result of the first: a code that was sent is
# reported as sent; a draft is mailed, unless this process knows that the relay took its mail.
# Another process, or one that was started since, does not know that: it mails the same code again,
# and either mail is right. While the first process may still be mailing (a mailer's deadline is
# some seconds), the repeat at another process has to wait.

_MAILING: Final = timedelta(seconds=15)
"""Then no process is still mailing a draft: a mailer's deadline is shorter."""


@dataclass(frozen=True, slots=True)
class _Drafted:
    code: EmailCode
    message: Message | None
    """None where the relay has taken it."""


def send_code(
    parts: Dependencies, visit_id: VisitId, attempt: str, route: str
) -> Task | CodeNotSent:
    """Send the code that is due, or a fresh one; takes as long as the mailer's deadline.

    ``route`` is where the holder expects it. Where none can go there now, none is sent.
    """
    drafted = _draft(parts, visit_id, attempt, route)
    if not isinstance(drafted, _Drafted):
        return drafted
    if drafted.message is not None:
        try:
            parts.mailer.send(drafted.message)
        except MailError as error:
            return _not_sent(parts, visit_id, drafted.code, error)
        parts.mailed.add(drafted.code.id)
    task = _activate(parts, visit_id, drafted.code)
    parts.mailed.discard(drafted.code.id)
    return task


def _draft(
    parts: Dependencies, visit_id: VisitId, attempt: str, route: str
) -> _Drafted | Task | CodeNotSent:
    with deciding(parts) as uow:
        context = enter(uow, parts, visit_id)
        if context.visit.purpose is Purpose.FIRST_UNLOCK:
            raise StepRefused("only staff give a code for a first unlock")
        if context.carried_is_over:
            return tasks.next_task(uow, context)
        context.need(context.code_step)
        earlier = uow.codes.of_attempt(context.card.id, visit_id, attempt)
        is_open = any(each.id == route for each in _routes(context))
        if not is_open or (earlier is not None and earlier.route != route):
            # Withdrawn, replaced, somebody else's or made up: one answer for all of them.
            task = tasks.next_task(uow, context)
            uow.commit()
            return task
        if earlier is not None:
            return _repeated(uow, parts, context, earlier)
        verdict = _may_send(uow, context)
        if verdict.wait:
            wait = verdict.wait.total_seconds()
            record(uow, AuditKind.CODE_LIMITED, context.visit, wait_s=round(wait))
            live = context.waiting_code
            if live is None and verdict.too_many:
                # Without a live code, an hour is too long a wait.
                until = uow.now + verdict.wait
                raise VisitRefused(Reason.TOO_MANY_CODES, until, keep=context.visit)
            again = enter_code_page(uow, context, live) if live else _send_code_page(context)
            uow.commit()
            return CodeNotSent(mail_away=False, retry_in_s=wait, again=again)
        draft, code = _written_down(parts, context, new_id(), attempt, route)
        uow.codes.draft(draft)
        record(uow, AuditKind.CODE_DRAFTED, context.visit, code=draft.id)
        return _committed(uow, parts, context, draft, code)


def _repeated(
    uow: UnitOfWork, parts: Dependencies, context: VisitContext, earlier: EmailCode
) -> _Drafted | Task:
    """Continue where the first call of the same attempt stopped."""
    if earlier.sent_at is not None:
        parts.mailed.discard(earlier.id)
        return tasks.next_task(uow, context)
    if earlier.id in parts.mailed:
        return _Drafted(earlier, None)
    elsewhere = earlier.drafted_by != parts.process
    if elsewhere and uow.now - earlier.drafted_at < _MAILING:
        raise AuthorityUnavailable("the code may still be on its way to the relay")
    draft, code = _written_down(parts, context, earlier.id, earlier.attempt, earlier.route)
    if not uow.codes.redraft(draft):
        raise StepRefused("the code is no draft any more")
    return _committed(uow, parts, context, draft, code)


def _written_down(
    parts: Dependencies, context: VisitContext, code_id: str, attempt: str, route: str
) -> tuple[EmailCode, Sensitive]:
    draft = EmailCode(
        id=code_id,
        card_id=context.card.id,
        holder_id=context.holder.id,
        purpose=context.progress.purpose,
        visit_id=context.visit.id,
        digest=b"",
        key_id="",
        route=route,
        drafted_at=context.now,
        max_tries=context.policy.code_tries,
        digits=context.policy.code_digits,
        pending_id=context.pending.id if context.pending else None,
        attempt=attempt,
        drafted_by=parts.process,
        proves_owner=context.asks_owner,
        unproven=not context.is_proven,
    )
    code = parts.codes.code_of(draft)
    return parts.codes.with_digest(draft, code), code


def _life(context: VisitContext, now: datetime, *, by_text: bool) -> timedelta:
    """Return how long a code lives, no longer than the proofs on which it is sent."""
    life = context.policy.code_life
    if by_text:
        life = min(life, LONGEST_LIFE_BY_TEXT)
    return min((life, *(proof.at + VISIT_LIFE - now for proof in context.proofs)))


def _committed(
    uow: UnitOfWork, parts: Dependencies, context: VisitContext, draft: EmailCode, code: Sensitive
) -> _Drafted:
    """Commit a draft, and write its mail.

    A recorded address gets a stop number, too. One that was typed gets none: somebody with a copy
    of a card could otherwise block its holder. Nor does a text message, which has one number alone.
    """
    address = context.routes[draft.route]
    by_text = is_number(address)
    recorded = address in context.addresses.for_notices and not by_text
    number = uow.stop_numbers.draw(context.holder.id, context.visit.id) if recorded else ""
    uow.commit()
    life = _life(context, context.now, by_text=by_text)
    message = parts.compose(
        to=address,
        purpose=context.progress.purpose,
        holder_name=context.holder.name,
        code=code,
        minutes=max(1, int(life.total_seconds() // 60)),
        language=context.visit.language,
        proves_owner=context.asks_owner,
        stop_number=number,
        scan=scan_of(code, scan_tag(draft)),
    )
    return _Drafted(draft, replace(message, tag=parts.codes.mail_tag(draft.id)))


def _activate(parts: Dependencies, visit_id: VisitId, draft: EmailCode) -> Task:
    """Make the code live, also when its card was taken out since: the mail has to work."""
    with deciding(parts) as uow:
        context = _open_or_closed(uow, parts, visit_id)
        by_text = _is_by_text(context, draft)
        expires_at = uow.now + _life(context, uow.now, by_text=by_text)
        code = uow.codes.activate(draft.id, uow.now, expires_at, parts.process)
        if code is None:
            raise StepRefused("the code is no draft any more")
        record(uow, AuditKind.CODE_SENT, context.visit, code=draft.id, **_by(by_text=by_text))
        task = tasks.next_task(uow, replace(context, code=code))
        uow.commit()
        return task


def _not_sent(
    parts: Dependencies, visit_id: VisitId, draft: EmailCode, error: MailError
) -> CodeNotSent:
    """Delete the draft: nothing was counted.

    Where the only address is refused, it is asked for again, or ends it.
    """
    with deciding(parts) as uow:
        context = _open_or_closed(uow, parts, visit_id)
        uow.codes.discard(draft.id)
        by_text = _is_by_text(context, draft)
        by = _by(by_text=by_text)
        record(uow, AuditKind.CODE_NOT_SENT, context.visit, because=type(error).__name__, **by)
        refused = isinstance(error, MailRefused)
        if refused and by_text:
            uow.addresses.mark_bounced(draft.route, NO_SUCH_ADDRESS)
            context = reload(uow, context)
        others = bool(context.routes.keys() - {draft.route})
        code, visit = context.waiting_code, context.visit
        own = visit.purpose is not Purpose.UNLOCK and visit.pin_proven_at is not None
        again: EnterCode | SendCode | GiveEmail
        if code is not None:
            again = enter_code_page(uow, context, code)
        elif not refused or others:
            again = _send_code_page(context)
        elif own and not context.asks_owner:
            again = tasks.give_email(context)
        else:
            raise VisitRefused(Reason.EMAIL_REFUSED, keep=visit)
        uow.commit()
        return CodeNotSent(mail_away=True, retry_in_s=0.0, again=again, refused=refused and others)


def _is_by_text(context: VisitContext, draft: EmailCode) -> bool:
    """Return whether the route of a draft is a number; it may have been withdrawn since."""
    by_id = {one.id: one for one in context.rows}
    return draft.route in by_id and by_id[draft.route].kind is AddressKind.NUMBER


def _by(*, by_text: bool) -> dict[str, Scalar]:
    """Return what the audit adds to each row about a code by text message."""
    return {"by_text": True} if by_text else {}


def _open_or_closed(uow: UnitOfWork, parts: Dependencies, visit_id: VisitId) -> VisitContext:
    locked = uow.visit_records.lock_visit(visit_id, at_station=False)
    if locked is None:
        raise StepRefused("the visit that asked for this code is not recorded any more")
    return context_of(uow, parts, locked)


_KINDS = AuditKinds(AuditKind.CODE_TRY_CHARGED, AuditKind.CODE_RIGHT, AuditKind.CODE_WRONG)


def enter_code(
    parts: Dependencies, visit_id: VisitId, attempt: str, code: Sensitive
) -> Task | FactorWrong | FactorOver:
    """Check one entry, once for each attempt; raises ``AuthorityUnavailable``.

    Where staff gave a code since the page was shown, or the answers are too old by now, it may ask
    for the answers first.
    """
    digits = Sensitive("".join(code.reveal().split()))
    return evaluate(
        parts,
        visit_id,
        enter=lambda uow: enter(uow, parts, visit_id),
        charge=lambda uow, context: _charge(uow, parts, context, attempt, digits),
        check=lambda kept: parts.codes.matches(digits, kept),
        right=_right,
        wrong=_wrong,
    )


def _charge(
    uow: UnitOfWork, parts: Dependencies, context: VisitContext, attempt: str, digits: Sensitive
) -> Charged[EmailCode] | FactorOver | Task:
    if context.visit.finished_at is not None and context.visit.purpose in GIVES_ADDRESS:
        return tasks.finished(uow, context)
    newest = uow.codes.newest(context.card.id) if context.pending is not None else None
    if newest is not None and newest.proves_owner:
        charge = uow.codes.entries(newest.id).earlier(attempt)
        if charge is not None and charge.verdict is Verdict.RIGHT:
            # This entry has used up the code that went to the recorded address.
            return tasks.next_task(uow, context)
    if context.carried_is_over:
        return tasks.next_task(uow, context)
    context.need(context.code_step)
    code = context.own_code
    if code is None:
        return _without_code(uow, context)
    waiting = context.waiting_code
    if waiting is not None and waiting.id == code.id and not _has_form(digits, code):
        # The number of a notice, or a code of other digits that this one has replaced.
        return enter_code_page(uow, context, code)
    if not parts.codes.can_match(code.key_id):
        raise AuthorityUnavailable("the code cannot be checked: its key is not at hand")
    charged = charge_attempt(
        uow,
        context.visit,
        attempt,
        bound=parts.codes.bind(attempt, digits, code),
        against=code,
        counter=lambda uow: uow.codes.entries(code.id),
        kinds=_KINDS,
        detail={"code": code.id, **given_by(code)},
    )
    return charged if charged is not None else _dead(uow, context, code)


def _has_form(entered: Sensitive, code: EmailCode) -> bool:
    """Return whether what was entered can be a code at all: it says nothing about which."""
    digits = entered.reveal()
    return len(digits) == code.digits and digits.isascii() and digits.isdigit()


def _without_code(uow: UnitOfWork, context: VisitContext) -> FactorOver | Task:
    """Return the next task where there is no code to check, which the page may not know."""
    if context.asks_again:
        return context.task_of(uow, context.way_to_code[0])
    code = uow.codes.newest(context.card.id)
    # An unlock code that would still be valid, had nothing else happened since.
    would_count = (
        code is not None
        and context.visit.purpose in UNLOCKS
        and code.purpose in UNLOCKS
        and code.consumed_at is None
        and code.is_alive(uow.now)
    )
    if code is None or not would_count:
        raise StepRefused("no code was sent for this")
    if code.revoked_at is not None or not is_vouched_for(uow, code):
        return _over(uow, context, code, FactorEnd.WITHDRAWN, withdrawn=True)
    if is_assisted(code) or code.route in context.routes:
        raise StepRefused("no code was sent for this")
    return _over(uow, context, code, FactorEnd.MOVED, moved=True)


def _dead(uow: UnitOfWork, context: VisitContext, code: EmailCode) -> FactorOver:
    expired = not code.is_alive(context.now)
    why = FactorEnd.EXPIRED if expired else FactorEnd.SPENT
    return _over(uow, context, code, why, expired=expired)


def _over(
    uow: UnitOfWork, context: VisitContext, code: EmailCode, why: FactorEnd, **detail: Scalar
) -> FactorOver:
    given = given_by(code)
    record(uow, AuditKind.CODE_DEAD, context.visit, code=code.id, **detail, **given)
    if context.visit.purpose is Purpose.FIRST_UNLOCK:
        raise VisitRefused(Reason.GIVEN_CODE_OVER, keep=context.visit)
    wait = _may_send(uow, context).wait.total_seconds()
    return FactorOver(why, _send_code_page(context), wait)


def _right(uow: UnitOfWork, context: VisitContext, charged: Charged[EmailCode]) -> Task:
    if not charged.conclude(uow, context.visit, right=True):
        return tasks.next_task(uow, context)
    code = charged.against
    if context.own_code is None or context.own_code.id != code.id:
        raise StepRefused("the code was replaced while it was looked at")
    _mail_arrived(uow, context, code)
    if context.asks_owner:
        registered = context.addresses.registered
        need_owner(uow, context.holder, context.card, context.registration, registered)
        # A reader of the recorded address goes on with this.
        if context.pending is None or not uow.codes.consume(code.id):
            raise StepRefused("the code was used already")
        uow.pending.put(replace(context.pending, owner_route=code.route))
        record(uow, AuditKind.OWNER_CONFIRMED, context.visit, code=code.id)
        _confirm_address(uow, context, code)
        context = reload(uow, context, replace(context.visit, owner_route=code.route))
    elif context.visit.purpose in GIVES_ADDRESS:
        if not uow.codes.consume(code.id):
            raise StepRefused("the code was used already")
        context = apply_pending(uow, context)
    else:
        _confirm_address(uow, context, code)
        context = context.passed(uow, Factor.EMAIL_CODE, subject=code.id)
        context = replace(context, proven_code=code)
    return tasks.next_task(uow, context)


def _mail_arrived(uow: UnitOfWork, context: VisitContext, code: EmailCode) -> None:
    """Take the mark off the address of a right code: its mail was read."""
    value = context.routes.get(code.route, "").lower()
    marked = [one.id for one in context.rows if one.bounce and one.value.lower() == value]
    if marked:
        uow.addresses.clear_bounced(marked)


def _confirm_address(uow: UnitOfWork, context: VisitContext, code: EmailCode) -> None:
    """The first right code that was sent to an address set by staff confirms it."""
    if context.addresses.is_unconfirmed(code.route) and uow.addresses.confirm(code.route):
        is_further = any(one.id == code.route for one in context.addresses.further)
        of: dict[str, Scalar] = {"further": True} if is_further else {}
        record(uow, AuditKind.EMAIL_CONFIRMED, context.visit, code=code.id, **of)


def _wrong(
    uow: UnitOfWork, context: VisitContext, charged: Charged[EmailCode]
) -> FactorWrong | FactorOver:
    charged.conclude(uow, context.visit, right=False)
    code, waiting = charged.against, reload(uow, context).waiting_code
    if charged.charge.left <= 0 or waiting is None or waiting.id != code.id:
        return _dead(uow, context, code)
    return FactorWrong(enter_code_page(uow, context, waiting))
