"""A second process at the same database, started with HOW, FOLDER and VISIT.

It says ``ready`` and waits for a line. ``answers``, ``codes`` and ``releases`` let twenty
threads try at once and print what came of it; ``dies`` gives one set of answers and says
``looking`` when it is charged and being looked at, which it does for ever.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from kiosk.authority.crypto.hashing import AnswerHasher
from kiosk.authority.crypto.keys import KeyRing
from kiosk.authority.crypto.macs import CodeMac
from kiosk.authority.records import EmailCode, JointHash, new_id
from kiosk.authority.unblock.release import release
from kiosk.authority.visit.context import VisitRefused
from kiosk.authority.visit.submitting import submit
from kiosk.contract.errors import AuthorityUnavailable, StepRefused
from kiosk.contract.messages import Answer, Answers, Code, Grant, VisitId
from kiosk.contract.sensitive import Sensitive
from tests.authority.station_visit import ANSWERS
from tests.authority.world import CHEAP, World

CALLERS = 20


class Looks:
    """Counts the looks at a secret, whoever takes them."""

    def __init__(self) -> None:
        self.count = 0
        self._lock = threading.Lock()

    def one_more(self) -> None:
        with self._lock:
            self.count += 1


class CountingHasher(AnswerHasher):
    """Counts how many sets it looks at."""

    def __init__(self, ring: KeyRing, looks: Looks) -> None:
        super().__init__(ring, CHEAP)
        self._looks = looks

    def check(self, owner: str, answers: Mapping[int, Sensitive], kept: JointHash) -> bool:
        self._looks.one_more()
        return super().check(owner, answers, kept)


class CountingMac(CodeMac):
    """Counts how many codes it looks at."""

    def __init__(self, ring: KeyRing, looks: Looks) -> None:
        super().__init__(ring)
        self._looks = looks

    def matches(self, code: Sensitive, kept: EmailCode) -> bool:
        self._looks.one_more()
        return super().matches(code, kept)


class DyingHasher(AnswerHasher):
    """Says that it is looking, and never comes back."""

    def check(self, owner: str, answers: Mapping[int, Sensitive], kept: JointHash) -> bool:
        print("looking", flush=True)  # noqa: T201
        threading.Event().wait()
        return super().check(owner, answers, kept)


def given(world: World, visit: VisitId, *, wrong: bool) -> tuple[Answer, ...]:
    """Return answers to what is asked of the visit's holder."""
    with world.store.read() as uow:
        found = uow.visits.get(visit)
        assert found is not None
        registration = uow.registrations.of_holder(found.holder_id or "")
    assert registration is not None
    suffix = " not" if wrong else ""
    return tuple(Answer(one, Sensitive(ANSWERS[one] + suffix)) for one in registration.asked or ())


def at_once(call: Callable[[], object]) -> list[object]:
    """Let twenty threads call at the same moment; return what they got, refusals included."""
    gate = threading.Barrier(CALLERS)

    def one(_: int) -> object:
        gate.wait()
        try:
            return call()
        except (AuthorityUnavailable, StepRefused, VisitRefused) as refused:
            # Unavailable: nothing is left to charge, and another set is still being checked.
            return refused

    with ThreadPoolExecutor(CALLERS) as pool:
        return list(pool.map(one, range(CALLERS)))


def race(how: str, folder: Path, visit: VisitId, go: Callable[[], None]) -> int:
    """Race past the turns that the service keeps: only the database decides here."""
    looks = Looks()
    world = World(folder, busy_timeout_s=60)
    object.__setattr__(world.parts, "hasher", CountingHasher(world.ring, looks))
    object.__setattr__(world.parts, "codes", CountingMac(world.ring, looks))
    wrong, parts = given(world, visit, wrong=True), world.parts
    go()
    match how:
        case "answers":
            at_once(lambda: submit(parts, visit, new_id(), Answers(wrong)))
        case "codes":
            at_once(lambda: submit(parts, visit, new_id(), Code(Sensitive("00000000"))))
        case _:
            got = at_once(lambda: release(parts, visit, new_id()))
            looks.count = sum(isinstance(one, Grant) for one in got)
    world.store.close()
    return looks.count


def die(folder: Path, visit: VisitId, go: Callable[[], None]) -> None:
    """Charge one set, and look at it until killed."""
    world = World(folder)
    object.__setattr__(world.parts, "hasher", DyingHasher(world.ring, CHEAP))
    right = given(world, visit, wrong=False)
    go()
    world.authority.submit(visit, new_id(), Answers(right))


def wait_for_a_line() -> None:
    """Say that all is set up, and wait to be told."""
    print("ready", flush=True)  # noqa: T201
    sys.stdin.readline()


def main() -> None:
    """Run one of the ways that the module's docstring names."""
    how, folder, visit = sys.argv[1], Path(sys.argv[2]), VisitId(sys.argv[3])
    if how == "dies":
        die(folder, visit, wait_for_a_line)
    else:
        print(race(how, folder, visit, wait_for_a_line), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
