"""The common part of every act of staff: permission, grounds, audit, commit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import tzinfo
from enum import Enum
from pathlib import Path
from typing import assert_never

import msgspec

from kiosk.authority.addresses import Addresses, named_addresses, read_addresses
from kiosk.authority.administration.deeds import Deed, PlainDeed
from kiosk.authority.administration.fields import read_reason
from kiosk.authority.administration.proposals import (
    WAITS_FOR,
    OpenedAct,
    Parameters,
    Proposal,
    as_parameters,
    objection,
    open_parameters,
    seal_parameters,
    split_seen,
    two_could_agree,
)
from kiosk.authority.administration.views import Actor, Done, Grounds, Report, Seen
from kiosk.authority.audit.anchors import AnchorSigner
from kiosk.authority.audit.events import (
    STAFF_KINDS,
    AuditKind,
    ServiceKind,
    StaffKind,
    altered,
    new_reference,
)
from kiosk.authority.audit.put_back import member_by_key
from kiosk.authority.crypto.macs import CodeMac
from kiosk.authority.crypto.sealing import Sealer
from kiosk.authority.errors import (
    ConcurrentChange,
    KeyMissing,
    KeysUnavailable,
    MailUnavailable,
    NotFound,
    NotPermitted,
    NotStaff,
    NotTaken,
    RecordAltered,
    RowAltered,
    SealBroken,
)
from kiosk.authority.facts import Happened
from kiosk.authority.notices import Notice, notify_holder
from kiosk.authority.policy import policy_in_force
from kiosk.authority.records import (
    ActionNote,
    AuditEvent,
    AuditQuery,
    Cardholder,
    Outcome,
    ProposedAct,
    Scalar,
    Sought,
    new_id,
)
from kiosk.authority.refusals import (
    AgreedSince,
    DeclinedSince,
    DoneSince,
    NotForRole,
    PlainRefusal,
    ProposedBefore,
    Refusal,
    TooManyWaiting,
)
from kiosk.authority.roles import ALWAYS_FOUR_EYES, FOUR_EYES, IDENTIFIES, Action, Role, may
from kiosk.authority.store.database import Store, UnitOfWork
from kiosk.config.settings import PolicySettings
from kiosk.contract.policy import Policy
from kiosk.contract.ports import Clock

COMMAND_LINE = "command line:"
"""The audit's name for an actor who is no member of staff."""


def staff_names(uow: UnitOfWork) -> Callable[[str | None], str]:
    """Return the function from the audit's id of an actor to their name; it is empty for None.

    A removed member's is marked where somebody else has it now. A command line says who ran it.
    """
    every = uow.staff.every()
    present = {member.name for member in every if member.removed_at is None}
    known = {
        member.id: f"{member.name} (removed)"
        if member.removed_at is not None and member.name in present
        else member.name
        for member in every
    }
    return lambda actor: known.get(actor or "", actor or "")


def _no_relay(_to: str, _report: Report) -> None:
    raise MailUnavailable("no relay is set")


@dataclass(frozen=True, slots=True)
class StaffDependencies:
    """The dependencies of every use case of staff.

    ``file_policy`` is in force wherever staff set nothing else. ``imports`` and ``exports`` are
    folders of the service's machine. Stations enrol at ``enrol_addresses``, and recognise the
    authority by ``ca_fingerprint``. ``verified_logins``: only with keys in a security key.
    Numbers of ``text_regions`` get text messages; none where nobody sends them.
    ``mail_report`` mails to an address at once; it raises ``MailError`` and ``ConfigError``.
    """

    store: Store
    clock: Clock
    sealer: Sealer
    codes: CodeMac
    signer: AnchorSigner
    policy: Callable[[], Policy]
    file_policy: PolicySettings
    imports: Path
    exports: Path
    number_digits: int
    service: str
    zone: tzinfo
    enrol_addresses: tuple[str, ...] = ()
    ca_fingerprint: str = ""
    verified_logins: bool = False
    text_regions: tuple[str, ...] = ()
    mail_report: Callable[[str, Report], None] = _no_relay


