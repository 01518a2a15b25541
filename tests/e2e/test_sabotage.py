"""Every step fails on purpose with an error that is full of secrets: none of them gets out.

The program is a forked one with a saboteur in it (``sabotage``), in a real terminal.
A fault of a step ends that visit, with a page and a reference; a fault of the screen ends
the program, with a code that says so and the terminal as it was.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from kiosk.contract.messages import Purpose, Reason
from screens.words import choices, waiting
from screens.words.reasons import YOUR_REFERENCE, refusal
from tests.e2e import sabotage
from tests.e2e.canaries import bare, display, files, found, mail, rows, spoken
from tests.e2e.conftest import MakeWorld
from tests.e2e.people import Person
from tests.e2e.station import PreparedStation, Station
from tests.e2e.visitor import Visitor
from tests.e2e.world import SECONDS, World

pytestmark = [pytest.mark.hardware, pytest.mark.terminal]

ANSWERS = {1: "Ptarmigan", 2: "Zoë Qvist"}
NEW_PIN, LAST_PIN = "58209316", "40971635"
Walk = Callable[[Visitor], object]


class SabotagedStation(PreparedStation):
    """One with the saboteur in it."""

    module = sabotage.__name__


@dataclass
class Plot:
    """A station with the saboteur in it."""

    world: World
    station: Station
    orders: Path
    newest_code: str = ""
    codes: dict[str, str] = field(default_factory=dict)
    references: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def visitor(self, who: Person) -> Visitor:
        return Visitor(self.world, who, self.station)

    def fails(self, *orders: str) -> None:
        """Let these calls fail from now on; none is an end of it."""
        fresh = self.orders.with_suffix(".new")
        fresh.write_text("\n".join(orders))
        fresh.replace(self.orders)

    def code(self, who: Person) -> str:
        """Return the code of the next mail."""
        self.newest_code = self.world.read_code(who.email)
        self.codes[f"code {len(self.codes)}"] = self.newest_code
        return self.newest_code

    def shows(self, reason: Reason) -> str:
        """Wait for a reason's page; return its reference."""
        words = refusal(reason)
        shown = self.station.see(words.title, YOUR_REFERENCE)
        reference = re.search(rf"{YOUR_REFERENCE} (\S{{4}}-\S{{4}})", shown)
        assert reference, shown
        return reference[1]

    def closes_with(
        self, who: Person, walk: Walk, *orders: str, reason: Reason = Reason.FAULT
    ) -> None:
        """Walk into a fault: its page comes up, the visit is over, and the station goes on."""
        visitor = self.visitor(who)
        self.fails(*orders)
        self.world.insert(who)
        walk(visitor)
        reference = self.shows(reason)
        self.fails()
        visitor.goes()
        self.references.append(reference)
        self.faults += [reference] if reason is Reason.FAULT else []

    def leaks(self) -> list[str]:
        """Search everything that was written."""
        world = self.world
        secrets = {"canary": sabotage.CANARY, "PUK": world.ada.puk}
        secrets |= {"new PIN": NEW_PIN, "last PIN": LAST_PIN}
        secrets |= {f"PIN {one.name}": one.pin for one in (world.ada, world.ben)}
        secrets |= {f"answer {n}": text for n, text in ANSWERS.items()}
        written = {**files(world), **rows(world), **spoken(world)}
        written = {n: raw for n, raw in written.items() if n != "people.csv"}
        return [
            *found({**secrets, **self.codes}, written),
            *found(secrets, {**display(world), **mail(world)}),
        ]


@pytest.fixture
def plot(make_world: MakeWorld) -> Plot:
    world = make_world(policy={"questions_registered": 2, "questions_asked": 2})
    orders = world.folder / "orders"
    orders.touch()
    return Plot(world, world.station(program=SabotagedStation), orders)


def _registers(visitor: Visitor) -> Visitor:
    return visitor.chooses(Purpose.REGISTER).proves_pin()


def _answers(visitor: Visitor) -> Visitor:
    return _registers(visitor).registers_answers(tuple(ANSWERS.values()), hidden=True)


def _asks_for_code(visitor: Visitor) -> Visitor:
    return _answers(visitor).confirms_email()


def test_every_step_of_a_registration(plot: Plot) -> None:
    ben = plot.world.ben

    def enters_code(visitor: Visitor) -> None:
        _asks_for_code(visitor).awaits_code(Purpose.REGISTER).enters_code(plot.code(ben))

    plot.closes_with(ben, lambda _: None, "cards.read")
    plot.closes_with(ben, lambda _: None, "authority.begin")
    plot.closes_with(ben, lambda _: None, "cards.read=CardMute", "authority.refuse")
    plot.closes_with(ben, lambda _: None, "held.prove")
    plot.closes_with(ben, lambda _: None, "authority.prove")
    plot.closes_with(ben, lambda v: v.chooses(Purpose.REGISTER), "authority.choose")
    plot.closes_with(ben, _registers, "cards.verify_pin")
    plot.closes_with(ben, _registers, "authority.pin_verified")
    plot.closes_with(ben, _answers, "authority.save_questions")
    plot.closes_with(ben, _asks_for_code, "authority.give_email")
    plot.closes_with(ben, _asks_for_code, "mailer.send")
    plot.closes_with(ben, enters_code, "authority.submit")
    _is_well(plot, never_opened=3)


