"""A person's page and story, read in the same few statements whatever the story's length."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import chain

from kiosk.authority.addresses import Addresses, named_addresses
from kiosk.authority.administration.checks import broken_seals
from kiosk.authority.administration.office import (
    StaffDependencies,
    note_id_of,
    seen_of,
    staff_names,
)
from kiosk.authority.administration.proposed_acts import waiting_lines
from kiosk.authority.administration.standing import (
    MisuseReport,
    StandingFacts,
    card_observations,
    code_line,
    happened,
    headline_of,
    is_blocked,
    registers_later,
    trouble_of,
    waits_for_second,
)
from kiosk.authority.administration.views import (
    Actor,
    AddressChangeLine,
    CardLine,
    Person,
    RegistrationLine,
    Standing,
    StoryLine,
)
from kiosk.authority.audit.events import (
    FOLLOWING,
    GRAVE,
    NOT_IN_STORY,
    AuditKind,
    StaffKind,
)
from kiosk.authority.facts import ReadAt
from kiosk.authority.records import AuditEvent, AuditQuery, Card, Cardholder, CardStatus
from kiosk.authority.roles import Action, may
from kiosk.authority.store.database import UnitOfWork
from kiosk.authority.visit.context import ASSISTED_LIFE, is_assisted, is_vouched_for
from kiosk.authority.visit.factors import FACTORS
from kiosk.authority.visit.rules import needs_pin
from kiosk.contract.messages import Purpose
from kiosk.contract.policy import HOUR, mask_email


def story_of(
    uow: UnitOfWork,
    holder_id: str,
    name_of: Callable[[str | None], str],
    *,
    before: int | None = None,
    limit: int,
) -> tuple[StoryLine, ...]:
    """Return up to ``limit`` lines from before row ``before`` (None: the newest)."""
    wanted = AuditQuery(holder_id=holder_id, without=NOT_IN_STORY)
    events = uow.trail.newest(wanted, before, limit)
    notes = uow.notes.by_ids(tuple(filter(None, map(note_id_of, events))))
    lines = []
    for event in events:
        note = notes.get(note_id_of(event))
        lines.append(
            StoryLine(
                seq=event.seq,
                at=event.at,
                what=happened(event),
                who=name_of(event.actor),
                station=event.station or "",
                reference=event.reference,
                grave=event.kind in GRAVE,
                reason=note.reason if note else "",
                identified_by=note.identified_by if note else "",
                agreed_by=name_of(str(event.detail.get("agreed_by") or "")),
            )
        )
    return tuple(lines)


NEWEST = 50
"""Lines of a story on a person's page."""


def page_of(uow: UnitOfWork, holder: Cardholder, means: StaffDependencies, actor: Actor) -> Person:
    """Return the page of ``holder`` as ``actor`` may see and use it."""
    # Read first: what comes between the two is then refused, although the page shows it.
    seen = seen_of(uow, holder)
    facts, name_of = facts_of(uow, holder, means), staff_names(uow)
    waiting = None
    addresses = facts.addresses
    change, present = addresses.waiting, addresses.registered
    # Of a former address it replaces nothing.
    if change and present and change.replaces == present.id:
        masked = mask_email(change.value)
        waiting = AddressChangeLine(present.value, masked, change.effective_from)
    return Person(
        seen=seen,
        number=holder.number,
        name=holder.name,
        email=addresses.shown,
        left_at=holder.left_at,
        standing=facts.standing,
        can_unlock=facts.can_unlock,
        headline=headline_of(facts),
        clock=ReadAt(facts.now, means.zone),
        registers_later=registers_later(facts),
        registration=_registration_line(uow, facts),
        cards=tuple(
            CardLine(
                card_id=card.id,
                driver=card.driver,
                identifier=card.identifier,
                revoked=card.status is CardStatus.REVOKED,
                expires_at=card.expires_at,
                has_secret=card.sealed_secret is not None,
                trouble=trouble_of(card, why) if (why := facts.trouble(card)) else None,
                has_key=card.auth_key is not None,
                has_pin_key=card.pin_key is not None,
                pin_is_bound=needs_pin(card, card.pin_key or b""),
                assisted_until=_assisted_until(card, facts),
                last_right_pin=facts.seen.right_pins.get(card.id),
            )
            for card in facts.cards
        ),
        codes=tuple(code_line(code, holder, name_of(code.issued_by)) for code in facts.codes),
        story=story_of(uow, holder.id, name_of, limit=NEWEST),
        open_to=frozenset(one for one in _sensible(facts, actor) if may(actor.role, one)),
        waiting_change=waiting,
        proposals=waiting_lines(uow, actor, means.sealer, holder.id),
    )


def _assisted_until(card: Card, facts: StandingFacts) -> datetime | None:
    """Return until when a PIN that was set with a code from staff proves nothing, if it is set."""
    at = card.assisted_pin_at
    until = at + facts.policy.address_cooling_off if at is not None else None
    return until if until is not None and until > facts.now else None


