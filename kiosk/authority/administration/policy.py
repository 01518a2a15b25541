"""The policy's settings and the list of security questions, which have to fit each other.

A setting is shown with its limits, and changed with a reason. Nobody can be shown an answer.
"""

from __future__ import annotations

from typing import cast
from unicodedata import east_asian_width

from kiosk.authority.administration.acts import AddQuestion, ChangePolicy, TranslateQuestion
from kiosk.authority.administration.deeds import (
    QuestionAdded,
    QuestionRetired,
    QuestionTranslated,
    SettingChanged,
)
from kiosk.authority.administration.office import Act, Desk, Office, audit_name, staff_names
from kiosk.authority.administration.proposals import Proposal
from kiosk.authority.administration.views import Done, Grounds, PolicyLine, QuestionLine, StopCount
from kiosk.authority.audit.events import StaffKind
from kiosk.authority.errors import ConcurrentChange, NotFound, NotTaken
from kiosk.authority.policy import policy_in_force, shown_stored, shown_text, stored_text
from kiosk.authority.records import PolicySetting, SecurityQuestion
from kiosk.authority.refusals import (
    NoSuchSetting,
    PlainRefusal,
    QuestionInList,
    QuestionLength,
    SettingChangedSince,
    SettingSetAlready,
    SettingSetSince,
    StopsManyCards,
    TooFewQuestions,
    TooFewWouldBeLeft,
    ValueDoesNotFit,
    ValueUnfit,
)
from kiosk.authority.roles import Action
from kiosk.authority.store.database import UnitOfWork
from kiosk.authority.visit.stops import MANY, may_be_stopped
from kiosk.config.kinds import InvalidValue, Words
from kiosk.config.settings import About, PolicySettings
from kiosk.contract.language import ENGLISH, is_language
from kiosk.contract.messages import Way
from kiosk.contract.text import can_be_seen, fold

LONGEST_VALUE = 1000

VERIFICATION = "verification"
STOP_CARDS = "stop_cards"

_ABOUT_QUESTIONS = frozenset({"questions_registered", VERIFICATION})


