"""Work that hangs is abandoned, and sends nothing more when it wakes up."""

from __future__ import annotations

import threading

import pytest

from hardware.card_access import AbandonedError, Watchdog, Workers
from kiosk.contract.errors import CardHung, OutcomeUnknown, PinWrong

SOON = 0.5
LONG = 30.0


def nothing() -> None:
    """Release nothing."""


class Hang:
    """A step that hangs until ``released``, and what the work did after that."""

    def __init__(self) -> None:
        self.released = threading.Event()
        self.tidied = threading.Event()
        self.sent: list[str] = []

    def work(self, watchdog: Watchdog, *, changes_card: bool) -> str:
        with watchdog.guard(changes_card=changes_card):
            self.released.wait(LONG)
        self.sent.append("what follows from the answer")
        return "too late"


def test_the_result_and_the_error_come_back() -> None:
    assert Watchdog(LONG, Workers()).run(lambda: 42, nothing) == 42

    def wrong() -> None:
        raise PinWrong(2)

    with pytest.raises(PinWrong):
        Watchdog(LONG, Workers()).run(wrong, nothing)


def test_tidying_up_is_done_before_the_caller_goes_on() -> None:
    done: list[str] = []
    Watchdog(LONG, Workers()).run(lambda: done.append("work"), lambda: done.append("tidy"))
    assert done == ["work", "tidy"]


@pytest.mark.parametrize(("changes_card", "error"), [(False, CardHung), (True, OutcomeUnknown)])
def test_a_step_that_hangs_is_abandoned(changes_card: bool, error: type[Exception]) -> None:
    hang, watchdog = Hang(), Watchdog(SOON, Workers())
    with pytest.raises(error):
        watchdog.run(lambda: hang.work(watchdog, changes_card=changes_card), hang.tidied.set)
    assert not watchdog.ended(0)
    hang.released.set()
    assert watchdog.ended(LONG)
    assert hang.tidied.is_set()
    assert hang.sent == []


def test_a_change_that_was_answered_is_known_when_a_later_step_hangs() -> None:
    hang, watchdog = Hang(), Watchdog(SOON, Workers())

    def work() -> str:
        with watchdog.guard(changes_card=True):
            pass
        return hang.work(watchdog, changes_card=False)

    with pytest.raises(CardHung):
        watchdog.run(work, nothing)
    hang.released.set()
    assert watchdog.ended(LONG)


def test_what_is_done_between_two_steps_is_not_timed() -> None:
    watchdog, pause = Watchdog(SOON, Workers()), threading.Event()

    def work() -> str:
        with pytest.raises(PinWrong), watchdog.guard(changes_card=True):
            raise PinWrong(2)
        pause.wait(4 * SOON)
        return "done"

    assert watchdog.run(work, nothing) == "done"


def test_a_step_that_fails_too_late_is_abandoned_too() -> None:
    hang, watchdog = Hang(), Watchdog(SOON, Workers())

    def fail() -> None:
        hang.released.wait(LONG)
        raise PinWrong(2)

    def work() -> None:
        try:
            with watchdog.guard():
                fail()
        except PinWrong:
            hang.sent.append("what follows from the error")

    with pytest.raises(CardHung):
        watchdog.run(work, nothing)
    hang.released.set()
    assert watchdog.ended(LONG)
    assert hang.sent == []


def test_a_hanging_end_does_not_take_the_outcome_away() -> None:
    hang, watchdog = Hang(), Watchdog(SOON, Workers())

    def tidy() -> None:
        hang.released.wait(LONG)

    assert watchdog.run(lambda: "done", tidy) == "done"
    assert not watchdog.ended(0)
    hang.released.set()
    assert watchdog.ended(LONG)


class SteppedClock:
    """A clock that a test moves, and that tells how often it was read."""

    def __init__(self) -> None:
        self._now, self._readings = 0.0, 0
        self._read = threading.Condition()

    def monotonic(self) -> float:
        with self._read:
            self._readings += 1
            self._read.notify_all()
            return self._now

    def move(self, by_s: float) -> None:
        """Go on by ``by_s``, and wait until it was read at the new time."""
        with self._read:
            self._now += by_s
            before = self._readings
            assert self._read.wait_for(lambda: self._readings > before, LONG)


def test_step_has_the_whole_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, watchdog = SteppedClock(), Watchdog(SOON, Workers())
    monkeypatch.setattr("hardware.card_access.time", clock)

    def work(a_step_s: float) -> str:
        for _ in range(5):
            with watchdog.guard():
                clock.move(a_step_s)
        return "done"

    assert watchdog.run(lambda: work(0.9 * SOON), nothing) == "done"
    watchdog = Watchdog(SOON, Workers())
    with pytest.raises(CardHung):
        watchdog.run(lambda: work(1.1 * SOON), nothing)


def test_a_person_at_the_keys_has_time_of_their_own() -> None:
    watchdog, typing = Watchdog(SOON, Workers()), threading.Event()

    def work() -> str:
        with watchdog.guard(changes_card=True, more_s=LONG):
            typing.wait(4 * SOON)
        return "done"

    assert watchdog.run(work, nothing) == "done"


def test_a_card_that_hangs_after_the_keys_is_not_given_their_time() -> None:
    hang, watchdog = Hang(), Watchdog(SOON, Workers())

    def work() -> str:
        with watchdog.guard(changes_card=True, more_s=2 * LONG):
            hang.released.wait(2 * SOON)
        return hang.work(watchdog, changes_card=False)

    with pytest.raises(CardHung):  # with their time, it would have hung for LONG and answered
        watchdog.run(work, nothing)
    hang.released.set()
    assert watchdog.ended(LONG)


def test_an_abandoned_step_raises() -> None:
    hang, watchdog = Hang(), Watchdog(SOON, Workers())
    with pytest.raises(CardHung):
        watchdog.run(lambda: hang.work(watchdog, changes_card=False), nothing)
    with pytest.raises(AbandonedError), watchdog.guard():
        hang.sent.append("one more command")
    hang.released.set()
    assert watchdog.ended(LONG)
    assert hang.sent == []


def test_a_worker_is_used_again_and_one_that_hangs_is_replaced() -> None:
    workers, hang, seen = Workers(), Hang(), []

    def thread_name() -> str:
        seen.append(threading.get_ident())
        return "done"

    assert Watchdog(LONG, workers).run(thread_name, nothing) == "done"
    stuck = Watchdog(SOON, workers)
    with pytest.raises(CardHung):
        stuck.run(lambda: (thread_name(), hang.work(stuck, changes_card=False)), nothing)
    assert Watchdog(LONG, workers).run(thread_name, nothing) == "done"
    hang.released.set()
    assert stuck.ended(LONG)
    assert seen[0] in seen[1:]
    assert seen[1] != seen[2]
