"""Members of staff, their roles, their keys and their cards.

Decisions about each other are made one at a time: of two managers who remove each other's role at
the same moment, only one may.
"""

from __future__ import annotations

import base64
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from kiosk.authority.administration.acts import (
    AddStaff,
    AddStaffCard,
    AddStaffKey,
    ChangeRole,
)
from kiosk.authority.administration.deeds import (
    RoleChanged,
    StaffAdded,
    StaffCardAdded,
    StaffCardRemoved,
    StaffKeyAdded,
    StaffKeyRemoved,
    StaffRemoved,
)
from kiosk.authority.administration.fields import CellRefused, entered, read_card
from kiosk.authority.administration.login import FIELD as PUBLIC_KEY
from kiosk.authority.administration.login import PublicKey, read_public_key
from kiosk.authority.administration.office import (
    COMMAND_LINE,
    SERVICE,
    Act,
    Desk,
    concurrent_change,
    staff_names,
)
from kiosk.authority.administration.people_file import read_pasted_key
from kiosk.authority.administration.proposals import Proposal
from kiosk.authority.administration.views import Done, Grounds, KeyLine, StaffCardLine, StaffLine
from kiosk.authority.audit.events import StaffKind
from kiosk.authority.crypto.card_keys import fingerprint
from kiosk.authority.errors import ConcurrentChange, NotFound, NotTaken
from kiosk.authority.records import AuditQuery, Card, StaffCard, StaffKey, StaffMember, new_id
from kiosk.authority.refusals import (
    HasNoSuchCard,
    HasNoSuchKey,
    HasRoleAlready,
    KeyInUse,
    LastManager,
    MemberChanged,
    NoSuchFamily,
    PlainRefusal,
    StaffNameTaken,
    StaffNameUnfit,
)
from kiosk.authority.roles import Action, Role, may
from kiosk.authority.store.database import UnitOfWork
from kiosk.authority.store.key_lookup import lets_in
from kiosk.authority.visit.rules import needs_pin
from kiosk.contract.families import FAMILIES
from kiosk.contract.messages import CardId
from kiosk.contract.text import can_be_seen, fold

SHORTEST_NAME, LONGEST_NAME = 2, 60


