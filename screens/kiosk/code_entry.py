"""Enter the code that was emailed, or that staff gave; the card may be taken out meanwhile."""

from __future__ import annotations

from collections.abc import Iterator

from textual.widget import Widget

from kiosk.dialogue import Purpose
from kiosk.sensitive import Sensitive
from kiosk.station.events import CodeAsked, CodeEntered
from kiosk.station.states import CodeEntry
from screens.kiosk.digits_page import DigitsPage
from screens.kiosk.kit import Kit
from screens.widgets.button import BigButton
from screens.widgets.cells import Cells
from screens.widgets.prose import Note, Prose
from screens.words import email as words

_TICK_S = 1.0


class CodeEntryPage(DigitsPage, inherit_bindings=False):
    """The cells, how long the code is good for, and a way to another one."""

    def __init__(self, kit: Kit, state: CodeEntry) -> None:
        digits = state.task.digits
        cells = Cells(digits, digits, None)
        super().__init__(kit, state, _title(state), cells)
        self._state = state
        self._since = kit.now()
        self._life = Prose("", "life")
        self._other = words.NEW_CODE if state.task.masked else words.BY_EMAIL
        self._again = self.button("", self._ask_again)
        self._not_me = self.not_me_button()
        self._not_me.add_class("-line")

    def content(self) -> Iterator[Widget]:
        """Lay out the page; the arrow keys come to what stands in the text last."""
        yield from super().content()
        self.ring.add(self._not_me)

    def beside(self) -> Iterator[Widget]:
        """Say where the code went, what happened last, and how long there is."""
        task, notice = self._state.task, self._state.notice
        yield Prose(words.sent_to(task.masked, proves_owner=task.proves_owner))
        if notice is not None:
            yield Note(words.code_notice(notice, task.tries_left))
        yield self.cells
        yield self._life
        if notice is None:
            yield Prose(words.meanwhile(self._state.visit.purpose, task.masked), "walk")
        yield self._not_me

    def others(self) -> Iterator[BigButton]:
        """Stop, or ask for another code; for a first unlock only staff give one."""
        yield self.stop_button()
        self._count_down()
        if self._state.visit.purpose is not Purpose.FIRST_UNLOCK:
            yield self._again

    def on_mount(self) -> None:
        """Begin to count down."""
        self.set_interval(_TICK_S, self._count_down)

    def submitted(self, digits: Sensitive) -> None:
        """Report the code."""
        self.report(CodeEntered(self.visit, digits))

    def _count_down(self) -> None:
        gone = self.kit.now() - self._since
        left = self._state.task.expires_in_s - gone
        wait = self._state.task.resend_in_s - gone
        self._life.say(words.life(left) if left > 0 else words.OVER)
        self._life.set_class(left <= 0, "-over")
        self._again.relabel(words.resend(wait, self._other), enabled=wait <= 0)

    def _ask_again(self) -> None:
        self.report(CodeAsked(self.visit))


def _title(state: CodeEntry) -> str:
    return words.code_title(state.visit.purpose, proves_owner=state.task.proves_owner)
