"""The fake desk's first page, stations, questions, policy and staff."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Protocol, TypeVar

from kiosk.authority.administration.deeds import (
    LineMade,
    PausesLifted,
    PlainDeed,
    QuestionAdded,
    QuestionRetired,
    QuestionTranslated,
    RoleChanged,
    SettingChanged,
    StaffAdded,
    StaffCardAdded,
    StaffCardRemoved,
    StaffKeyAdded,
    StaffKeyRemoved,
    StaffRemoved,
    StationCertified,
    StationReinstated,
    StationRetired,
)
from kiosk.authority.administration.policy import PolicyDesk, QuestionsDesk
from kiosk.authority.administration.staff import StaffDesk
from kiosk.authority.administration.stations import StationsDesk
from kiosk.authority.administration.today import TodayDesk
from kiosk.authority.administration.views import (
    Done,
    Grounds,
    KeyLine,
    PolicyLine,
    QuestionLine,
    StaffCardLine,
    StaffLine,
    StationLetIn,
    StationLine,
    StationState,
    StopCount,
    Today,
)
from kiosk.authority.errors import ConcurrentChange, NotFound, NotTaken
from kiosk.authority.roles import Action, Role
from kiosk.contract.messages import CardId
from kiosk.contract.sensitive import Sensitive
from tests.screens.admin.estate import Estate
from tests.screens.admin.fake_calls import Asked
from tests.screens.admin.people import NOW
from tests.screens.admin.proposals import waiting_of

LINE = "authority.example:8444 8YAM-B52T-5NH1-47G8-Z2VS-F287-HAJN-DAPG-F76V-6RAB"

LET_IN = StationLetIn("Level 7", Sensitive(LINE), NOW + timedelta(minutes=15), "7Q4M-9ZKX")


class Fake:
    """What each of them holds."""

    def __init__(self, estate: Estate, asked: Asked) -> None:
        self._estate = estate
        self._asked = asked


class FakeTodayDesk(Fake, TodayDesk):
    """Says what the estate's morning is."""

    def look(self) -> Today:
        self._asked.hear(Action.SEE_TODAY, "today.look")
        return replace(self._estate.today, waiting=waiting_of(self._estate, self._asked.me))


class FakeStationsDesk(Fake, StationsDesk):
    """Retires and reinstates."""

    def every(self) -> tuple[StationLine, ...]:
        self._asked.hear(Action.SEE_STATIONS, "stations.every")
        lines = self._estate.stations
        return tuple(sorted(lines, key=lambda line: (_is_retired(line), line.name)))

    def enrol(self, name: str, site: str, grounds: Grounds) -> Done:
        self._asked.hear(Action.ENROL_STATION, "stations.enrol", name, site, grounds)
        done = self._asked.done(LineMade(name))
        if self._estate.four_eyes:
            return replace(done, deed=PlainDeed.PROPOSED, waits=True)
        return replace(done, let_in=replace(LET_IN, station=name))

    def enrol_certificate(self, name: str, site: str, pem: str, grounds: Grounds) -> Done:
        self._asked.hear(Action.ENROL_STATION, "stations.enrol_certificate", name, site, grounds)
        return self._asked.done(StationCertified(name, "0" * 64))

    def retire(self, name: str, grounds: Grounds) -> Done:
        self._asked.hear(Action.RETIRE_STATION, "stations.retire", name, grounds)
        if _is_retired(self._line(name)):
            raise ConcurrentChange(f"{name} is retired already.", (f"Bo Banks retired {name}.",))
        self._put(name, replace(self._line(name), state=StationState.RETIRED))
        return self._asked.done(StationRetired(name))

    def reinstate(self, name: str, grounds: Grounds) -> Done:
        self._asked.hear(Action.REINSTATE_STATION, "stations.reinstate", name, grounds)
        self._put(name, replace(self._line(name), state=StationState.UP))
        return self._asked.done(StationReinstated(name))

    def lift_pauses(self, name: str, grounds: Grounds) -> Done:
        self._asked.hear(Action.LIFT_PAUSES, "stations.lift_pauses", name, grounds)
        return self._asked.done(PausesLifted(8))

    def _line(self, name: str) -> StationLine:
        for line in self._estate.stations:
            if line.name == name:
                return line
        raise NotFound(f"There is no station {name}.")

    def _put(self, name: str, line: StationLine) -> None:
        others = [other for other in self._estate.stations if other.name != name]
        self._estate.stations = [*others, line]


