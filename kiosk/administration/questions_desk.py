"""The list of security questions, as staff keep it; the answers cannot be shown by anybody."""

from __future__ import annotations

from collections.abc import Iterable

from kiosk.administration.kinds import StaffKind
from kiosk.administration.office import Act, Office
from kiosk.administration.policy_desk import hold_policy
from kiosk.administration.policy_in_force import policy_in_force
from kiosk.administration.views.acting import Done, Grounds
from kiosk.administration.views.service import QuestionLine
from kiosk.errors import ChangedMeanwhile, NothingThere, NotTaken
from kiosk.folding import fold
from kiosk.roles import Action
from kiosk.store.records import SecurityQuestion

FIELD = "text"
SHORTEST = 10
LONGEST = 64
"""Characters: what the smallest glass shows in two lines."""


class LocalQuestionsDesk:
    """Implements ``QuestionsDesk``."""

    def __init__(self, office: Office) -> None:
        self._office = office

    def every(self) -> tuple[QuestionLine, ...]:
        """Return all, the retired ones last."""
        with self._office.look(Action.SEE_QUESTIONS) as uow:
            uses, questions = uow.questions.uses(), uow.questions.every()
        lines = [QuestionLine(q.id, q.text, uses.get(q.id, 0), q.retired_at) for q in questions]
        return tuple(sorted(lines, key=lambda line: line.retired_at is not None))

    def add(self, text: str, grounds: Grounds) -> Done:
        """Offer another one."""
        with self._office.act(Action.EDIT_QUESTIONS, grounds, hold=hold_policy) as act:
            text = _tidied(text)
            there = act.uow.questions.every()
            _refuse_repetition(text, there)
            question = SecurityQuestion(1 + max((each.id for each in there), default=0), text)
            act.uow.questions.add(question)
            act.tell(StaffKind.QUESTION_ADDED, question=question.id)
        return act.done(f"“{text}” is offered to everybody who registers from now on.")

    def retire(self, question_id: int, grounds: Grounds) -> Done:
        """Offer one to nobody new; people who use it keep it."""
        with self._office.act(Action.EDIT_QUESTIONS, grounds, hold=hold_policy) as act:
            question = _known(act, question_id)
            if not act.uow.questions.retire(question_id, act.uow.now):
                raise ChangedMeanwhile("This question is retired already.")
            self._refuse_too_few(act)
            act.tell(StaffKind.QUESTION_RETIRED, question=question_id)
        return act.done(f"“{question.text}” is offered to nobody new; who uses it keeps it.")

    def revive(self, question_id: int, grounds: Grounds) -> Done:
        """Offer it again."""
        with self._office.act(Action.EDIT_QUESTIONS, grounds, hold=hold_policy) as act:
            question = _known(act, question_id)
            if not act.uow.questions.revive(question_id):
                raise ChangedMeanwhile("This question is offered already.")
            act.tell(StaffKind.QUESTION_REVIVED, question=question_id)
        return act.done(f"“{question.text}” is offered again.")

    def _refuse_too_few(self, act: Act) -> None:
        """Leave as many as everybody has to choose, by the policy of this very moment."""
        stored = act.uow.policy_changes.every()
        policy = policy_in_force(self._office.means.file_policy, stored).settings.policy()
        left = len(act.uow.questions.current())
        if policy.asks_questions and left < policy.questions_registered:
            wanted = policy.questions_registered
            because = (
                f"Everybody chooses {wanted} questions, and {left} would be left. Add one first."
            )
            raise NotTaken("question", because)


def _known(act: Act, question_id: int) -> SecurityQuestion:
    question = act.uow.questions.by_ids((question_id,)).get(question_id)
    if question is None:
        raise NothingThere("There is no such question.")
    return question


def _tidied(text: str) -> str:
    tidy = " ".join(text.split())
    if not SHORTEST <= len(tidy) <= LONGEST:
        raise NotTaken(FIELD, f"Write it in {SHORTEST} to {LONGEST} characters.")
    if not tidy.isprintable() or not fold(tidy):
        raise NotTaken(FIELD, "Write it in letters that can be shown.")
    return tidy


def _refuse_repetition(text: str, there: Iterable[SecurityQuestion]) -> None:
    """Refuse what reads alike: two answers to one question would prove no more than one."""
    for question in there:
        if fold(question.text) == fold(text):
            if question.retired_at is None:
                raise NotTaken(FIELD, f"“{question.text}” is in the list already.")
            raise NotTaken(FIELD, f"“{question.text}” was retired. Offer that one again.")
