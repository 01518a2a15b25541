"""A person's page, read in one go: the same few statements whatever their story's length."""

from __future__ import annotations

from datetime import datetime, tzinfo

from kiosk.administration.broken_seals import broken_seals
from kiosk.administration.code_lines import code_line, waits_for_second
from kiosk.administration.headline import headline_of, trouble_words
from kiosk.administration.holder_notices import address_of
from kiosk.administration.kinds import StaffKind
from kiosk.administration.names import staff_names
from kiosk.administration.seen_of_cards import seen_of_cards
from kiosk.administration.standing import Facts, is_blocked
from kiosk.administration.story import story_of
from kiosk.administration.views.acting import Actor, Seen
from kiosk.administration.views.people import (
    AddressChangeLine,
    CardLine,
    Person,
    RegistrationLine,
    Standing,
)
from kiosk.authority.assisted import ASSISTED_LIFE, is_assisted, is_vouched_for
from kiosk.authority.audit import AuditKind
from kiosk.policy import Policy, mask_email
from kiosk.policy.codes import HOUR
from kiosk.roles import Action, may
from kiosk.store.audit_records import AuditQuery
from kiosk.store.records import Card, Cardholder, CardStatus
from kiosk.store.unit_of_work import UnitOfWork
from kiosk.store.visit_records import EmailCode

NEWEST = 50
"""Lines of a story that come with a person."""


def page_of(
    uow: UnitOfWork, holder: Cardholder, policy: Policy, actor: Actor, zone: tzinfo
) -> Person:
    """Return the page of ``holder`` as ``actor`` may see and use it."""
    facts, name_of = facts_of(uow, holder, policy), staff_names(uow)
    headline = headline_of(facts, zone)
    return Person(
        seen=Seen(holder.id, holder.revision),
        number=holder.number,
        name=holder.name,
        email=address_of(holder, facts.registration),
        left_at=holder.left_at,
        standing=facts.standing,
        can_unlock=facts.can_unlock,
        headline=headline.told,
        advice=headline.advice,
        registration=_registration_line(uow, facts),
        cards=tuple(_card_line(facts, card) for card in facts.cards),
        codes=tuple(code_line(code, holder, name_of(code.issued_by)) for code in facts.codes),
        story=story_of(uow, holder.id, name_of, limit=NEWEST),
        open_to=_open_to(facts, actor),
        waiting_change=_waiting_change(uow, holder),
    )


def _waiting_change(uow: UnitOfWork, holder: Cardholder) -> AddressChangeLine | None:
    change = uow.address_changes.waiting(holder.id)
    if change is None:
        return None
    masked = mask_email(change.new_email)
    return AddressChangeLine(change.old_email, masked, change.requested_at, change.effective_at)


def facts_of(uow: UnitOfWork, holder: Cardholder, policy: Policy) -> Facts:
    """Read what somebody's standing rests on."""
    registration = uow.registrations.of_holder(holder.id)
    codes = uow.codes.open_of_holder(holder.id)
    seen = seen_of_cards(uow, holder.id)
    return Facts(
        holder=holder,
        cards=uow.cards.of_holder(holder.id),
        registration=registration,
        policy=policy,
        now=uow.now,
        codes=tuple(code for code in codes if _counts(uow, code)),
        sent=uow.codes.send_times_of_holder(holder.id, uow.now - HOUR),
        unsettled=uow.journal.open_of_holder(holder.id),
        broken=broken_seals(uow, (holder.id,)),
        blocked_where=_blocked_where(uow, holder),
        seen=seen.refused,
        last_pin_proven=seen.last_pin_proven,
        reported_at=_reported_at(uow, holder) if is_blocked(registration, policy) else None,
    )


def _counts(uow: UnitOfWork, code: EmailCode) -> bool:
    ends = code.expires_at or code.drafted_at + ASSISTED_LIFE
    return ends > uow.now and is_vouched_for(uow, code)


def _blocked_where(uow: UnitOfWork, holder: Cardholder) -> str:
    query = AuditQuery(holder_id=holder.id, kind=AuditKind.REGISTRATION_BLOCKED.value)
    for event in uow.trail.newest(query, limit=1):
        return event.station or ""
    return ""


def _reported_at(uow: UnitOfWork, holder: Cardholder) -> datetime | None:
    """Return when it was last said that something was not done by them."""
    kinds = AuditKind.MISUSE_REPORTED.value, StaffKind.MISUSE_STOPPED.value
    events = [
        event
        for kind in kinds
        for event in uow.trail.newest(AuditQuery(holder_id=holder.id, kind=kind), limit=1)
    ]
    return max((event.at for event in events), default=None)


def _registration_line(uow: UnitOfWork, facts: Facts) -> RegistrationLine | None:
    registration = facts.registration
    if registration is None:
        return None
    texts = uow.questions.by_ids(registration.question_ids)
    return RegistrationLine(
        email=registration.email,
        confirmed=registration.unconfirmed_since is None,
        registered_at=registration.registered_at,
        questions=tuple(texts[id_].text for id_ in registration.question_ids if id_ in texts),
        failures=registration.failures,
        failures_allowed=facts.policy.max_failures,
        blocked_at=registration.blocked_at,
        paused_until=facts.paused_until,
    )


def _card_line(facts: Facts, card: Card) -> CardLine:
    return CardLine(
        card_id=card.id,
        driver=card.driver,
        identifier=card.identifier,
        revoked=card.status is CardStatus.REVOKED,
        expires_at=card.expires_at,
        has_secret=card.sealed_secret is not None,
        trouble=trouble_words(card, facts.trouble(card)),
        has_key=card.auth_key is not None,
        has_pin_key=card.pin_key is not None,
        last_pin_proven=facts.last_pin_proven.get(card.id),
    )


def _open_to(facts: Facts, actor: Actor) -> frozenset[Action]:
    return frozenset(action for action in _sensible(facts, actor) if may(actor.role, action))


def _sensible(facts: Facts, actor: Actor) -> frozenset[Action]:
    """Return what makes sense for somebody who stands like this."""
    if facts.standing is Standing.LEFT:
        return frozenset({Action.MARK_LEAVER, Action.ERASE_PERSON})
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
    if any(map(is_assisted, facts.codes)):
        sensible.add(Action.WITHDRAW_CODE)
    return frozenset(sensible)
