"""A module's process, as it is seen from outside: asked, waited for, and ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress

from kiosk.modules import wire

KEPT_BACK = ("KIOSK_", "CREDENTIALS_DIRECTORY", "PYTHON")
"""Beginnings of what a module does not find in its environment: it may hold passwords."""

_LAST_WAIT_S = 1.0


class ModuleHung(Exception):
    """No answer came in time; the process is ended, and what it did is not known."""


class ModuleCrashed(Exception):
    """The process ended before it answered, or said what nobody understands."""


class ModuleProcess:
    """Runs ``worker``, a module of this program, until ``end``; one thread at a time may ask."""

    def __init__(
        self, worker: str, arguments: tuple[str, ...], environ: Mapping[str, str], answer_s: float
    ) -> None:
        self._answer_s = answer_s
        self._process = subprocess.Popen(  # noqa: S603  ours, with a path from the settings
            (sys.executable, "-I", "-m", worker, *arguments),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={k: v for k, v in environ.items() if not k.startswith(KEPT_BACK)},
            bufsize=0,
            start_new_session=True,
        )

    def ask(self, request: wire.Message, more_s: float = 0.0) -> wire.Message:
        """Return the answer; the first one waits for the module to be loaded, too.

        ``more_s`` are seconds that it may take beyond what any answer may. Raises
        ``ModuleHung`` or ``ModuleCrashed``; the process is not there any more then.
        """
        try:
            answer = self._exchange(request, self._answer_s + more_s)
        except TimeoutError:
            self._kill()
            raise ModuleHung from None
        except (OSError, wire.BrokenFrame):
            answer = None
        if answer is None:
            self._kill()
            raise ModuleCrashed
        return answer

    def end(self) -> None:
        """Let the module say goodbye, but not for long."""
        self._close()
        try:
            self._process.wait(_LAST_WAIT_S)
        except subprocess.TimeoutExpired:
            self._kill()

    def _exchange(self, request: wire.Message, within_s: float) -> wire.Message | None:
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None or stdin.closed:
            return None
        wire.write(stdin.fileno(), request)
        return wire.read(stdout.fileno(), within_s)

    def _close(self) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def _kill(self) -> None:
        """End the process and all that it started; one that cannot die is left behind."""
        self._close()
        if self._process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_LAST_WAIT_S)