def _is_retired(line: StationLine) -> bool:
    return line.state is StationState.RETIRED


class FakeQuestionsDesk(Fake, QuestionsDesk):
    """Adds and retires."""

    def every(self) -> tuple[QuestionLine, ...]:
        self._asked.hear(Action.SEE_QUESTIONS, "questions.every")
        lines = self._estate.questions
        return tuple(sorted(lines, key=lambda line: (line.retired_at is not None, line.id)))

    def add(self, text: str, grounds: Grounds) -> Done:
        self._asked.hear(Action.ADD_QUESTION, "questions.add", text, grounds)
        if any(line.text == text for line in self._estate.questions):
            raise NotTaken("text", "This question is in the list already.")
        new = QuestionLine(len(self._estate.questions) + 1, text, 0, None)
        self._estate.questions.append(new)
        return self._asked.done(QuestionAdded(text))

    def translate(self, question_id: int, language: str, text: str, grounds: Grounds) -> Done:
        self._asked.hear(
            Action.ADD_QUESTION, "questions.translate", question_id, language, text, grounds
        )
        line = self._line(question_id)
        self._put(replace(line, others={**line.others, language: text}))
        return self._asked.done(QuestionTranslated(line.text, language, text))

    def retire(self, question_id: int, grounds: Grounds) -> Done:
        self._asked.hear(Action.RETIRE_QUESTION, "questions.retire", question_id, grounds)
        retired = self._line(question_id)
        self._put(replace(retired, retired_at=NOW))
        return self._asked.done(QuestionRetired(retired.text))

    def _line(self, question_id: int) -> QuestionLine:
        for line in self._estate.questions:
            if line.id == question_id:
                return line
        raise NotFound("There is no such question.")

    def _put(self, line: QuestionLine) -> None:
        others = [other for other in self._estate.questions if other.id != line.id]
        self._estate.questions = [*others, line]


class FakePolicyDesk(Fake, PolicyDesk):
    """Takes numbers from 1 to 60, and any text for what is no number."""

    def every(self) -> tuple[PolicyLine, ...]:
        self._asked.hear(Action.SEE_POLICY, "policy.every")
        return tuple(self._estate.policy)

    def problem(self, name: str, value: str) -> str:
        _, line = _found(self._estate.policy, name)
        fits = not line.value.isdigit() or (value.isdigit() and 1 <= int(value) <= 60)
        return "" if fits else f"{name} has to be {line.allowed}."

    def stops(self, value: str) -> StopCount:
        self._asked.hear(Action.SEE_POLICY, "policy.stops", value)
        return StopCount(3, 40)

    def change(
        self, name: str, value: str, revision: int, grounds: Grounds, *, sure: bool = False
    ) -> Done:
        self._asked.hear(Action.CHANGE_POLICY, "policy.change", name, value, revision, grounds)
        at, line = self._held(name, revision)
        if problem := self.problem(name, value):
            raise NotTaken("value", problem)
        self._set(at, line, value, grounds.reason)
        return self._asked.done(SettingChanged(name, value, no_two_managers=False))

    def _held(self, name: str, revision: int) -> tuple[int, PolicyLine]:
        at, line = _found(self._estate.policy, name)
        if line.revision != revision:
            told = f"{line.changed_by} set {name} to {line.value}."
            raise ConcurrentChange("The setting was changed since you looked.", (told,))
        return at, line

    def _set(self, at: int, line: PolicyLine, value: str, reason: str) -> None:
        self._estate.policy[at] = replace(
            line,
            value=value,
            changed_at=NOW,
            changed_by=self._asked.me.name,
            reason=reason,
            revision=line.revision + 1,
        )


