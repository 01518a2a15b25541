"""The list of security questions, as staff keep it; the answers cannot be shown by anybody."""

from __future__ import annotations

from unicodedata import east_asian_width

from kiosk.authority.administration.office import Act, Desk
from kiosk.authority.administration.policy import lock_policy
from kiosk.authority.administration.views import Done, Grounds, QuestionLine
from kiosk.authority.audit.events import StaffKind
from kiosk.authority.errors import ConcurrentChange, NotFound, NotTaken
from kiosk.authority.policy import policy_in_force
from kiosk.authority.roles import Action
from kiosk.authority.store.records import SecurityQuestion
from kiosk.contract.text import can_be_seen, fold

# The list of security questions that a new service begins with.
#
# Each stays true for a lifetime, is easy to recall, has very many possible answers of a word or
# two, can be answered anywhere in the world, and is not on a profile, a certificate or a family
# tree.

DEFAULT_QUESTIONS: dict[int, str] = {
    1: "What is the name of the first teacher you can remember?",
    2: "Which was the first dish you learned to cook?",
    3: "What was the shop called where you bought sweets as a child?",
    4: "What was the first thing you bought with money you had earned?",
    5: "Where was your best hiding place as a child?",
    6: "What was your dearest toy when you were small?",
    7: "Which word did you find hardest to spell at school?",
    8: "What was the name of the neighbour you remember best?",
    9: "What was the first name of the first friend you made at school?",
    10: "In which street did your best childhood friend live?",
    11: "Which story do you first remember being read to you?",
    12: "Which song do you remember a grown-up singing to you?",
    13: "Which food did you refuse to eat as a child?",
    14: "Which belonging that you lost do you still think about?",
    15: "What is the first thing you remember breaking?",
    16: "Where did you first see the sea?",
    17: "What was the surname of the first person you worked for?",
    18: "Which present from your childhood do you remember best?",
    19: "What was the first film that frightened you?",
    20: "What was the first name of the oldest relative you ever met?",
}
"""By the ids that registrations refer to: a question may be reworded, never renumbered."""


FIELD = "text"
SHORTEST = 10
LONGEST = 64
"""Columns, one for most characters, that the smallest display shows in two lines."""


class QuestionsDesk(Desk):
    def every(self) -> tuple[QuestionLine, ...]:
        """Return all, the retired ones last."""
        with self._office.look(Action.SEE_QUESTIONS) as uow:
            uses, questions = uow.questions.uses(), uow.questions.every()
        lines = [QuestionLine(q.id, q.text, uses.get(q.id, 0), q.retired_at) for q in questions]
        return tuple(sorted(lines, key=lambda line: line.retired_at is not None))

    def add(self, text: str, grounds: Grounds) -> Done:
        with self._office.act(Action.EDIT_QUESTIONS, grounds, lock=lock_policy) as act:
            text = " ".join(text.split())
            columns = sum(2 if east_asian_width(each) in "WF" else 1 for each in text)
            if not SHORTEST <= columns <= LONGEST:
                many = f"{SHORTEST} to {LONGEST} characters; wide ones, as Han, count twice"
                raise NotTaken(FIELD, f"Write it in {many}.")
            if not can_be_seen(text) or not fold(text):
                raise NotTaken(FIELD, "Write it in letters that can be shown.")
            there = act.uow.questions.every()
            # Answers to two questions that read alike would prove no more than one.
            if alike := next((each for each in there if fold(each.text) == fold(text)), None):
                if alike.retired_at is None:
                    raise NotTaken(FIELD, f"“{alike.text}” is in the list already.")
                raise NotTaken(FIELD, f"“{alike.text}” was retired. Offer that one again.")
            question = SecurityQuestion(1 + max((each.id for each in there), default=0), text)
            act.uow.questions.add(question)
            act.record(StaffKind.QUESTION_ADDED, question=question.id)
        return act.done(f"“{text}” is offered to everybody who registers from now on.")

    def retire(self, question_id: int, grounds: Grounds) -> Done:
        """Stop offering one to new holders; people who use it keep it."""
        with self._office.act(Action.EDIT_QUESTIONS, grounds, lock=lock_policy) as act:
            question = _known(act, question_id)
            if not act.uow.questions.retire(question_id, act.uow.now):
                raise ConcurrentChange("This question is retired already.")
            stored = act.uow.policy_changes.every()
            policy = policy_in_force(self._office.means.file_policy, stored).settings.policy()
            wanted, left = policy.questions_registered, len(act.uow.questions.current())
            if policy.asks_questions and left < wanted:
                raise NotTaken(
                    "question",
                    f"Everybody chooses {wanted} questions, and {left} would be left. Add one "
                    "first.",
                )
            act.record(StaffKind.QUESTION_RETIRED, question=question_id)
        return act.done(f"“{question.text}” is offered to nobody new; who uses it keeps it.")

    def revive(self, question_id: int, grounds: Grounds) -> Done:
        with self._office.act(Action.EDIT_QUESTIONS, grounds, lock=lock_policy) as act:
            question = _known(act, question_id)
            if not act.uow.questions.revive(question_id):
                raise ConcurrentChange("This question is offered already.")
            act.record(StaffKind.QUESTION_REVIVED, question=question_id)
        return act.done(f"“{question.text}” is offered again.")


def _known(act: Act, question_id: int) -> SecurityQuestion:
    question = act.uow.questions.by_ids((question_id,)).get(question_id)
    if question is None:
        raise NotFound("There is no such question.")
    return question