class StaffDesk(Desk):
    @property
    def _verified(self) -> bool:
        return self._office.means.verified_logins

    def _read_key(self, text: str) -> PublicKey:
        key = read_public_key(text)
        if not lets_in(key.line, verified=self._verified):
            raise NotTaken(PUBLIC_KEY, PlainRefusal.KEY_NOT_IN_SECURITY_KEY)
        return key

    def every(self) -> tuple[StaffLine, ...]:
        """Return all by name, the removed ones last."""
        with self._office.look(Action.SEE_STAFF) as uow:
            members, keys = uow.staff.every(), uow.staff.keys()
            logins = uow.trail.last_by_actor(StaffKind.LOGGED_IN.value)
            name_of = staff_names(uow)
            officers = uow.staff.cards()
            cards = uow.cards.by_ids(each.card_id for each in officers)
        lines = [
            StaffLine(
                staff_id=member.id,
                name=member.name,
                role=member.role,
                keys=tuple(
                    KeyLine(
                        key.fingerprint,
                        key.public_key.split(" ", 1)[0],
                        key.label,
                        key.added_at,
                        name_of(key.added_by),
                        name_of(key.agreed_by),
                        lets_in(key.public_key, verified=self._verified),
                    )
                    for key in keys
                    if key.staff_id == member.id
                ),
                added_at=member.added_at,
                removed_at=member.removed_at,
                last_login_at=logins.get(member.id),
                revision=member.revision,
                added_by=name_of(member.added_by),
                agreed_by=name_of(member.agreed_by),
                cards=tuple(
                    StaffCardLine(
                        cards[each.card_id].driver,
                        cards[each.card_id].identifier,
                        fingerprint(each.public_key),
                        each.added_at,
                        name_of(each.added_by),
                        name_of(each.agreed_by),
                    )
                    for each in officers
                    if each.staff_id == member.id
                ),
            )
            for member in members
        ]
        return tuple(sorted(lines, key=lambda line: line.removed_at is not None))

    def _leave_a_manager(self, uow: UnitOfWork, was: StaffMember) -> None:
        able = uow.staff.logins(verified=self._verified)
        if was.role is Role.MANAGER and all(each.role is not Role.MANAGER for each, _ in able):
            raise NotTaken("staff", LastManager(was.name))

    def add(self, name: str, role: Role, public_key: str, grounds: Grounds) -> Done:
        """Add a member with a first key, as a line of an OpenSSH ``.pub`` file.

        A technician, who only works at stations, has none: it is empty.
        """
        proposal = Proposal(AddStaff(name, role, public_key))
        with self._office.act(Action.ADD_STAFF, grounds, lock=_lock_all, proposal=proposal) as act:
            name = _name(act.uow, name)
            key = None if role is Role.TECHNICIAN else self._read_key(public_key)
            if key is None and public_key:
                raise NotTaken(PUBLIC_KEY, PlainRefusal.TECHNICIAN_HAS_NO_KEY)
            member = StaffMember(
                new_id(),
                name,
                role,
                act.uow.now,
                added_by=act.added_by,
                agreed_by=act.agreed_by,
            )
            act.uow.staff.add(member)
            detail = {"staff": member.id, "role": role.value}
            if key is not None:
                _let_in(act, member, key)
                detail["fingerprint"] = key.fingerprint
            act.record(StaffKind.STAFF_ADDED, **detail)
        return act.done(StaffAdded(name, role))

    def change_role(self, staff_id: str, role: Role, revision: int, grounds: Grounds) -> Done:
        proposal = Proposal(ChangeRole(role))
        changing = self._changing(Action.CHANGE_ROLE, staff_id, revision, grounds, proposal)
        with changing as (act, member):
            if member.id == act.actor.staff_id:
                raise NotTaken("role", PlainRefusal.OWN_ROLE)
            if member.role is role:
                raise NotTaken("role", HasRoleAlready(member.name, role))
            lines = _take_back_lines(act.uow, member, role)
            detail = {"role": role.value, "was": member.role.value} | _counted(lines)
            _save(act, replace(member, role=role), StaffKind.ROLE_CHANGED, **detail)
            self._leave_a_manager(act.uow, member)
        return act.done(RoleChanged(member.name, role, lines))

    def remove(self, staff_id: str, revision: int, grounds: Grounds) -> Done:
        """Remove a member, with their keys and cards, which others may then have."""
        with self._changing(Action.REMOVE_STAFF, staff_id, revision, grounds) as (act, member):
            if member.id == act.actor.staff_id:
                raise NotTaken("staff", PlainRefusal.OWN_REMOVAL)
            every = act.uow.staff.keys()
            keys = [key for key in every if key.staff_id == staff_id]
            keyless = member
            for key in keys:
                keyless = _remove_key(act.uow, keyless, key.fingerprint)
            cards = [card for card in act.uow.staff.cards() if card.staff_id == staff_id]
            for card in cards:
                act.uow.staff.remove_card(staff_id, card.card_id)
            lines = _take_back_lines(act.uow, member)
            detail = {"keys": len(keys), "cards": len(cards)} | _counted(lines)
            _save(act, replace(keyless, removed_at=act.uow.now), StaffKind.STAFF_REMOVED, **detail)
            self._leave_a_manager(act.uow, member)
        return act.done(StaffRemoved(member.name, lines))

    def add_key(self, staff_id: str, public_key: str, revision: int, grounds: Grounds) -> Done:
        proposal = Proposal(AddStaffKey(public_key))
        changing = self._changing(Action.ADD_STAFF_KEY, staff_id, revision, grounds, proposal)
        with changing as (act, member):
            if member.role is Role.TECHNICIAN:
                raise NotTaken(PUBLIC_KEY, PlainRefusal.TECHNICIAN_HAS_NO_KEY)
            key = self._read_key(public_key)
            _let_in(act, member, key)
            _save(act, member, StaffKind.KEY_ADDED, fingerprint=key.fingerprint)
        return act.done(StaffKeyAdded(member.name, key.fingerprint))

    def remove_key(self, staff_id: str, fingerprint: str, revision: int, grounds: Grounds) -> Done:
        """Remove a key; the last manager's last key stays."""
        with self._changing(Action.REMOVE_STAFF, staff_id, revision, grounds) as (act, member):
            less = _remove_key(act.uow, member, fingerprint)
            lines = _take_back_lines(act.uow, member)
            _save(act, less, StaffKind.KEY_REMOVED, fingerprint=fingerprint, **_counted(lines))
            self._leave_a_manager(act.uow, member)
            able = {each.id for each, _ in act.uow.staff.logins(verified=self._verified)}
            if member.id == act.actor.staff_id and member.id not in able:
                raise NotTaken("key", PlainRefusal.OWN_ONLY_KEY)
        return act.done(StaffKeyRemoved(member.name, fingerprint, lines))

    def add_card(
        self, staff_id: str, card: CardId, key: str, revision: int, grounds: Grounds
    ) -> Done:
        """Let a recorded card open the maintenance page of stations, once it proved its PIN.

        ``key`` is the key that it uses only after its PIN, or a certificate of it, in PEM; empty:
        the one that is recorded for the card.
        """
        proposal = Proposal(AddStaffCard(card.driver, card.identifier, key))
        changing = self._changing(Action.ADD_STAFF_CARD, staff_id, revision, grounds, proposal)
        with changing as (act, member):
            known = _recorded_card(act.uow, card)
            public_key = entered("key", lambda: _pin_key(key, known))
            # Who agrees sees this key, also where it is the recorded one, and lets in no other.
            act.amend(key=base64.b64encode(public_key).decode())
            new = StaffCard(
                known.id,
                member.id,
                public_key,
                act.uow.now,
                added_by=act.added_by,
                agreed_by=act.agreed_by,
            )
            if not act.uow.staff.add_card(new):
                raise NotTaken("card", PlainRefusal.CARD_OF_STAFF_ALREADY)
            shown = fingerprint(public_key)
            _save(act, member, StaffKind.STAFF_CARD_ADDED, card_id=known.id, fingerprint=shown)
        may_now = may(member.role, Action.MAINTAIN_STATION)
        asks_pin = needs_pin(known, public_key)
        return act.done(StaffCardAdded(member.name, member.role, may_now, asks_pin))

    def remove_card(self, staff_id: str, card: CardId, revision: int, grounds: Grounds) -> Done:
        """Remove a card, which stays a holder's card."""
        with self._changing(Action.REMOVE_STAFF, staff_id, revision, grounds) as (act, member):
            known = _recorded_card(act.uow, card)
            if not act.uow.staff.remove_card(staff_id, known.id):
                raise NotFound(HasNoSuchCard(member.name))
            _save(act, member, StaffKind.STAFF_CARD_REMOVED, card_id=known.id)
        return act.done(StaffCardRemoved(member.name))

    @contextmanager
    def _changing(
        self,
        action: Action,
        staff_id: str,
        revision: int,
        grounds: Grounds,
        proposal: Proposal | None = None,
    ) -> Iterator[tuple[Act, StaffMember]]:
        """Begin an act on a present member as they were seen."""
        if proposal is not None:
            proposal = replace(proposal, staff_id=staff_id, revision=revision)
        with self._office.act(action, grounds, lock=_lock_all, proposal=proposal) as act:
            member = act.uow.staff.get(staff_id)
            if member is None:
                raise NotFound(PlainRefusal.NO_SUCH_MEMBER)
            if member.revision != revision or member.removed_at is not None:
                # A page that is older than the newest 50 of each kind is read again.
                since = [
                    event
                    for kind in StaffKind
                    if kind.spec.revises_member
                    for event in act.uow.trail.newest(AuditQuery(kind=kind.value), limit=50)
                    if event.detail.get("staff") == staff_id
                    and isinstance(raised := event.detail.get("revision"), int)
                    and raised > revision
                ]
                newest_first = sorted(since, key=lambda event: (event.at, event.seq), reverse=True)
                raise concurrent_change(act.uow, MemberChanged(member.name), newest_first)
            yield act, member


