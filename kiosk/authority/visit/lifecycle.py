"""A visit from its beginning to its end: a card went in, an offer was chosen, the visit is over.

At its beginning: whose is the card, what may be done with it, and is there a live code for it?
"""

from __future__ import annotations

import logging
import re
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from kiosk.authority.addresses import language_of
from kiosk.authority.audit.events import AuditKind, plain, record
from kiosk.authority.audit.sentences import Unproven
from kiosk.authority.dependencies import Dependencies
from kiosk.authority.errors import RowAltered
from kiosk.authority.records import (
    EmailCode,
    KnownCard,
    LockedVisit,
    PinChange,
    Proof,
    Scalar,
    Visit,
)
from kiosk.authority.store.database import UnitOfWork
from kiosk.authority.unblock.card_secret import correct_by_card
from kiosk.authority.unblock.outcome import leave_undetermined, record_outcome_by_card
from kiosk.authority.visit import tasks
from kiosk.authority.visit.blocking import block, has_to_block
from kiosk.authority.visit.card_evidence import (
    claim,
    digest_of,
    draw,
    judge,
    refused_before,
    unlock_barred,
)
from kiosk.authority.visit.context import (
    VisitContext,
    VisitRefused,
    context_of,
    deciding,
    enter,
    is_assisted,
    need_open,
    need_own,
    proves_itself,
    read_context,
    reload,
    reread,
)
from kiosk.authority.visit.factors.email_code import enter_code_page
from kiosk.authority.visit.maintenance import officer_of
from kiosk.authority.visit.pin_change import report_unknown
from kiosk.authority.visit.proofs import carried as carried_proofs
from kiosk.authority.visit.registration import apply_due_change
from kiosk.authority.visit.rules import (
    GIVES_ADDRESS,
    UNLOCKS,
    Gate,
    card_barred,
    counted_steps,
    is_of_unknown_family,
    is_registered,
    offers,
    station_barred,
)
from kiosk.authority.visit.stops import is_stopped, shown
from kiosk.authority.visit.ways import name_of, named, next_factor
from kiosk.contract.errors import AuthorityUnavailable, StepRefused
from kiosk.contract.families import FAMILIES
from kiosk.contract.messages import (
    CardChallenge,
    CardProof,
    CardReport,
    Factor,
    Offer,
    Purpose,
    ReadFault,
    Reason,
    Refusal,
    Task,
    UnreadCard,
    VisitEnd,
    VisitId,
    VisitOpened,
    reference_of,
)

log = logging.getLogger(__name__)

# Walk away and come back: a code that was sent can be entered later, at any station.


def _resumed(uow: UnitOfWork, context: VisitContext) -> VisitContext | None:
    """Return the context of a visit that goes on at the code page, or None.

    It inherits only the basis on which the code was sent: right answers, or what a registration or
    a change had gathered after a proven PIN. A code that staff gave has no such basis: its visit
    passes every gate.
    """
    code = context.code
    if code is None or is_assisted(code) or not _may_resume(context, code.purpose):
        return None
    visit = replace(context.visit, purpose=code.purpose, pending_id=code.pending_id)
    proofs: tuple[Proof, ...] = ()
    if code.purpose is Purpose.UNLOCK:
        proofs = carried_proofs(uow, context.factors, code.visit_id, visit.id)
        passed = frozenset(proof.factor for proof in proofs)
        ways = context.ways_to(Purpose.UNLOCK)
        waits = [way for way in ways if next_factor(way, passed) is Factor.EMAIL_CODE]
        if not waits:
            return None
        way = waits[0]
        if len(waits) > 1 and (asked := uow.visits.get(code.visit_id)) is not None:
            way = named(asked.way, waits) or way
        visit = replace(visit, way=name_of(way) if len(ways) > 1 else None)
        own = () if way[0] is Factor.EMAIL_CODE else way
        proofs = tuple(proof for proof in proofs if proof.factor in own)
    carried = reread(uow, context, visit, context.card, proofs)
    goes_on = carried.waiting_code is not None and not carried.pin_key_is_replaced
    return carried if goes_on else None


