"""The pages of an officer: the reason, the acts, and their results."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from textual.widget import Widget

from kiosk.contract.text import LONGEST_WORDS
from kiosk.station.events import ActPicked, Confirmed, ReasonPicked, ReasonWritten
from kiosk.station.states import ActDone, ConfirmAct, Ending, Maintenance, PickReason, WriteReason
from screens.kiosk.entry_pages import ChoicesPage, TextPage
from screens.kiosk.page import Page, PageContext
from screens.widgets.fields import Field
from screens.widgets.keys import ANSWER_KEYS, BigButton
from screens.widgets.prose import Note, Prose
from screens.words import frame, maintenance


class PickReasonPage(ChoicesPage, inherit_bindings=False):
    state: PickReason

    def content(self) -> Iterator[Widget]:
        self.add_class("-many")
        yield Prose(maintenance.opened(self.state.task.station), "lead")
        yield Prose(maintenance.REASON_TITLE, "title")
        yield self.listed(
            (words, partial(self.report, ReasonPicked(self.visit, why)), "")
            for why, words in maintenance.REASONS.items()
        )
        yield self.actions(self.stop_button())


class WriteReasonPage(TextPage, inherit_bindings=False):
    state: WriteReason

    def __init__(self, context: PageContext, state: WriteReason) -> None:
        field = Field(LONGEST_WORDS, context.look.glyphs, shown=True)
        super().__init__(context, state, field, ANSWER_KEYS)

    def head(self) -> Iterator[Widget]:
        yield Prose(maintenance.WORDS_TITLE, "title")
        unclear, text = Note(maintenance.WORDS_UNCLEAR), Prose(maintenance.WORDS_TEXT)
        yield from self.lead(unclear if self.state.unclear else text)

    def others(self) -> Iterator[BigButton]:
        yield self.stop_button()
        yield self.back_button()

    def submitted(self, text: str) -> None:
        self.report(ReasonWritten(self.visit, text.strip()))


class MaintenancePage(ChoicesPage, inherit_bindings=False):
    state: Maintenance

    def content(self) -> Iterator[Widget]:
        self.add_class("-many")
        yield Prose(maintenance.opened(self.state.task.station), "lead")
        yield Prose(maintenance.MENU_TITLE, "title")
        yield self.listed(
            (words, partial(self.report, ActPicked(self.visit, act)), "")
            for act, words in maintenance.ACTS.items()
        )
        yield self.actions(self.stop_button(maintenance.DONE))


class ConfirmActPage(Page, inherit_bindings=False):
    """Nobody is served for a while after it."""

    state: ConfirmAct

    def content(self) -> Iterator[Widget]:
        yield Prose(maintenance.SURE_TITLE, "title")
        yield Prose(maintenance.ACTS[self.state.act], "name")
        yield Prose(maintenance.CONSEQUENCES[self.state.act])
        # No button is the page's primary one: a second Enter from the list must not confirm.
        yes = self.button(frame.CONTINUE, lambda: self.report(Confirmed(self.visit)))
        yield self.actions(self.stop_button(maintenance.DONE), self.back_button(), right=yes)


class ActDonePage(Page, inherit_bindings=False):
    state: ActDone

    def content(self) -> Iterator[Widget]:
        title, lines = maintenance.result(self.state.result, self.context.look.zone)
        yield Prose(title, "title")
        yield from (Prose(line, "text paragraph") for line in lines)
        if isinstance(self.state.result, Ending):
            yield self.actions(primary=self.button(maintenance.DONE, self.leave, primary=True))
            return
        back = self.back_button(primary=True)
        yield self.actions(self.stop_button(maintenance.DONE), primary=back)
