"""The card comes out of the real program's reader on every page of registering and unlocking.

Each time every cell of the terminal has to be what it was before anybody came.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from kiosk.contract.messages import Purpose, Reason
from screens.theme import RICH
from screens.words import choices, frame, pin, questions, waiting
from screens.words import email as email_words
from screens.words.reasons import refusal
from tests.e2e.frames import frames
from tests.e2e.people import person
from tests.e2e.station import Station
from tests.e2e.visitor import DOT, Visitor
from tests.e2e.world import HASTY, World

pytestmark = [pytest.mark.hardware, pytest.mark.terminal]

SHORT = ("oak", "ely", "fig", "ivy")
TYPED = "zugvogel"
NEW_PIN = "480593"

Cells = list[list[tuple[object, ...]]]


@dataclass
class Walk:
    """One person at one station, which shows its first page."""

    visitor: Visitor
    code: str = ""

    def __post_init__(self) -> None:
        self.station.wait_until(lambda _: _is_painted(self.station), "colour everywhere")
        self.first = _cells(self.station)

    @property
    def station(self) -> Station:
        return self.visitor.station

    def each(self, *parts: Callable[[Walk], None]) -> None:
        """Come, do one part, and pull the card; the first page has to be all there is."""
        for part in parts:
            self.visitor.comes()
            part(self)
            done = f"the first page after {part.__name__}"
            self.visitor.goes()
            self.station.wait_until(lambda _: _cells(self.station) == self.first, done)

    def succeeds(self, part: Callable[[Walk], None]) -> None:
        """Do a last part: where nobody can have read it, the first page says so for a minute.

        The next card ends that.
        """
        self.visitor.comes()
        part(self)
        self.visitor.goes()

    def type(self, text: str) -> None:
        """Type a text that shows."""
        self.station.type(text)
        self.station.see(text)

    def half_a_code(self) -> None:
        """Read the code and type half of it."""
        self.code = self.visitor.world.read_code(self.visitor.who.email)
        self.station.type(self.code[:4])
        self.station.see(" ".join(self.code[:4]))

    # --- registering -------------------------------------------------------------------

    def menu(self) -> None:
        self.station.see(choices.greeting(self.visitor.who.name), choices.MENU_TITLE)

    def stopped(self) -> None:
        # A key that comes while the card is being read belongs to that page, and ends with it.
        self.menu()
        self.station.press("f2", "escape")
        self.station.see(f"{RICH.pointer} {frame.STOP}")
        self.station.press("escape")
        self.station.see(waiting.REMOVE_TITLE)

    def typed_pin(self) -> None:
        self.visitor.chooses(Purpose.REGISTER).types_pin(self.visitor.who.pin)

    def pick(self) -> None:
        self.visitor.chooses(Purpose.REGISTER).proves_pin()
        self.station.see(questions.pick_title(1, len(SHORT)))

    def give_answer(self) -> None:
        self.pick()
        self.station.press("1")
        self.station.see(questions.lead(1, len(SHORT)))
        self.type(TYPED)

    def email(self) -> None:
        self.visitor.chooses(Purpose.REGISTER).proves_pin().registers_answers(SHORT)
        self.station.see(email_words.EMAIL_TITLE, self.visitor.who.email)

    def registration_code(self) -> None:
        self.email()
        self.visitor.confirms_email().awaits_code(Purpose.REGISTER)
        self.half_a_code()

    def registered(self) -> None:
        self.visitor.awaits_code(Purpose.REGISTER).enters_code(self.code)
        self.visitor.finishes(Purpose.REGISTER)

    # --- unlocking ---------------------------------------------------------------------

    def owner(self) -> None:
        self.station.see(choices.OWNER_TITLE, self.visitor.who.name)

    def question(self) -> None:
        self.visitor.unlocks()
        self.station.see(questions.lead(1, 3))
        self.station.press("f3")
        self.station.see("F3 Hide")
        self.type(TYPED)

    def wrong_answers(self) -> None:
        self.visitor.unlocks().answers(wrong={3: TYPED})
        self.station.see(questions.wrong(2))

    def unlock_code(self) -> None:
        self.visitor.unlocks().answers()
        self.visitor.awaits_code(Purpose.UNLOCK)
        self.half_a_code()

    def new_pin(self) -> None:
        self.visitor.awaits_code(Purpose.UNLOCK).enters_code(self.code)
        self.station.see(pin.NEW_TITLE)
        self.dots()

    def repeat_pin(self) -> None:
        self.new_pin()
        self.station.press("enter")
        self.station.see(pin.REPEAT_TITLE)
        self.dots()

    def dots(self) -> None:
        self.station.type(NEW_PIN)
        self.station.wait_until(lambda display: display.count(DOT) >= len(NEW_PIN), "dots")

    def unlocked(self) -> None:
        self.visitor.awaits_code(Purpose.UNLOCK).enters_code(self.code).sets_pin(NEW_PIN)
        self.visitor.finishes(Purpose.UNLOCK)

    def unknown(self) -> None:
        self.station.see(refusal(Reason.UNKNOWN_CARD).title)


def _cells(station: Station) -> Cells:
    """Return every cell with its colours, as the terminal holds it."""
    screen = station._screen
    columns = range(screen.columns)
    return [
        [tuple(screen.buffer[row][column]) for column in columns] for row in range(screen.lines)
    ]


def _is_painted(station: Station) -> bool:
    """Tell whether a whole picture is there: the first one comes in pieces."""
    return all(cell[2] != "default" for row in _cells(station) for cell in row)


def _mixed(station: Station) -> list[str]:
    """Return the pictures on which the first page and a visit could be seen together."""
    titles = waiting.ATTRACT_TITLE, waiting.READING_TITLE
    shown = [one for one in frames(bytes(station.written)) if titles[0] in one]
    assert shown, "the first page was never seen as a whole"
    return [one for one in shown if titles[1] in one or frame.REFERENCE in one]


def test_registering(world: World) -> None:
    station = world.station(program=HASTY)
    walk = Walk(Visitor(world, world.ben, station))
    walk.each(Walk.menu, Walk.stopped, Walk.typed_pin, Walk.pick, Walk.give_answer, Walk.email)
    walk.each(Walk.registration_code)
    walk.succeeds(Walk.registered)
    walk.visitor.who = person("900100200399", "Nemo Unknown", "739154", "73918264")
    walk.each(Walk.unknown)
    assert _mixed(station) == []


def test_unlocking(world: World) -> None:
    world.register(world.ada)
    station = world.station(program=HASTY)
    walk = Walk(Visitor(world, world.ada, station))
    world.ada.card.state.pin.left = 0
    walk.each(Walk.owner, Walk.question, Walk.wrong_answers, Walk.unlock_code)
    walk.each(Walk.new_pin, Walk.repeat_pin)
    walk.succeeds(Walk.unlocked)
    walk.each(Walk.menu)
    assert _mixed(station) == []
