"""The way to a token through a module's process, of which every request may be cut.

Nothing is torn out or reset here: SoftHSM is no card, and its module holds no reader. What
fails in their place is the process of the module: it crashes, or it hangs until its time is
up, which comes to a lost answer.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kiosk.system.module_process import Message, ModuleProcess
from tests.cuts.cutter import Cutter, Fault

Heard = Callable[[ModuleProcess, Message | None], None]


class ModuleLine:
    """Put in the place of one exchange with the process; ``heard`` is told each answer."""

    def __init__(self, cutter: Cutter, heard: Heard) -> None:
        self._cutter = cutter
        self._heard = heard
        self._real = ModuleProcess._exchange
        self._asked: ModuleProcess | None = None
        cutter.line = self

    def install(self, patch: pytest.MonkeyPatch) -> None:
        """Let every exchange come here."""
        line = self

        def exchange(process: ModuleProcess, request: Message, within_s: float) -> Message | None:
            return line.exchange(process, request, within_s)

        patch.setattr(ModuleProcess, "_exchange", exchange)

    def exchange(self, process: ModuleProcess, request: Message, within_s: float) -> Message | None:
        """Ask the module's process, before or after the cut."""
        self._asked = process
        answer = self._cutter.around(
            request["act"], lambda: self._real(process, request, within_s), TimeoutError()
        )
        self._heard(process, answer)
        return answer

    def hit(self, fault: Fault) -> None:
        """Let the module crash; before it was first asked, and after the last, there is none."""
        assert fault is Fault.CRASH
        if self._asked is not None:
            self._asked._process.kill()

    def check(self) -> None:
        """Say what a pipe says whose other end is gone."""
        raise BrokenPipeError