def _may_resume(context: VisitContext, purpose: Purpose) -> bool:
    registration = context.registration
    if registration is not None and registration.blocked_at is not None:
        return False
    proves = context.visit.genuine_at is not None
    enrolled = context.enrolled
    registered = is_registered(registration, context.policy, enrolled, card_proves=proves)
    match purpose:
        case Purpose.UNLOCK:
            return registered and context.unblock_barred is None
        case Purpose.REGISTER:
            return not registered
        case (
            Purpose.CHANGE_QUESTIONS
            | Purpose.CHANGE_EMAIL
            | Purpose.ADD_ADDRESS
            | Purpose.SAVED_CODES
        ):
            return registered
        case _:
            return False  # no code is mailed for it


_MINUTE = timedelta(minutes=1)

_VISIT_ID = re.compile(r"[0-9a-f]{32}")


def is_visit_id(text: str) -> bool:
    return bool(_VISIT_ID.fullmatch(text))


def begin(
    parts: Dependencies, visit_id: VisitId, report: CardReport
) -> VisitOpened | CardChallenge | Refusal:
    """Open a visit, or have its card prove itself first; a repeat forgets what was proven."""
    if not is_visit_id(visit_id):
        raise StepRefused("that is no visit's id")
    with deciding(parts) as uow:
        rests_until = _limit_rate(uow, parts, visit_id)
        if rests_until is not None:
            return Refusal(Reason.STATION_LIMITED, rests_until)
        visit = Visit(
            id=visit_id,
            reference=reference_of(visit_id),
            station=parts.station.name,
            opened_at=uow.now,
            pin_was_blocked=report.pin.blocked,
            secret_tries=report.secret_tries,
        )
        reply = _arrive(uow, parts, visit, report)
        uow.commit()
        return reply


def prove(parts: Dependencies, visit_id: VisitId, proof: CardProof | None) -> VisitOpened | Refusal:
    """Open the visit whose card has answered its challenge; None: it gave no answer."""
    judged = digest_of("prove", proof)
    with deciding(parts) as uow:
        found = uow.visit_records.lock_visit(visit_id, at_station=True)
        refused = refused_before(found.visit if found else None, judged)
        if found is not None and refused is not None:
            # Until when is not stored with the visit; it follows from the same records again.
            match _offers(uow, context_of(uow, parts, found)):
                case VisitRefused(reason=refused.reason, retry_at=until):
                    return Refusal(refused.reason, until)
            return refused
        locked = need_open(uow, parts, found)
        visit, card, holder = locked.visit, locked.card, locked.holder
        if visit.genuine_at is not None:
            if visit.judged != judged:
                raise StepRefused("the card has proven itself already")
            # The first answer was lost: return how the visit was opened.
            context = context_of(uow, parts, locked)
            return _menu(uow, context, _resumed(uow, context), _offers(uow, context))
        visit, unproven = judge(visit, proof, uow.now)
        visit = replace(visit, judged=judged)
        barred = station_barred(locked.station)
        if barred is not None:
            raise _refused(uow, visit, barred)
        if unproven is not None:
            raise _not_genuine(uow, visit, unproven)
        opened = _open_visit(uow, parts, visit, KnownCard(card, holder), locked=locked)
        uow.commit()
        return opened


def _limit_rate(uow: UnitOfWork, parts: Dependencies, visit_id: VisitId) -> datetime | None:
    """Limit how fast a station opens visits, so that nobody counts through the cards of an estate.

    Return when it may open this one; None: now. The first that has to wait is audited, with a
    closed visit.
    """
    station, most = parts.station.name, parts.policy().visits_a_minute
    begun = uow.visits.begun(station, _MINUTE, most + 1)
    if len(begun) < most:
        return None
    known = uow.visits.get(visit_id)
    if known is not None and known.refusal is not Reason.STATION_LIMITED:
        return None
    if known is None and len(begun) == most:
        log.warning("the station began %d visits within a minute, and has to wait", most)
        nobody = Visit(visit_id, reference_of(visit_id), station, uow.now)
        refused = replace(nobody, how=VisitEnd.REFUSED, refusal=Reason.STATION_LIMITED)
        if not uow.visits.add(replace(refused, closed_at=uow.now)):
            raise StepRefused(_VISIT_EXISTS)
        record(uow, AuditKind.STATION_LIMITED, nobody, visits_a_minute=most)
        uow.commit()
        begun = (uow.now, *begun)
    return begun[most - 1] + _MINUTE


