"""Child processes: a command that is waited for, a child beside this program, and a fork.

No command goes through a shell. A child reads our standard input only where that is said, so that
it takes no key that was meant for a page, and waits for no answer that nobody sees.
"""

from __future__ import annotations

import errno
import grp
import os
import pwd
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO, Any, Final

from kiosk.system.prctl import end_with_parent

PIPE: Final = subprocess.PIPE
NOTHING: Final = subprocess.DEVNULL
WITH_OUTPUT: Final = subprocess.STDOUT

Process = subprocess.Popen[bytes]

_LAST_S: Final = 5.0
_DYING_S: Final = 1.0


def this_program(*words: str) -> tuple[str, ...]:
    """Return the command that runs ``kiosk`` with these words, from the code that runs here."""
    return (sys.executable, "-I", "-m", "kiosk", *words)


# A command that is waited for.


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended; what it printed may be a secret."""

    code: int
    output: str = field(repr=False)
    errors: str = field(repr=False)


def run(
    *command: str,
    given: str = "",
    environ: Mapping[str, str] | None = None,
    account: str = "",
    files: Sequence[int] = (),
    within_s: float | None = None,
) -> Ended:
    """Run a command, and return what it printed; ``given`` is its standard input.

    ``account`` runs it, in the root folder; ``files`` are open in it as well. Raises ``OSError``
    where it cannot be run, ``TimeoutError`` after ``within_s``: then it was killed.
    """
    stdin: dict[str, Any] = {"input": given} if given else {"stdin": NOTHING}
    try:
        done = subprocess.run(  # noqa: S603 - without a shell, its words are the caller's
            command,
            **stdin,
            **_as_account(account),
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            env=environ,
            pass_fds=files,
            timeout=within_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise TimeoutError(f"no end within {within_s:g} seconds") from None
    return Ended(done.returncode, done.stdout, done.stderr)


def show(
    *command: str,
    environ: Mapping[str, str] | None = None,
    account: str = "",
    has_terminal: bool = False,
) -> int:
    """Run a command that prints where this program does; return its exit code.

    ``has_terminal``: until it ends, it reads our standard input. Raises ``OSError``.
    """
    return subprocess.run(  # noqa: S603 - without a shell, its words are the caller's
        command,
        **_as_account(account),
        stdin=None if has_terminal else NOTHING,
        env=environ,
        check=False,
    ).returncode


def _as_account(account: str) -> dict[str, Any]:
    """Return what leaves nothing of our rights to the command, nor a folder it may not read."""
    if not account:
        return {}
    try:
        pwd.getpwnam(account), grp.getgrnam(account)
    except KeyError:
        raise OSError(errno.ENOENT, f"no account or group {account}") from None
    return {"user": account, "group": account, "extra_groups": [], "cwd": "/"}


# A child beside this program, which runs on until it is ended.


def start(
    *command: str,
    environ: Mapping[str, str] | None = None,
    stdin: int | None = NOTHING,
    stdout: int | IO[bytes] | None = None,
    stderr: int | IO[bytes] | None = None,
    files: Sequence[int] = (),
    own_session: bool = False,
) -> Process:
    """Start a child; raises ``OSError``. Its pipes are not buffered.

    ``own_session``: Ctrl+C in our terminal does not reach it, and ``end`` ends its children, too.
    """
    return subprocess.Popen(  # noqa: S603 - without a shell, its words are the caller's
        command,
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        env=environ,
        pass_fds=files,
        bufsize=0,
        start_new_session=own_session,
    )


def end(
    process: Process,
    how: signal.Signals | None = signal.SIGTERM,
    within_s: float = _LAST_S,
    *,
    own_session: bool = False,
) -> None:
    """End a child by its id, with ``how``, and kill it where it does not end within ``within_s``.

    ``how`` None: it was asked to end already, as by its closed pipes.
    """
    if own_session:
        if process.returncode is None and how is not None:
            os.kill(process.pid, how)
        _await_end(process, within_s)
        kill(process, own_session=True)
        return
    if how is not None:
        process.send_signal(how)
    try:
        process.wait(within_s)
    except subprocess.TimeoutExpired:
        kill(process)


def kill(process: Process, *, own_session: bool = False) -> None:
    """Kill a child that has not ended yet; one that cannot die is left behind.

    ``own_session``: also what is left of the children of one that has ended, as by a crash.
    """
    if own_session and process.returncode is None:
        # Not asked whether it has ended: until then nobody else gets its id, nor its group's.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    elif process.poll() is None:
        process.kill()
    with suppress(subprocess.TimeoutExpired):
        process.wait(_DYING_S)


def _await_end(process: Process, within_s: float) -> None:
    """Wait until a child has ended, and leave its id to it."""
    if process.returncode is None:
        try:
            handle = os.pidfd_open(process.pid)
        except ProcessLookupError:  # the kernel waited for it
            return
        try:
            ended = select.poll()
            ended.register(handle, select.POLLIN)
            ended.poll(within_s * 1000)
        finally:
            os.close(handle)


# A fork: a prepared process that has what was imported here.


def fork(
    live: Callable[[], int],
    fault: Callable[[BaseException], int],
    *,
    as_usual: Iterable[signal.Signals] = (),
    with_parent: signal.Signals | None = None,
    at_end: Callable[[int], None] | None = None,
) -> int:
    """Fork, and return the id of the child; raises ``OSError``.

    The child exits with what ``live`` returns, or ``fault`` for what that raised; ``at_end`` is
    called with the code. It never returns into our code, and runs none of our exit handlers.
    ``as_usual`` are signals that we handle and that act on it as usual; with ``with_parent`` the
    kernel ends it when we have ended.
    """
    parent = os.getpid()
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        for number in as_usual:
            signal.signal(number, signal.SIG_DFL)
        if with_parent is not None:
            exit_with_parent(with_parent, parent)
        code = live()
    except BaseException as error:  # noqa: BLE001 - it ends the child; nothing is above it
        code = fault(error)
    finally:
        try:
            if at_end is not None:
                at_end(code)
        finally:
            os._exit(code)


def exit_with_parent(how: signal.Signals, parent: int) -> None:
    """Have the kernel send this process ``how`` when its parent ends, and exit if it has ended.

    ``parent`` is the id that the parent read before it forked.
    """
    if not end_with_parent(how, parent):
        os._exit(1)
