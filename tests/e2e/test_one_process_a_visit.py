"""A process a visit: nothing of a visit is left in memory, and a crash ends a visit only."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import psutil
import pytest

from kiosk.contract.messages import Purpose
from screens.words import choices, questions
from tests.e2e.canaries import held
from tests.e2e.people import Person
from tests.e2e.processes import Authority, StationAlone
from tests.e2e.station import Station
from tests.e2e.test_two_processes import machine, world
from tests.e2e.visitor import Visitor
from tests.e2e.world import World
from tests.support.waiting import wait_for

__all__ = ["machine", "world"]

pytestmark = [pytest.mark.hardware, pytest.mark.terminal]

NEW_PIN = "48059317"


def visits_of(display: Station) -> list[int]:
    """Return the processes for this visit and the next, oldest first; waits until there are two."""
    parent = psutil.Process(display.process.pid)
    while len(children := sorted(parent.children(), key=lambda one: one.create_time())) < 2:
        time.sleep(0.05)
    return [child.pid for child in children]


def wait_for_end(*pids: int) -> None:
    wait_for(lambda: not any(map(psutil.pid_exists, pids)), f"the end of the processes {pids}")


@pytest.fixture
def blocked(world: World) -> Person:
    """Ada is registered, and has blocked her card."""
    world.register(world.ada)
    world.block(world.ada)
    return world.ada


@pytest.fixture
def display(machine: StationAlone, authority: Authority, blocked: Person) -> Station:
    return machine.start()


@pytest.fixture
def visitor(world: World, display: Station, blocked: Person) -> Visitor:
    return Visitor(world, blocked, display)


def test_no_process_that_serves_the_next_visit_holds_what_was_typed(
    world: World, visitor: Visitor, display: Station
) -> None:
    first, _ = visits_of(display)
    visitor.comes().unlocks()
    display.see(questions.lead(1, 3))
    # The search finds what is there: what is on the page, in the process of this visit alone.
    display.type("heron")
    pids = [display.process.pid, *visits_of(display)]
    while [held({"it": "heron"}, pid) for pid in pids] != [[], ["it"], []]:
        time.sleep(0.05)
    display.type("\x7f" * len("heron"))
    visitor.answers()
    code = world.read_code(world.ada.email)
    typed = {
        "PIN": NEW_PIN,
        "code": code,
        **{f"answer {n}": answer for n, answer in enumerate(world.ada.answers.values())},
    }
    assert "code" not in held(typed, first)
    visitor.awaits_code(Purpose.UNLOCK).enters_code(code).sets_pin(NEW_PIN)
    visitor.finishes(Purpose.UNLOCK)
    mark = len(display.written)
    visitor.goes()
    # The notice of an unlock that nobody read is left until the next card goes in.
    visitor.comes()
    wait_for_end(first)
    served = [display.process.pid, *visits_of(display)]
    assert first not in served
    # The terminal is neither left nor cleared between two processes.
    assert not any(one in display.written[mark:] for one in (b"\x1b[?1049", b"\x1b[2J"))
    assert [held(typed, pid) for pid in served] == [[], [], []]


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP, signal.SIGSEGV])
def test_a_crash_ends_the_visit_and_not_the_station(
    world: World, visitor: Visitor, display: Station, how: signal.Signals
) -> None:
    first, second = visits_of(display)
    visitor.comes().unlocks()
    display.see(questions.lead(1, 3))
    display.type("heron")
    os.kill(first, how)
    # The card is still in: the next process begins a visit with it.
    display.see(choices.OWNER_TITLE, world.ada.name)
    wait_for_end(first)
    assert visits_of(display)[0] == second
    assert "heron" not in display.read
    assert display.process.poll() is None
    visitor.goes()


def test_none_may_leave_a_core_and_sigterm_ends_all_of_them(display: Station) -> None:
    pids = visits_of(display)
    assert [psutil.Process(pid).rlimit(psutil.RLIMIT_CORE) for pid in pids] == [(0, 0), (0, 0)]
    assert display.close() == 0
    assert not any(psutil.pid_exists(pid) for pid in pids)


def catches_sigterm(pid: int) -> bool:
    status = Path(f"/proc/{pid}/status").read_text()
    return bool(int(status.partition("SigCgt:")[2].split()[0], 16) & 1 << (signal.SIGTERM - 1))


def test_none_outlives_the_station(display: Station) -> None:
    """Before: one that waited for its turn with its page laid out took SIGTERM, and waited on."""
    pids = visits_of(display)
    while not all(map(catches_sigterm, pids)):
        time.sleep(0.05)
    display.kill()
    wait_for_end(*pids)
