"""One person at one station: each step of the flows, as it is read and done there.

The words that are waited for are what a person goes by; each step leaves the display on
whatever comes next.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Self

from kiosk.contract.messages import Purpose
from screens.theme import RICH
from screens.words import choices, email, frame, pin, questions, waiting
from tests.e2e.input_methods import Hands, Keys
from tests.e2e.people import Person
from tests.e2e.station import Station
from tests.e2e.world import World

FRESH = ("heron lake", "oatcakes", "mr abernathy", "a red kite")
"""Answers to the first four questions of the list."""

DOT = RICH.dot


@dataclass(slots=True)
class Visitor:
    """``who`` stands at ``station``, whose reader is ``slot``."""

    world: World
    who: Person
    station: Station
    hands: Hands = field(default_factory=Keys)
    slot: int = 0
    dot: str = DOT

    # --- coming and going --------------------------------------------------------------

    def comes(self) -> Self:
        """Put the card in; the display has left the attract page when this returns."""
        self.world.insert(self.who, self.slot)
        self.station.see_gone(waiting.ATTRACT_TITLE)
        return self

    def goes(self) -> None:
        """Take the card out; nothing of the visit is on the display when this returns."""
        self.world.remove(self.who)
        self.station.see(waiting.ATTRACT_TITLE)
        # A frame can be read while it is drawn: what was there before it goes with its end.
        self.station.see_gone(self.who.name)
        self.station.see_gone(frame.REFERENCE)

    def chooses(self, what: Purpose) -> Self:
        """Choose from the menu."""
        label = choices.OFFERS[what][0]
        self.station.see(choices.greeting(self.who.name), choices.MENU_TITLE, label)
        self.hands.choose(self.station, self.station.number_of(label), label)
        return self

    def finishes(self, what: Purpose) -> str:
        """Wait until it is done; return the reference number."""
        shown = self.station.see(choices.success(what)[0], choices.SUCCESS_NEXT)
        return shown.rpartition(f"{frame.REFERENCE} ")[2].split()[0]

    # --- steps -------------------------------------------------------------------------

    def unlocks(self) -> Self:
        """Confirm that the card is one's own; there is no menu where nothing else can be done."""
        self.station.see(choices.OWNER_TITLE, self.who.name, "disciplinary action")
        self.hands.confirm(self.station, choices.OWNER_YES)
        return self

    def proves_pin(self, with_pin: str = "") -> Self:
        """Enter the PIN that the card knows."""
        self.station.see(pin.ENTER_TITLE)
        self._enters_secret(with_pin or self.who.pin)
        return self

    def registers_answers(self, answers: tuple[str, ...] = FRESH, *, hidden: bool = False) -> Self:
        """Pick the first question that is left, four times, and answer each."""
        for number, answer in enumerate(answers, 1):
            self.station.see(questions.pick_title(number, len(answers)))
            question = self.station.row_of(1)
            self.hands.choose(self.station, 1, question[:40])
            self.station.see(questions.lead(number, len(answers)), question)
            if hidden and number == 1:
                self.hands.hide(self.station)
            self.hands.write(self.station, answer)
            self.hands.go_on(self.station, frame.CONTINUE)
            self.who.answers[question] = answer
        return self

    def answers(self, wrong: Mapping[int, str] = {}, asked: int = 3) -> tuple[str, ...]:
        """Answer every question that is asked; ``wrong`` by their place. Return the questions."""
        seen: list[str] = []
        for number in range(1, asked + 1):
            left = [text for text in self.who.answers if text not in seen]
            question = self.station.see_any(*left)
            self.hands.write(self.station, wrong.get(number) or self.who.answers[question])
            self.hands.go_on(self.station, frame.CONTINUE)
            seen.append(question)
        return tuple(seen)

    def confirms_email(self) -> Self:
        """Keep the address that is filled in."""
        self.station.see(email.EMAIL_TITLE, self.who.email)
        self.hands.go_on(self.station, email.SEND)
        return self

    def gives_email(self, old: str, new: str) -> Self:
        """Write a new address over the old one."""
        self.station.see(email.NEW_EMAIL_TITLE, old)
        kept = len(list(takewhile(lambda pair: pair[0] == pair[1], zip(old, new, strict=False))))
        self.hands.erase(self.station, len(old) - kept)
        self.hands.write(self.station, new[kept:])
        self.station.see(new)
        self.hands.go_on(self.station, email.SEND)
        return self

    def awaits_code(self, what: Purpose) -> Self:
        """Be asked for the emailed code."""
        title = email.code_title(what, proves_owner=False)
        sent = email.sent_to("a", proves_owner=False)[:13]
        self.station.see(title, sent, "Good for ")
        return self

    def awaits_owner_code(self) -> Self:
        """Be asked for the code that went to the known address: the PIN was only claimed."""
        title = email.code_title(None, proves_owner=True)
        self.station.see(title, email.sent_to("a", proves_owner=True)[:17], "Good for ")
        return self

    def shows_that_it_is_them(self) -> Self:
        """Enter the code that went to the known address."""
        return self.awaits_owner_code().enters_code(self.world.read_code(self.who.email))

    def awaits_given_code(self) -> Self:
        """Be asked for the code that staff gave by word of mouth."""
        title = email.code_title(Purpose.UNLOCK, proves_owner=False)
        self.station.see(title, email.GIVEN, email.BY_EMAIL)
        return self

    def awaits_first_code(self) -> Self:
        """Be asked for the code that staff gave to somebody who is not registered."""
        title = email.code_title(Purpose.FIRST_UNLOCK, proves_owner=False)
        shown = self.station.see(title, email.GIVEN, email.THEN_NEW_PIN)
        assert email.BY_EMAIL not in shown
        return self

    def proves_new_pin(self, digits: str) -> Self:
        """Enter the PIN that was just chosen, to register with it."""
        self.station.see(pin.ENTER_NEW_TITLE, "Your smartcard is unlocked.")
        self._enters_secret(digits)
        return self

    def enters_code(self, code: str) -> Self:
        """Enter a code; its digits show."""
        self.hands.write(self.station, code)
        self.station.see(" ".join(code))
        self.hands.go_on(self.station, frame.CONTINUE)
        return self

    def sets_pin(self, new: str, again: str = "") -> Self:
        """Choose a new PIN, and enter it a second time; ``again`` is a slip."""
        self.station.see(pin.NEW_TITLE, "6 to 8 digits", "No runs")
        self._enters_secret(new)
        self.station.see(pin.REPEAT_TITLE)
        self._enters_secret(again or new)
        return self

    def types_pin(self, digits: str) -> Self:
        """Type the PIN that the card knows, and hesitate."""
        self.station.see(pin.ENTER_TITLE)
        self._types_secret(digits)
        return self

    def _enters_secret(self, digits: str) -> None:
        self._types_secret(digits)
        self.hands.go_on(self.station, frame.CONTINUE)

    def _types_secret(self, digits: str) -> None:
        self.hands.write(self.station, digits)
        shown = self.station.wait_until(
            lambda display: display.count(self.dot) >= len(digits), f"{len(digits)} dots"
        )
        assert digits not in shown
