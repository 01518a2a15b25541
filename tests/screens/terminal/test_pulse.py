from __future__ import annotations

from screens.terminal.pulse import LONGEST_S, WatchdogPulse


class Display:
    is_painting = True
    asked = 0

    def ask(self) -> None:
        self.asked += 1


def test_a_beat_counts_when_the_last_one_was_painted() -> None:
    said: list[str] = []
    pulse, display = WatchdogPulse(lambda: said.append("alive"), None), Display()
    pulse.beat(display)
    assert said == []
    pulse.beat(display)
    pulse.beat(display)
    assert said == ["alive", "alive"]


def test_a_painter_that_is_stuck_stops_it() -> None:
    said: list[str] = []
    pulse, display = WatchdogPulse(lambda: said.append("alive"), None), Display()
    pulse.beat(display)
    display.is_painting = False
    for _ in range(5):
        pulse.beat(display)
    assert (said, display.asked) == ([], 6)
    display.is_painting = True
    pulse.beat(display)
    assert said == ["alive"]


def test_pulse_beats_several_times_within_the_watchdogs_time() -> None:
    assert WatchdogPulse(lambda: None, 5.0).every_s == 1.0
    assert WatchdogPulse(lambda: None, 60.0).every_s == LONGEST_S
    assert WatchdogPulse(lambda: None, None).every_s == LONGEST_S