@dataclass(frozen=True, slots=True)
class Agreement:
    """What was proposed, and why a second member of staff agrees to it."""

    proposed: OpenedAct
    grounds: Grounds


@dataclass(eq=False, repr=False, slots=True)
class Act:
    """One act in progress; its changes in ``uow`` are committed when its block ends.

    ``second`` agreed to it, for the reason ``why``, where it was proposed first. ``waits``: it does
    not happen yet; an act that turns out to need nobody else may clear that before its end.
    """

    uow: UnitOfWork
    actor: Actor
    note: ActionNote
    seen: Seen | None
    agreement: Agreement | None = None
    second: Actor | None = None
    why: ActionNote | None = None
    proposal: Proposal | None = None
    waits: bool = False
    reference: str = field(default_factory=new_reference)

    @property
    def note_ids(self) -> tuple[str, ...]:
        return (self.note.id, *((self.why.id,) if self.why else ()))

    def signature(self) -> dict[str, Scalar]:
        """Return the detail of an audit row: with which key, on what grounds, and who agreed."""
        recorded = _signed(self.actor) | self.note.named()
        if self.second is not None and self.agreement is not None:
            recorded |= {
                "agreed_by": audit_name(self.second),
                "proposal": self.agreement.proposed.kept.id,
            }
        return recorded

    def record(
        self,
        kind: StaffKind,
        *,
        holder_id: str | None = None,
        card_id: str | None = None,
        station: str | None = None,
        **detail: Scalar,
    ) -> None:
        recorded = self.signature()
        if self.seen is not None:
            recorded["revision"] = self.seen.revision + 1
        self.uow.audit.append(
            kind=kind.value,
            reference=self.reference,
            holder_id=holder_id or self.note.holder_id,
            card_id=card_id,
            station=station,
            actor=audit_name(self.actor),
            detail=recorded | detail,
        )

    @property
    def added_by(self) -> str:
        return audit_name(self.actor)

    @property
    def agreed_by(self) -> str:
        """Empty where nobody had to agree."""
        return audit_name(self.second) if self.second else ""

    def notify(self, notice: Notice, holder: Cardholder) -> Addresses:
        """Mail a notice to every address of a holder; return these."""
        addresses = read_addresses(self.uow, holder.id)
        notify_holder(self.uow, notice, self.reference, holder, addresses)
        return addresses

    def refuse_after(self, change: StationChange) -> None:
        """Raise ``ConcurrentChange`` where stations did this since; lock the cards before."""
        if self.seen is None or not change.came_after(self.uow, self.seen):
            return
        kinds = frozenset(kind.value for kind in change.value)
        query = AuditQuery(holder_id=self.seen.holder_id, kinds=kinds)
        newest = self.uow.trail.newest(query, limit=1)
        because = PlainRefusal.OVERTAKEN if self.agreement else PlainRefusal.PERSON_CHANGED
        raise concurrent_change(self.uow, because, newest)

    def amend(self, **found: Scalar) -> None:
        """Add to the proposal what only the act itself finds out."""
        if self.proposal is not None:
            entered = msgspec.structs.replace(self.proposal.entered, **found)
            self.proposal = replace(self.proposal, entered=entered)

    def done(self, deed: Deed) -> Done:
        return Done(PlainDeed.PROPOSED if self.waits else deed, self.reference, self.waits)


MOST_WAITING = 100
"""Acts that one member of staff may have waiting: among more of them one is overlooked, and the
pages of all colleagues, which list them again and again, get slow."""


