"""A code as staff see it: whose, by whom, until when; never the code."""

from __future__ import annotations

from kiosk.administration.views.people import CodeLine
from kiosk.authority.assisted import ASSISTED_LIFE, is_assisted
from kiosk.store.records import Cardholder
from kiosk.store.visit_records import EmailCode


def code_line(code: EmailCode, holder: Cardholder, given_by: str) -> CodeLine:
    """Return a code's line; ``given_by`` names the member of staff, empty for a mailed one."""
    return CodeLine(
        code_id=code.id,
        card_id=code.card_id,
        holder_id=holder.id,
        holder_name=holder.name,
        by_mail=not is_assisted(code),
        issued_by=given_by,
        issued_at=code.drafted_at,
        expires_at=code.expires_at or code.drafted_at + ASSISTED_LIFE,
        waits_for_second=waits_for_second(code),
    )


def waits_for_second(code: EmailCode) -> bool:
    """Tell whether a code that staff gave waits until somebody else agrees."""
    undecided = code.agreed_by is None and code.sent_at is None and code.revoked_at is None
    return is_assisted(code) and code.needs_second and undecided