def facts_of(uow: UnitOfWork, holder: Cardholder, means: StaffDependencies) -> StandingFacts:
    policy, around = means.policy(), uow.addresses.around(holder.id)
    registration = around[1] if around else None
    codes = uow.codes.open_of_holder(holder.id)
    blocks = AuditQuery(holder_id=holder.id, kind=AuditKind.REGISTRATION_BLOCKED.value)
    last_block = next(iter(uow.trail.newest(blocks, limit=1)), None)
    report = None
    if is_blocked(registration, policy):
        # The last report that an act was not the holder's, and of which, where that is known.
        reports = [
            event
            for kind in (AuditKind.MISUSE_REPORTED.value, StaffKind.MISUSE_STOPPED.value)
            for event in uow.trail.newest(AuditQuery(holder_id=holder.id, kind=kind), limit=1)
        ]
        if reports:
            last = max(reports, key=lambda event: event.at)
            about = last.detail.get("about")
            acts = events_of_mail(uow, str(about)) if about else ()
            report = MisuseReport(last.at, newest_act(acts))
    return StandingFacts(
        holder=holder,
        cards=uow.cards.of_holder(holder.id),
        registration=registration,
        addresses=named_addresses(*around) if around else Addresses(),
        policy=policy,
        now=uow.now,
        codes=tuple(
            code
            for code in codes
            if (code.expires_at or code.drafted_at + ASSISTED_LIFE) > uow.now
            and is_vouched_for(uow, code)
        ),
        sent=uow.codes.send_times_of_holder(holder.id, uow.now - HOUR),
        unsettled=uow.journal.open_of_holder(holder.id),
        broken=broken_seals(uow, (holder.id,)),
        blocked_where=last_block.station or "" if last_block else "",
        seen=card_observations(uow, holder.id),
        report=report,
    )


def events_of_mail(uow: UnitOfWork, reference: str) -> tuple[AuditEvent, ...]:
    """Return a visit's events that a mail may report, newest first, without misuse reports."""
    events = uow.trail.newest(AuditQuery(reference=reference, without=_OF_REPORT), limit=20)
    report = Purpose.REPORT_MISUSE.value
    return tuple(event for event in events if event.detail.get("purpose") != report)


_OF_REPORT = NOT_IN_STORY | {
    AuditKind.MISUSE_REPORTED.value,
    AuditKind.STOP_NUMBER_TRIED.value,
    AuditKind.STOP_NUMBER_WRONG.value,
}


def newest_act(events: Sequence[AuditEvent]) -> AuditEvent | None:
    """Return the result of a visit from its events, newest first; not how it ended."""
    acts = (event for event in events if event.kind not in FOLLOWING)
    return next(acts, events[0] if events else None)


def _registration_line(uow: UnitOfWork, facts: StandingFacts) -> RegistrationLine | None:
    registration = facts.registration
    if registration is None:
        return None
    enrolled = (rules for rules in FACTORS.values() if rules.enrolled(registration))
    lines = (rules.lines(uow, registration, facts.addresses) for rules in enrolled)
    return RegistrationLine(
        registered_at=registration.registered_at,
        enrolled=tuple(chain.from_iterable(lines)),
        failures=registration.failures,
        failures_allowed=facts.policy.max_failures,
        blocked_at=registration.blocked_at,
        paused_until=facts.paused_until,
        misuse_reported=facts.is_misuse_reported,
    )


def _sensible(facts: StandingFacts, actor: Actor) -> frozenset[Action]:
    if facts.standing is Standing.LEFT:
        return frozenset({Action.TAKE_BACK_LEAVER, Action.ERASE_PERSON})
    sensible = {Action.CORRECT_NAME, Action.CORRECT_EMAIL, Action.MARK_LEAVER, Action.ADD_CARD}
    sensible |= {Action.ERASE_PERSON, Action.REPORT_MISUSE}
    if any(card.status is CardStatus.ACTIVE for card in facts.cards):
        sensible |= {Action.REPLACE_CARD, Action.REVOKE_CARD, Action.SET_SECRET}
    if facts.registration is not None:
        sensible.add(Action.REVOKE_REGISTRATION)
    if is_blocked(facts.registration, facts.policy) or facts.paused_until is not None:
        sensible.add(Action.LIFT_BLOCK)
    first = facts.standing is Standing.NOT_REGISTERED and facts.unlockable
    if facts.standing is Standing.READY or first:
        sensible.add(Action.ISSUE_CODE)
    if any(waits_for_second(code) and code.issued_by != actor.staff_id for code in facts.codes):
        sensible.add(Action.AGREE_CODE)
    saved = facts.registration is not None and bool(facts.registration.saved_left)
    if saved or any(map(is_assisted, facts.codes)):
        sensible.add(Action.WITHDRAW_CODE)
    return frozenset(sensible)
