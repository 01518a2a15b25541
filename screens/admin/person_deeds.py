"""What can be done for a person: each with its key, and the dialog that asks for the rest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from kiosk.administration.views.acting import Done
from kiosk.administration.views.people import CodeLine
from kiosk.administration.views.proposals import ProposalLine
from kiosk.roles import Action, may
from screens.admin.dialogs import cards, codes, person, proposals
from screens.admin.dialogs.case import Case
from screens.admin.dialogs.form import Form

Fits = Callable[[Case], bool]

CODE, ERASE = "code", "erase"
"""The two after which more is shown, or less, than what was done."""


@dataclass(frozen=True, slots=True)
class Deed:
    """One thing to do; ``fits`` tells whether it makes sense now, ``form`` asks for the rest.

    ``urgent`` ones are what somebody on the phone waits for: they stand in the footer, too.
    """

    name: str
    key: str
    label: str
    fits: Fits
    form: Callable[[Case], Form[Any]]
    urgent: bool = False


def _open(action: Action) -> Fits:
    return lambda case: action in case.person.open_to


def _waits_change(case: Case) -> bool:
    is_open = Action.REPORT_MISUSE in case.person.open_to
    return is_open and case.person.waiting_change is not None


def _leaver(case: Case, *, left: bool) -> bool:
    return Action.MARK_LEAVER in case.person.open_to and (case.person.left_at is not None) is left


def to_agree(case: Case) -> tuple[ProposalLine, ...]:
    """Return what waits, oldest first, and this member of staff can agree to."""
    return tuple(line for line in case.person.proposals if not line.why_not)


def to_decline(case: Case) -> tuple[ProposalLine, ...]:
    """Return what waits, oldest first, and is not a code: those are withdrawn."""
    role = case.desk.me.role
    return tuple(
        line
        for line in case.person.proposals
        if line.action is not Action.ISSUE_CODE and may(role, line.action)
    )


def to_withdraw(case: Case) -> tuple[CodeLine, ...]:
    """Return the codes that staff gave, oldest first."""
    if Action.WITHDRAW_CODE not in case.person.open_to:
        return ()
    return tuple(code for code in case.person.codes if not code.by_mail)


def _agree(case: Case) -> Form[Done]:
    return proposals.agree(case.desk, to_agree(case)[0])


def _decline(case: Case) -> Form[Done]:
    return proposals.decline(case.desk, to_decline(case)[0])


def _withdraw(case: Case) -> Form[Done]:
    return codes.withdraw(case.desk, to_withdraw(case)[0])


DEEDS = (
    Deed(
        "lift-block",
        "b",
        "Lift the block",
        _open(Action.LIFT_BLOCK),
        person.lift_block,
        urgent=True,
    ),
    Deed(CODE, "c", "Give a code", _open(Action.ISSUE_CODE), codes.issue, urgent=True),
    Deed("agree", "g", "Agree", lambda case: bool(to_agree(case)), _agree, urgent=True),
    Deed("decline", "d", "Decline", lambda case: bool(to_decline(case)), _decline),
    Deed("withdraw", "w", "Withdraw code", lambda case: bool(to_withdraw(case)), _withdraw),
    Deed("misuse", "i", "Stop: not the holder", _open(Action.REPORT_MISUSE), person.report_misuse),
    Deed("stop-change", "h", "Stop change of address", _waits_change, person.stop_change),
    Deed("email", "e", "Correct email", _open(Action.CORRECT_EMAIL), person.correct_email),
    Deed("name", "n", "Correct name", _open(Action.CORRECT_NAME), person.correct_name),
    Deed("add-card", "a", "Add a card", _open(Action.ADD_CARD), cards.add_card),
    Deed("replace-card", "p", "Replace a card", _open(Action.REPLACE_CARD), cards.replace_card),
    Deed("secret", "s", "Set unblock secret", _open(Action.SET_SECRET), cards.set_secret),
    Deed("revoke-card", "k", "Revoke a card", _open(Action.REVOKE_CARD), cards.revoke_card),
    Deed(
        "registration",
        "r",
        "Revoke registration",
        _open(Action.REVOKE_REGISTRATION),
        person.revoke_registration,
    ),
    Deed("leaver", "l", "Mark as leaver", lambda c: _leaver(c, left=False), person.mark_leaver),
    Deed("back", "t", "Take back", lambda c: _leaver(c, left=True), person.take_back_leaver),
    Deed(ERASE, "x", "Erase for good", _open(Action.ERASE_PERSON), person.erase),
)
"""What is needed most comes first."""

DEED_NAMED = {deed.name: deed for deed in DEEDS}
