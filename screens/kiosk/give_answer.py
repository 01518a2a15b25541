"""Write the answer to a chosen question.

It shows what is typed until the holder hides it: a slip that is registered unseen would
lock them out later. On the page that asks (``ask_question``) it is the other way round.
"""

from __future__ import annotations

from collections.abc import Iterator

from textual.widget import Widget

from kiosk.station.states import GiveAnswer
from screens.kiosk.answer_page import AnswerPage
from screens.kiosk.kit import Kit
from screens.widgets.prose import Note, Prose
from screens.words import questions as words


class GiveAnswerPage(AnswerPage, inherit_bindings=False):
    """The question, and its answer in plain view."""

    def __init__(self, kit: Kit, state: GiveAnswer) -> None:
        super().__init__(kit, state, shown=True)
        self._state = state

    def head(self) -> Iterator[Widget]:
        """Say which question it is, or what was wrong with the answer."""
        if self._state.problem is not None:
            yield Note(words.problem(self._state.problem))
        else:
            yield Prose(words.lead(len(self._state.given) + 1, self._state.task.count), "lead")
        yield Prose(self._state.question.text, "title question")
