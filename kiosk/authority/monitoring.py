"""``/healthz``, ``/readyz`` and ``/metrics``: for those who run the service, apart from stations.

Everybody who can reach it is answered: it is a socket of this machine, or a port that a firewall
keeps. Nothing it says names a person, a station or a visit.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST

from kiosk.authority.server import remove_stale
from kiosk.contract.errors import ConfigError

WAIT_S = 10.0
"""How long an idle connection is kept, and how long answers that are under way are waited for."""


class MonitoringServer:
    """Answers on one event loop; ``not_ready`` says why no calls may come, and is empty otherwise.

    It and ``metrics`` are called on threads.
    """

    def __init__(self, not_ready: Callable[[], str], metrics: Callable[[], bytes]) -> None:
        self._not_ready = not_ready
        self._metrics = metrics
        self._http = web.Server(self._handle, access_log=None, keepalive_timeout=WAIT_S)
        self._listening: asyncio.Server | None = None

    async def listen(self, place: str) -> int:
        """Answer at a host and port, whose port is returned, or at the path of a socket.

        Raises ``ConfigError`` where that cannot be.
        """
        loop = asyncio.get_running_loop()
        try:
            if place.startswith("/"):
                remove_stale(Path(place))
                before = os.umask(0o117)
                try:
                    self._listening = await loop.create_unix_server(self._http, place)
                finally:
                    os.umask(before)
                return 0
            host, _, port = place.rpartition(":")
            self._listening = await loop.create_server(self._http, host.strip("[]"), int(port))
        except OSError as error:
            raise ConfigError(f"monitoring.listen: {place}: {error.strerror}") from None
        found: int = self._listening.sockets[0].getsockname()[1]
        return found

    async def close(self) -> None:
        """Answer nobody any more."""
        if self._listening is not None:
            self._listening.close()
        await self._http.shutdown(WAIT_S)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.method not in ("GET", "HEAD"):
            return web.Response(status=405)
        match request.path:
            case "/healthz":
                return web.Response(text="the process answers\n")
            case "/readyz":
                because = await asyncio.to_thread(self._not_ready)
                return web.Response(status=503 if because else 200, text=f"{because or 'ready'}\n")
            case "/metrics":
                body = await asyncio.to_thread(self._metrics)
                return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})
            case _:
                return web.Response(status=404)
