"""Who is at the other end of a Unix socket, and TCP ports that nobody else is given."""

from __future__ import annotations

import secrets
import socket
import struct
from functools import cache

from kiosk.contract.errors import KioskError

_UCRED = struct.Struct("3i")


def user_of(connection: socket.socket) -> int:
    """Return the user id of the process that connected (SO_PEERCRED, unix(7))."""
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size)
    user_id: int = _UCRED.unpack(raw)[1]
    return user_id


def free_ports(count: int) -> range:
    """Return ``count`` consecutive TCP ports that no other process is given while this one lives.

    So nobody else listens there before a server does, or while it is restarted.
    """
    return _own_ports().take(count)


class _OwnPorts:
    """Gives each port of a block once; whoever holds a block's first port has all of it."""

    # Below the range of the kernel's outgoing connections, which would find a port free as well.
    _BLOCKS = range(16000, 32000, 50)

    def __init__(self) -> None:
        self._left = range(0)

    def take(self, count: int) -> range:
        while len(self._left) < count or not all(map(_is_free, self._left[:count])):
            self._left = self._left[count:] or self._block()
        taken, self._left = self._left[:count], self._left[count:]
        return taken

    def _block(self) -> range:
        for first in secrets.SystemRandom().sample(self._BLOCKS, len(self._BLOCKS)):
            held = socket.socket()
            try:
                held.bind(("", first))
            except OSError:
                held.close()
                continue
            held.detach()  # for as long as this process lives
            return range(first + 1, first + self._BLOCKS.step)
        raise KioskError("no free TCP ports")


_own_ports = cache(_OwnPorts)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("", port))
        except OSError:
            return False
    return True