def _arrive(
    uow: UnitOfWork, parts: Dependencies, visit: Visit, report: CardReport
) -> VisitOpened | CardChallenge:
    barred = station_barred(uow.stations.get(visit.station))
    if barred is not None:
        raise _refused(uow, visit, barred)
    # From here on nobody else decides on this card.
    known = uow.visit_records.lock_card(report.card)
    if known is None:
        named = f"{plain(report.card.driver)} {plain(report.card.identifier)}"
        raise _refused(uow, replace(visit, unknown_card=named), Reason.UNKNOWN_CARD)
    card = known.card
    visit = replace(visit, card_id=card.id, holder_id=known.holder.id)
    if is_of_unknown_family(card):
        # What it would have to prove is not known either, so that nothing at all is offered.
        because = f"this release does not know its family, {card.driver}"
        raise _refused(uow, visit, Reason.SECRET_MISSING, because=because)
    presented = report.secret_kind
    if presented is not None and presented != parts.secret_kinds[card.driver].name:
        # An unlock would cost a try, and the tries that it reports are of another secret.
        visit = replace(visit, other_kind=plain(presented), secret_tries=None)
    policy, issuers = parts.policy(), parts.issuers
    knows_keys = card.auth_key is not None or uow.cards.knows_key_of(card.holder_id)
    claimed = claim(policy, issuers, card, report.certificate, uow.now, knows_keys=knows_keys)
    if visit.pin_was_blocked and not isinstance(claimed, Unproven):
        # Only an unlock could be offered.
        claimed = unlock_barred(policy, issuers, card, claimed) or claimed
    is_over = report.expires_at is not None and report.expires_at <= uow.now
    expired = Reason.CARD_EXPIRED if is_over else None
    if isinstance(claimed, Unproven):
        raise _not_genuine(uow, visit, claimed)
    of_certificate = shown(report.certificate, claimed)
    by_record = of_certificate is None or is_stopped(policy, card, visit)
    if not by_record and is_stopped(policy, card, visit, of_certificate):
        # What only its record says, a card learns once it has proven itself.
        raise _refused(uow, visit, Reason.CARD_STOPPED, by="certificate")
    if claimed is None:
        return _open_visit(uow, parts, visit, known, expired)
    if expired is not None:
        raise _refused(uow, visit, expired, by="certificate")
    visit = replace(visit, key_vouched=issuers is not None)
    drawn, challenge = draw(visit, claimed, uow.now)
    before = _add(uow, drawn)
    if before is not None:
        waiting, since = before.challenge, before.challenged_at
        asked = replace(visit, auth_key=before.auth_key, challenge=waiting, challenged_at=since)
        drawn, challenge = draw(asked, claimed, uow.now)
        _overwrite(uow, drawn)
    return challenge


