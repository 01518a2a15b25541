"""Acts that colleagues proposed and that wait for a second member of staff."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widgets import DataTable

from kiosk.authority.administration.desk import AdminDesk
from kiosk.authority.administration.office import COMMAND_LINE
from kiosk.authority.administration.views import Done, ProposalLine
from kiosk.authority.roles import FINAL, IDENTIFIES, Action, may
from kiosk.authority.wording import quoted
from screens.admin.dialogs.form import REASON, Form, confirming, grounds_of
from screens.admin.page import LinesPage, app_of
from screens.admin.stations import LineShown
from screens.admin.widgets import Column, TableLine
from screens.words.staff.proposals import proposal_words, why_not_words

# The dialogs for agreeing and declining.


def agree(desk: AdminDesk, line: ProposalLine) -> Form[Done]:
    """Ask for grounds; an act that cannot be undone is confirmed by the proposal's reference."""
    is_code = line.action is Action.ISSUE_CODE
    if is_code:
        what = f"{line.proposed_by} gave {line.whom} a code. It works once you agree."
    else:
        about = f" About: {line.whom}." if line.about else ""
        what = proposal_words(line.what)
        what = f"{line.proposed_by} proposed: {what}{about} It is done once you agree."
    final = line.action in FINAL
    if final:
        what += f" It cannot be taken back. Reference: {line.reference}."
    return Form(
        "Agree to a code" if is_code else "Agree",
        f"{what} {_first(line)}",
        (confirming("Ends in", "the reference", line.reference), REASON) if final else (REASON,),
        lambda values: desk.proposals.agree(line.proposal_id, grounds_of(values)),
        button="Agree",
        danger=final,
        deliberate=True,
    )


def decline(desk: AdminDesk, line: ProposalLine) -> Form[Done]:
    if line.action is Action.ISSUE_CODE:
        title, button = "Withdraw a code", "Withdraw"
        what = (
            f"The code that {line.proposed_by} gave {line.whom} is worthless from then on. "
            "Another one can be given."
        )
    else:
        title, button = ("Take back", "Take back") if line.is_mine else ("Decline", "Decline")
        what = proposal_words(line.what)
        what = f"Proposed by {line.proposed_by}: {what} Nothing is changed then."
    return Form(
        title,
        what,
        (REASON,),
        lambda values: desk.proposals.decline(line.proposal_id, grounds_of(values)),
        button=button,
        deliberate=True,
    )


def _first(line: ProposalLine) -> str:
    whom = line.proposed_by
    if whom.startswith(COMMAND_LINE):
        whom = f"the machine's administrator ({whom})"
    if line.action in IDENTIFIES:
        return f"Speak to {whom} first: how did they make sure who it was?"
    return f"Speak to {whom} first: is it right, and why is it needed?"


class ProposalsPage(LinesPage[ProposalLine]):
    """What the reader can agree to first, then what runs out first; refreshed while shown."""

    NAME = "Waiting"
    TITLE = "What waits for a second member of staff"
    EMPTY = "Nothing waits for a second member of staff. It appears here as soon as it is proposed."
    NEEDS = Action.SEE_TODAY
    REFRESH_S = 10.0
    COLUMNS = (
        Column("About", 12, 3),
        Column("What", 12, 4),
        Column("Proposed by", 11, 2),
        Column("At", 15),
        Column("Runs out in", 11),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("g", "agree", "Agree"),
        Binding("d", "decline", "Decline"),
        Binding("d", "take_back", "Take back"),
        Binding("p", "person", "Open the person"),
    ]

    def shown(self) -> None:
        self.ask(self.desk.proposals.waiting, self.show_lines)

    def row_of(self, line: ProposalLine) -> TableLine:
        times = self.times
        by = "you" if line.is_mine else line.proposed_by
        at, left = times.at(line.proposed_at), times.left(line.expires_at)
        what = proposal_words(line.what)
        return TableLine(line.proposal_id, (line.about or "–", what, by, at, left))

    def explained(self, line: ProposalLine) -> str:
        why = proposal_words(line.what)
        if line.reason:
            why += f" Reason: {quoted(line.reason)}."
        if line.number:
            why += f" About: {line.whom}."
        if line.identified_by:
            why += f" Identified by: {quoted(line.identified_by)}."
        what = "What a colleague proposed happens only once somebody else agrees."
        return f"{why}\n{why_not_words(line) or f'{what} {_first(line)}'}"

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        event.stop()
        self.action_person()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        line = self.marked
        if line is None:
            return action not in ("agree", "decline", "take_back", "person")
        role = self.desk.me.role
        if action == "agree":
            return may(role, Action.AGREE_ACT) and not line.why_not
        if action in ("decline", "take_back"):
            may_it = may(role, Action.DECLINE_ACT) and may(role, line.action)
            return may_it and line.is_mine == (action == "take_back")
        return action != "person" or bool(line.holder_id)

    def action_agree(self) -> None:
        self._ask_about(agree)

    def action_decline(self) -> None:
        self._ask_about(decline)

    action_take_back = action_decline

    def was_done(self, done: Done) -> None:
        if done.let_in is not None:
            self.app.push_screen(LineShown(done.let_in, self.times))
        super().was_done(done)

    def action_person(self) -> None:
        if self.marked is not None and self.marked.holder_id:
            app_of(self).show_person(self.marked.holder_id)

    def _ask_about(self, form: Callable[[AdminDesk, ProposalLine], Form[Done]]) -> None:
        if self.marked is not None:
            self.put(form(self.desk, self.marked))
