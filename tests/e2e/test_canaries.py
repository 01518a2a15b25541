"""Secrets that are found nowhere else go through everything, and are looked for afterwards.

They must be in nothing that the run wrote but where they belong: a code in the mail that
was sent, an unblock secret in the file that it was imported from.
"""

from __future__ import annotations

import base64
import signal
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from kiosk.contract.messages import AnswerProblem, Purpose
from kiosk.station.states import PinFault
from screens.words import email as email_words
from screens.words import pin as pin_words
from screens.words import questions as question_words
from tests.e2e.canaries import display, files, found, mail, rows, spoken
from tests.e2e.visitor import Visitor
from tests.e2e.world import HASTY, SECONDS, World
from tests.support.hotplug import HotplugPcscd
from tests.support.pcsc import start_empty

pytestmark = [pytest.mark.hardware, pytest.mark.terminal]

ANSWERS = ("Ptarmigan", "Zoë Qvist", "gooseberry-ink", "Wyvern & Co")
WRONG_ANSWER = "Basilisk"
SHOWN = "Kittiwake"
"""Written by Ben in plain view: it proves that the search finds what is on the display."""
WRONG_PIN, CHANGED_PIN, SLIP, LAST_PIN = "20958173", "58209316", "58209361", "40971635"
BAD_SECRET, BAD_FILE = "9047X31828Q", "bad.csv"
IMPORTED = {"people.csv", BAD_FILE}


@dataclass
class Lived:
    """A world after its story, and every secret that was in it."""

    world: World
    secrets: dict[str, str]
    codes: dict[str, str] = field(default_factory=dict)


def _registers(life: Lived) -> None:
    """Register with slips; try to import a bad file."""
    world = life.world
    visitor = Visitor(world, world.ada, world.station(program=HASTY))
    _register(life, visitor)
    _leave_a_typed_answer_in_plain_view(world, visitor)
    bad = world.people_file.with_name(BAD_FILE)
    bad.write_text(world.people_file.read_text().replace(world.ben.puk, BAD_SECRET))
    assert world.kiosk("import", str(bad)).returncode == 1
    world.kiosk("import", "--dry-run", str(world.people_file), check=True)


def _unlocks(life: Lived) -> None:
    """Change the PIN and unlock with slips, abort a program, and run the commands."""
    world = life.world
    world.register(world.ada, dict(enumerate(ANSWERS, 1)))
    visitor = Visitor(world, world.ada, world.station(program=HASTY))
    _change_pin(visitor)
    _unlock(life, visitor)
    _leave_a_typed_answer_in_plain_view(world, visitor)
    world.kiosk("keys", "rotate", check=True)
    world.kiosk("doctor", check=True)
    world.kiosk("audit", "verify", check=True)


@pytest.fixture(scope="module", params=[_registers, _unlocks], ids=["registers", "unlocks"])
def lived(
    request: pytest.FixtureRequest,
    pcscd: HotplugPcscd,
    template: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Lived]:
    start_empty(pcscd)
    world = World(tmp_path_factory.mktemp("lived"), pcscd, {"pcsc": {"trace": True}})
    life = Lived(world, _secrets(world))
    try:
        world.open(template)
        request.param(life)
        yield life
    finally:
        world.close()


def _secrets(world: World) -> dict[str, str]:
    return {
        **{f"answer {n}": text for n, text in enumerate(ANSWERS)},
        "PIN": world.ada.pin,
        "PUK": world.ada.puk,
        "another's PUK": world.ben.puk,
        "changed PIN": CHANGED_PIN,
        "slip": SLIP,
        "last PIN": LAST_PIN,
        "wrong PIN": WRONG_PIN,
        "wrong answer": WRONG_ANSWER,
        "bad PUK": BAD_SECRET,
    }


def _register(life: Lived, visitor: Visitor) -> None:
    station = visitor.station
    visitor.comes().chooses(Purpose.REGISTER).proves_pin(WRONG_PIN)
    station.see(pin_words.wrong(2))
    visitor.proves_pin().registers_answers((*ANSWERS[:3], ANSWERS[0]), hidden=True)
    station.see(question_words.PROBLEMS[AnswerProblem.SAME_AS_ANOTHER])
    station.enter(ANSWERS[3])
    visitor.who.answers = dict(zip(visitor.who.answers, ANSWERS, strict=True))
    visitor.confirms_email().awaits_code(Purpose.REGISTER)
    first = _note_code(life, "first")
    visitor.enters_code(_wrong(life, first))
    station.see("That code is not right.")
    station.touch(email_words.NEW_CODE)
    second = _note_code(life, "second")
    station.see_gone("That code is not right.")
    visitor.awaits_code(Purpose.REGISTER).enters_code(second).finishes(Purpose.REGISTER)
    visitor.goes()


def _change_pin(visitor: Visitor) -> None:
    visitor.comes().chooses(Purpose.CHANGE_PIN).proves_pin()
    visitor.sets_pin(CHANGED_PIN, again=SLIP)
    visitor.station.see(pin_words.FAULTS[PinFault.MISMATCH])
    visitor.sets_pin(CHANGED_PIN).finishes(Purpose.CHANGE_PIN)
    visitor.goes()


