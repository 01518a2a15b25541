"""Where an unblock is cut, and how: before or after one command, or one commit."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar

from smartcard import scard

from hardware.pcsc import WAS_RESET, PcscError
from kiosk.errors import StoreError
from kiosk.store.database import Store
from kiosk.store.engine import WRITES
from kiosk.store.unit_of_work import UnitOfWork

T = TypeVar("T")

COMMIT = "commit"


class Fault(StrEnum):
    """What happens at the cut."""

    TORN = "torn"
    LOST = "lost"
    RESET = "reset"
    KILL = "kill"


class Side(StrEnum):
    """Of the step that is cut."""

    BEFORE = "before"
    AFTER = "after"


@dataclass(frozen=True)
class Cut:
    """One cut point."""

    step: int
    side: Side
    fault: Fault


@dataclass
class Cutter:
    """Counts the steps of an unblock, and strikes at one of them.

    A card that was torn out stays out; one that was reset says so until it is taken up
    again. The answer of a command or of a commit is lost on its way.
    """

    cut: Cut | None = None
    steps: list[str] = field(default_factory=list)
    is_out: bool = False
    was_reset: bool = False
    reset_card: Callable[[], None] = lambda: None

    def around(self, name: str, step: Callable[[], T]) -> T:
        """Do one step, unless it is cut before; what it gave is lost where it is cut after."""
        number = len(self.steps)
        self.steps.append(name)
        self._strike(number, Side.BEFORE, name)
        done = step()
        self._strike(number, Side.AFTER, name)
        return done

    def _strike(self, number: int, side: Side, name: str) -> None:
        if self.cut is None or (self.cut.step, self.cut.side) != (number, side):
            return
        match self.cut.fault:
            case Fault.KILL:
                os.kill(os.getpid(), signal.SIGKILL)
            case Fault.LOST if name == COMMIT:
                raise StoreError("the answer of the database was lost", "cut")
            case Fault.LOST:
                raise PcscError("SCardTransmit", scard.SCARD_E_NOT_TRANSACTED)
            case Fault.TORN:
                self.is_out = True
                self.reset_card()
            case Fault.RESET:
                self.was_reset = True
                self.reset_card()
        if name != COMMIT:
            self.need_card()

    def need_card(self) -> None:
        """Raise what PC/SC says of a card that is out, or was reset."""
        if self.is_out:
            raise PcscError("SCardTransmit", scard.SCARD_W_REMOVED_CARD)
        if self.was_reset:
            raise PcscError("SCardTransmit", WAS_RESET)


class CutUnit(UnitOfWork):
    """A unit of work whose commit may be cut."""

    cutter: Cutter

    def commit(self) -> None:
        """Commit, before or after the cut."""
        self.cutter.around(COMMIT, super().commit)


class CutStore(Store):
    """A store whose commits may be cut."""

    cutter: Cutter

    @contextmanager
    def begin(self) -> Iterator[UnitOfWork]:
        """Begin as the store does."""
        with self._gateway(writes=True, options=WRITES) as gateway:
            unit = CutUnit(gateway, self._clock.now())
            unit.cutter = self.cutter
            yield unit
