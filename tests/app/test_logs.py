"""How lines are written: one JSON object each, with what they are about and no library's error."""

from __future__ import annotations

import io
import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kiosk.app.logs import open_log
from kiosk.contract.log_context import log_about

CANARY = "canary-pin-480593"
log = logging.getLogger("kiosk.somewhere")


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level, raises = root.handlers[:], root.level, logging.raiseExceptions
    yield
    root.handlers[:], logging.raiseExceptions = handlers, raises
    root.setLevel(level)


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def written(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_line_is_json_and_says_what_it_is_about(tmp_path: Path) -> None:
    with (tmp_path / "log").open("a") as out:
        open_log(out, {})
        with log_about(visit="f" * 32, station="West \x1b[2J Wing", site=""):
            log.info("begin: %s\nand more", "VisitOpened", extra={"reply": "VisitOpened", "ms": 12})
        log.warning("none")
    first, second = written(tmp_path / "log")
    assert first.pop("time").endswith("+00:00")
    assert first == {
        "level": "info",
        "logger": "kiosk.somewhere",
        "message": "begin: VisitOpened\nand more",
        "visit": "f" * 32,
        "station": "West \x1b[2J Wing",
        "reply": "VisitOpened",
        "ms": 12,
    }
    assert "visit" not in second
    assert "\x1b" not in (tmp_path / "log").read_text()


def test_an_error_is_shown_without_what_it_carries(tmp_path: Path) -> None:
    screen = Screen()
    with (tmp_path / "log").open("a") as out:
        for stream in (out, screen):
            open_log(stream, {})
            try:
                int(CANARY)
            except ValueError:
                log.exception("trouble with %s", CANARY)
    for said in ((tmp_path / "log").read_text(), screen.getvalue()):
        assert CANARY not in said
        assert "ValueError" in said
    (one,) = written(tmp_path / "log")
    assert (one["message"], one["level"]) == ("an error that nobody handled", "error")


def test_text_ends_with_what_it_is_about_and_a_terminal_always_gets_it() -> None:
    screen = Screen()
    open_log(screen, {})
    with log_about(reference="ABCD-EFGH"):
        log.info("hello")
    assert screen.getvalue().endswith(" INFO kiosk.somewhere: hello [reference=ABCD-EFGH]\n")


def test_the_journal_gets_the_priority_of_each_line(tmp_path: Path) -> None:
    with (tmp_path / "log").open("a") as out:
        found = os.fstat(out.fileno())
        open_log(out, {"JOURNAL_STREAM": f"{found.st_dev}:{found.st_ino}"})
        log.info("hello")
        log.error("oh")
        open_log(out, {"JOURNAL_STREAM": f"{found.st_dev}:{found.st_ino + 1}"})
        log.info("elsewhere")
    lines = (tmp_path / "log").read_text().splitlines()
    assert [line[:4] for line in lines] == ["<6>{", "<3>{", '{"ti']
