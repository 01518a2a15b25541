"""The pages on which questions are chosen and answered."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import ClassVar

from textual import events
from textual.containers import Horizontal
from textual.widget import Widget

from kiosk.contract.messages import Question
from kiosk.contract.policy import MAX_ANSWER
from kiosk.contract.sensitive import Sensitive
from kiosk.station.events import AnswerEntered, QuestionPicked
from kiosk.station.states import AskQuestion, GiveAnswer, PickQuestion
from screens.kiosk.entry_pages import ChoicesPage, TextPage
from screens.kiosk.page import PageContext
from screens.widgets.fields import Field
from screens.widgets.keys import ANSWER_KEYS, BigButton
from screens.widgets.prose import Note, Prose
from screens.words import questions


class AnswerPage(TextPage, inherit_bindings=False):
    """Starts hidden or shown as the subclass says, then as the holder chose in this visit."""

    state: GiveAnswer | AskQuestion
    starts_shown: ClassVar[bool]

    def __init__(self, context: PageContext, state: GiveAnswer | AskQuestion) -> None:
        chosen = context.settings.answers_shown
        self._shown = self.starts_shown if chosen is None else chosen
        field = Field(MAX_ANSWER, context.look.glyphs, shown=self._shown)
        super().__init__(context, state, field, ANSWER_KEYS)
        self._toggle = self.button(questions.toggle(self._shown), self._show_or_hide)

    def asks(self, of: int, wrong: str | None, beside: str) -> Iterator[Widget]:
        """Yield which ``of`` how many it is, or what was ``wrong``; then the question."""
        which = questions.lead(len(self.state.given) + 1, of)
        if wrong is not None:
            yield from self.lead(Note(wrong), which, which)
        else:
            yield from self.lead(Prose(which, "lead"), beside, which)
        yield Prose(self.state.question.text, "title question")

    def others(self) -> Iterator[BigButton]:
        yield self.stop_button()
        # Before the first question to be asked is the choice of ways, where there was one.
        if isinstance(self.state, GiveAnswer) or self.state.given or self.state.visit.ways:
            yield self.back_button()
        yield self._toggle

    def handles(self, event: events.Key) -> bool:
        if event.key == "f3":
            self._show_or_hide()
            return True
        return super().handles(event)

    def submitted(self, text: str) -> None:
        self.report(AnswerEntered(self.visit, Sensitive(text)))

    def _show_or_hide(self) -> None:
        self._shown = not self._shown
        self.context.settings.answers_shown = self._shown
        self.field.shown = self._shown
        self._toggle.relabel(questions.toggle(self._shown))


_AT_ONCE = 4
_AT_ONCE_ROOMY = 6


class PickQuestionPage(ChoicesPage, inherit_bindings=False):
    """Questions that are not answered yet; nothing scrolls, the list has pages."""

    state: PickQuestion

    def __init__(self, context: PageContext, state: PickQuestion) -> None:
        super().__init__(context, state)
        taken = {answer.question for answer in state.given}
        self._open = [question for question in state.task.bank if question.id not in taken]
        self._list = 0
        self._where = Prose("", "lead where")

    def content(self) -> Iterator[Widget]:
        number, of = len(self.state.given) + 1, self.state.task.count
        title = Prose(questions.pick_title(number, of), "title")
        yield Horizontal(title, self._where, classes="heading")
        yield Prose(questions.PICK_HINT, "hint")
        yield self.listed(("", partial(self._pick, place), "") for place in range(_AT_ONCE_ROOMY))
        left = [self.stop_button()]
        if self.state.given:
            left.append(self.back_button())
        yield self.actions(*left, right=self.button(questions.MORE, lambda: self._turn(1)))
        self._fill()

    def handles(self, event: events.Key) -> bool:
        if event.key in ("pageup", "pagedown"):
            self._turn(1 if event.key == "pagedown" else -1)
            return True
        return super().handles(event)

    def reshaped(self) -> None:
        self._list = 0
        self._fill()

    @property
    def _at_once(self) -> int:
        return _AT_ONCE_ROOMY if self.shape.is_roomy else _AT_ONCE

    @property
    def _shown(self) -> list[Question]:
        first = self._list * self._at_once
        return self._open[first : first + self._at_once]

    def _pick(self, place: int) -> None:
        if place < len(self._shown):
            self.report(QuestionPicked(self.visit, self._shown[place].id))

    def _turn(self, by: int) -> None:
        self._list = (self._list + by) % self._lists
        self.focus_order.choose(None)
        self._fill()

    @property
    def _lists(self) -> int:
        return max(1, -(-len(self._open) // self._at_once))

    def _fill(self) -> None:
        for place, choice in enumerate(self.choices):
            fits = place < len(self._shown)
            choice.display = fits
            choice.relabel(self._shown[place].text if fits else "", enabled=fits)
        self._where.say(questions.page(self._list + 1, self._lists))


class GiveAnswerPage(AnswerPage, inherit_bindings=False):
    """A mistake that is registered unseen would lock the holder out later."""

    state: GiveAnswer
    starts_shown = True

    def head(self) -> Iterator[Widget]:
        problem = self.state.problem
        wrong = None if problem is None else questions.PROBLEMS[problem]
        return self.asks(self.state.task.count, wrong, questions.CASE_IGNORED)


class AskQuestionPage(AnswerPage, inherit_bindings=False):
    state: AskQuestion
    starts_shown = False

    def head(self) -> Iterator[Widget]:
        task = self.state.task
        wrong = questions.wrong(task.attempts_left) if self.state.wrong else None
        return self.asks(len(task.questions), wrong, questions.attempts(task.attempts_left))
