"""Who is at the other end of a Unix socket, by the kernel."""

from __future__ import annotations

import socket
import struct

_UCRED = struct.Struct("3i")


def user_of(connection: socket.socket) -> int:
    """Return the user id of the process that connected (SO_PEERCRED, unix(7))."""
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size)
    user_id: int = _UCRED.unpack(raw)[1]
    return user_id
