"""Three wrong sets of answers block, whatever happens to the programs in between."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from contextlib import ExitStack
from pathlib import Path

import pytest

from hardware.virtual.piv import SLOT_CARD_AUTHENTICATION
from kiosk.app.composition.authority import BuiltAuthority
from kiosk.authority.mail.staff_words import TO_STAFF
from kiosk.authority.mail.words import TO_HOLDERS
from kiosk.contract.messages import (
    AnswerQuestions,
    CardChallenge,
    CardId,
    CardProof,
    CardReport,
    PinState,
    Purpose,
    Reason,
    VisitId,
)
from screens.words import choices, questions
from screens.words.reasons import YOUR_REFERENCE, refusal
from tests.e2e.crowding import CALLERS
from tests.e2e.records import events, registration
from tests.e2e.visitor import Visitor
from tests.e2e.world import HASTY, PROGRAM, World

pytestmark = [pytest.mark.hardware, pytest.mark.terminal]

ROOT = Path(__file__).parents[2]
STALLING = Path(__file__).with_name("stalling.py")
WRONG = {2: "no idea"}


def test_nothing_gives_a_try_back(world: World) -> None:
    ada = world.ada
    world.register(ada)
    ada.card.state.pin.left = 0
    asked = _is_killed_while_looking(world)
    assert registration(world, ada).failures == 1

    first = Visitor(world, ada, world.station(program=HASTY))
    first.comes().unlocks()
    first.station.see(questions.attempts(2))
    assert first.answers(wrong=WRONG) == asked, "other questions than before it was killed"
    first.station.see(questions.wrong(1))
    first.goes()
    assert first.station.close() == 0

    ward = Visitor(world, ada, world.station(slot=1, name="Ward 7", program=HASTY), slot=1)
    ward.comes().unlocks()
    ward.station.see(questions.attempts(1))
    assert ward.answers(wrong=WRONG) == asked
    reference = _is_blocked(ward)
    ward.goes()
    for address, notice in (
        (ada.email, TO_HOLDERS["blocked"]),
        (world.settings.service.ra_email, TO_STAFF["blocked-staff"]),
    ):
        mail = world.wait_for_mail(address, notice.subject)
        assert reference in mail.text
        assert "Ward 7" in mail.text

    again = Visitor(world, ada, world.station(program=(PROGRAM,)))
    assert _is_blocked(again.comes()) != reference
    assert len(events(world, "attempt-charged")) == 3
    assert len(events(world, "registration-blocked")) == 1
    world.kiosk("audit", "verify", check=True)


def _is_killed_while_looking(world: World) -> tuple[str, ...]:
    """Give the right answers, and kill the program before it has said so."""
    pipe = world.folder / "pipe"
    os.mkfifo(pipe)
    station = world.station(program=(Path(sys.executable), STALLING, pipe))
    visitor = Visitor(world, world.ada, station)
    visitor.comes().unlocks()
    asked = visitor.answers()
    assert pipe.read_text() == f"looking at {len(asked)}\n"
    station.kill()
    world.remove(world.ada)
    return asked


def _is_blocked(visitor: Visitor) -> str:
    """Wait for the page that says so; return its reference."""
    words = refusal(Reason.REGISTRATION_BLOCKED)
    shown = visitor.station.see(words.title, words.happened, words.todo, YOUR_REFERENCE)
    assert choices.MENU_TITLE not in shown
    return shown.rpartition(f"{YOUR_REFERENCE} ")[2].split()[0]


def test_forty_at_once_from_two_processes_three_are_looked_at(world: World) -> None:
    world.register(world.ada, full_cost=True)
    built = BuiltAuthority(world.settings, world.environ)
    visit = VisitId(uuid.uuid4().hex)
    card = CardId("piv", world.ada.card.state.guid.hex())
    chip = world.ada.card
    shown = chip.public_key(SLOT_CARD_AUTHENTICATION)
    report = CardReport(card, PinState(blocked=True), certificate=shown)
    challenge = built.authority.begin(visit, report)
    assert isinstance(challenge, CardChallenge)
    signed = chip.sign(SLOT_CARD_AUTHENTICATION, challenge.message)
    built.authority.prove(visit, CardProof(signed))
    task = built.authority.choose(visit, Purpose.UNLOCK)
    assert isinstance(task, AnswerQuestions)
    looks, wrong, refused = _from_two_processes(world, visit, task)
    built.close()
    assert looks == 3
    assert wrong <= 2  # one whose answers were looked at when the block came hears of the block
    assert refused >= 1
    assert len(events(world, "attempt-charged")) == 3
    assert len(events(world, "registration-blocked")) == 1
    found = registration(world, world.ada)
    assert found.failures == 3
    assert found.blocked_at is not None


def _from_two_processes(world: World, visit: VisitId, task: AnswerQuestions) -> tuple[int, ...]:
    """Let two crowds loose at once; add up what they counted."""
    ids = [str(question.id) for question in task.questions]
    command = [sys.executable, "-m", "tests.e2e.crowding", str(world.config), visit, *ids]
    with ExitStack() as ends:
        crowds = [_start(world, command, ends) for _ in range(40 // CALLERS)]
        for one in crowds:
            assert one.stdout is not None
            assert one.stdout.readline() == "ready\n"
        for one in crowds:
            assert one.stdin is not None
            one.stdin.write("go\n")
            one.stdin.flush()
        counts = [one.communicate(timeout=300)[0].split() for one in crowds]
    return tuple(sum(map(int, column)) for column in zip(*counts, strict=True))


def _start(world: World, command: list[str], ends: ExitStack) -> subprocess.Popen[str]:
    pipe = subprocess.PIPE
    process = ends.enter_context(
        subprocess.Popen(command, cwd=ROOT, env=world.environ, text=True, stdin=pipe, stdout=pipe)
    )
    ends.callback(process.kill)
    return process
