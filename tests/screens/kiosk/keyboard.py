"""A keyboard, or what says that it is one: its bytes pass the real decoder and driver to an app."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

from textual import events
from textual.message import Message
from textual.pilot import Pilot

from screens.kiosk.app import KioskApp
from screens.kiosk.page import Page
from screens.terminal.decoder import Decoder
from screens.terminal.driver import StationDriver, TokenBucket
from tests.screens.pilots import settled

SCANNED = b"140718263059172648"
"""As many digits as the QR of a mail has."""


class _WiredDriver(StationDriver):
    def process_message(self, message: Message) -> None:
        app = cast(KioskApp, self._app)
        message.set_sender(app)
        if isinstance(message, events.Event) and isinstance(app.screen, Page):
            message.time = app.screen.context.now()
        app.post_message(message)


class Keyboard:
    """Sends bytes that one read returns, with silence only where ``is_silent`` is called."""

    def __init__(self, pilot: Pilot[int]) -> None:
        self._pilot = pilot
        self._decoder = Decoder()
        self._driver = _WiredDriver(pilot.app)
        self._bucket = TokenBucket(lambda: 0.0)

    async def sends(self, data: bytes) -> None:
        self._driver._pass_on(self._decoder.feed(data), self._bucket)
        await settled(self._pilot)

    async def is_silent(self) -> None:
        self._driver._pass_on(self._decoder.expire(), self._bucket)
        await settled(self._pilot)


@contextmanager
def keyboard(pilot: Pilot[int]) -> Iterator[Keyboard]:
    numbers = (signal.SIGTSTP, signal.SIGCONT, signal.SIGWINCH)
    before = [signal.getsignal(number) for number in numbers]
    try:
        yield Keyboard(pilot)
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
