"""Assisted unlock: a code by word of mouth for somebody who cannot read their email.

For a registered holder it replaces the mailed code and nothing else. For anybody else it opens the
first unlock of one card, and they register in the same visit. Where the policy requires a second
member of staff it stays a draft, which no station accepts, until somebody else agrees. The code
itself is returned once; only its keyed digest is stored.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import takewhile

from kiosk.authority.administration.cards import locked_card
from kiosk.authority.administration.deeds import CodeAgreed, PlainDeed
from kiosk.authority.administration.office import Act, Desk, audit_name, concurrent_change
from kiosk.authority.administration.proposals import objection
from kiosk.authority.administration.standing import (
    card_problem,
    is_blocked,
    trouble_of,
    waits_for_second,
)
from kiosk.authority.administration.views import Actor, Done, Grounds, IssuedCode, Seen
from kiosk.authority.audit.events import STAFF_KINDS, ServiceKind, StaffKind
from kiosk.authority.crypto.macs import draw_code
from kiosk.authority.crypto.sealing import Sealer, SealKind
from kiosk.authority.errors import (
    ConcurrentChange,
    KeyMissing,
    NotFound,
    NotPermitted,
    NotTaken,
    SealBroken,
)
from kiosk.authority.notices import Notice
from kiosk.authority.records import AuditQuery, Card, Cardholder, EmailCode, new_id
from kiosk.authority.refusals import (
    CardOfNoUse,
    CodeForSomethingElse,
    CodesGivenAlready,
    PlainRefusal,
)
from kiosk.authority.roles import Action, Role
from kiosk.authority.store.database import UnitOfWork
from kiosk.authority.unblock.stored_secrets import label_of
from kiosk.authority.visit.context import ASSISTED_LIFE, is_assisted, is_vouched_for
from kiosk.authority.visit.factors import FACTORS
from kiosk.authority.visit.proofs import enrolled_in
from kiosk.authority.visit.rules import has_left, is_registered
from kiosk.contract.messages import Purpose, Reason
from kiosk.contract.policy import HOUR, Policy

# For whom a code may be given: a holder who can unlock with it, and not too often.


def need_someone_able(
    uow: UnitOfWork, policy: Policy, sealer: Sealer, holder: Cardholder, card: Card
) -> None:
    """Raise ``NotTaken`` unless the holder, registered or not, can unlock the card with a code."""
    registration = uow.registrations.of_holder(holder.id)
    if has_left(holder, uow.now):
        raise NotTaken("person", PlainRefusal.LEAVER_NOT_SERVED)
    if is_blocked(registration, policy):
        raise NotTaken("person", PlainRefusal.BLOCK_COMES_FIRST)
    trouble = card_problem(card, uow.now, policy)
    if trouble is None and (sealed := card.sealed_secret) is not None:
        # Checked before somebody walks to a station: the secret opens.
        try:
            sealer.look(sealed, label_of(card, SealKind.UNBLOCK, sealed.revision))
        except (SealBroken, KeyMissing):
            trouble = Reason.SECRET_MISSING
    if trouble is not None:
        raise NotTaken("card", CardOfNoUse(trouble_of(card, trouble)))


def purpose_for(uow: UnitOfWork, policy: Policy, holder: Cardholder) -> Purpose:
    """Return what a code is for; one for a first unlock opens nothing once they are registered."""
    registration = uow.registrations.of_holder(holder.id)
    enrolled = enrolled_in(registration, FACTORS)
    registered = is_registered(registration, policy, enrolled)
    return Purpose.UNLOCK if registered else Purpose.FIRST_UNLOCK


def codes_waiting(uow: UnitOfWork) -> tuple[tuple[EmailCode, Cardholder], ...]:
    """Return the codes that wait for a second member of staff, oldest first, and for whom."""
    return tuple(
        (code, holder)
        for code in uow.codes.unagreed(ASSISTED_LIFE)
        if is_vouched_for(uow, code) and (holder := uow.holders.get(code.holder_id))
    )


class CodesDesk(Desk):
    def issue(self, seen: Seen, card_id: str, grounds: Grounds) -> IssuedCode:
        """Make a code for one card of the person, who gets a mail about it."""
        with self._on_person(seen, Action.ISSUE_CODE, grounds) as (act, holder):
            policy = self._office.means.policy()
            card = locked_card(act.uow, holder, card_id)
            need_someone_able(act.uow, policy, self._office.means.sealer, holder, card)
            times = act.uow.codes.give_times(card.id, act.uow.now - HOUR)
            given = sum(at < act.uow.now + HOUR for at in times)  # a later one is of a wrong clock
            if given >= policy.codes_an_hour:
                raise NotTaken("card", CodesGivenAlready(given))
            code = draw_code(policy.code_digits)
            needs_second = self._office.needs_second(act.uow, Action.ISSUE_CODE)
            purpose = purpose_for(act.uow, policy, holder)
            first = purpose is Purpose.FIRST_UNLOCK
            code_id, ends = new_id(), act.uow.now + ASSISTED_LIFE
            # A code that staff gave before is replaced; a mailed one is when this one goes live.
            act.uow.codes.revoke_given(card.id)
            draft = EmailCode(
                id=code_id,
                card_id=card.id,
                holder_id=card.holder_id,
                purpose=purpose,
                visit_id="",
                digest=b"",
                key_id="",
                route="",
                drafted_at=act.uow.now,
                max_tries=policy.code_tries,
                digits=policy.code_digits,
                issued_by=audit_name(act.actor),
                issued_key=act.actor.key,
                needs_second=needs_second,
            )
            act.uow.codes.draft(self._office.means.codes.with_digest(draft, code))
            if not needs_second:
                act.uow.codes.activate(code_id, act.uow.now, ends)
            act.record(
                StaffKind.CODE_ISSUED,
                card_id=card.id,
                code=code_id,
                needs_second=needs_second,
                first_unlock=first,
            )
            act.notify(Notice.FIRST_CODE_GIVEN if first else Notice.CODE_GIVEN, holder)
        return IssuedCode(code_id, code, ends, needs_second, act.reference, for_first_unlock=first)

    def agree(self, code_id: str, grounds: Grounds) -> Done:
        """Agree to another's code, so that it works."""
        with self._on_code(Action.AGREE_CODE, code_id, grounds) as (act, holder, card, code):
            policy = self._office.means.policy()
            if because := objection(act.uow, giver_of(act.uow, code), act.actor):
                raise NotPermitted(because)
            if not waits_for_second(code):
                raise _over(act.uow, code)
            # Nor to one that a clock which was ahead dated.
            if abs(act.uow.now - code.drafted_at) >= ASSISTED_LIFE:
                raise NotFound(PlainRefusal.CODE_NOT_AGREED_IN_TIME)
            if not is_vouched_for(act.uow, code):
                raise NotFound(PlainRefusal.CODE_GIVER_MAY_NOT_ANY_MORE)
            kinds = frozenset({StaffKind.NAME_CORRECTED.value, ServiceKind.PERSON_CHANGED.value})
            query = AuditQuery(holder_id=holder.id, kinds=kinds, since=code.drafted_at)
            newest = act.uow.trail.newest(query)
            if renamed := [event for event in newest if event.at > code.drafted_at]:
                raise concurrent_change(
                    act.uow,
                    PlainRefusal.CHANGED_SINCE_CODE,
                    renamed,
                )
            need_someone_able(act.uow, policy, self._office.means.sealer, holder, card)
            if purpose_for(act.uow, policy, holder) is not code.purpose:
                first = code.purpose is Purpose.FIRST_UNLOCK
                raise NotTaken("person", CodeForSomethingElse(holder.name, first))
            act.uow.codes.agree(code.id, audit_name(act.actor))
            act.uow.codes.activate(code.id, act.uow.now, act.uow.now + ASSISTED_LIFE)
            act.record(StaffKind.CODE_AGREED, card_id=card.id, code=code.id)
        minutes = int(ASSISTED_LIFE.total_seconds() // 60)
        return act.done(CodeAgreed(minutes))

    def withdraw(self, code_id: str, grounds: Grounds) -> Done:
        with self._on_code(Action.WITHDRAW_CODE, code_id, grounds) as (act, _, card, code):
            ends = code.expires_at or code.drafted_at + ASSISTED_LIFE
            if ends <= act.uow.now or not act.uow.codes.revoke(code.id):
                raise _over(act.uow, code)
            act.record(StaffKind.CODE_WITHDRAWN, card_id=card.id, code=code.id)
        return act.done(PlainDeed.CODE_WITHDRAWN)

    @contextmanager
    def _on_code(
        self, action: Action, code_id: str, grounds: Grounds
    ) -> Iterator[tuple[Act, Cardholder, Card, EmailCode]]:
        """Begin an act on a code; a concurrent decision about its person comes first."""
        with self._office.look(action) as uow:
            known = uow.codes.get(code_id)
            whose = uow.holders.get(known.holder_id) if known else None
        if known is None or whose is None or not is_assisted(known):
            raise NotFound(PlainRefusal.NOTHING_OF_THIS_ID)
        with self._on_person(Seen(whose.id, whose.revision), action, grounds) as (act, holder):
            card = locked_card(act.uow, holder, known.card_id)
            code = act.uow.codes.get(code_id)
            if code is None:
                raise NotFound(PlainRefusal.NOTHING_OF_THIS_ID)
            yield act, holder, card, code


def giver_of(uow: UnitOfWork, code: EmailCode) -> Actor:
    member = uow.staff.get(code.issued_by or "")
    if member is None:  # the command line, which counts as one person
        return Actor(code.issued_by or "", Role.MANAGER)
    return Actor(member.name, member.role, member.id, code.issued_key)


def _over(uow: UnitOfWork, code: EmailCode) -> ConcurrentChange | NotFound:
    """Return what staff did since the code was made; if nothing, that it has expired."""
    newest_first = uow.trail.newest(AuditQuery(holder_id=code.holder_id))
    made = StaffKind.CODE_ISSUED.value, code.id
    since = takewhile(lambda event: (event.kind, event.detail.get("code")) != made, newest_first)
    if deeds := [event for event in since if event.kind in STAFF_KINDS]:
        return concurrent_change(uow, PlainRefusal.CODE_CHANGED, deeds)
    return NotFound(PlainRefusal.CODE_OVER)
