"""Commands of the program as processes, forked from one that has loaded it already.

A command takes a second of the processor to load, and less to do its work. Tests that only want
what it does have it forked: it is a process as any other, with its own environment, folder and
output or terminal, and runs ``kiosk.__main__.main`` from the beginning. What is loaded when, and by
whom, is for the tests that start the installed program.
"""

from __future__ import annotations

import contextlib
import fcntl
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import termios
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Self, TextIO

from kiosk.__main__ import main
from kiosk.app.cli import COMMANDS
from screens.terminal import lockdown

_READY = b"ready"


class Forked:
    """A process that was forked, as ``subprocess.Popen`` has it."""

    def __init__(self, tells: socket.socket) -> None:
        self._tells = tells
        self.pid = int(tells.recv(64))
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Return the exit code; None while it runs."""
        try:
            return self.wait(0)
        except (TimeoutError, BlockingIOError):
            return None

    def wait(self, seconds: float | None = None) -> int:
        """Return the exit code once it has ended; raises ``TimeoutError``."""
        if self.returncode is None:
            self._tells.settimeout(seconds)
            self.returncode = int(self._tells.recv(64))
            self._tells.close()
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send a signal while it runs."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it without warning."""
        self.send_signal(signal.SIGKILL)


class ForkedPython:
    """A script with pipes for its input and output, in text; the block kills it at its end."""

    def __init__(self, process: Forked, stdin: TextIO, stdout: TextIO) -> None:
        self.process, self.stdin, self.stdout = process, stdin, stdout

    def __enter__(self) -> Self:
        return self

    def kill(self) -> None:
        """End it without warning, and wait until it has ended."""
        self.process.kill()
        self.process.wait()

    def __exit__(self, *_: object) -> None:
        self.kill()
        with contextlib.suppress(BrokenPipeError):
            self.stdin.close()
        self.stdout.close()

    def ended(self, line: str = "") -> tuple[int, str]:
        """Write to it, and wait for its end; return its exit code and what it wrote."""
        self.stdin.write(line)
        self.stdin.close()
        said = self.stdout.read()
        return self.process.wait(), said


class PreparedProgram:
    """A process that has loaded the program, and forks; it ends with the one that started it.

    With ``program`` it has loaded that of a test: a module with ``main``, and with ``load`` for
    what ``main`` imports late.
    """

    def __init__(self, program: str = "") -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._asks = ours
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__, str(theirs.fileno()), program],
            stdin=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
            env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8"},
            cwd=Path(__file__).parents[2],
            start_new_session=True,
        )
        theirs.close()
        assert ours.recv(len(_READY)) == _READY

    def start(
        self, words: Sequence[str], environ: Mapping[str, str], folder: Path, out: int, err: int
    ) -> Forked:
        """Start ``kiosk`` with ``words``; ``out`` and ``err`` are files that are open."""
        return self._start(words, environ, folder, [out, err])

    def start_python(self, words: Sequence[str], environ: Mapping[str, str]) -> ForkedPython:
        """Start ``python -m MODULE``, or ``python -c TEXT``, with what follows in ``words``."""
        reads, stdin = os.pipe()
        stdout, writes = os.pipe()
        fds = [reads, writes, 2]
        forked = self._start(words, environ, Path.cwd(), fds, is_python=True)
        os.close(reads)
        os.close(writes)
        return ForkedPython(forked, os.fdopen(stdin, "w"), os.fdopen(stdout))

    def start_on(
        self, terminal: int, words: Sequence[str], environ: Mapping[str, str], folder: Path
    ) -> Forked:
        """Start ``kiosk`` with ``words`` in a session whose terminal is this one."""
        return self._start(words, environ, folder, [terminal] * 3)

    def _start(
        self,
        words: Sequence[str],
        environ: Mapping[str, str],
        folder: Path,
        fds: list[int],
        *,
        is_python: bool = False,
    ) -> Forked:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        order = {
            "words": list(words),
            # With one of these the program starts anew, as the installed one.
            "environ": {k: v for k, v in environ.items() if not k.startswith("PYTHON")},
            "folder": str(folder),
            "is_python": is_python,
        }
        socket.send_fds(self._asks, [json.dumps(order).encode()], [theirs.fileno(), *fds])
        theirs.close()
        return Forked(ours)

    def run(
        self, words: Sequence[str], environ: Mapping[str, str], folder: Path, seconds: float
    ) -> subprocess.CompletedProcess[str]:
        """Run ``kiosk`` with ``words`` to its end; nothing can be typed."""
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            process = self.start(words, environ, folder, out.fileno(), err.fileno())
            try:
                code = process.wait(seconds)
            except TimeoutError:
                process.send_signal(signal.SIGKILL)
                raise
            said = []
            for file in (out, err):
                file.seek(0)
                said.append(file.read().decode())
        return subprocess.CompletedProcess(["kiosk", *words], code, *said)


