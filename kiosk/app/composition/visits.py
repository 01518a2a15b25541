"""One process for each visit: what one visitor typed is never in the memory that serves the next.

The parent has imported the whole station and holds no data: no key, no card, no answer of the
authority. It forks a process for each visit. The next one waits with its first page laid out, so
that it is drawn at once, whether the previous visit ended or its process crashed: a crash ends a
visit, never the station. The parent passes the heartbeats of the active process to the service
manager's watchdog, and kills a process without heartbeats.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import select
import signal
import sys
import termios
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from importlib import import_module
from types import FrameType

from msgspec import Struct

from kiosk.app.composition.station import OpenExecutor, appearance_of, build_station
from kiosk.app.logs import log_fault
from kiosk.app.service_manager import ServiceManager
from kiosk.config.settings import Settings
from kiosk.contract.log_context import TroubleLog
from kiosk.system.child import exit_with_parent, fork
from screens.kiosk.app import KioskApp
from screens.terminal.closed_app import FAULT_CODE
from screens.terminal.driver import VisitDriver, leave_display, open_display
from screens.terminal.pulse import WatchdogPulse

log = logging.getLogger(__name__)

SILENT_S = 20.0
"""Seconds without a heartbeat after which a process is killed; there is one every two seconds.

Where the service manager has a watchdog, it is half of its time: that ends the whole station.
"""

FAULTS = 5
"""Processes that may end one after the other without a heartbeat before the parent gives up."""

_TICK_MS = 500
_AGAIN_S = 1.0
_FIRST_BEAT_S = 10.0
_LAST_S = 30.0
"""How long a process may take to record what is running when the station is ended."""


_LATER = (
    "hardware.card_access",
    "hardware.monitor",
    "kiosk.app.composition.cards",
    "kiosk.station.client",
    "kiosk.station.executor",
    "screens.kiosk.visit_pages",
)
"""What the first page does not need. The parent imports it once that page is shown."""


class VisitProcess(Struct, frozen=True):
    """A process that serves one visit once it is its turn.

    ``turn`` is an event that gives it the turn; ``beats`` can be read after each beat, and
    ``ended`` once the process is gone.
    """

    pid: int
    turn: int
    beats: int
    ended: int

    def give_turn(self) -> None:
        os.eventfd_write(self.turn, 1)

    def kill(self) -> None:
        """Kill it at once, also a stopped one; does nothing when it has ended."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    def close(self) -> None:
        """Close its descriptors, after it was waited for."""
        for fd in (self.turn, self.beats, self.ended):
            os.close(fd)


