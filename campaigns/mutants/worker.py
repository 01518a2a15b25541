"""One process of the campaign: it runs the tests of one defence after the other in its copy."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
from contextlib import suppress
from enum import StrEnum
from multiprocessing.connection import Connection
from pathlib import Path
from time import monotonic, sleep
from typing import Any, Final

import msgspec
import psutil

from campaigns.mutants.catalogue import Mutant
from campaigns.mutants.scratch import Scratch
from campaigns.mutants.verdict import Failure

_PR_SET_CHILD_SUBREAPER: Final = 36
_PATIENCE: Final = 30.0
"""Seconds for a program that is asked to end: pytest stops the services of its tests first."""

_LOOK: Final = 0.2
"""Seconds between two looks at what has ended."""

_ENDED: Final = os.WEXITED | os.WNOHANG | os.WNOWAIT
"""A child that has ended, if there is one: it is not reaped yet."""


class Outcome(StrEnum):
    """How the tests of a row ended."""

    PASSED = "passed"
    NOTICED = "noticed"
    BROKEN = "broken"
    """Something else went wrong than what the test is about: the program does not work any more."""
    HUNG = "hung"


class Task(msgspec.Struct, frozen=True):
    """What a process does next: run a file of tests, unchanged or without one defence."""

    test: str
    mutant: Mutant | None = None


class Result(msgspec.Struct, frozen=True):
    """How it ended, and what was seen."""

    outcome: Outcome
    seconds: float
    seen: str = ""


def work(link: Connection, root: Path, place: Path, limit: float) -> None:
    """Do what ``link`` says, in a copy of ``root``; end all that was started, also by the tests."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal: the campaign ends us then
    signal.signal(signal.SIGTERM, _leave)
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    try:
        scratch = Scratch(root, place / "tree")
        while (task := link.recv()) is not None:
            with scratch.without(task.mutant):
                link.send(_run(scratch, task, place, limit))
    except EOFError:
        pass
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        _end_descendants()


def _leave(*_: Any) -> None:
    raise SystemExit(0)


def _run(scratch: Scratch, task: Task, place: Path, limit: float) -> Result:
    verdict, log = place / "verdict", place / "log"
    verdict.unlink(missing_ok=True)
    only = task.mutant.only if task.mutant else ""
    command = [
        str(scratch.python), "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider",
        "-p", "campaigns.mutants.verdict", "--verdict", str(verdict),
        "--basetemp", str(place / "tmp"), *(["-k", only] if only else []), task.test,
    ]  # fmt: skip
    given = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    began = monotonic()
    with log.open("wb") as output:
        tests = subprocess.Popen(
            command,
            cwd=scratch.place,
            env=given | {"CI": "1"},  # the same examples each time
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            _await(tests, limit)
        except subprocess.TimeoutExpired:
            return Result(Outcome.HUNG, monotonic() - began, f"for {limit:.0f} s")
        finally:
            _end_descendants()
    outcome, seen = _judge(task, tests.returncode, verdict)
    if not seen:
        seen = log.read_text(errors="replace").strip().rpartition("\n")[2]
    return Result(outcome, monotonic() - began, seen)


def _await(tests: subprocess.Popen[bytes], limit: float) -> None:
    """Wait for their end, and reap what lost its parent, as the first process of a machine does.

    Otherwise it would stay a zombie, and a test may wait until it is gone.
    """
    end = monotonic() + limit
    while tests.poll() is None:
        if monotonic() > end:
            raise subprocess.TimeoutExpired(tests.args, limit)
        while (ended := os.waitid(os.P_ALL, 0, _ENDED)) and ended.si_pid != tests.pid:
            os.waitpid(ended.si_pid, 0)
        sleep(_LOOK)


def _judge(task: Task, status: int, verdict: Path) -> tuple[Outcome, str]:
    if status == 0:
        return Outcome.PASSED, ""
    if status != 1 or not verdict.exists():  # 2 to 5: nothing was collected
        return Outcome.BROKEN, ""
    failure = msgspec.json.decode(verdict.read_bytes(), type=Failure)
    expected = task.mutant and task.mutant.error
    noticed = failure.errors[0] == expected if expected else failure.is_an_assertion
    seen = f"{failure.test.rpartition('::')[2]}: {failure.errors[0]}: {failure.message}"
    return (Outcome.NOTICED if noticed else Outcome.BROKEN), seen


def _end_descendants() -> None:
    """End what was started and goes on; what lost its parent is our child, as a subreaper's is."""
    for sign in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
        if not (left := psutil.Process().children(recursive=True)):
            return
        for each in left:
            with suppress(psutil.NoSuchProcess):
                each.send_signal(sign)
        psutil.wait_procs(left, timeout=_PATIENCE)
