"""Holders: they block their PINs, walk up, answer, read their mail, pull cards, come back.

Now and then they register, or change their PIN, their answers or their address.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from campaigns.sim.invariants import OWN_ADDRESS, Person
from kiosk.contract.messages import Code, EnteredSavedCode, Factor, Purpose, Reason, VisitId
from kiosk.contract.policy import mask_email
from kiosk.contract.sensitive import Sensitive
from kiosk.station import events as e
from kiosk.station import states as s
from tests.cuts.inspected_card import FIRST_PIN

if TYPE_CHECKING:
    from campaigns.sim.simulation import Simulation, Station

_PINS = ("604817", "518402", "736251", "294813", "851739")
WRONG_ANSWER, WRONG_CODE, LEAVES = 0.06, 0.05, 0.02
_WALKS_AWAY = 0.2
_OF_ADDRESSES = (Purpose.REGISTER, Purpose.CHANGE_EMAIL)
_CHANGES_INSTEAD = 0.4
_CHANGES = (
    Purpose.REGISTER,
    Purpose.CHANGE_PIN,
    Purpose.CHANGE_QUESTIONS,
    Purpose.CHANGE_EMAIL,
    Purpose.SAVED_CODES,
)


@dataclass
class Ends:
    """How visits ended."""

    unlocked: int = 0
    visits: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    changed: Counter[str] = field(default_factory=Counter)


class Holder:
    """One person who uses any station that is free."""

    def __init__(self, simulation: Simulation, person: Person) -> None:
        self._simulation = simulation
        self._random = simulation.scheduler.random
        self.person = person
        self._pin = ""
        self._texts_written = 0
        self._new_answers: dict[int, str] = {}
        self._tried_set: dict[int, str] | None = None
        self._address = ""
        self._proven_addresses: set[str] = set()
        self._by_staff = 0
        self._saved: list[str] = []
        self._tried_code = ""
        self.unlocked = False

    async def live(self) -> None:
        """Come again and again, until the simulation ends."""
        while True:
            await asyncio.sleep(self._random.uniform(30, 600))
            if self._random.random() < 0.5:
                self.person.card.block()
            await self.visit()

    async def visit(self) -> None:
        """Use one station, until the card is out again."""
        station = await self._simulation.free_station()
        self.unlocked, self._by_staff = False, self.person.by_staff
        station.reader.insert(self.person.card)
        try:
            insertion = station.reader.insertion
            while station.reader.card is not None and station.reader.insertion == insertion:
                await asyncio.sleep(self._random.uniform(0.3, 4))
                if self._random.random() < LEAVES and self._simulation.faults.on:
                    break
                if not self._act(station):
                    break
        finally:
            station.reader.pull()
            self._simulation.leave(station)

    def _act(self, station: Station) -> bool:
        """Do what the page asks for; False when it is time to go."""
        state = station.loop.state
        visit = s.visit_of(state)
        if visit is None:
            return True
        event = self._event(state, visit)
        if isinstance(state, s.VisitPage) and state.visit.unlocked:
            self._simulation.invariants.on_success(self.person.card, self._pin)
        match state:
            case s.Success():
                self._succeeded(state)
                return False
            case s.Refused():
                self._simulation.ends.refused[state.reason.value] += 1
                genuine = state.reason is not Reason.NOT_GENUINE
                self._simulation.invariants.need("no genuine card is called forged", genuine)
                return False
            case s.RemoveCard():
                return False
            case s.CodeEntry() if self._random.random() < _WALKS_AWAY:
                return not self._simulation.faults.on
        if event is not None:
            station.loop.submit(event)
        return True

    def _succeeded(self, state: s.Success) -> None:
        """Compare what the page says with the card, and remember it as their own."""
        person, invariants = self.person, self._simulation.invariants
        if state.purpose in (Purpose.UNLOCK, Purpose.CHANGE_PIN):
            invariants.on_success(person.card, self._pin)
        if state.purpose is Purpose.UNLOCK:
            if state.saved_code is not None:
                self._write_down(state.saved_code)
            person.wrong_sets.clear()
            self.unlocked = True
            self._simulation.ends.unlocked += 1
            return
        self._simulation.ends.changed[state.purpose.value] += 1
        if person.by_staff != self._by_staff:
            return
        if state.purpose in _OF_ADDRESSES and not state.counts_in_s:
            # A code to it was entered, here or before.
            invariants.need(OWN_ADDRESS, self._address in person.emails)
            person.registered = True
            person.emails = {self._address}

    def _event(self, state: s.State, visit: VisitId) -> e.HolderSide | None:
        match state:
            case s.Menu():
                wanted = self._wanted([offer.purpose for offer in state.offers])
                return e.Chose(visit, wanted) if wanted else e.Left(visit)
            case s.ConfirmOwner():
                return e.Confirmed(visit)
            case s.EnterPin():
                known = (pin for pin in (FIRST_PIN, *_PINS) if self.person.card.has_pin(pin))
                return e.PinEntered(visit, Sensitive(next(known)))
            case s.PickWay():
                self._tried_set = None
                return e.WayPicked(visit, self._random.choice(state.task.ways))
            case s.PickQuestion():
                given = {answer.question for answer in state.given}
                left = [one.id for one in state.task.bank if one.id not in given]
                return e.QuestionPicked(visit, self._random.choice(left))
            case s.GiveAnswer():
                return e.AnswerEntered(visit, Sensitive(self._write(state)))
            case s.EnterEmail():
                return e.EmailEntered(visit, self._choose_address())
            case s.AskQuestion():
                return e.AnswerEntered(visit, Sensitive(self._answer(state)))
            case s.SavedCodesShown():
                for code in state.task.codes:
                    self._write_down(code)
                return e.CodesKept(visit)
            case s.SavedCodeEntry():
                return self._enter_saved_code(state, visit)
            case s.CodeEntry():
                self._answers_were_right(state.visit.purpose)
                return e.EntryMade(visit, Code(Sensitive(self._code(state))))
            case s.CodeNeeded():
                self._answers_were_right(state.visit.purpose)
                return e.CodeAsked(visit, state.task.routes[0].id)
            case s.NewPin():
                self._pin = self._random.choice(_PINS)
                return e.PinEntered(visit, Sensitive(self._pin))
            case s.RepeatPin():
                return e.PinEntered(visit, Sensitive(self._pin))
            case s.NotReached():
                return e.TriedAgain(visit)
            case s.StillThere():
                return e.Stayed(visit)
            case s.Working() | s.Reading() | s.Success() | s.Refused() | s.RemoveCard():
                return None
            case _:
                return e.Left(visit)

    def _wanted(self, offered: list[Purpose]) -> Purpose | None:
        """Pick a purpose; with nothing going wrong any more, what leads to an unlock."""
        unlocks = [one for one in offered if one in (Purpose.UNLOCK, Purpose.FIRST_UNLOCK)]
        changes = [one for one in offered if one in _CHANGES]
        instead = self._simulation.faults.on and self._random.random() < _CHANGES_INSTEAD
        wanted = changes if changes and (instead or not unlocks) else unlocks
        return self._random.choice(wanted) if wanted else None

    def _write_down(self, code: Sensitive) -> None:
        """Write it before the others: they may still count, where an answer was lost."""
        text = code.reveal()
        self._saved = [text, *(each for each in self._saved if each != text)][:20]
        self.person.saved.add(text)

    def _enter_saved_code(self, state: s.SavedCodeEntry, visit: VisitId) -> e.HolderSide:
        """Enter one of the newest; one that was wrong is crossed out."""
        if state.wrong and self._tried_code in self._saved:
            self._saved.remove(self._tried_code)
        wrong = self._simulation.faults.on and self._random.random() < WRONG_CODE
        if not self._saved or wrong:
            self._tried_code = ""
            return e.WentBack(visit) if self._random.random() < 0.5 else e.Left(visit)
        self._tried_code = self._saved[0]
        return e.EntryMade(visit, EnteredSavedCode(Sensitive(self._tried_code)))

    def _write(self, state: s.GiveAnswer) -> str:
        """Write another answer each time; all of one set are theirs once the last is written."""
        if not state.given:
            self._new_answers = {}
        self._texts_written += 1
        text = f"answer {self._texts_written} of {self.person.holder_id[:8]}"
        self._new_answers[state.question.id] = text
        self.person.texts.add(text)
        if len(state.given) + 1 == state.task.count:
            self.person.answers = [dict(self._new_answers), *self.person.answers[:3]]
        return text

    def _answer(self, state: s.AskQuestion) -> str:
        """Answer by one of the sets that may be recorded; a wrong answer is another each time."""
        answers, asked = self.person.answers, [one.id for one in state.task.questions]
        if not state.given:
            if state.wrong:
                answers.append(answers.pop(0))
            answers.sort(key=lambda each: not set(asked) <= set(each))
            self._tried_set = answers[0]
        if self._simulation.faults.on and self._random.random() < WRONG_ANSWER:
            self._texts_written += 1
            self._tried_set = None
            return f"wrong {self._texts_written}"
        return answers[0].get(state.question.id, "forgotten")

    def _answers_were_right(self, purpose: Purpose | None) -> None:
        """Forget the other sets once one was right: a code that comes first says nothing of it."""
        if any(way[0] is Factor.EMAIL_CODE for way in self._simulation.invariants.ways):
            return
        if purpose is Purpose.UNLOCK and self._tried_set is not None:
            self.person.answers, self._tried_set = [self._tried_set], None

    def _choose_address(self) -> str:
        """Pick one of their own; one from which they entered a code may count at once."""
        self._address = self._random.choice(self.person.addresses)
        if self._address in self._proven_addresses:
            self.person.emails.add(self._address)
        return self._address

    def _code(self, state: s.CodeEntry) -> str:
        """Take it from the newest mail to the address on the page, or as staff said it."""
        if not state.task.masked:
            return self.person.code_of_staff or "00000000"
        sent = self._simulation.relay.inbox
        mails = [
            mail
            for address in self.person.addresses
            if mask_email(address) == state.task.masked
            for mail in sent.get(address, [])
        ]
        if not mails or (self._simulation.faults.on and self._random.random() < WRONG_CODE):
            return "00000000"
        if not state.task.proves_owner and state.visit.purpose in _OF_ADDRESSES:
            self._address = mails[-1].to
            self.person.emails.add(self._address)
        self._proven_addresses.add(mails[-1].to)
        return mails[-1].text