def _open_visit(
    uow: UnitOfWork,
    parts: Dependencies,
    visit: Visit,
    known: KnownCard,
    expired: Reason | None = None,
    locked: LockedVisit | None = None,
) -> VisitOpened:
    """Go on with a card that has proven what it has to: only now its records are read.

    Its report changes the records only where it is proven: a copy can report the same identifier.
    ``locked``: what was read with the visit, if it is already recorded.
    """
    changed = apply_due_change(uow, known.holder.id)
    proven = proves_itself(visit, known.card)
    for older in uow.visits.open_of_card(known.card.id):
        # The card has left wherever it was before. One that is known by name only may be a copy: it
        # ends no visit at another station.
        has_left = older.id != visit.id and (proven or older.station == visit.station)
        if has_left and _close_visit(uow, older.id, VisitEnd.CARD_REMOVED):
            record(uow, AuditKind.VISIT_SUPERSEDED, older, by=visit.reference)
    if proven:
        changed |= record_outcome_by_card(uow, parts.sealer, visit, known.card, known.holder)
        changed |= correct_by_card(uow, visit)
    policy = parts.policy()
    barred = card_barred(known.card, known.holder, uow.now, policy, visit) or expired
    if barred is not None:
        by = {"by": "certificate"} if barred is expired else {}
        raise _refused(uow, visit, barred, **by)
    if locked is not None and not changed:
        context = context_of(uow, parts, replace(locked, visit=visit))
    else:
        card = (uow.cards.get(known.card.id) if changed else None) or known.card
        context = read_context(uow, parts, visit, card, known.holder)
    registration = context.registration
    language = language_of(registration) or parts.language
    context = replace(context, visit=replace(context.visit, language=language))
    if registration is not None and has_to_block(uow, registration, context.policy):
        # All its attempts were charged by a program that died since.
        block(uow, parts, context)
        context = reload(uow, context)
    if context.unblock_barred is Reason.SECRET_BLOCKED:
        leave_undetermined(uow, context.visit, context.card)
    carried = _resumed(uow, context)
    offered = _offers(uow, context)
    if carried is None and isinstance(offered, VisitRefused):
        kinds = _kinds(parts, context, offered.reason)
        raise _refused(uow, context.visit, offered.reason, offered.retry_at, **kinds)
    here = carried or context
    stored = _store(uow, here.visit)
    for proof in carried.proofs if carried else ():
        uow.proofs.put(proof)
    if stored:
        return _menu(uow, context, carried, offered)
    record(uow, AuditKind.VISIT_OPENED, here.visit, pin_blocked=here.visit.pin_was_blocked)
    code = carried.waiting_code if carried else None
    if code is not None:
        detail = {"purpose": code.purpose.value, "code": code.id}
        record(uow, AuditKind.VISIT_RESUMED, here.visit, **detail)
    return _menu(uow, context, carried, offered)


def _kinds(parts: Dependencies, context: VisitContext, reason: Reason) -> dict[str, Scalar]:
    """Return for the audit how the settings of station and authority differ, if that is why."""
    if reason is not Reason.SECRET_KIND_DIFFERS:
        return {}
    family = context.card.driver
    return {
        "presented": context.visit.other_kind,
        "stored": parts.secret_kinds[family].name,
        "setting": ".".join(FAMILIES[family].secret_setting or ()),
    }


def _menu(
    uow: UnitOfWork,
    context: VisitContext,
    carried: VisitContext | None,
    offered: tuple[Purpose, ...] | VisitRefused,
) -> VisitOpened:
    registration, code = context.registration, carried.waiting_code if carried else None
    purposes = () if isinstance(offered, VisitRefused) else offered
    if carried is not None:
        # In place of the live code's purpose, or that anew where its address may be mistyped.
        waiting, may_abandon = carried.visit.purpose, _may_abandon_code(uow, carried)
        others = tuple(one for one in purposes if one is not waiting or one in GIVES_ADDRESS)
        purposes = others if may_abandon else ()
    claimed, registers = context.counts_as_claimed, context.can_register
    steps = partial(
        counted_steps,
        context.policy,
        claimed=claimed,
        registers=registers,
        ways=context.ways_to(Purpose.UNLOCK),
    )
    return VisitOpened(
        visit=VisitId(context.visit.id),
        holder_name=context.holder.name,
        offers=tuple(Offer(one, len(steps(one))) for one in purposes),
        resumed=(code.purpose, enter_code_page(uow, carried, code)) if carried and code else None,
        blocked=registration is not None and registration.blocked_at is not None,
        language=context.visit.language,
        ways=tasks.choose_way(carried) if carried and len(carried.ways) > 1 else None,
    )