class Office:
    """The administration for one actor.

    With an ``agreement`` it does the one act that was proposed, and nothing else; the actor is then
    the one who agrees.
    """

    def __init__(
        self, means: StaffDependencies, actor: Actor, agreement: Agreement | None = None
    ) -> None:
        self.means = means
        self.actor = actor
        self._agreement = agreement

    @contextmanager
    def look(self, action: Action) -> Iterator[UnitOfWork]:
        """Read; raises ``NotPermitted``."""
        with self.look_as(action) as (uow, _):
            yield uow

    @contextmanager
    def look_as(self, action: Action) -> Iterator[tuple[UnitOfWork, Actor]]:
        """Do as ``look``; the actor has the present role, which may not be that of the login."""
        with self._judged(action), self.means.store.read() as uow:
            yield uow, self._present(uow, action)

    @contextmanager
    def act(
        self,
        action: Action,
        grounds: Grounds,
        *,
        seen: Seen | None = None,
        about: str | None = None,
        lock: Callable[[UnitOfWork], None] | None = None,
        proposal: Proposal | None = None,
    ) -> Iterator[Act]:
        """Begin an act; ``about`` is the holder it concerns where nobody was ``seen``.

        ``lock`` takes the lock that all such acts share, before the check of the role: the previous
        holder of the lock may just have removed it. With a ``proposal`` it waits for a second
        member where ``needs_second`` says so. Raises ``NotPermitted``, ``NotTaken`` for the
        grounds, ``NotFound``, and ``ConcurrentChange`` where the person has changed since.
        """
        if self._agreement is not None:
            with self._agreed(self._agreement, action, lock) as act:
                yield act
            return
        note = self._note(action, grounds, seen.holder_id if seen else about)
        with self._judged(action), self.means.store.begin() as uow:
            if lock is not None:
                lock(uow)
            actor = self._present(uow, action)
            if seen is not None:
                _lock_person(uow, seen, PlainRefusal.PERSON_CHANGED)
            uow.notes.add(note)
            waits = proposal is not None and self.needs_second(uow, action)
            act = Act(uow, actor, note, seen, proposal=proposal, waits=waits)
            yield act
            if not act.waits:
                uow.commit()
        if act.waits and act.proposal is not None:
            self._propose(action, act, act.proposal)

    def needs_second(self, uow: UnitOfWork, action: Action) -> bool:
        """Return whether an action waits for a second member of staff.

        On the command line it does not while no two members could agree with each other on
        it: there has to be a way to let the first of them in.
        """
        if action in ALWAYS_FOUR_EYES:
            return True
        file, stored = self.means.file_policy, uow.policy_changes.every()
        # The policy read in this transaction applies at once, the other for ten seconds more.
        asked = policy_in_force(file, stored).settings.four_eyes or self.means.policy().four_eyes
        if action not in FOUR_EYES or not asked:
            return False
        return bool(self.actor.staff_id) or self.two_could_agree(uow, action)

    def two_could_agree(self, uow: UnitOfWork, action: Action) -> bool:
        return two_could_agree(uow, action, verified=self.means.verified_logins)

    def _propose(self, action: Action, act: Act, proposal: Proposal) -> None:
        """Keep the act that was rolled back, unless the same waits already."""
        note, seen = act.note, act.seen
        with self._judged(action), self.means.store.begin() as uow:
            actor = self._present(uow, action)
            bare = ProposedAct(
                id=new_id(),
                act=proposal.entered.tag,
                action=action.value,
                holder_id=note.holder_id,
                card_id=proposal.card_id,
                staff_id=proposal.staff_id,
                revision=seen.revision if seen else proposal.revision,
                parameters=b"",
                key_id="",
                proposed_by=audit_name(actor),
                proposed_key=actor.key,
                proposed_at=uow.now,
                expires_at=uow.now + WAITS_FOR,
                note_id=note.id,
                reference=act.reference,
            )
            entered = proposal.entered.entries()
            stored = {**entered, **(as_parameters(seen) if seen else {})}
            kept = seal_parameters(self.means.sealer, bare, stored)
            waiting = uow.proposals.waiting()
            mine = sum(other.proposed_by == kept.proposed_by for other in waiting)
            if kept.proposed_key and mine >= MOST_WAITING:
                raise NotTaken("", TooManyWaiting(MOST_WAITING))
            for other in waiting:
                if not _is_same(other, kept, entered, self.means.sealer):
                    continue
                if proposer_of(uow, other) is not None:
                    before = ProposedBefore(act_name(uow, other.proposed_by), other.reference)
                    raise ConcurrentChange(PlainRefusal.WAITS_ALREADY, (before,))
                expire(uow, (other,))
            uow.notes.add(note)
            uow.proposals.add(kept)
            Act(uow, actor, note, None, reference=act.reference).record(
                StaffKind.ACT_PROPOSED,
                card_id=kept.card_id,
                proposal=kept.id,
                act=kept.act,
                **({"staff": kept.staff_id} if kept.staff_id else {}),
            )
            uow.commit()

    @contextmanager
    def _agreed(
        self, agreement: Agreement, action: Action, lock: Callable[[UnitOfWork], None] | None
    ) -> Iterator[Act]:
        """Do the proposed act, in its proposer's name, with this actor's agreement."""
        kept = agreement.proposed.kept
        seen = agreement.proposed.seen if kept.holder_id else None
        why = self._note(Action.AGREE_ACT, agreement.grounds, kept.holder_id)
        with self._judged(action), self.means.store.begin() as uow:
            if lock is not None:
                lock(uow)
            self._present(uow, Action.AGREE_ACT)
            second = self._present(uow, action)
            if kept.action != action.value:
                raise NotFound(PlainRefusal.WAITS_NO_MORE)
            if seen is not None:
                _lock_person(uow, seen, PlainRefusal.OVERTAKEN)
            in_time = kept.expires_at > uow.now
            if not in_time or not uow.proposals.decide(kept.id, Outcome.AGREED, audit_name(second)):
                raise decided(uow, kept.id)
            # Where the audit has a decision, the row is an older one, whatever it says.
            kinds = StaffKind.ACT_AGREED, StaffKind.ACT_DECLINED, StaffKind.ACT_EXPIRED
            of_this = tuple(Sought(kind.value, "proposal", kept.id) for kind in kinds)
            if uow.trail.newest(AuditQuery(sought=of_this), limit=1):
                raise RowAltered("proposed_act", kept.id)
            first = proposer_of(uow, kept)
            if first is None:
                raise NotFound(PlainRefusal.PROPOSER_MAY_NOT_ANY_MORE)
            if kept.proposed_key:
                member_by_key(uow, kept.proposed_key)  # not by rows from before they were removed
            if because := objection(uow, first, second):
                raise NotPermitted(because)
            note = uow.notes.by_ids((kept.note_id,)).get(kept.note_id)
            if note is None:
                raise NotFound(PlainRefusal.PROPOSERS_REASON_GONE)
            uow.notes.add(why)
            act = Act(uow, first, note, seen, agreement=agreement, second=second, why=why)
            yield act
            agreed = Act(uow, second, why, None, reference=act.reference)
            agreed.record(
                StaffKind.ACT_AGREED,
                card_id=kept.card_id,
                proposal=kept.id,
                act=kept.act,
                proposed_by=kept.proposed_by,
            )
            uow.commit()

    def record(self, action: Action, kind: StaffKind, **detail: Scalar) -> None:
        """Audit an action that changes nothing and needs no grounds; raises ``NotPermitted``."""
        with self._judged(action), self.means.store.begin() as uow:
            self._present(uow, action)
            self._record(uow, kind, detail)
            uow.commit()

    def _record(
        self, uow: UnitOfWork, kind: StaffKind | AuditKind, detail: Mapping[str, Scalar]
    ) -> str:
        """Return the reference of the audit row."""
        reference = new_reference()
        uow.audit.append(
            kind=kind.value,
            reference=reference,
            actor=audit_name(self.actor),
            detail={**_signed(self.actor), **detail},
        )
        return reference

    def _note(self, action: Action, grounds: Grounds, holder_id: str | None) -> ActionNote:
        reason = read_reason("reason", grounds.reason)
        identified = ""
        if action in IDENTIFIES or grounds.identified_by.strip():
            identified = read_reason("identified_by", grounds.identified_by)
        return ActionNote(new_id(), holder_id, self.means.clock.now(), reason, identified)

    def _present(self, uow: UnitOfWork, action: Action) -> Actor:
        """Return the actor with their present role; raises ``NotPermitted``."""
        actor = self.actor
        if actor.staff_id:
            member = member_by_key(uow, actor.key)
            is_theirs = member is not None and member.id == actor.staff_id
            if member is None or not is_theirs or not may(member.role, Action.SEE_TODAY):
                raise NotStaff(PlainRefusal.KEY_LETS_IN_NO_MORE)
            actor = replace(actor, name=member.name, role=member.role)
        if not may(actor.role, action):
            raise NotPermitted(NotForRole(actor.role, action))
        return actor

    @contextmanager
    def _judged(self, action: Action) -> Iterator[None]:
        """Record what was not permitted, or was altered, after its transaction has ended."""
        try:
            yield
        except NotPermitted:
            with self.means.store.begin() as uow:
                self._record(uow, StaffKind.NOT_PERMITTED, {"action": action.value})
                uow.commit()
            raise
        except RowAltered as error:
            with self.means.store.begin() as uow:
                detail = {**altered(error), "action": action.value}
                reference = self._record(uow, AuditKind.ROW_ALTERED, detail)
                uow.commit()
            raise RecordAltered(error.table, error.row, reference) from None
        except KeysUnavailable:
            raise NotTaken("", PlainRefusal.MASTER_KEYS_AWAY) from None
        except KeyMissing:
            raise NotTaken("", PlainRefusal.KEY_IS_MISSING) from None


