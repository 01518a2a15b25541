"""Rows of codes that wait."""

from __future__ import annotations

from textual import events
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from kiosk.administration.views.people import CodeLine
from screens.admin.times import Times
from screens.widgets.prose import Prose, printable

_GAP = 2
_GIVEN, _LEFT = 16, 14


class CodesList(Vertical):
    """A heading and the codes; a code of one's own says so."""

    DEFAULT_CSS = """
    CodesList {
        height: auto;
        max-height: 1fr;
        & > .heading { height: 1; color: $quiet; text-style: bold; padding: 0 1; }
    }
    """

    class Marked(Message):
        """Another one is marked."""

    class Picked(Message):
        """One was clicked, or confirmed with Enter."""

    def __init__(self, me: str) -> None:
        self._me = me
        self._heading = Prose("", "heading")
        self._rows = OptionList(markup=False, compact=True)
        self._codes: tuple[CodeLine, ...] = ()
        self._times = Times()
        super().__init__(self._heading, self._rows)

    @property
    def marked(self) -> CodeLine | None:
        """The one that an act is about."""
        at = self._rows.highlighted
        return None if at is None or at >= len(self._codes) else self._codes[at]

    def show(self, codes: tuple[CodeLine, ...], times: Times) -> None:
        """Show ``codes``; the mark stays on the one that has it."""
        before = self.marked
        self._codes, self._times = codes, times
        self.display = bool(codes)
        self._lay_out(before.code_id if before else None)

    def on_resize(self, _event: events.Resize) -> None:
        """Share the new width."""
        self._lay_out(self.marked.code_id if self.marked else None)

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Tell the page."""
        event.stop()
        self.post_message(self.Marked())

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Tell the page."""
        event.stop()
        self.post_message(self.Picked())

    def _lay_out(self, marked: str | None) -> None:
        self._heading.say(self._row("For", "Given by", "At", "Works").plain)
        self._rows.set_options(Option(self._code(code), code.code_id) for code in self._codes)
        ids = [code.code_id for code in self._codes]
        self._rows.highlighted = ids.index(marked) if marked in ids else (0 if ids else None)

    def _code(self, code: CodeLine) -> Content:
        by = "you" if code.issued_by == self._me else code.issued_by
        left = f"another {self._times.left(code.expires_at)}"
        return self._row(code.holder_name, by, self._times.at(code.issued_at), left)

    def _row(self, holder: str, by: str, at: str, left: str) -> Content:
        rest = max(2, self.size.width - 3 - _GIVEN - _LEFT - 3 * _GAP)
        name = round(rest * 0.55)
        cells = ((holder, name), (by, rest - name), (at, _GIVEN), (left, _LEFT))
        fitted = [Content(printable(t)).truncate(w, ellipsis=True, pad=True) for t, w in cells]
        return Content(" " * _GAP).join(fitted)
