"""A server on an event loop of its own, in a thread that can be stopped and started again."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Callable
from concurrent.futures import Future

_WAIT_S = 10


class LoopThread:
    """Runs one TCP server on the loopback address."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended: asyncio.Event | None = None

    def start(
        self,
        protocol: Callable[[], asyncio.Protocol],
        port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> int:
        """Listen on ``port`` (0: a free one) and return it; raises ``OSError``."""
        listening: Future[int] = Future()
        serve = self._serve(protocol, port, tls, listening)
        self._thread = threading.Thread(
            target=lambda: asyncio.run(serve), name=self._name, daemon=True
        )
        self._thread.start()
        return listening.result(_WAIT_S)

    def stop(self) -> None:
        """Hang up, stop listening and end the thread; does nothing when it does not run."""
        if self._thread and self._loop and self._ended:
            self._loop.call_soon_threadsafe(self._ended.set)
            self._thread.join(_WAIT_S)
        self._thread = None

    async def _serve(
        self,
        protocol: Callable[[], asyncio.Protocol],
        port: int,
        tls: ssl.SSLContext | None,
        listening: Future[int],
    ) -> None:
        self._loop, self._ended = asyncio.get_running_loop(), asyncio.Event()
        lines: list[asyncio.Protocol] = []

        def remembered() -> asyncio.Protocol:
            lines.append(protocol())
            return lines[-1]

        try:
            server = await self._loop.create_server(remembered, "127.0.0.1", port, ssl=tls)
        except OSError as error:
            listening.set_exception(error)
            return
        listening.set_result(server.sockets[0].getsockname()[1])
        await self._ended.wait()
        server.close()
        await _hang_up(lines)


async def _hang_up(lines: list[asyncio.Protocol]) -> None:
    for line in lines:
        transport: asyncio.Transport | None = getattr(line, "transport", None)
        if transport is not None:
            transport.abort()
    for _ in range(3):  # each turn of the loop brings a socket one step nearer to its end
        await asyncio.sleep(0)