def _recorded_card(uow: UnitOfWork, card: CardId) -> Card:
    family = FAMILIES.get(card.driver)
    if family is None:
        raise NotTaken("card", NoSuchFamily(card.driver))
    named = entered("card", lambda: read_card(family, card.identifier))
    known = uow.cards.find(named) if named is not None else None
    if known is None:
        raise NotFound(PlainRefusal.CARD_NOT_RECORDED)
    return known.card


def _pin_key(text: str, card: Card) -> bytes:
    """Return the key that a card uses only after its PIN; raises ``CellRefused``."""
    key = read_pasted_key(text, card.driver, card.auth_key) or card.pin_key
    if key is None:
        raise CellRefused(
            "key", "none is recorded for this card; give it, or its certificate, as a PEM file"
        )
    if card.pin_key is not None and card.pin_key != key:
        raise CellRefused("key", "another key is recorded for this card")
    return key


def _lock_all(uow: UnitOfWork) -> None:
    uow.staff.lock_all()


def _save(
    act: Act, member: StaffMember, kind: StaffKind, *, card_id: str | None = None, **detail: Any
) -> None:
    """Save and audit a member, whom nobody else can have changed: all writers share a lock."""
    if not act.uow.staff.save(member):
        raise ConcurrentChange(MemberChanged(member.name))
    act.record(kind, card_id=card_id, staff=member.id, **detail, revision=member.revision + 1)


