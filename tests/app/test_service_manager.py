"""What a program says to its service manager."""

from __future__ import annotations

import socket
from contextlib import suppress

from kiosk.app.service_manager import ServiceManager


def test_readiness_is_said_again_where_it_was_not_heard() -> None:
    """Otherwise the manager would end it by the time-out of its start."""
    others, heard = b"of another program", set[bytes]()
    with (
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as hears,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as says,
    ):
        hears.bind("")  # to a free address, which the kernel chooses
        for each in (hears, says):
            each.setblocking(False)
        manager = ServiceManager(f"@{hears.getsockname()[1:].decode()}")
        with suppress(BlockingIOError):  # until there is no room
            while True:
                says.sendto(others, hears.getsockname())
        manager.beat()
        with suppress(BlockingIOError):
            while True:
                heard.add(hears.recv(64))
        manager.beat()
        assert (heard, hears.recv(64)) == ({others}, b"READY=1\nWATCHDOG=1")
