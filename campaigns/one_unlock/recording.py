"""Records the calls of the product's own functions, each in the thread that makes it."""

from __future__ import annotations

import inspect
import itertools
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

ROOT = Path(__file__).parents[2]
_OURS = tuple(f"{ROOT / folder}/" for folder in ("kiosk", "screens", "hardware"))
_NOT_A_CALL = ("<genexpr>", "<listcomp>", "<dictcomp>", "<setcomp>", "<lambda>")


@dataclass(frozen=True, slots=True)
class Place:
    """One function: the file below the checkout, and the name in it."""

    file: str
    name: str

    def __str__(self) -> str:
        return f"{self.file} {self.name}"


def place_of(function: Callable[..., object]) -> Place:
    """Return where a function is defined."""
    code: CodeType = getattr(function, "__wrapped__", function).__code__
    return _place(code)


def _place(code: CodeType) -> Place:
    return Place(
        code.co_filename.removeprefix(f"{ROOT}/"), code.co_qualname.replace(".<locals>", "")
    )


@dataclass(eq=False)
class Call:
    """One call, with the calls that it made; ``arguments`` and ``result`` where they are kept.

    ``number`` is its place among all calls of all threads.
    """

    place: Place
    number: int
    arguments: dict[str, Any] = field(default_factory=dict, repr=False)
    result: Any = field(default=None, repr=False)
    calls: list[Call] = field(default_factory=list, repr=False)
    recorded: bool = False

    def walk(self) -> Iterator[Call]:
        """Yield this call and all below, in the order in which they began."""
        yield self
        for each in self.calls:
            yield from each.walk()


class Recording:
    """What was called while ``on``; ``keep`` names the places whose arguments are kept."""

    def __init__(self, keep: frozenset[Place]) -> None:
        self.on = False
        self.roots: list[Call] = []
        self.places: set[Place] = set()
        self._keep = keep
        self._known: dict[CodeType, Place | None] = {}
        self._thread = threading.local()
        self._numbers = itertools.count()

    def walk(self) -> Iterator[Call]:
        """Yield every call, thread by thread."""
        for root in self.roots:
            yield from root.walk()

    @contextmanager
    def installed(self) -> Iterator[Recording]:
        """Follow this thread, and each that is started from now on."""
        threading.setprofile(self._follow)
        sys.setprofile(self._follow)
        try:
            yield self
        finally:
            self.on = False
            sys.setprofile(None)
            threading.setprofile(None)

    def _follow(self, frame: FrameType, event: str, arg: object) -> None:
        if event not in ("call", "return"):
            return
        place = self._ours(frame.f_code)
        if place is None:
            return
        stack: list[Call] = self._thread.__dict__.setdefault("stack", [])
        if event == "return":
            if stack:
                done = stack.pop()
                if place in self._keep:
                    done.result = arg
            return
        call = Call(place, next(self._numbers))
        if place in self._keep:
            call.arguments = dict(frame.f_locals)
        if self.on:
            self.places.add(place)
            call.recorded = True
            below = stack[-1].calls if stack and stack[-1].recorded else self.roots
            below.append(call)
        stack.append(call)

    def _ours(self, code: CodeType) -> Place | None:
        if code not in self._known:
            # The body of a class is not optimized: it runs once, when its module is imported.
            is_function = code.co_flags & inspect.CO_OPTIMIZED and code.co_name not in _NOT_A_CALL
            ours = code.co_filename.startswith(_OURS) and is_function
            self._known[code] = _place(code) if ours else None
        return self._known[code]
