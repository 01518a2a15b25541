"""The pages of saved codes: writing them down, and entering one."""

from __future__ import annotations

from collections.abc import Iterator

from textual.widget import Widget

from kiosk.contract.messages import EnteredSavedCode
from kiosk.contract.sensitive import Sensitive
from kiosk.contract.text import shown_saved_code
from kiosk.station.events import CodesKept, EntryMade
from kiosk.station.states import SavedCodeEntry, SavedCodesShown
from screens.kiosk.entry_pages import ChooseFirstPage, TextPage
from screens.kiosk.page import PageContext
from screens.widgets.fields import Field
from screens.widgets.keys import ANSWER_KEYS, BigButton
from screens.widgets.prose import Note, Prose
from screens.words import saved

_ONE_COLUMN = 5
"""More codes than these stand in two columns, so that they fit the smallest screen."""

_LONGEST = 40
"""Signs that are taken, spaces and dashes among them."""


def code_lines(codes: tuple[Sensitive, ...]) -> str:
    shown = [shown_saved_code(code.reveal()) for code in codes]
    if len(shown) <= _ONE_COLUMN:
        return "\n".join(shown)
    half = (len(shown) + 1) // 2
    right = [*shown[half:], ""]
    return "\n".join(f"{one}    {other}".rstrip() for one, other in zip(shown, right, strict=False))


class SavedCodesPage(ChooseFirstPage, inherit_bindings=False):
    state: SavedCodesShown

    def __init__(self, context: PageContext, state: SavedCodesShown) -> None:
        super().__init__(context, state, Prose(saved.SHOWN_HINT, "lead"), saved.CHOOSE_KEPT)

    def content(self) -> Iterator[Widget]:
        yield Prose(saved.SHOWN_TITLE, "title")
        yield Prose(saved.SHOWN_TEXT, "text paragraph")
        yield Prose(code_lines(self.state.task.codes), "strong paragraph codes")
        yield self.hint
        yield self.choose_first
        kept = self.button(saved.KEPT, lambda: self.report(CodesKept(self.visit)))
        yield self.actions(self.stop_button(), right=kept)


class SavedCodeEntryPage(TextPage, inherit_bindings=False):
    state: SavedCodeEntry

    def __init__(self, context: PageContext, state: SavedCodeEntry) -> None:
        field = Field(_LONGEST, context.look.glyphs, shown=True)
        super().__init__(context, state, field, ANSWER_KEYS)

    def head(self) -> Iterator[Widget]:
        yield Prose(saved.ENTER_TITLE, "title question")
        if self.state.wrong:
            yield from self.lead(Note(saved.wrong(self.state.task.attempts_left)))
        else:
            yield from self.lead(Prose(saved.ENTER_TEXT))

    def others(self) -> Iterator[BigButton]:
        yield self.stop_button()
        if self.state.visit.ways is not None:
            yield self.back_button()

    def missing(self) -> str:
        return super().missing() if self.field.empty else saved.form_fault(self.field.text)

    def ready(self) -> bool:
        return not self.field.empty and not saved.form_fault(self.field.text)

    def submitted(self, text: str) -> None:
        self.report(EntryMade(self.visit, EnteredSavedCode(Sensitive(text))))
