"""A PKCS#11 module in a separate process: the parent's side, the frames, and the module's side.

That process is ``python -I -m kiosk.system.module_process WORKER MODULE [LABEL]``.
"""

from __future__ import annotations

import json
import os
import select
import sys
import time
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from kiosk.system import child
from kiosk.system.files import other_owner
from kiosk.system.prctl import forbid_dumps

# Frames between this program and the process of a module: four bytes of length, then JSON.
#
# They carry secrets, so a frame is never logged and never part of an error.

Message = dict[str, Any]

LONGEST: Final = 64 * 1024
"""Bytes of one frame: more than any message has, and no more than a pipe buffers."""

_HEAD: Final = 4


class BrokenFrame(Exception):
    """The other end closed in the middle of a frame, or sent something else."""


def write(pipe: int, message: Mapping[str, object]) -> None:
    """Write one frame; raises ``OSError`` where the other end is closed."""
    payload = json.dumps(message).encode("ascii")
    data = len(payload).to_bytes(_HEAD) + payload
    while data:
        data = data[os.write(pipe, data) :]


def read(pipe: int, within_s: float | None = None) -> Message | None:
    """Return the next message, or None where the other end closed.

    Raises ``TimeoutError`` after ``within_s``, ``BrokenFrame`` for anything but a frame.
    """
    deadline = None if within_s is None else time.monotonic() + within_s
    head = _read_exactly(pipe, _HEAD, deadline)
    if head is None:
        return None
    length = int.from_bytes(head)
    payload = _read_exactly(pipe, length, deadline) if length <= LONGEST else None
    if payload is None:
        raise BrokenFrame("a frame without an end")
    try:
        message = json.loads(payload)
    except ValueError:
        raise BrokenFrame("a frame that is not JSON") from None
    if not isinstance(message, dict):
        raise BrokenFrame("a frame that is no object")
    return message


def _read_exactly(pipe: int, count: int, deadline: float | None) -> bytes | None:
    data = b""
    while len(data) < count:
        if deadline is not None:
            poll = select.poll()
            poll.register(pipe, select.POLLIN)
            if not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
                raise TimeoutError("no answer in time")
        piece = os.read(pipe, count - len(data))
        if not piece:
            if data:
                raise BrokenFrame("a frame without an end")
            return None
        data += piece
    return data


# The parent's side.

KEPT_BACK = ("KIOSK_", "CREDENTIALS_DIRECTORY", "PYTHON", "PCSCLITE_NO_BLOCKING")
"""Prefixes of variables that are removed from a module's environment: they may hold passwords, and
the last is for this program, where modules rely on libpcsclite to wait for other programs.
"""

_LAST_WAIT_S = 1.0


class ModuleHung(Exception):
    """No answer came in time; the process was killed, and what it did is unknown."""


class ModuleCrashed(Exception):
    """The process ended before it answered, or its answer was no frame."""


class ModuleProcess:
    """Runs until ``end``; one thread at a time may ask.

    ``worker`` is a module of this program: its ``serve``, called with the PKCS#11 module and the
    label of a token, returns what answers.
    """

    def __init__(
        self, worker: str, arguments: tuple[str, ...], environ: Mapping[str, str], answer_s: float
    ) -> None:
        self._answer_s = answer_s
        self._process = child.start(
            *(sys.executable, "-I", "-m", __name__, worker, *arguments),
            stdin=child.PIPE,
            stdout=child.PIPE,
            stderr=child.NOTHING,
            environ={k: v for k, v in environ.items() if not k.startswith(KEPT_BACK)},
            own_session=True,
        )

    def ask(self, request: Message, more_s: float = 0.0) -> Message:
        """Return the answer; the first call also waits for the module to load.

        ``more_s`` are seconds added to the usual time-out. Raises ``ModuleHung`` or
        ``ModuleCrashed``; the process has then ended.
        """
        try:
            answer = self._exchange(request, self._answer_s + more_s)
        except TimeoutError:
            self._kill()
            raise ModuleHung from None
        except (OSError, BrokenFrame):
            answer = None
        if answer is None:
            self._kill()
            raise ModuleCrashed
        return answer

    def end(self) -> None:
        """Close the pipes, and kill a process that has not ended after a second."""
        self._close()
        child.end(self._process, None, _LAST_WAIT_S, own_session=True)

    def _exchange(self, request: Message, within_s: float) -> Message | None:
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None or stdin.closed:
            return None
        write(stdin.fileno(), request)
        return read(stdout.fileno(), within_s)

    def _close(self) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def _kill(self) -> None:
        """Kill the process and its children; one that cannot die is left behind."""
        self._close()
        child.kill(self._process, own_session=True)


# The module's side: it answers one request after another until the pipe closes.
#
# Requests come on standard input and answers go to standard output. A module gets neither: both
# are /dev/null for it.

CANNOT_LOAD: Final = "cannot-load"
"""The reason in an answer where the module cannot be loaded."""


Answer = Callable[[Message], Message]
"""Returns the answer to one request; must not raise."""


def run(worker: str, module: str, label: str = "") -> None:
    """Load the module at the path, and answer requests until the end."""
    forbid_dumps()
    # Whatever the module reads or prints is /dev/null: the two pipes are for the frames.
    requests, answers = os.dup(0), os.dup(1)
    null = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    os.close(null)
    # A worker needs the wrapper of modules, which ``load`` looks for.
    answer = load(module, lambda loaded: import_module(worker).serve(loaded, label))
    while (request := read(requests)) is not None:
        write(answers, answer(request))


def load(path: str, serve: Callable[[Any], Answer]) -> Answer:
    """Load a module; where that fails, each answer carries the reason.

    Root loads none of another account: it may have named its own in the settings that it owns.
    """
    if os.geteuid() == 0 and other_owner(Path(path)) is not None:
        advice = "run this as the service's account: runuser -u kiosk -- kiosk ..."
        return _not_loaded(f"{path} belongs to another account; {advice}")
    try:
        import pkcs11
    except ImportError:
        return _not_loaded("python-pkcs11 is not installed (the extra pkcs11)")
    try:
        return serve(pkcs11.lib(path))
    except pkcs11.PKCS11Error as error:
        return _not_loaded(str(error) or type(error).__name__)


def _not_loaded(reason: str) -> Answer:
    return lambda _request: {CANNOT_LOAD: reason}


if __name__ == "__main__":
    run(*sys.argv[1:])
