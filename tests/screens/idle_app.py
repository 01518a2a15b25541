"""When an application that a test runs has nothing left to do.

``Pilot.pause`` asks every widget to answer, which costs more than what most keys do, and
then watches the processor's clock, which says nothing on a busy machine. Here the event loop
is asked: it knows when no callback is ready and no file is readable.
"""

from __future__ import annotations

import asyncio
import selectors
import time
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any, TypeVar

import pytest
from rich.console import RenderableType
from textual._compositor import Compositor
from textual.css.model import RuleSet
from textual.css.parse import parse
from textual.css.tokenize import tokenize_values
from textual.css.tokenizer import Token
from textual.css.types import CSSLocation
from textual.screen import Screen

T = TypeVar("T")

PATIENCE_S = 60
_FRAME_S = 0.002
_KEPT_BACK_S = 1 / 30
"""Longer than Textual keeps a frame or a new size of the terminal back."""


class _Selector(selectors.DefaultSelector):
    """Is asked by the loop whenever that has run all that was ready."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.skip_until = 0.0
        self.waiting: list[asyncio.Future[None]] = []

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        if not self.waiting:
            began = time.monotonic()
            ready = super().select(timeout)
            self.now += time.monotonic() - began
        elif timeout is not None and (
            timeout <= _KEPT_BACK_S or self.now + timeout <= self.skip_until
        ):
            self.now += timeout
        else:
            self.now = max(self.now, self.skip_until)
            for future in self.waiting:
                if not future.done():
                    future.set_result(None)
            self.waiting.clear()
        return ready


class IdleLoop(asyncio.SelectorEventLoop):
    """An event loop that says when it has nothing to do, and whose clock stands while it works.

    So a slow machine lays out no more frames than a fast one, and no deadline passes because
    of the work that it is for.
    """

    def __init__(self) -> None:
        self._idle_selector = _Selector()
        super().__init__(self._idle_selector)

    def time(self) -> float:
        """Return the seconds that the loop has waited, or has skipped."""
        return self._idle_selector.now

    async def idle(self, seconds: float) -> None:
        """Wait until nothing is ready, and nothing will be in ``seconds`` and a frame.

        What is due within that time is not waited for: it comes at once.
        """
        selector, future = self._idle_selector, self.create_future()
        selector.skip_until = max(selector.skip_until, selector.now + seconds)
        selector.waiting.append(future)
        await future


class _LatePainter(Compositor):
    """Paints when somebody looks, where there is no terminal.

    Textual paints each frame, and then throws it away where there is nothing to show it on: a
    fifth of the work of a test. Nothing public puts off the painting alone:
    ``App.batch_update`` puts off the layout, too.
    """

    def render_update(
        self,
        full: bool = False,
        screen_stack: list[Screen[Any]] | None = None,
        simplify: bool = False,
    ) -> RenderableType | None:
        """Paint nothing that nobody sees; ``full`` is asked for by who looks at the screen."""
        headless = self.root is not None and self.root.app.is_headless
        if full or not headless or not isinstance(asyncio.get_running_loop(), IdleLoop):
            return super().render_update(full, screen_stack, simplify)
        return None


def run(main: Coroutine[Any, Any, T]) -> T:
    """Do what ``asyncio.run`` does, on such a loop."""
    with short_frames(), asyncio.Runner(loop_factory=IdleLoop) as runner:
        return runner.run(main)


@contextmanager
def short_frames() -> Iterator[None]:
    """Let applications that start in here lay their pages out as often as a test asks.

    Textual counts its frames by the real clock, and one frame may follow another in a test
    sooner than a sixtieth of a second. They share the style sheets that they have read: reading
    them was an eighth of a start.
    """
    with pytest.MonkeyPatch.context() as textual:
        textual.setattr("textual.screen.UPDATE_PERIOD", _FRAME_S)
        textual.setattr("textual.screen.Compositor", _LatePainter)
        textual.setattr("textual.css.stylesheet.tokenize_values", _tokens)
        textual.setattr("textual.css.stylesheet.parse", _rules)
        yield


_Variables = dict[str, list[Token]]


@cache
def _tokens_of(values: frozenset[tuple[str, str]]) -> _Variables:
    return tokenize_values(dict(values))


def _tokens(values: Mapping[str, str]) -> _Variables:
    """Return the same for the same theme: ``_rules`` looks up by it."""
    return _tokens_of(frozenset(values.items()))


_read: dict[tuple[object, ...], tuple[_Variables, list[RuleSet]]] = {}


def _rules(
    scope: str,
    css: str,
    read_from: CSSLocation,
    *,
    variable_tokens: _Variables,
    is_default_rules: bool,
    tie_breaker: int,
) -> list[RuleSet]:
    key = (scope, css, read_from, id(variable_tokens), is_default_rules, tie_breaker)
    if key not in _read:
        found = parse(scope, css, read_from, None, variable_tokens, is_default_rules, tie_breaker)
        _read[key] = variable_tokens, list(found)  # it keeps the id from being another's
    return _read[key][1]


async def still(seconds: float = 0.0) -> None:
    """Let ``seconds`` pass at once, and wait until all is worked off.

    What runs in threads, or waits for a later time, is not waited for.
    """
    loop = asyncio.get_running_loop()
    assert isinstance(loop, IdleLoop)
    async with asyncio.timeout(seconds + PATIENCE_S):
        await loop.idle(seconds)