def _unlock(life: Lived, visitor: Visitor) -> None:
    world = life.world
    world.block(visitor.who)
    visitor.comes().unlocks().answers(wrong={1: WRONG_ANSWER})
    visitor.station.see(question_words.wrong(2))
    visitor.answers()
    visitor.awaits_code(Purpose.UNLOCK).goes()
    code = _note_code(life, "third")
    elsewhere = Visitor(world, visitor.who, world.station(slot=1, program=HASTY), slot=1)
    elsewhere.comes().awaits_code(Purpose.UNLOCK).enters_code(_wrong(life, code))
    elsewhere.station.see("That code is not right.")
    elsewhere.enters_code(code).sets_pin(LAST_PIN).finishes(Purpose.UNLOCK)
    elsewhere.goes()
    elsewhere.comes().chooses(Purpose.CHANGE_PIN).types_pin(LAST_PIN)
    elsewhere.station.process.send_signal(signal.SIGABRT)
    elsewhere.station.process.wait(SECONDS)
    world.remove(visitor.who)


def _leave_a_typed_answer_in_plain_view(world: World, visitor: Visitor) -> None:
    ben = Visitor(world, world.ben, visitor.station)
    ben.comes().chooses(Purpose.REGISTER).proves_pin()
    ben.station.see(question_words.pick_title(1, 4))
    ben.station.press("1")
    ben.station.see(question_words.lead(1, 4))
    ben.station.type(SHOWN)
    ben.station.see(SHOWN)
    ben.goes()


def _note_code(life: Lived, name: str) -> str:
    life.codes[name] = life.world.read_code(life.world.ada.email)
    return life.codes[name]


def _wrong(life: Lived, code: str) -> str:
    wrong = f"{(int(code) + 12345) % 10**8:08}"
    life.secrets[f"wrong code {len(life.secrets)}"] = wrong
    return wrong


# --- what was written --------------------------------------------------------------------


def test_files_and_tables_hold_no_secret(lived: Lived) -> None:
    secrets = {**lived.secrets, **lived.codes}
    written = {name: raw for name, raw in files(lived.world).items() if name not in IMPORTED}
    # The log of SQLite is searched where it is there: the last to close the database removes it.
    assert {"kiosk.db", "keys.json", "station.log", "kiosk.toml"} <= set(written)
    assert found(secrets, written) == []
    tables = rows(lived.world)
    assert lived.world.ada.email.encode() in tables["table outbox_message"]
    assert found(secrets, tables) == []


def test_commands_say_no_secret(lived: Lived) -> None:
    said = spoken(lived.world)
    assert said
    assert found({**lived.secrets, **lived.codes}, said) == []


def test_the_glass_shows_no_secret_but_the_codes_as_they_are_entered(lived: Lived) -> None:
    shown = display(lived.world)
    entered = {name: text for name, text in lived.secrets.items() if "wrong code" in name}
    hidden = {name: text for name, text in lived.secrets.items() if name not in entered}
    assert found(hidden, shown) == []
    assert found({"in plain view": SHOWN}, shown) == [
        "in plain view in display 0",
        "in plain view in display 0, bare",
    ]


def test_the_mail_holds_each_code_once_and_no_other_secret(lived: Lived) -> None:
    arrived = mail(lived.world)
    assert found(lived.secrets, arrived) == []
    where = found(lived.codes, arrived)
    assert len(where) == len(lived.codes), where
    assert all(" code - " in place for place in where)


def test_the_trace_of_the_cards_was_on_and_left_the_secrets_out(lived: Lived) -> None:
    assert "00 20 00 80 <8 bytes> -> <0 bytes> 9000" in lived.world.log.read_text()


# --- the search itself -------------------------------------------------------------------


def test_the_search_finds_the_files_that_the_test_wrote(lived: Lived) -> None:
    names = {place.rpartition(" ")[2] for place in found(lived.secrets, files(lived.world))}
    assert "people.csv" in names
    assert names <= IMPORTED


@pytest.mark.parametrize(
    "disguised",
    [
        b"58209316",
        b"5820 9316",
        b"58-20-93-16",
        b"5, 8, 2, 0, 9, 3, 1, 6",
        b"3538323039333136ffff",
        b"35:38:32:30:39:33:31:36",
        "58209316".encode("utf-16-le"),
        base64.b64encode(b"x58209316y"),
        base64.b64encode(b"PIN=58209316;"),
        base64.b64encode(b"58209316"),
    ],
)
def test_the_search_sees_through_a_disguise(disguised: bytes) -> None:
    assert found({"PIN": CHANGED_PIN}, {"somewhere": b"..." + disguised + b"..."})
    assert not found({"PIN": LAST_PIN}, {"somewhere": b"..." + disguised + b"..."})


@pytest.mark.parametrize("written", ["zoe qvist", "Zo\\u00eb Qvist", "Zo=C3=AB Qvist"])
def test_the_search_sees_through_spelling(written: str) -> None:
    assert found({"answer": ANSWERS[1]}, {"somewhere": written.encode()})
