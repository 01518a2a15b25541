"""Choose the next question for registration from the list, a few at a time."""

from __future__ import annotations

from collections.abc import Iterator

from textual import events
from textual.containers import Horizontal
from textual.widget import Widget

from kiosk.dialogue import Question
from kiosk.station.events import QuestionPicked, WentBack
from kiosk.station.states import PickQuestion
from screens.kiosk.choices_page import ChoicesPage
from screens.kiosk.kit import Kit
from screens.widgets.button import Choice
from screens.widgets.prose import Prose
from screens.words import frame
from screens.words import questions as words

_AT_ONCE = 4
_AT_ONCE_ROOMY = 6


class PickQuestionPage(ChoicesPage, inherit_bindings=False):
    """Questions that are not answered yet; nothing scrolls, lists follow each other."""

    def __init__(self, kit: Kit, state: PickQuestion) -> None:
        super().__init__(kit, state)
        self._state = state
        taken = {answer.question for answer in state.given}
        self._open = [question for question in state.task.bank if question.id not in taken]
        self._list = 0
        self._where = Prose("", "lead where")

    def content(self) -> Iterator[Widget]:
        """Lay out the list and the way to the rest of it."""
        state = self._state
        title = Prose(words.pick_title(len(state.given) + 1, state.task.count), "title")
        yield Horizontal(title, self._where, classes="heading")
        yield Prose(words.PICK_HINT, "hint")
        yield self.listed([self._choice(place) for place in range(_AT_ONCE_ROOMY)])
        left = [self.stop_button()]
        if state.given:
            left.append(self.button(frame.BACK, self._go_back))
        yield self.actions(*left, right=self.button(words.MORE, self._later))
        self._fill()

    def takes(self, event: events.Key) -> bool:
        """Turn to other lists with Page Up and Page Down."""
        if event.key == "pagedown":
            self._later()
        elif event.key == "pageup":
            self._turn(-1)
        else:
            return super().takes(event)
        return True

    def reshaped(self) -> None:
        """Show as many as there is room for."""
        self._list = 0
        self._fill()

    @property
    def _at_once(self) -> int:
        return _AT_ONCE_ROOMY if self.shape.is_roomy else _AT_ONCE

    @property
    def _shown(self) -> list[Question]:
        first = self._list * self._at_once
        return self._open[first : first + self._at_once]

    def _choice(self, place: int) -> Choice:
        return Choice(place + 1, "", lambda: self._pick(place), self.kit.look.glyphs.pointer)

    def _pick(self, place: int) -> None:
        if place < len(self._shown):
            self.report(QuestionPicked(self.visit, self._shown[place].id))

    def _later(self) -> None:
        self._turn(1)

    def _turn(self, by: int) -> None:
        self._list = (self._list + by) % self._lists
        self.ring.choose(None)
        self._fill()

    @property
    def _lists(self) -> int:
        return max(1, -(-len(self._open) // self._at_once))

    def _fill(self) -> None:
        for place, choice in enumerate(self.choices):
            fits = place < len(self._shown)
            choice.display = fits
            choice.relabel(self._shown[place].text if fits else "", enabled=fits)
        self._where.say(words.page(self._list + 1, self._lists))

    def _go_back(self) -> None:
        self.report(WentBack(self.visit))