class FakeStaffDesk(Fake, StaffDesk):
    """Keeps one manager, and nobody changes themselves."""

    def every(self) -> tuple[StaffLine, ...]:
        self._asked.hear(Action.SEE_STAFF, "staff.every")
        lines = self._estate.staff
        return tuple(sorted(lines, key=lambda line: (line.removed_at is not None, line.name)))

    def add(self, name: str, role: Role, public_key: str, grounds: Grounds) -> Done:
        self._asked.hear(Action.ADD_STAFF, "staff.add", name, role, public_key, grounds)
        staff_id = f"staff-{len(self._estate.staff)}"
        new = StaffLine(staff_id, name, role, (_key(public_key),), NOW, None, None, 1)
        self._estate.staff.append(new)
        return self._asked.done(StaffAdded(name, role))

    def change_role(self, staff_id: str, role: Role, revision: int, grounds: Grounds) -> Done:
        self._asked.hear(Action.CHANGE_ROLE, "staff.change_role", staff_id, role, revision, grounds)
        at, line = self._held(staff_id, revision)
        if staff_id == self._asked.me.staff_id:
            raise NotTaken("role", "Nobody changes their own role.")
        self._estate.staff[at] = replace(line, role=role, revision=revision + 1)
        return self._asked.done(RoleChanged(line.name, role, 0))

    def remove(self, staff_id: str, revision: int, grounds: Grounds) -> Done:
        self._asked.hear(Action.REMOVE_STAFF, "staff.remove", staff_id, revision, grounds)
        at, line = self._held(staff_id, revision)
        if staff_id == self._asked.me.staff_id:
            raise NotTaken("staff", "Nobody removes themselves.")
        self._estate.staff[at] = replace(line, removed_at=NOW, revision=revision + 1)
        return self._asked.done(StaffRemoved(line.name, 0))

    def add_card(
        self, staff_id: str, card: CardId, key: str, revision: int, grounds: Grounds
    ) -> Done:
        self._asked.hear(Action.ADD_STAFF_CARD, "staff.add_card", staff_id, card, key, grounds)
        at, line = self._held(staff_id, revision)
        new = StaffCardLine(card.driver, card.identifier, "5f" * 32, NOW, self._asked.me.name)
        self._estate.staff[at] = replace(line, cards=(*line.cards, new), revision=revision + 1)
        return self._asked.done(
            StaffCardAdded(line.name, line.role, may_maintain=True, needs_pin=True)
        )

    def remove_card(self, staff_id: str, card: CardId, revision: int, grounds: Grounds) -> Done:
        self._asked.hear(Action.REMOVE_STAFF, "staff.remove_card", staff_id, card, grounds)
        at, line = self._held(staff_id, revision)
        left = tuple(each for each in line.cards if each.identifier != card.identifier)
        self._estate.staff[at] = replace(line, cards=left, revision=revision + 1)
        return self._asked.done(StaffCardRemoved(line.name))

    def add_key(self, staff_id: str, public_key: str, revision: int, grounds: Grounds) -> Done:
        self._asked.hear(Action.ADD_STAFF_KEY, "staff.add_key", staff_id, public_key, grounds)
        at, line = self._held(staff_id, revision)
        keys = (*line.keys, _key(public_key))
        self._estate.staff[at] = replace(line, keys=keys, revision=revision + 1)
        return self._asked.done(StaffKeyAdded(line.name, keys[-1].fingerprint))

    def remove_key(self, staff_id: str, fingerprint: str, revision: int, grounds: Grounds) -> Done:
        self._asked.hear(Action.REMOVE_STAFF, "staff.remove_key", staff_id, fingerprint, grounds)
        at, line = self._held(staff_id, revision)
        keys = tuple(key for key in line.keys if key.fingerprint != fingerprint)
        if not keys and line.role is Role.MANAGER:
            raise NotTaken("key", "The last key of a manager stays.")
        self._estate.staff[at] = replace(line, keys=keys, revision=revision + 1)
        return self._asked.done(StaffKeyRemoved(line.name, fingerprint, 0))

    def _held(self, staff_id: str, revision: int) -> tuple[int, StaffLine]:
        for at, line in enumerate(self._estate.staff):
            if line.staff_id == staff_id:
                if line.revision != revision:
                    raise ConcurrentChange(
                        "Somebody changed this member.", (f"{line.name} was changed.",)
                    )
                return at, line
        raise NotFound("There is no such member of staff.")


class _Named(Protocol):
    @property
    def name(self) -> str: ...


_N = TypeVar("_N", bound=_Named)


def _found(lines: Sequence[_N], name: str) -> tuple[int, _N]:
    for at, line in enumerate(lines):
        if line.name == name:
            return at, line
    raise NotFound(f"There is no {name}.")


def _key(public_key: str) -> KeyLine:
    words = public_key.split()
    if len(words) < 2 or not words[0].startswith("ssh-"):
        raise NotTaken("public_key", "This is no line of an OpenSSH .pub file.")
    return KeyLine(f"SHA256:{words[1][:8]}", words[0], " ".join(words[2:]), NOW)
