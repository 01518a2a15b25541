"""Maintenance: an officer's card opens a page of the station, and nothing else.

Staff record whose card it is, and the key with which it signs after its PIN. The page opens where
that key has signed in this visit, and the member may still maintain stations: both are checked
again at each act. An act is recorded, with its reason, before the station does it.
"""

from __future__ import annotations

from hashlib import sha256

from kiosk.authority.audit.events import AuditKind, record
from kiosk.authority.audit.put_back import need_officer
from kiosk.authority.crypto.derivation import framed
from kiosk.authority.dependencies import Dependencies
from kiosk.authority.records import ActionNote, PinEvidence, StaffMember
from kiosk.authority.roles import Action, may
from kiosk.authority.visit.context import VisitContext, VisitRefused, deciding, enter
from kiosk.authority.visit.rules import Gate
from kiosk.contract.errors import StepRefused
from kiosk.contract.messages import (
    Maintain,
    MaintenanceAct,
    MaintenanceReason,
    Purpose,
    Reason,
    VisitId,
)
from kiosk.contract.text import says_why

REASONS = {
    MaintenanceReason.CHECK: "a planned check",
    MaintenanceReason.CARD_READER: "the card reader",
    MaintenanceReason.NETWORK: "the network",
    MaintenanceReason.DISPLAY: "the display or the keys",
}
"""The words of each except ``OTHER``, which comes with the officer's words."""


def officer_of(context: VisitContext) -> StaffMember:
    """Return the member of staff whose card this is; raises ``VisitRefused``."""
    if context.staff_card is None or context.staff_member is None:
        raise _refused("it is not the card of a member of staff")
    member = context.staff_member
    if member.removed_at is not None:
        raise _refused("the member of staff was removed")
    if not may(member.role, Action.MAINTAIN_STATION):
        raise _refused(f"it is not for the role {member.role.value}")
    return member


def barred(context: VisitContext) -> VisitRefused | None:
    """Return why a visit for maintenance cannot continue after the PIN was entered."""
    if context.visit.purpose is not Purpose.MAINTENANCE:
        return None
    try:
        officer_of(context)
    except VisitRefused as refused:
        return refused
    visit, proven = context.visit, context.visit.pin_evidence is PinEvidence.PROVEN
    if not proven or visit.pin_key != context.pin_key:
        return _refused("the card did not prove its PIN")
    return None


def page_for(context: VisitContext) -> Maintain:
    """Open the page; raises ``VisitRefused``."""
    if (refused := barred(context)) is not None:
        raise refused
    return Maintain(context.visit.station, context.now)


def maintain(
    parts: Dependencies,
    visit_id: VisitId,
    attempt: str,
    act: MaintenanceAct,
    why: MaintenanceReason,
    words: str = "",
) -> Maintain:
    """Record an officer's act at the station; a repeated attempt records nothing."""
    if why is MaintenanceReason.OTHER:
        if not says_why(words):
            raise StepRefused("these words give no reason, or may hold a secret")
    elif words:
        raise StepRefused("the words are for another reason than those that are listed")
    with deciding(parts) as uow:
        context = enter(uow, parts, visit_id)
        context.need(Gate.MAINTENANCE)
        page = page_for(context)
        if context.staff_card is not None:
            need_officer(uow, officer_of(context), context.staff_card)
        # The note's id shows whether an attempt was recorded.
        named = framed("maintenance", visit_id, attempt, act.value, why.value, words)
        note_id = sha256(named).hexdigest()[:32]
        if not uow.notes.by_ids((note_id,)):
            note = ActionNote(note_id, None, uow.now, REASONS.get(why, words))
            uow.notes.add(note)
            done = {"act": act.value, **note.named()}
            record(uow, AuditKind.MAINTAINED, context.visit, officer_of(context).id, **done)
            uow.commit()
        return page


def _refused(because: str) -> VisitRefused:
    return VisitRefused(Reason.MAINTENANCE_REFUSED, because=because)