class VisitProcesses:
    """Runs one process after the other on this terminal until SIGTERM.

    ``live`` runs one visit in the forked process and returns its exit code. ``load`` imports what a
    visit needs; it is called after the first process was forked, which imports it behind its first
    page.
    """

    def __init__(
        self,
        live: Callable[[int, Callable[[], None]], int],
        load: Callable[[], None],
        beat: Callable[[], None],
        silent_s: float = SILENT_S,
    ) -> None:
        self._live = live
        self._load = load
        self._beat = beat
        self._silent_s = silent_s
        self._trouble = TroubleLog(log)
        self._stopping = False
        self._faults = 0
        self._code = 0

    def run(self) -> int:
        """Return the exit code: 0 after SIGTERM, ``FAULT_CODE`` where no process can run."""
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._stop)
        active = self._fork()
        active.give_turn()
        # The first page comes first: imports at the same time would delay it.
        select.select([active.beats, active.ended], [], [], _FIRST_BEAT_S)
        self._load()
        gc.freeze()
        waiting = self._fork_if_possible()
        while True:
            status = self._await_end(active)
            active.close()
            if self._is_last(status):
                break
            with suppress(termios.error):
                termios.tcflush(0, termios.TCIFLUSH)  # keys that were meant for the last visit
            while waiting is None and not self._stopping:
                time.sleep(_AGAIN_S)
                waiting = self._fork_if_possible()
            if waiting is None:
                break
            active = waiting
            active.give_turn()
            waiting = self._fork_if_possible()
        if waiting is not None:
            waiting.kill()
            os.waitpid(waiting.pid, 0)
            waiting.close()
        return self._code

    def _stop(self, number: int, _frame: FrameType | None) -> None:
        self._stopping = True
        if number == signal.SIGHUP:
            self._code = FAULT_CODE

    def _fork_if_possible(self) -> VisitProcess | None:
        """Return None where processes, files or memory have run out: the visit goes on."""
        try:
            return self._fork()
        except OSError as error:
            self._trouble.note(f"no process for the next visit can be started: {error.strerror}")
            return None

    def _fork(self) -> VisitProcess:
        """Raises ``OSError``, and leaves nothing open."""
        with ExitStack() as opened:
            turn = os.eventfd(0, os.EFD_CLOEXEC)
            opened.callback(os.close, turn)
            reading, writing = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
            opened.callback(os.close, reading)
            opened.callback(os.close, writing)

            def live() -> int:
                os.close(reading)
                return self._live(turn, beat)

            def beat() -> None:
                with suppress(BlockingIOError, BrokenPipeError):
                    os.write(writing, b".")

            handled = signal.SIGTERM, signal.SIGHUP
            pid = fork(live, _show_fault, as_usual=handled, with_parent=signal.SIGKILL)
            opened.pop_all()
        os.close(writing)  # so that there is a file for the next
        made = VisitProcess(pid, turn, reading, os.pidfd_open(pid))
        self._trouble.note("")
        return made

    def _await_end(self, active: VisitProcess) -> int:
        """Return the wait status of ``active``, killing it where it is frozen or has to end."""
        heard_at, asked = time.monotonic(), False
        watched = select.poll()
        watched.register(active.beats, select.POLLIN)
        watched.register(active.ended, select.POLLIN)
        while True:
            ready = dict(watched.poll(_TICK_MS))
            if ready.get(active.beats, 0) & select.POLLIN and os.read(active.beats, 4096):
                heard_at, self._faults = time.monotonic(), 0
                self._beat()
            elif active.beats in ready:
                watched.unregister(active.beats)  # it is closed: the process is ending
            gone, status = os.waitpid(active.pid, os.WNOHANG | os.WUNTRACED)
            if gone and not os.WIFSTOPPED(status):
                return status
            silent_s = time.monotonic() - heard_at
            if self._stopping and not asked:
                asked, heard_at, silent_s = True, time.monotonic(), 0.0
                os.kill(active.pid, signal.SIGTERM)
            if gone or silent_s > (_LAST_S if asked else self._silent_s):
                log.error("the process of the visit was ended: it was stopped or did not answer")
                active.kill()

    def _is_last(self, status: int) -> bool:
        """Return whether the station ends with the process that ended with ``status``."""
        if self._stopping:
            return True
        if status == 0:
            return False
        self._faults += 1
        code = os.waitstatus_to_exitcode(status)
        how = signal.Signals(-code).name if code < 0 else f"code {code}"
        log.error("the process of a visit ended: %s", how)
        terminal = select.poll()
        terminal.register(0, 0)  # whether it has hung up
        if terminal.poll(0) or self._faults >= FAULTS:
            self._code = FAULT_CODE
            return True
        return False


def _show_fault(fault: BaseException) -> int:
    """Say what ended this visit; the program goes on."""
    sys.excepthook(type(fault), fault, None)
    return FAULT_CODE


def run_visits(
    settings: Settings,
    open_executor: Callable[[], OpenExecutor],
    manager: ServiceManager,
) -> int:
    """Run the station on this terminal, one process for each visit; return the exit code."""

    def live(turn: int, beat: Callable[[], None]) -> int:
        pulse = WatchdogPulse(beat, manager.watchdog_s)

        class TurnDriver(VisitDriver):
            must_answer = pulse.is_watched  # the terminals of a unit, the console and foot, do

        async def have_turn() -> None:
            running, has_turn = asyncio.get_running_loop(), asyncio.Event()
            running.add_reader(turn, has_turn.set)
            try:
                await has_turn.wait()
            finally:
                running.remove_reader(turn)
            # A visit records what is running before it ends; one that waits has nothing to record.
            exit_with_parent(signal.SIGTERM, os.getppid())

        TurnDriver.turn = turn
        loop, close = build_station(settings, open_executor, have_turn)
        look = appearance_of(settings)
        app = KioskApp(loop, look, log_fault, driver_class=TurnDriver, pulse=pulse)
        app.run()
        close()
        return app.return_code or 0

    def load() -> None:
        for module in _LATER:
            import_module(module)
        for family in settings.cards.families:
            import_module(f"hardware.drivers.{family}")

    open_display(touch=settings.station.touch)
    try:
        silent_s = manager.watchdog_s / 2 if manager.watchdog_s else SILENT_S
        return VisitProcesses(live, load, manager.beat, silent_s).run()
    finally:
        leave_display()