def _let_in(act: Act, member: StaffMember, key: PublicKey) -> None:
    new = StaffKey(
        key.fingerprint,
        member.id,
        key.line,
        key.label,
        act.uow.now,
        added_by=act.added_by,
        agreed_by=act.agreed_by,
    )
    if act.uow.staff.add_key(new):
        return
    holder = act.uow.staff.by_key(key.fingerprint)
    raise NotTaken(PUBLIC_KEY, KeyInUse(holder.name if holder else ""))


def _remove_key(uow: UnitOfWork, member: StaffMember, fingerprint: str) -> StaffMember:
    """Remove a key of a member, and return them; who added it stays known."""
    key = uow.staff.key(fingerprint)
    if key is None or not uow.staff.remove_key(member.id, fingerprint):
        raise NotFound(HasNoSuchKey(member.name))
    adders = dict.fromkeys((*member.past_key_adders.splitlines(), key.added_by))
    return replace(member, past_key_adders="\n".join(filter(None, adders)))


def _take_back_lines(uow: UnitOfWork, was: StaffMember, role: Role | None = None) -> int:
    """Delete all unused enrolment lines, where ``was`` may have had one made, and now may not.

    No line says who had it made. Return how many.
    """
    may_still = role is not None and may(role, Action.ENROL_STATION)
    if may_still or not may(was.role, Action.ENROL_STATION):
        return 0
    return uow.enrolments.close_unused()


def _counted(lines: int) -> dict[str, Any]:
    """Return the detail of the audit about lines that were taken back."""
    return {"lines": lines} if lines else {}


_NOT_STAFF = frozenset({SERVICE, "erased", "you"})
_ALPHABETS = frozenset({"LATIN", "GREEK", "CYRILLIC", "ARMENIAN", "COPTIC", "CHEROKEE"})
"""As the names of characters begin; some of their letters look the same."""


def _name(uow: UnitOfWork, text: str) -> str:
    """Return a name under which nobody takes its bearer for somebody else."""
    name = " ".join(text.split())
    folded = fold(name)
    if len(folded) < SHORTEST_NAME or len(name) > LONGEST_NAME or not can_be_seen(name):
        raise NotTaken("name", StaffNameUnfit(SHORTEST_NAME, LONGEST_NAME))
    if folded in _NOT_STAFF or folded.startswith(fold(COMMAND_LINE)):
        raise NotTaken("name", PlainRefusal.NAME_OF_ANOTHER_ACTOR)
    if len(_ALPHABETS & {unicodedata.name(sign, "").split(" ")[0] for sign in name}) > 1:
        raise NotTaken("name", PlainRefusal.NAME_IN_TWO_ALPHABETS)
    present = {fold(each.name) for each in uow.staff.every() if each.removed_at is None}
    if folded in present:
        raise NotTaken("name", StaffNameTaken(name))
    return name