@cache
def prepared_program() -> PreparedProgram:
    """Return the one of this process."""
    return PreparedProgram()


@cache
def prepared(program: str) -> PreparedProgram:
    """Return the one of this process that has loaded a program of tests."""
    return PreparedProgram(program)


def load() -> None:
    """Load all that a command may need, the screens aside: those read their environment first."""
    for command in COMMANDS.values():
        importlib.import_module(f"kiosk.app.cli.{command}")
    for name in (
        "app.composition.cards",
        "app.composition.serving",
        "authority.administration.desk",
    ):
        importlib.import_module(f"kiosk.{name}")
    assert "textual" not in sys.modules


def _serve(asks: socket.socket) -> dict[str, Any] | None:
    """Fork for each order: return it in the child, and None once nobody can order any more."""
    running: dict[int, socket.socket] = {}
    while True:
        readable, _, _ = select.select([asks.fileno(), *running], [], [])
        for child in running.keys() & set(readable):
            ended = os.waitid(os.P_PIDFD, child, os.WEXITED)
            assert ended is not None
            code = ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status
            with running.pop(child) as tells, contextlib.suppress(BrokenPipeError):
                tells.send(b"%d" % code)
            os.close(child)
        if asks.fileno() not in readable:
            continue
        order, fds, _, _ = socket.recv_fds(asks, 1 << 20, 4)
        if not order:
            return None
        pid = os.fork()
        if not pid:
            ordered: dict[str, Any] = json.loads(order)
            _become(ordered, fds[1:])
            for held in (asks, socket.socket(fileno=fds[0]), *running.values()):
                held.close()
            return ordered
        for fd in fds[1:]:
            os.close(fd)
        tells = socket.socket(fileno=fds[0])
        tells.send(b"%d" % pid)
        running[os.pidfd_open(pid)] = tells


def _become(order: dict[str, Any], output: list[int]) -> None:
    """Be the process that was ordered; three files to begin with are a terminal of ``kiosk``."""
    has_terminal = len(output) == 3 and not order["is_python"]
    for fd, at in zip(output, (0, 1, 2)[-len(output) :], strict=True):
        os.dup2(fd, at)
        os.close(fd)
    if has_terminal:
        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        sys.stdin, sys.stdout, sys.stderr = (
            os.fdopen(at, mode, buffering=1, closefd=False) for at, mode in enumerate("rww")
        )
    os.chdir(order["folder"])
    os.environ.clear()
    os.environ.update(order["environ"])
    sys.argv = ["kiosk", *order["words"]]


def _run_python(words: list[str]) -> int:
    how, what, *rest = words
    sys.argv = [how, *rest]
    if how == "-m":
        runpy.run_module(what, run_name="__main__", alter_sys=True)
    else:
        exec(compile(what, "<string>", "exec"), {"__name__": "__main__"})
    return 0


if __name__ == "__main__":
    orders = socket.socket(fileno=int(sys.argv[1]))
    become = main
    if sys.argv[2]:
        lockdown.scrub_environment(os.environ)  # as each does first of all: Textual reads it
        program = importlib.import_module(sys.argv[2])
        program.load()
        become = program.main
    else:
        load()
    gc.collect()
    gc.freeze()
    orders.send(_READY)
    order = _serve(orders)
    if order is not None:
        sys.exit(_run_python(order["words"]) if order["is_python"] else become())
