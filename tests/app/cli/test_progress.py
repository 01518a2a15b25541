"""Progress: one line that changes on a terminal, few lines in a log."""

from __future__ import annotations

import io

from kiosk.app.cli.printing import progress_line


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Ticking:
    """Seconds that pass by being set."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def told(stream: io.StringIO, step_s: float) -> str:
    clock = Ticking()
    with progress_line("importing", stream, clock) as progress:
        for done in range(1, 101):
            clock.now += step_s
            progress(done, 100)
    return stream.getvalue()


def test_on_a_terminal_one_line_changes_and_goes() -> None:
    said = told(Terminal(), 0.0625)
    assert "\n" not in said
    assert "\r\x1b[Kimporting: 50%, 3 s" in said
    assert said.endswith("\r\x1b[K")
    assert said.count("importing") == 50


def test_in_a_log_a_line_now_and_then() -> None:
    lines = told(io.StringIO(), 1).splitlines()
    assert lines[0] == "importing: 10%, 10 s"
    assert lines[-1] == "importing: 100%, 100 s"
    assert len(lines) == 10


def test_quick_work_leaves_no_line_in_a_log() -> None:
    assert told(io.StringIO(), 0.01) == ""


def test_nothing_to_do_is_all_done() -> None:
    with progress_line("x", Terminal()) as progress:
        progress(0, 0)
