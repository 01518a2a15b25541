"""A module's process, as the station sees it: asked, waited for, and ended.

A module may hang, crash or end its process. Whoever asked gets a ``CardError`` within the
time-out, and the next call gets a new process.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from hardware.pkcs11 import wire
from kiosk.errors import CardError, CardHung, CardProtocolError, OutcomeUnknown

KEPT_BACK = ("KIOSK_", "CREDENTIALS_DIRECTORY", "PYTHON")
"""Beginnings of what a module does not find in its environment: it may hold passwords."""

_LAST_WAIT_S = 1.0


@dataclass(frozen=True, slots=True)
class Module:
    """A module's file, the label of its token where a reader shows several, and the time-out."""

    path: str
    label: str = ""
    answer_s: float = 15.0


class ModuleProcess:
    """Lives within a ``with``; every call raises ``CardError`` where the module fails."""

    def __init__(self, module: Module, environ: Mapping[str, str]) -> None:
        self._module = module
        self._environ = {k: v for k, v in environ.items() if not k.startswith(KEPT_BACK)}

    def __enter__(self) -> Self:
        command = (sys.executable, "-I", "-m", "hardware.pkcs11.worker")
        self._process = subprocess.Popen(  # noqa: S603  ours, with a path from the settings
            (*command, self._module.path, self._module.label),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=self._environ,
            bufsize=0,
            start_new_session=True,
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let the module say goodbye to the card, but not for long."""
        self._close()
        try:
            self._process.wait(_LAST_WAIT_S)
        except subprocess.TimeoutExpired:
            self._kill()

    def ask(self, request: wire.Message, *, changes_card: bool = False) -> wire.Message:
        """Return the answer; the first one waits for the module to be loaded, too.

        Where none comes in time, ``CardHung`` is raised, or ``OutcomeUnknown`` when the
        request may have changed the card.
        """
        try:
            answer = self._exchange(request)
        except TimeoutError:
            self._kill()
            raise _lost(changes_card, CardHung("the card's module gave no answer")) from None
        except (OSError, wire.BrokenFrame):
            answer = None
        if answer is None:
            self._kill()
            raise _lost(changes_card, CardProtocolError("the card's module crashed"))
        return answer

    def _exchange(self, request: wire.Message) -> wire.Message | None:
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None or stdin.closed:
            return None
        wire.write(stdin.fileno(), request)
        return wire.read(stdout.fileno(), self._module.answer_s)

    def _close(self) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def _kill(self) -> None:
        """End the process and all that it started; one that cannot die is left behind."""
        self._close()
        if self._process.returncode is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_LAST_WAIT_S)


def _lost(changes_card: bool, otherwise: CardError) -> CardError:
    if changes_card:
        return OutcomeUnknown("the card's module was asked for a change and gave no answer")
    return otherwise
