"""The caretaker runs once a minute, and again after a failure."""

from __future__ import annotations

from kiosk.authority.administration.caretaker import MINUTE_S, EveryMinute
from kiosk.authority.errors import StoreBusy


def test_caretaker_runs_once_a_minute_and_again_after_a_failure() -> None:
    now = 0.0
    done: list[float] = []
    busy = [True]

    def run() -> None:
        if busy.pop() if busy else False:
            raise StoreBusy("busy")
        done.append(now)

    caretaker = EveryMinute(run, lambda: now)
    caretaker.run_if_due()
    assert done == []
    caretaker.run_if_due()
    caretaker.run_if_due()
    assert done == [0.0]
    now = MINUTE_S
    caretaker.run_if_due()
    assert done == [0.0, MINUTE_S]
