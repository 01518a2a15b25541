"""What is asked before somebody agrees to what a colleague proposed, or declines it."""

from __future__ import annotations

from kiosk.administration.desk import AdminDesk
from kiosk.administration.views.acting import Done
from kiosk.administration.views.proposals import ProposalLine
from kiosk.roles import Action
from screens.admin.dialogs.form import Form
from screens.admin.dialogs.grounds import AskGrounds


def agree(desk: AdminDesk, line: ProposalLine) -> Form[Done]:
    """Ask on what grounds."""
    is_code = line.action is Action.ISSUE_CODE
    if is_code:
        what = f"{line.proposed_by} gave {line.about} a code. It works once you agree."
    else:
        about = f" About: {line.about}." if line.about else ""
        what = f"{line.proposed_by} proposed: {line.told}{about} It is done once you agree."
    return AskGrounds(
        "Agree to a code" if is_code else "Agree",
        f"{what} Speak to {line.proposed_by} first: how did they make sure who it was?",
        lambda grounds: desk.proposals.agree(line.proposal_id, grounds),
        button="Agree",
    )


def decline(desk: AdminDesk, line: ProposalLine) -> Form[Done]:
    """Ask why."""
    if line.action is Action.ISSUE_CODE:
        title, button = "Withdraw a code", "Withdraw"
        what = (
            f"The code that {line.proposed_by} gave {line.about} is worthless from then on. "
            "Another one can be given."
        )
    else:
        title, button = ("Take it back", "Take back") if line.is_mine else ("Decline", "Decline")
        what = f"Proposed by {line.proposed_by}: {line.told} Nothing is changed then."
    return AskGrounds(
        title,
        what,
        lambda grounds: desk.proposals.decline(line.proposal_id, grounds),
        button=button,
    )