def test_every_step_of_an_unlock(plot: Plot) -> None:
    ada = plot.world.ada
    plot.world.register(ada, ANSWERS)
    plot.world.block(plot.world.ada)

    def answers(visitor: Visitor) -> Visitor:
        visitor.unlocks().answers(asked=2)
        return visitor

    def sets_pin(visitor: Visitor) -> None:
        visitor.awaits_code(Purpose.UNLOCK).enters_code(plot.newest_code).sets_pin(NEW_PIN)

    def starts_again(visitor: Visitor) -> None:
        answers(visitor).awaits_code(Purpose.UNLOCK)
        plot.code(ada)
        sets_pin(visitor)

    plot.closes_with(ada, answers, "authority.submit")
    plot.closes_with(ada, answers, "authority.prepare")
    answers(plot.visitor(ada).comes()).awaits_code(Purpose.UNLOCK).goes()
    plot.code(ada)
    plot.closes_with(ada, lambda _: None, "cards.hold")
    plot.closes_with(ada, sets_pin, "authority.challenge")
    plot.closes_with(ada, sets_pin, "authority.release")
    plot.closes_with(ada, sets_pin, "held.unblock")
    plot.closes_with(ada, starts_again, "authority.record_outcome")
    last = plot.visitor(ada).comes()
    plot.station.see(choices.greeting(ada.name))
    assert _unsettled(plot.world) == 0
    assert plot.world.verified_by_others(ada, NEW_PIN)
    last.goes()
    _is_well(plot)


def test_every_step_of_a_change_and_errors_of_the_product(plot: Plot) -> None:
    ben, station = plot.world.ben, plot.station

    def sets_pin(visitor: Visitor) -> None:
        visitor.chooses(Purpose.CHANGE_PIN).proves_pin().sets_pin(NEW_PIN)

    plot.closes_with(ben, sets_pin, "cards.change_pin")
    plot.closes_with(
        ben, _registers, "cards.verify_pin=CardProtocolError", reason=Reason.CARD_REFUSED
    )
    plot.closes_with(
        ben, sets_pin, "cards.change_pin=OutcomeUnknown", reason=Reason.OUTCOME_UNKNOWN
    )
    visitor = plot.visitor(ben).comes()
    plot.fails("authority.choose=AuthorityUnavailable")
    visitor.chooses(Purpose.REGISTER)
    station.see(choices.NOT_REACHED_TITLE)
    plot.fails("authority.end", "mailer.send=MailUnavailable")
    visitor.goes()
    plot.closes_with(ben, sets_pin, "authority.pin_changed")
    _is_well(plot)


def test_a_station_that_cannot_ask_is_out_of_service_until_it_can(plot: Plot) -> None:
    plot.fails("authority.heartbeat")
    plot.station.see(waiting.OUTAGE_TITLE)
    plot.fails()
    plot.station.see(waiting.ATTRACT_TITLE)
    plot.station.close()
    assert "SabotageError" in plot.world.log.read_text()
    assert plot.leaks() == []


@pytest.mark.parametrize("fault", sabotage.SCREENS)
def test_a_fault_of_the_screen_ends_the_program(plot: Plot, fault: str) -> None:
    ben, station = plot.world.ben, plot.station
    visitor = plot.visitor(ben).comes()
    if fault == "screen.a-timer":
        _asks_for_code(visitor).awaits_code(Purpose.REGISTER)
        plot.fails(fault)
    else:
        visitor.chooses(Purpose.CHANGE_PIN).types_pin(ben.pin[:7])
        plot.fails(fault)
        station.press(ben.pin[7], "enter")
    assert station.process.wait(SECONDS) != 0
    station.close()
    shown, closed, after = bytes(station.written).rpartition(b"\x1b[?1049l\x1b[?25h")
    assert closed
    assert bare(after) == b""
    assert b"Traceback" not in shown
    assert "fault on the display\ntests.e2e.sabotage.SabotageError" in logged(plot.world)
    assert plot.leaks() == []


def logged(world: World) -> str:
    """Return the messages of the station's log."""
    return "\n".join(json.loads(line)["message"] for line in world.log.read_text().splitlines())


def _is_well(plot: Plot, never_opened: int = 0) -> None:
    """No visit is open, each fault is in the log under its reference, and nothing leaked."""
    log = logged(plot.world)
    assert _open_visits(plot.world) == []
    assert _refused(plot.world) == set(plot.references[never_opened:])
    for reference in plot.faults:
        assert f"fault in visit {reference}\ntests.e2e.sabotage.SabotageError\n" in log
    assert plot.station.close() == 0
    plot.world.kiosk("audit", "verify", check=True)
    assert plot.leaks() == []


def _open_visits(world: World) -> list[str]:
    with closing(sqlite3.connect(world.database)) as database:
        found_rows = database.execute("SELECT reference FROM visit WHERE closed_at IS NULL")
        return [reference for (reference,) in found_rows]


def _unsettled(world: World) -> int:
    with closing(sqlite3.connect(world.database)) as database:
        (count,) = database.execute(
            "SELECT count(*) FROM unblock_journal WHERE closed_at IS NULL"
        ).fetchone()
        return int(count)


def _refused(world: World) -> set[str]:
    with closing(sqlite3.connect(world.database)) as database:
        found_rows = database.execute("SELECT reference FROM visit WHERE how = 'refused'")
        return {reference for (reference,) in found_rows}