class PolicyDesk(Desk):
    """The policy, which stations apply within a minute."""

    def __init__(self, office: Office) -> None:
        super().__init__(office)
        self._file = office.means.file_policy

    def every(self) -> tuple[PolicyLine, ...]:
        """Return all settings, in the order of the settings file."""
        with self._office.look(Action.SEE_POLICY) as uow:
            stored = uow.policy_changes.every()
            notes = uow.notes.by_ids(tuple(each.note_id for each in stored.values()))
            name_of = staff_names(uow)
        found = policy_in_force(self._file, stored)
        lines = []
        for about in self._file.settings:
            setting = stored.get(about.name)
            by_staff = setting if setting is not None and setting.value is not None else None
            note = notes.get(by_staff.note_id) if by_staff else None
            lines.append(
                PolicyLine(
                    name=about.name,
                    value=_shown(about, getattr(found.settings, about.name)),
                    in_file=_shown(about, getattr(self._file, about.name)),
                    allowed=about.kind.allowed,
                    help=about.help,
                    changed_at=by_staff.changed_at if by_staff else None,
                    changed_by=name_of(by_staff.changed_by) if by_staff else "",
                    reason=note.reason if note else "",
                    revision=setting.revision if setting else 0,
                    trouble=found.faults.get(about.name, ""),
                )
            )
        return tuple(lines)

    def problem(self, name: str, value: str) -> str:
        """Return why a value cannot be taken, whatever else is set; asks no database."""
        about = self._about(name)
        if len(value) > LONGEST_VALUE:
            return f"That is too long. Allowed: {about.kind.allowed}."
        try:
            about.kind.read(value.strip())
        except InvalidValue as unfit:
            head = f"{value.strip()!r} {unfit}" if unfit.quotes else str(unfit)
            return f"{head}. Allowed: {about.kind.allowed}."
        return ""

    def stops(self, value: str) -> StopCount:
        """Count the recorded cards that a value of ``stop_cards`` may stop."""
        with self._office.look(Action.SEE_POLICY) as uow:
            if problem := self.problem(STOP_CARDS, value):
                raise NotTaken("value", ValueUnfit(problem))
            return _count_stopped(uow, self._about(STOP_CARDS).kind.read(value.strip()))

    def _about(self, name: str) -> About:
        about = next((each for each in self._file.settings if each.name == name), None)
        if about is None:
            raise NotFound(NoSuchSetting(name))
        return about

    def change(
        self, name: str, value: str, revision: int, grounds: Grounds, *, sure: bool = False
    ) -> Done:
        """Let another value count; the settings file's own is that which the file has then.

        It waits for a second member while ``four_eyes`` is in force. ``sure``: who asks has seen
        that it stops many cards.
        """
        proposal = Proposal(ChangePolicy(name, value), revision=revision)
        with self._office.act(
            Action.CHANGE_POLICY, grounds, lock=lock_policy, proposal=proposal
        ) as act:
            about = self._about(name)
            if problem := self.problem(name, value):
                raise NotTaken("value", ValueUnfit(problem))
            new = about.kind.read(value.strip())
            if name == STOP_CARDS and not sure:
                count = _count_stopped(act.uow, new)
                if count.stopped > MANY * count.cards:
                    raise NotTaken("value", StopsManyCards(count.stopped, count.cards))
            is_files = new == getattr(self._file, name)
            self._put(act, about, None if is_files else stored_text(new), revision)
            lacking = self._lacks_two(act.uow, name)
        return act.done(SettingChanged(name, _shown(about, new), lacking))

    def _put(self, act: Act, about: About, text: str | None, revision: int) -> None:
        """Store a value, or None for the file's, and audit it.

        Refuses a value that does not fit the other settings, or the list of questions.
        """
        stored = act.uow.policy_changes.every()
        by = audit_name(act.actor)
        new = PolicySetting(about.name, text, act.uow.now, by, act.note.id, revision)
        if not act.uow.policy_changes.save(new):
            theirs = stored[about.name]
            value = None if theirs.value is None else shown_stored(theirs.value)
            who = staff_names(act.uow)(theirs.changed_by)
            since = SettingSetSince(who, about.name, value)
            raise ConcurrentChange(SettingChangedSince(about.name), (since,))
        before = policy_in_force(self._file, stored)
        after = policy_in_force(self._file, stored | {about.name: new})
        worse = (because for name, because in after.faults.items() if name not in before.faults)
        if unfit := next(worse, after.faults.get(about.name)):
            raise NotTaken("value", ValueDoesNotFit(unfit))
        policy, offered = after.settings.policy(), len(act.uow.questions.current())
        wanted = policy.questions_registered if policy.asks_questions else 0
        if about.name in _ABOUT_QUESTIONS and offered < wanted:
            raise NotTaken("value", TooFewQuestions(offered))
        if after.settings.four_eyes and not before.settings.four_eyes:
            # Nobody of the staff could undo it; the command line can.
            by_staff = bool(act.actor.staff_id)
            if by_staff and not self._office.two_could_agree(act.uow, Action.CHANGE_POLICY):
                raise NotTaken("value", PlainRefusal.NO_TWO_MANAGERS_TO_AGREE)
        was, now = (getattr(each.settings, about.name) for each in (before, after))
        there = stored.get(about.name)
        if was == now and (text is not None or there is None or there.value is None):
            raise NotTaken("value", SettingSetAlready(about.name))
        act.record(
            StaffKind.POLICY_CHANGED,
            setting=about.name,
            value=shown_text(now),
            was=shown_text(was),
            as_in_file=text is None,
            revision=revision + 1,
        )

    def _lacks_two(self, uow: UnitOfWork, name: str) -> bool:
        """Return whether ``four_eyes`` was changed, is in force and lacks two who could agree."""
        policy = policy_in_force(self._file, uow.policy_changes.every()).settings
        is_asked = name == "four_eyes" and policy.four_eyes
        return is_asked and not self._office.two_could_agree(uow, Action.CHANGE_POLICY)


def ways_of(value: str) -> tuple[Way, ...]:
    """Return the ways that a text of ``verification`` names; none where it is none."""
    about = next(each for each in PolicySettings().settings if each.name == VERIFICATION)
    try:
        ways = cast("tuple[Way, ...]", about.kind.read(value.strip()))
    except InvalidValue:
        return ()
    return ways if all(ways) else ()


def _count_stopped(uow: UnitOfWork, rules: object) -> StopCount:
    if not isinstance(rules, tuple) or not rules:
        return StopCount(0, sum(uow.cards.count_keys("")[:1]))
    stopped = cards = 0
    for card in uow.cards.keys_in_use():
        cards += 1
        stopped += may_be_stopped(rules, card)
    return StopCount(stopped, cards)


def lock_policy(uow: UnitOfWork) -> None:
    """Take the lock that changes of the policy and of the questions share, as they have to fit."""
    uow.policy_changes.lock_all()
    uow.questions.lock_all()


