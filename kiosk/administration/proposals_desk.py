"""What waits for a second member of staff: looked at, agreed to, declined.

A code by word of mouth is among it. It is kept as a code from the first, because it is read
out before anybody agrees, and has its own life of fifteen minutes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from kiosk.administration.codes_desk import LocalCodesDesk, giver_of
from kiosk.administration.desk import AdminDesk
from kiosk.administration.kinds import StaffKind
from kiosk.administration.office import (
    Agreement,
    Office,
    act_name,
    audit_name,
    decided,
    proposer_of,
)
from kiosk.administration.proposals import OpenedAct, open_parameters
from kiosk.administration.proposed_acts import ACTS, kind_of
from kiosk.administration.second_member import objection
from kiosk.administration.views.acting import Actor, Done, Grounds
from kiosk.administration.views.people import CodeLine
from kiosk.administration.views.proposals import ProposalLine
from kiosk.errors import KeyMissing, NothingThere, NotPermitted, SealBroken
from kiosk.roles import Action, Role, may
from kiosk.store.audit_records import AuditQuery
from kiosk.store.staff_records import Outcome, ProposedAct
from kiosk.store.unit_of_work import UnitOfWork

UNREADABLE = (
    "This was altered in the database, or its key is gone: decline it, and propose it anew."
)


class LocalProposalsDesk:
    """Implements ``kiosk.administration.desk.ProposalsDesk``.

    ``desk_of`` makes the desk of another office: of one that acts with an agreement.
    """

    def __init__(self, office: Office, desk_of: Callable[[Office], AdminDesk]) -> None:
        self._office = office
        self._desk_of = desk_of

    def waiting(self, holder_id: str = "") -> tuple[ProposalLine, ...]:
        """Return what waits, oldest first; with ``holder_id`` only what concerns that person."""
        with self._office.look(Action.SEE_TODAY) as uow:
            return waiting_lines(uow, self._office, holder_id)

    def agree(self, proposal_id: str, grounds: Grounds) -> Done:
        """Agree, and have it done now, as its proposer would have."""
        with self._office.look(Action.AGREE_ACT) as uow:
            kept = uow.proposals.get(proposal_id)
            if kept is not None and kept.outcome is not Outcome.WAITING:
                raise decided(uow, kept.id)
        if kept is None:
            return LocalCodesDesk(self._office).agree(proposal_id, grounds)
        try:
            opened = open_parameters(self._office.means.sealer, kept)
        except (SealBroken, KeyMissing):
            raise NothingThere(UNREADABLE) from None
        agreement = Agreement(opened, grounds)
        acting = Office(self._office.means, self._office.actor, agreement)
        return kind_of(kept.act).perform(self._desk_of(acting), opened)

    def decline(self, proposal_id: str, grounds: Grounds) -> Done:
        """Let it never be done; who proposed something takes it back like this."""
        with self._office.look(Action.DECLINE_ACT) as uow:
            kept = uow.proposals.get(proposal_id)
        if kept is None:
            return LocalCodesDesk(self._office).withdraw(proposal_id, grounds)
        with self._office.act(Action.DECLINE_ACT, grounds, about=kept.holder_id) as act:
            if not may(act.actor.role, Action(kept.action)):
                raise NotPermitted(f"This is not for the role {act.actor.role.value}.")
            if not act.uow.proposals.decide(kept.id, Outcome.DECLINED, audit_name(act.actor)):
                raise decided(act.uow, kept.id)
            act.tell(
                StaffKind.ACT_DECLINED,
                card_id=kept.card_id,
                proposal=kept.id,
                act=kept.act,
                proposed_by=kept.proposed_by,
            )
        return act.done("It is declined: nothing was changed.")


def waiting_lines(uow: UnitOfWork, office: Office, holder_id: str = "") -> tuple[ProposalLine, ...]:
    """Return what waits and concerns this actor's role, or a person, oldest first.

    Auditors see all of it, and decide nothing.
    """
    lines = [*_acts(uow, office, holder_id), *_codes(uow, office, holder_id)]
    role = office.actor.role
    shown = (line for line in lines if role is Role.AUDITOR or may(role, line.action))
    return tuple(sorted(shown, key=lambda line: line.proposed_at))


def _acts(uow: UnitOfWork, office: Office, holder_id: str) -> Iterator[ProposalLine]:
    kept_ones = [
        kept for kept in uow.proposals.waiting() if not holder_id or kept.holder_id == holder_id
    ]
    ids = tuple(kept.note_id for kept in kept_ones)[:500]
    notes = uow.notes.by_ids(ids) if ids else {}
    for kept in kept_ones:
        first = proposer_of(uow, kept)
        if first is None:
            continue
        told, is_readable = _told(uow, office, kept)
        note = notes.get(kept.note_id)
        yield _judged(
            uow,
            office,
            first,
            ProposalLine(
                proposal_id=kept.id,
                action=Action(kept.action),
                told=told,
                holder_id=kept.holder_id or "",
                about=_about(uow, kept),
                proposed_by=act_name(uow, kept.proposed_by),
                proposed_at=kept.proposed_at,
                expires_at=kept.expires_at,
                reason=note.reason if note else "",
                identified_by=note.identified_by if note else "",
                reference=kept.reference,
                why_not="" if is_readable else UNREADABLE,
            ),
        )


def _codes(uow: UnitOfWork, office: Office, holder_id: str) -> Iterator[ProposalLine]:
    for code, line in LocalCodesDesk(office).waiting_in(uow):
        if holder_id and code.holder_id != holder_id:
            continue
        first = giver_of(uow, code)
        note, reference = _note_of_code(uow, line)
        yield _judged(
            uow,
            office,
            first,
            ProposalLine(
                proposal_id=line.code_id,
                action=Action.ISSUE_CODE,
                told="Let a code by word of mouth work.",
                holder_id=line.holder_id,
                about=line.holder_name,
                proposed_by=line.issued_by,
                proposed_at=line.issued_at,
                expires_at=line.expires_at,
                reason=note[0],
                identified_by=note[1],
                reference=reference,
            ),
        )


def _note_of_code(uow: UnitOfWork, line: CodeLine) -> tuple[tuple[str, str], str]:
    """Return why a code was given, and the reference of that."""
    query = AuditQuery(holder_id=line.holder_id, kind=StaffKind.CODE_ISSUED.value)
    for event in uow.trail.newest(query, limit=10):
        if event.detail.get("code") == line.code_id:
            note_id = str(event.detail.get("note") or "")
            note = uow.notes.by_ids((note_id,)).get(note_id)
            return (note.reason, note.identified_by) if note else ("", ""), event.reference
    return ("", ""), ""


def _judged(uow: UnitOfWork, office: Office, first: Actor, line: ProposalLine) -> ProposalLine:
    """Say whether the one who looks could agree."""
    actor = office.actor
    is_mine = first.staff_id == actor.staff_id
    if not may(actor.role, line.action):
        because = f"This is not for the role {actor.role.value}."
    else:
        because = line.why_not or objection(uow, first, actor)
    return replace(line, is_mine=is_mine, why_not=because)


def _told(uow: UnitOfWork, office: Office, kept: ProposedAct) -> tuple[str, bool]:
    """Say what would be done, and whether that could be read."""
    kind = ACTS.get(kept.act)
    try:
        opened: OpenedAct | None = open_parameters(office.means.sealer, kept)
    except (SealBroken, KeyMissing):
        opened = None
    if kind is None or opened is None:
        return f"{kept.action}: what was entered cannot be read.", False
    return kind.words(uow, opened), True


def _about(uow: UnitOfWork, kept: ProposedAct) -> str:
    holder = uow.holders.get(kept.holder_id) if kept.holder_id else None
    if holder is not None:
        return holder.name
    member = uow.staff.get(kept.staff_id) if kept.staff_id else None
    return member.name if member else ""


def expire_overdue(uow: UnitOfWork) -> int:
    """Conclude what nobody decided on in time, and tell the audit of each; return how many."""
    overdue = uow.proposals.overdue()
    for kept in overdue:
        if uow.proposals.decide(kept.id, Outcome.EXPIRED, HOUSEKEEPING):
            uow.audit.append(
                kind=StaffKind.ACT_EXPIRED.value,
                reference=kept.reference,
                holder_id=kept.holder_id,
                card_id=kept.card_id,
                actor=HOUSEKEEPING,
                detail={"proposal": kept.id, "act": kept.act, "proposed_by": kept.proposed_by},
            )
    return len(overdue)


HOUSEKEEPING = "kiosk"
"""What the audit calls the service itself."""
