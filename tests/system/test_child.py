"""Child processes: a command that is waited for, a child beside this program, and a fork."""

from __future__ import annotations

import ast
import os
import select
import signal
import subprocess
import sys
from contextlib import suppress

import pytest

from kiosk.system import child
from tests.support.fresh_root import CHECKOUT

PYTHON = (sys.executable, "-c")
READING = """
import os, sys
from kiosk.system import child
WHERE = (sys.executable, "-c", "import os; print(os.path.realpath('/proc/self/fd/0'), flush=True)")
READ = (sys.executable, "-c", "print(input())")
print(child.run(*WHERE).output, end="", flush=True)
child.show(*WHERE)
child.start(*WHERE).wait()
print(child.run(*READ, given="given").output, end="", flush=True)
child.show(*READ, has_terminal=True)
"""
STUBBORN = """
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
below = os.fork()
if not below:
    while True:
        time.sleep(1)
print(below, flush=True)
while True:
    time.sleep(1)
"""
FORKING = """
import atexit, os, signal, sys, time
from kiosk.system.child import fork
atexit.register(print, "exit handlers of the parent ran")
signal.signal(signal.SIGTERM, signal.SIG_IGN)

def live():
    print("usual", signal.getsignal(signal.SIGTERM) == signal.SIG_DFL, flush=True)
    if sys.argv[1] == "fault":
        raise KeyboardInterrupt
    return 7

def fault(error):
    print(type(error).__name__, flush=True)
    return 9

def at_end(code):
    print("end", code, flush=True)

pid = fork(live, fault, as_usual=[signal.SIGTERM], at_end=at_end)
print("ended", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
os._exit(0)
"""
WITH_PARENT = """
import os, signal, time
from kiosk.system.child import fork
reading, writing = os.pipe()

def live():
    print(os.getpid(), flush=True)
    os.write(writing, b".")
    while True:
        time.sleep(1)

fork(live, lambda fault: 1, with_parent=signal.SIGKILL)
os.read(reading, 1)
os._exit(0)
"""


def printed_by(program: str, *words: str) -> list[str]:
    """Return what ``program`` printed once all of its processes have ended."""
    command = [*PYTHON, program, *words]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    return done.stdout.split("\n")[:-1]


def test_command_reads_nothing_of_ours_and_what_it_is_given() -> None:
    done = subprocess.run(
        [*PYTHON, READING], input="ours", capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["/dev/null", "/dev/null", "/dev/null", "given", "ours"]


def test_output_of_a_command_is_not_in_its_repr() -> None:
    ended = child.run(*PYTHON, "import sys; print('key'); sys.exit('trouble')")
    assert (ended.code, ended.output, ended.errors) == (1, "key\n", "trouble\n")
    assert "key" not in repr(ended)
    assert "trouble" not in repr(ended)


def test_command_that_hangs_is_killed() -> None:
    with pytest.raises(TimeoutError, match=r"no end within 0\.2 seconds"):
        child.run(*PYTHON, "import time; time.sleep(600)", within_s=0.2)


def test_command_that_is_not_there_is_an_error_of_the_system() -> None:
    with pytest.raises(FileNotFoundError):
        child.run("/nonexistent/program")
    with pytest.raises(FileNotFoundError):
        child.show("/nonexistent/program")


def test_account_of_a_command_has_no_rights_of_ours() -> None:
    if os.geteuid() != 0:
        with pytest.raises(PermissionError):
            child.run("/usr/bin/id", account="daemon")
        return
    assert child.run("/usr/bin/id", "-un", account="daemon").output == "daemon\n"
    assert child.run("/usr/bin/id", "-Gn", account="daemon").output == "daemon\n"
    assert child.run("/usr/bin/pwd", account="daemon").output == "/\n"


def test_stubborn_child_is_killed_with_its_own_children() -> None:
    process = child.start(*PYTHON, STUBBORN, stdout=child.PIPE, own_session=True)
    assert process.stdout is not None
    below = int(process.stdout.readline())
    child.end(process, within_s=0.2, own_session=True)
    assert process.returncode == -signal.SIGKILL
    closed = select.poll()
    closed.register(process.stdout, select.POLLHUP)
    try:
        assert closed.poll(10_000), "the pipe is open: a process below is left to write"
    finally:
        process.stdout.close()
        with suppress(ProcessLookupError):
            os.kill(below, signal.SIGKILL)
    child.kill(process, own_session=True)


LEAVING = """
import os, subprocess, sys
left = subprocess.Popen([sys.executable, "-I", "-c", "import time; time.sleep(600)"])
print(left.pid, flush=True)
os._exit(3)
"""


@pytest.mark.parametrize("how", ["end", "asked", "kill"])
def test_child_that_has_ended_leaves_none_of_its_own_children(how: str) -> None:
    """As a module for tokens that crashed, or ended when its pipes were closed."""
    process = child.start(*PYTHON, LEAVING, stdout=child.PIPE, own_session=True)
    assert process.stdout is not None
    below = int(process.stdout.readline())
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    match how:
        case "end":
            child.end(process, own_session=True)
        case "asked":
            child.end(process, None, own_session=True)
        case _:
            child.kill(process, own_session=True)
    assert process.returncode == 3
    closed = select.poll()
    closed.register(process.stdout, select.POLLHUP)
    try:
        assert closed.poll(10_000), "the pipe is open: a process below is left to write"
    finally:
        process.stdout.close()
        with suppress(ProcessLookupError):
            os.kill(below, signal.SIGKILL)


def test_account_that_is_not_there_is_an_error_of_the_system() -> None:
    for run in (child.run, child.show):
        with pytest.raises(OSError, match="no account or group nobody-there"):
            run("/usr/bin/id", account="nobody-there")


@pytest.mark.parametrize(("how", "code"), [("ends", 7), ("fault", 9)])
def test_forked_child_never_runs_our_code_or_exit_handlers(how: str, code: int) -> None:
    faults = ["KeyboardInterrupt"] if how == "fault" else []
    expected = ["usual True", *faults, f"end {code}", f"ended {code}"]
    assert printed_by(FORKING, how) == expected


def test_forked_child_ends_with_its_parent() -> None:
    with subprocess.Popen([*PYTHON, WITH_PARENT], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert parent.wait(60) == 0
        closed = select.poll()
        closed.register(parent.stdout, select.POLLHUP)
        try:
            assert closed.poll(10_000), "the child lives on"
        finally:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def test_product_starts_processes_in_one_place() -> None:
    """What runs by its path, without this program, is the exception."""
    found = set()
    for folder in ("kiosk", "screens", "hardware"):
        for path in (CHECKOUT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_bytes())):
                names: list[str] = []
                if isinstance(node, ast.Import):
                    names = [each.name for each in node.names]
                elif isinstance(node, ast.ImportFrom):
                    names = [node.module or ""]
                elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                    names = [f"{node.value.id}.{node.attr}"]
                if {"subprocess", "os.fork", "os.posix_spawn", "os.system", "pty"} & set(names):
                    found.add(str(path.relative_to(CHECKOUT)))
    assert found == {"kiosk/system/child.py", "hardware/virtual/pcscd_sandbox.py"}
