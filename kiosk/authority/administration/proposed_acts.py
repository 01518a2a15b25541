"""The list of what waits for a second member of staff: proposed acts, and codes by word of mouth.

Such a code is stored as a code from the start: it is read out before anybody agrees, and lives for
fifteen minutes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from kiosk.authority.administration.acts import open_act
from kiosk.authority.administration.codes import codes_waiting, giver_of
from kiosk.authority.administration.intents import CannotBeRead, Intent, PlainIntent
from kiosk.authority.administration.office import act_name, note_id_of, proposer_of
from kiosk.authority.administration.proposals import objection
from kiosk.authority.administration.views import Actor, ProposalLine
from kiosk.authority.audit.events import StaffKind
from kiosk.authority.crypto.sealing import Sealer
from kiosk.authority.errors import NotFound
from kiosk.authority.records import AuditQuery, ProposedAct
from kiosk.authority.refusals import NotForRole, PlainRefusal, Refusal
from kiosk.authority.roles import Action, Role, may
from kiosk.authority.store.database import UnitOfWork
from kiosk.authority.visit.context import ASSISTED_LIFE


def waiting_lines(
    uow: UnitOfWork, reader: Actor, sealer: Sealer, holder_id: str = ""
) -> tuple[ProposalLine, ...]:
    """Return what waits and concerns the reader's role, or a person.

    What the reader can agree to comes first, then what runs out first: a code has minutes, an act
    days. Auditors see all of it, and decide nothing.
    """
    lines = []
    for first, line in (*_acts(uow, sealer, holder_id), *_codes(uow, holder_id)):
        if may(reader.role, line.action):
            why_not = line.why_not or objection(uow, first, reader)
        elif reader.role is Role.AUDITOR:
            why_not = NotForRole(reader.role)
        else:
            continue
        is_mine = first.staff_id == reader.staff_id
        lines.append(replace(line, is_mine=is_mine, why_not=why_not))
    return tuple(sorted(lines, key=lambda line: (line.why_not is not None, line.expires_at)))


def _acts(uow: UnitOfWork, sealer: Sealer, holder_id: str) -> Iterator[tuple[Actor, ProposalLine]]:
    """Yield who proposed an act, and its line."""
    kept_ones = [
        kept for kept in uow.proposals.waiting() if not holder_id or kept.holder_id == holder_id
    ]
    ids = tuple(kept.note_id for kept in kept_ones)[:500]
    notes = uow.notes.by_ids(ids) if ids else {}
    for kept in kept_ones:
        first = proposer_of(uow, kept)
        if first is None:
            continue
        what, why_not = _intent(uow, sealer, kept)
        holder = uow.holders.get(kept.holder_id) if kept.holder_id else None
        if holder is not None and holder.revision != kept.revision:
            why_not = why_not or PlainRefusal.OVERTAKEN
        subject = holder or (uow.staff.get(kept.staff_id) if kept.staff_id else None)
        note = notes.get(kept.note_id)
        line = ProposalLine(
            proposal_id=kept.id,
            action=Action(kept.action),
            what=what,
            holder_id=kept.holder_id or "",
            about=subject.name if subject else "",
            proposed_by=act_name(uow, kept.proposed_by),
            proposed_at=kept.proposed_at,
            expires_at=kept.expires_at,
            reason=note.reason if note else "",
            identified_by=note.identified_by if note else "",
            reference=kept.reference,
            why_not=why_not,
            number=holder.number if holder else "",
        )
        yield first, line


def _codes(uow: UnitOfWork, holder_id: str) -> Iterator[tuple[Actor, ProposalLine]]:
    for code, holder in codes_waiting(uow):
        if holder_id and holder.id != holder_id:
            continue
        query = AuditQuery(holder_id=holder.id, kind=StaffKind.CODE_ISSUED.value)
        events = uow.trail.newest(query, limit=10)
        given = next((one for one in events if one.detail.get("code") == code.id), None)
        note_id = note_id_of(given) if given else ""
        note = uow.notes.by_ids((note_id,)).get(note_id)
        giver = giver_of(uow, code)
        line = ProposalLine(
            proposal_id=code.id,
            action=Action.ISSUE_CODE,
            what=PlainIntent.LET_CODE_WORK,
            holder_id=holder.id,
            about=holder.name,
            proposed_by=giver.name,
            proposed_at=code.drafted_at,
            expires_at=code.expires_at or code.drafted_at + ASSISTED_LIFE,
            reason=note.reason if note else "",
            identified_by=note.identified_by if note else "",
            reference=given.reference if given else "",
            number=holder.number,
        )
        yield giver, line


def _intent(uow: UnitOfWork, sealer: Sealer, kept: ProposedAct) -> tuple[Intent, Refusal | None]:
    """Return what would be done, and why it cannot be: unreadable, or overtaken by a station."""
    try:
        opened, act = open_act(sealer, kept)
    except NotFound as error:
        because = error.because
        why_not = PlainRefusal.PROPOSAL_UNREADABLE if isinstance(because, str) else because
        return CannotBeRead(kept.action), why_not
    return act.describe(uow, opened), act.overtaken(uow, opened)
