"""Where an unblock is cut, and how: before or after one step to the card, or one commit."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol, TypeVar

from kiosk.authority.errors import StoreError
from kiosk.authority.store.database import Store, UnitOfWork

T = TypeVar("T")

COMMIT = "commit"


class Fault(StrEnum):
    """What happens at the cut; a crash is one of the process of a PKCS#11 module."""

    TORN = "torn"
    LOST = "lost"
    RESET = "reset"
    CRASH = "crash"
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


class Line(Protocol):
    """What lies between a driver and its card."""

    def hit(self, fault: Fault) -> None:
        """Let a fault strike the card, or what speaks to it."""

    def check(self) -> None:
        """Raise what the driver is told where nothing comes through any more."""


@dataclass
class Cutter:
    """Counts the steps of an unblock, and strikes at one of them."""

    cut: Cut | None = None
    steps: list[str] = field(default_factory=list)
    line: Line | None = None

    def around(self, name: str, step: Callable[[], T], lost: Exception) -> T:
        """Do one step, unless it is cut before; what it gave is lost where it is cut after."""
        number = len(self.steps)
        self.steps.append(name)
        self._strike(number, Side.BEFORE, lost)
        done = step()
        self._strike(number, Side.AFTER, lost)
        return done

    def _strike(self, number: int, side: Side, lost: Exception) -> None:
        if self.cut is None or (self.cut.step, self.cut.side) != (number, side):
            return
        match self.cut.fault:
            case Fault.KILL:
                os.kill(os.getpid(), signal.SIGKILL)
            case Fault.LOST:
                raise lost
            case fault:
                assert self.line is not None
                self.line.hit(fault)
                if self.steps[number] != COMMIT:
                    self.line.check()


class CutUnit(UnitOfWork):
    """A unit of work whose commit may be cut."""

    cutter: Cutter

    def commit(self) -> None:
        """Commit, before or after the cut."""
        lost = StoreError("the answer of the database was lost", "cut")
        self.cutter.around(COMMIT, super().commit, lost)


class CutStore(Store):
    """A store whose commits may be cut."""

    cutter: Cutter

    @contextmanager
    def begin(self) -> Iterator[UnitOfWork]:
        """Begin as the store does."""
        with self._gateway(writes=True) as gateway:
            unit = CutUnit(gateway, self._clock.now(), self._heads, self._audit_macs)
            unit.cutter = self.cutter
            yield unit