def _offers(uow: UnitOfWork, context: VisitContext) -> tuple[Purpose, ...] | VisitRefused:
    """Return what can be done, or why nothing can.

    An unlock that would be refused stays among other offers. Who has forgotten the PIN reads on its
    page what to do; a menu without it would leave them to guess until the card locks.
    """
    offered = _all_offers(context)
    if isinstance(offered, Reason):
        return VisitRefused(offered)
    if not UNLOCKS.issuperset(offered):
        return offered
    if barred := context.unblock_barred:
        return VisitRefused(barred)
    paused = tasks.unlock_paused(uow, context) if Purpose.UNLOCK in offered else None
    return paused or offered


def _all_offers(context: VisitContext) -> tuple[Purpose, ...] | Reason:
    offered = offers(
        context.registration,
        context.policy,
        context.enrolled,
        pin_blocked=context.visit.pin_was_blocked,
        card_proves=context.visit.genuine_at is not None,
        code_given=context.first_code is not None,
    )
    if context.staff_card is None or context.visit.pin_was_blocked or isinstance(offered, Reason):
        return offered
    # Also where it will be refused: only then the audit records the attempt.
    return (*offered, Purpose.MAINTENANCE)


def _not_genuine(uow: UnitOfWork, visit: Visit, because: Unproven) -> VisitRefused:
    record(uow, AuditKind.CARD_UNPROVEN, visit, because=because.value)
    if because is Unproven.REVOKED:
        # Its holder learns it: everybody can read the list.
        return _refused(uow, visit, Reason.CARD_REVOKED, by="certificate")
    return _refused(uow, visit, Reason.NOT_GENUINE)


def _refused(
    uow: UnitOfWork,
    visit: Visit,
    reason: Reason,
    retry_at: datetime | None = None,
    /,
    **detail: Scalar,
) -> VisitRefused:
    """Store the visit as closed."""
    _store(uow, replace(visit, closed_at=uow.now, how=VisitEnd.REFUSED, refusal=reason))
    return VisitRefused(reason, retry_at, keep=visit, **detail)


def _store(uow: UnitOfWork, visit: Visit) -> bool:
    """Write a new visit, or begin a repeated one again; return whether it was opened before."""
    if visit.judged is not None:
        # Its card has answered: it is there already, locked.
        _overwrite(uow, visit)
        return False
    before = _add(uow, visit)
    if before is None:
        return False
    _overwrite(uow, visit)
    return before.auth_key is None


def _add(uow: UnitOfWork, visit: Visit) -> Visit | None:
    """Write a new visit; return the existing one, locked, if any: a closed one stays closed."""
    if uow.visits.add(visit):
        return None
    before = uow.visits.lock(visit.id)
    if (
        before is None
        or _opened_for(before) != _opened_for(visit)
        or (before.closed_at is not None and visit.closed_at is None)
        or before.pin_change is not None
        or before.finished_at is not None
        # Its station has the answer. Otherwise each choice would be in the story again.
        or before.purpose not in (None, visit.purpose)
    ):
        raise StepRefused(_VISIT_EXISTS)
    return before


def _opened_for(visit: Visit) -> tuple[str, str | None, str | None]:
    """Return station and card; a card that is not recorded by what the station said of it.

    Otherwise a station could ask about one card after another under the id of one visit.
    """
    return visit.station, visit.card_id, visit.unknown_card


def _overwrite(uow: UnitOfWork, visit: Visit) -> None:
    """Begin a visit again, unless an unblock was granted: a card has yet to answer to it."""
    if uow.journal.of_visit(visit.id):
        raise StepRefused(_VISIT_EXISTS)
    uow.visits.save(visit)
    uow.proofs.drop(visit.id)  # a repeat forgets what was proven


_VISIT_EXISTS = "there is a visit with this id, or with its reference, already"


# The holder chose from what was offered.


def choose(parts: Dependencies, visit_id: VisitId, purpose: Purpose, anew: bool = False) -> Task:
    """Start on one of the offers; the same choice again changes nothing.

    A choice other than the live code's purpose withdraws that code, and so does the same with
    ``anew``.
    """
    with deciding(parts) as uow:
        context = enter(uow, parts, visit_id)
        again = anew and _may_abandon_code(uow, context)
        if context.visit.purpose is not purpose or again:
            key = context.visit.auth_key
            if purpose in UNLOCKS and unlock_barred(
                context.policy, parts.issuers, context.card, key
            ):
                raise VisitRefused(Reason.NOT_GENUINE)
            context = _start(uow, parts, context, purpose)
        task = tasks.next_task(uow, context)
        uow.commit()
        return task


