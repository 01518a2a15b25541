"""What a process reports to its service manager (sd_notify(3))."""

from __future__ import annotations

import os
import socket
from collections.abc import MutableMapping
from contextlib import suppress


class ServiceManager:
    """Sends states such as ``READY=1`` to the socket at ``address``; "" is none, and hears nothing.

    ``watchdog_s`` is the time after which the manager ends a program that is silent.
    """

    def __init__(self, address: str, watchdog_s: float | None = None) -> None:
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self.watchdog_s = watchdog_s

    @property
    def is_there(self) -> bool:
        return bool(self._address)

    def notify(self, state: str) -> None:
        """Send ``state``; never blocks, and ignores a manager that is gone."""
        if not self.is_there:
            return
        with (
            suppress(OSError),
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out,
        ):
            out.setblocking(False)
            out.sendto(state.encode(), self._address)

    def beat(self) -> None:
        """Say that the program is ready and alive: each time both, as a state may be lost."""
        self.notify("READY=1\nWATCHDOG=1")


def take_service_manager(environ: MutableMapping[str, str]) -> ServiceManager:
    """Return the manager that ``environ`` names, if any; no child inherits it."""
    address = environ.pop("NOTIFY_SOCKET", "")
    limit, pid = environ.pop("WATCHDOG_USEC", ""), environ.pop("WATCHDOG_PID", "")
    if not address.startswith(("/", "@")):
        return ServiceManager("")
    is_ours = pid in ("", str(os.getpid()))
    return ServiceManager(address, int(limit) / 1e6 if limit.isdecimal() and is_ours else None)
