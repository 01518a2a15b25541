"""What waits for a second member of staff, as somebody at the fake desk sees it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from kiosk.authority.administration.intents import (
    PlainIntent,
    ShownKey,
    ToCorrectAddress,
    ToLetIn,
    ToLetInStation,
)
from kiosk.authority.administration.views import Actor, CodeLine, ProposalLine
from kiosk.authority.refusals import NotForRole, PlainRefusal
from kiosk.authority.roles import Action, Role, may
from tests.screens.admin.estate import Estate
from tests.screens.admin.fake_calls import REFERENCE
from tests.screens.admin.people import NOW

EMAIL = ProposalLine(
    "proposal-1",
    Action.CORRECT_EMAIL,
    ToCorrectAddress(("bronwen.pryce@nhs.net",), "bronwen@nhs.uk"),
    "h2",
    "Bronwen Pryce",
    "Bo Banks",
    NOW - timedelta(hours=3),
    NOW + timedelta(days=6),
    "Asked for it in person",
    "Photo ID, in person",
    REFERENCE,
    number="100200300402",
)
STAFF = replace(
    EMAIL,
    proposal_id="proposal-2",
    action=Action.ADD_STAFF,
    what=ToLetIn("Cy Dunn", Role.AGENT, ShownKey("SHA256:abc")),
    holder_id="",
    number="",
    about="",
    proposed_at=NOW - timedelta(hours=2),
)


def waiting_of(estate: Estate, me: Actor, holder_id: str = "") -> tuple[ProposalLine, ...]:
    """What waits, in the order of the desk, as ``me`` may decide on it."""
    codes = (_code_proposal(code) for code in estate.codes if code.waits_for_second)
    lines = (
        _as_seen_by(me, line)
        for line in (*estate.proposals, *codes)
        if holder_id in ("", line.holder_id)
        and (me.role is Role.AUDITOR or may(me.role, line.action))
    )
    return tuple(sorted(lines, key=lambda line: (line.why_not is not None, line.expires_at)))


LET_IN = replace(
    STAFF,
    proposal_id="proposal-3",
    action=Action.ENROL_STATION,
    what=ToLetInStation("Level 7", ""),
    about="",
)


def _code_proposal(code: CodeLine) -> ProposalLine:
    return ProposalLine(
        code.code_id,
        Action.ISSUE_CODE,
        PlainIntent.LET_CODE_WORK,
        code.holder_id,
        code.holder_name,
        code.issued_by,
        code.issued_at,
        code.expires_at,
        "Cannot read their mail",
        "Photo ID, in person",
        REFERENCE,
    )


def _as_seen_by(me: Actor, line: ProposalLine) -> ProposalLine:
    if line.proposed_by == me.name:
        return replace(line, is_mine=True, why_not=PlainRefusal.OWN_PROPOSAL)
    if not may(me.role, line.action):
        return replace(line, why_not=NotForRole(me.role))
    return line