def action_of(kept: ProposedAct) -> Action | None:
    """Return what is proposed; None for what only another version of the program knows."""
    return next((each for each in Action if each.value == kept.action), None)


def proposer_of(uow: UnitOfWork, kept: ProposedAct) -> Actor | None:
    """Return the proposer of an act, with their present role; None where they may no longer do it.

    The key with which it was proposed has to be theirs still. Nobody may do here what only another
    version of the program knows.
    """
    action = action_of(kept)
    if action is None:
        return None
    if not kept.proposed_key:
        return Actor(kept.proposed_by, Role.MANAGER)
    member = uow.staff.by_key(kept.proposed_key)
    if member is None or member.id != kept.proposed_by or not may(member.role, action):
        return None
    return Actor(member.name, member.role, member.id, kept.proposed_key)


def decided(uow: UnitOfWork, proposed_id: str) -> ConcurrentChange | NotFound:
    """Return the result of a proposed act that no longer waits."""
    kept = uow.proposals.get(proposed_id)
    if kept is None:
        return NotFound(PlainRefusal.WAITS_NO_MORE)
    who = act_name(uow, kept.decided_by)
    match kept.outcome:
        case Outcome.WAITING | Outcome.EXPIRED:
            return NotFound(PlainRefusal.NOT_AGREED_IN_TIME)
        case Outcome.AGREED:
            return ConcurrentChange(PlainRefusal.DECIDED_ALREADY, (AgreedSince(who),))
        case Outcome.DECLINED:
            since = DeclinedSince(who, taken_back=kept.decided_by == kept.proposed_by)
            return ConcurrentChange(PlainRefusal.DECIDED_ALREADY, (since,))
        case _:
            assert_never(kept.outcome)