def _start(
    uow: UnitOfWork, parts: Dependencies, context: VisitContext, purpose: Purpose
) -> VisitContext:
    if purpose is Purpose.REPORT_MISUSE:
        # A report is open to each visit, unless its card owes an answer for another purpose.
        owes = context.visit.finished_at or context.visit.pin_change
        if owes is not None or uow.journal.of_visit(context.visit.id):
            raise StepRefused("the visit is for something else")
    else:
        if context.visit.purpose is not None:
            context = _abandon_code(uow, context)
        _need_offer(uow, parts, context, purpose)
    withdrawn = _withdraw_abandoned_code(uow, context, purpose)
    visit = replace(context.visit, purpose=purpose, pending_id=None, way=None)
    uow.visits.save(visit)
    record(uow, AuditKind.PURPOSE_CHOSEN, visit, purpose=purpose.value)
    code = None if withdrawn else context.code
    return replace(context, visit=visit, pending=None, code=code)


def _withdraw_abandoned_code(uow: UnitOfWork, context: VisitContext, purpose: Purpose) -> bool:
    """Withdraw the code of an abandoned visit that began the same; return whether there was one.

    A card that is known by name only withdraws nothing of a visit that is open.
    """
    code = context.code
    if code is None or code.purpose is not purpose or code.pending_id is None:
        return False
    asked = uow.visits.get(code.visit_id)
    is_open = asked is not None and asked.id != context.visit.id and asked.closed_at is None
    return (context.is_proven or not is_open) and uow.codes.revoke_live(context.card.id)


def _abandon_code(uow: UnitOfWork, context: VisitContext) -> VisitContext:
    """Withdraw a visit's live code, and return the visit without a choice.

    With the code go what was proven and what was gathered. Charges and sends stay counted; the
    next code is one more.
    """
    if not _may_abandon_code(uow, context):
        raise StepRefused("the visit is for something else")
    waited_for, code, pending = context.visit.purpose, _mailed_code(context), context.pending
    fresh = replace(context.visit, purpose=None, pending_id=None, way=None)
    if context.proofs:
        uow.proofs.drop(fresh.id)
    if code is not None and waited_for is not None and uow.codes.revoke_live(context.card.id):
        detail = {"purpose": waited_for.value, "code": code.id}
        record(uow, AuditKind.CODE_ABANDONED, context.visit, **detail)
    if pending is not None:
        uow.pending.delete(pending.id)
    left = None if code is not None else context.code
    return replace(context, visit=fresh, pending=None, code=left, proofs=())


def _may_abandon_code(uow: UnitOfWork, context: VisitContext) -> bool:
    """Return whether a visit has a live code, and nothing was proven in it that it could misuse.

    A card that is known by name only may be a copy: it withdraws no code that a proven card
    requested, and none while another visit of the card is open.
    """
    visit, code = context.visit, _mailed_code(context)
    waits = visit.purpose is not Purpose.FIRST_UNLOCK and context.next_step in _CODE_STEPS
    passed = any(proof.carried_from is None for proof in context.proofs)
    if not waits or passed or visit.pin_proven_at or visit.owner_route:
        return False
    if context.is_proven or code is None:
        return True
    others = (one for one in uow.visits.open_of_card(context.card.id) if one.id != visit.id)
    return code.unproven and not any(others)


_CODE_STEPS = (Gate.OWNER, Gate.CODE, Factor.EMAIL_CODE)


def _mailed_code(context: VisitContext) -> EmailCode | None:
    """Return the live code of the visit's purpose, unless staff gave it."""
    code = context.code
    if code is None or is_assisted(code) or code.purpose is not context.visit.purpose:
        return None
    return code


