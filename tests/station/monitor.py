"""A monitor of readers that posts what it is told."""

from __future__ import annotations

import time
from collections.abc import Callable

from kiosk.contract.ports import PostReaderEvent, ReaderEvent


class FakeMonitor:
    """Posts what the test says; stopping takes a moment, as a real one does."""

    def __init__(self, post: PostReaderEvent) -> None:
        self.post: Callable[[ReaderEvent], None] = post
        self.running = False

    def start(self) -> None:
        self.running = True

    def stop(self) -> None:
        time.sleep(0.02)  # the moment itself
        self.running = False