def expire(uow: UnitOfWork, proposals: Sequence[ProposedAct]) -> int:
    """Conclude proposals that nobody can decide on any more; return how many."""
    for kept in proposals:
        if uow.proposals.decide(kept.id, Outcome.EXPIRED, SERVICE):
            uow.audit.append(
                kind=StaffKind.ACT_EXPIRED.value,
                reference=kept.reference,
                holder_id=kept.holder_id,
                card_id=kept.card_id,
                actor=SERVICE,
                detail={"proposal": kept.id, "act": kept.act, "proposed_by": kept.proposed_by},
            )
    return len(proposals)


SERVICE = "kiosk"
"""The audit's name for the service itself."""


def act_name(uow: UnitOfWork, actor: str) -> str:
    member = uow.staff.get(actor)
    return member.name if member else actor


def _is_same(kept: ProposedAct, new: ProposedAct, entered: Parameters, sealer: Sealer) -> bool:
    """Return whether the same waits for the same subject; without one, with the same entries."""
    subject = new.act, new.holder_id, new.card_id, new.staff_id
    if subject != (kept.act, kept.holder_id, kept.card_id, kept.staff_id):
        return False
    if any(subject[1:]):
        return True
    try:
        return split_seen(kept, open_parameters(sealer, kept))[1] == entered
    except (SealBroken, KeyMissing):
        return False