def _need_offer(
    uow: UnitOfWork, parts: Dependencies, context: VisitContext, purpose: Purpose
) -> None:
    offered = _all_offers(context)
    if not isinstance(offered, tuple):
        raise VisitRefused(offered)
    if purpose not in offered:
        raise StepRefused(f"{purpose.value!r} was not offered")
    if purpose is Purpose.MAINTENANCE:
        officer_of(context)
    barred = context.unblock_barred if purpose in UNLOCKS else None
    if barred is not None:
        raise VisitRefused(barred, None, keep=None, **_kinds(parts, context, barred))
    if purpose is Purpose.UNLOCK and (waits := tasks.unlock_paused(uow, context)):
        raise waits


# The ends: a visit over, a refusal at the station.


def end(parts: Dependencies, visit_id: VisitId, how: VisitEnd) -> None:
    """Close a visit, once: nothing can be done in it any more."""
    with deciding(parts) as uow:
        visit = _close_visit(uow, visit_id, how)
        if visit is not None:
            need_own(parts, visit)
            record(uow, AuditKind.VISIT_ENDED, visit, how=how.value)
            _hide_saved_code(uow, parts, visit)
            uow.commit()


def _hide_saved_code(uow: UnitOfWork, parts: Dependencies, visit: Visit) -> None:
    """Let the saved code that the last page showed be made by nobody any more."""
    with suppress(RowAltered):  # a visit ends without a policy, too
        if parts.policy().saved_codes and visit.finished_at is not None and visit.holder_id:
            uow.registrations.forget_nonces(visit.holder_id, visit.id)


def refuse(
    parts: Dependencies, visit_id: VisitId, reason: str, unread: UnreadCard | None = None
) -> None:
    """Record a refusal by the station; its visit may never have been opened.

    Its report of a card that it could not read is stored with the visit, and deleted with it. A
    card that was pulled ends its visit, and is no refusal.
    """
    if not is_visit_id(visit_id):
        raise StepRefused("that is no visit's id")
    listed = next((one for one in Reason if one == reason), Reason.FAULT)
    fault = unread.fault if unread else None
    family = unread.family if unread and unread.family in FAMILIES else None
    pulled = fault is ReadFault.TAKEN_OUT
    with deciding(parts) as uow:
        visit = uow.visits.get(visit_id)
        if visit is None:
            if _limit_rate(uow, parts, visit_id) is not None:
                raise AuthorityUnavailable("the station reported too much within a minute")
            visit = Visit(
                visit_id,
                reference_of(visit_id),
                parts.station.name,
                uow.now,
                closed_at=uow.now,
                how=VisitEnd.CARD_REMOVED if pulled else VisitEnd.REFUSED,
                refusal=None if pulled else listed,
                unread=fault,
                unknown_card=family,
            )
            if not uow.visits.add(visit):
                raise StepRefused(_VISIT_EXISTS)
        else:
            need_own(parts, visit)
            if visit.how is VisitEnd.CARD_REMOVED:
                return
            if fault is not None:
                uow.visits.note_unread(visit_id, fault)
        if pulled:
            record(uow, AuditKind.CARD_PULLED, visit)
        else:
            record(uow, AuditKind.REFUSED_AT_STATION, visit, reason=listed.value)
        uow.commit()


def _close_visit(uow: UnitOfWork, visit_id: str, how: VisitEnd) -> Visit | None:
    """Close a visit and return it as it was; None where it is closed already or unknown."""
    visit = uow.visits.close(visit_id, uow.now, how)
    if visit is not None and visit.pin_change is PinChange.BEGUN:
        report_unknown(uow, visit)
    return visit


def end_visits(
    uow: UnitOfWork, card_id: str, *, but_visit: str = "", granted: bool = False
) -> None:
    """End the open visits of a locked card; ``granted``: only those that were granted a secret."""
    for visit in uow.visits.open_of_card(card_id):
        if visit.id == but_visit or (granted and not uow.journal.of_visit(visit.id)):
            continue
        if _close_visit(uow, visit.id, VisitEnd.REFUSED):
            record(uow, AuditKind.VISIT_ENDED, visit, how=VisitEnd.REFUSED.value)