def _shown(about: About, value: object) -> str:
    """Format a setting's value so that it can be entered; ``*`` is an empty list that is all."""
    is_every = isinstance(about.kind, Words) and bool(about.kind.every) and value == ()
    return "*" if is_every else shown_text(value)


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


SHORTEST_QUESTION = 10
LONGEST_QUESTION = 64
"""Columns, one for most characters, that the smallest display shows in two lines."""


def _read_question(text: str) -> str:
    """Return the text of a question as it is asked; raises ``NotTaken``."""
    text = " ".join(text.split())
    columns = sum(2 if east_asian_width(each) in "WF" else 1 for each in text)
    if not SHORTEST_QUESTION <= columns <= LONGEST_QUESTION:
        raise NotTaken("text", QuestionLength(SHORTEST_QUESTION, LONGEST_QUESTION))
    if not can_be_seen(text) or not fold(text):
        raise NotTaken("text", PlainRefusal.QUESTION_NOT_SHOWABLE)
    return text


class QuestionsDesk(Desk):
    def every(self) -> tuple[QuestionLine, ...]:
        """Return all, the retired ones last."""
        with self._office.look(Action.SEE_QUESTIONS) as uow:
            uses, questions = uow.questions.uses(), uow.questions.every()
        lines = [
            QuestionLine(q.id, q.text, uses.get(q.id, 0), q.retired_at, q.others or {})
            for q in questions
        ]
        return tuple(sorted(lines, key=lambda line: line.retired_at is not None))

    def add(self, text: str, grounds: Grounds) -> Done:
        """Offer one; where it reads as one that was retired, that one again."""
        proposal = Proposal(AddQuestion(text))
        with self._office.act(
            Action.ADD_QUESTION, grounds, lock=lock_policy, proposal=proposal
        ) as act:
            text = _read_question(text)
            there = act.uow.questions.every()
            # Answers to two questions that read alike would prove no more than one.
            question = next((each for each in there if fold(each.text) == fold(text)), None)
            if question is None:
                question = SecurityQuestion(1 + max((each.id for each in there), default=0), text)
                act.uow.questions.add(question)
            elif not act.uow.questions.revive(question.id):
                raise NotTaken("text", QuestionInList(question.text))
            act.record(StaffKind.QUESTION_ADDED, question=question.id)
        return act.done(QuestionAdded(question.text))

    def translate(self, question_id: int, language: str, text: str, grounds: Grounds) -> Done:
        """Ask one in a language by a text of its own; an empty one: as in English again."""
        proposal = Proposal(TranslateQuestion(question_id, language, text))
        with self._office.act(
            Action.ADD_QUESTION, grounds, lock=lock_policy, proposal=proposal
        ) as act:
            if not is_language(language) or language == ENGLISH:
                raise NotTaken("language", PlainRefusal.NO_OTHER_LANGUAGE)
            text = _read_question(text) if text.strip() else ""
            there = {each.id: each for each in act.uow.questions.every()}
            question = there.pop(question_id, None)
            if question is None:
                raise NotFound(PlainRefusal.NO_SUCH_QUESTION)
            said = (each.in_language(language) for each in there.values())
            alike = next((each for each in said if fold(each) == fold(text)), None)
            if alike is not None:
                raise NotTaken("text", QuestionInList(alike))
            act.uow.questions.put_text(question_id, language, text)
            act.record(StaffKind.QUESTION_TRANSLATED, question=question_id, language=language)
        return act.done(QuestionTranslated(question.text, language, text))

    def retire(self, question_id: int, grounds: Grounds) -> Done:
        """Stop offering one to new holders; people who use it keep it."""
        with self._office.act(Action.RETIRE_QUESTION, grounds, lock=lock_policy) as act:
            question = act.uow.questions.by_ids((question_id,)).get(question_id)
            if question is None:
                raise NotFound(PlainRefusal.NO_SUCH_QUESTION)
            if not act.uow.questions.retire(question_id, act.uow.now):
                raise ConcurrentChange(PlainRefusal.QUESTION_RETIRED_ALREADY)
            stored = act.uow.policy_changes.every()
            policy = policy_in_force(self._office.means.file_policy, stored).settings.policy()
            wanted, left = policy.questions_registered, len(act.uow.questions.current())
            if policy.asks_questions and left < wanted:
                raise NotTaken("question", TooFewWouldBeLeft(wanted, left))
            act.record(StaffKind.QUESTION_RETIRED, question=question_id)
        return act.done(QuestionRetired(question.text))