def audit_name(actor: Actor) -> str:
    """Return an actor's id, so that the audit holds nobody's name."""
    return actor.staff_id or actor.name


def note_id_of(event: AuditEvent) -> str:
    """Return the id of the note with the reason of an act of staff; empty for any other event."""
    return str(event.detail.get("note") or "")


def _signed(actor: Actor) -> dict[str, Scalar]:
    return {"key": actor.key} if actor.key else {}


# What stations change of a person, who has the same revision before and after.


def seen_of(uow: UnitOfWork, holder: Cardholder) -> Seen:
    around = uow.addresses.around(holder.id)
    registration = around[1] if around else None
    known = named_addresses(*around) if around else Addresses()
    addresses = [one.value for one in (known.registered, known.waiting) if one]
    blocked_at = registration.blocked_at if registration else None
    return Seen(holder.id, holder.revision, blocked_at, frozenset(addresses))


class StationChange(Enum):
    """A change at a station that an act of staff must not undo unseen."""

    BLOCKED = AuditKind.MISUSE_REPORTED, AuditKind.REGISTRATION_BLOCKED
    """Blocked, or misuse reported of somebody who was blocked before."""
    READDRESSED = AuditKind.REGISTERED, AuditKind.EMAIL_CHANGED, AuditKind.EMAIL_CHANGE_WAITS
    """Another address confirmed; one that was seen to wait may have fallen due."""

    def came_after(self, uow: UnitOfWork, seen: Seen) -> bool:
        """Return whether it came since the person was seen; lock their cards for a decision."""
        holder = uow.holders.get(seen.holder_id)
        if holder is None:
            return False
        now = seen_of(uow, holder)
        match self:
            case StationChange.BLOCKED:
                return now.blocked_at not in (None, seen.blocked_at)
            case StationChange.READDRESSED:
                return not now.addresses <= seen.addresses
            case _:
                assert_never(self)


def _lock_person(uow: UnitOfWork, seen: Seen, overtaken: Refusal | str) -> None:
    """Lock the person as they were seen, or raise ``ConcurrentChange`` that says ``overtaken``."""
    if uow.holders.touch(seen.holder_id, seen.revision):
        return
    holder = recorded_holder(uow, seen.holder_id)
    since = [
        event
        for event in uow.trail.newest(AuditQuery(holder_id=holder.id))
        # In events of other kinds it is the revision of a secret.
        if (event.kind in STAFF_KINDS or event.kind == ServiceKind.PERSON_CHANGED)
        and isinstance(raised := event.detail.get("revision"), int)
        and raised > seen.revision
    ]
    raise concurrent_change(uow, overtaken, since)


def recorded_holder(uow: UnitOfWork, holder_id: str) -> Cardholder:
    holder = uow.holders.get(holder_id)
    if holder is None:
        raise NotFound(PlainRefusal.PERSON_NOT_RECORDED)
    return holder


def concurrent_change(
    uow: UnitOfWork, because: Refusal | str, events: Iterable[AuditEvent]
) -> ConcurrentChange:
    """Return the error that says who did what: staff, an import or a station."""
    changes = tuple(
        DoneSince(
            act_name(uow, event.actor) if event.actor else "",
            Happened(event.kind, dict(event.detail)),
            event.reference,
        )
        for event in events
    )
    return ConcurrentChange(because, changes)


class Desk:
    """The calls of one part of the administration, for screens and commands."""

    def __init__(self, office: Office) -> None:
        self._office = office

    @contextmanager
    def _on_person(
        self, seen: Seen, action: Action, grounds: Grounds, proposal: Proposal | None = None
    ) -> Iterator[tuple[Act, Cardholder]]:
        """Begin an act on the person who was seen, as they are now; raises ``NotFound``."""
        with self._office.act(action, grounds, seen=seen, proposal=proposal) as act:
            yield act, recorded_holder(act.uow, seen.holder_id)
