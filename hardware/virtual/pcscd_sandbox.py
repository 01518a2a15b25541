"""The program that becomes a private pcscd, run by path: it imports the standard library only.

Separate mount and network namespaces keep pcscd's pid file private and leave the virtual reader,
which listens on every interface, only a private loopback. A child process, the slot server,
connects cards: asked over a Unix socket for a slot, it opens the connection inside the namespace
and passes the socket out.

Arguments: ``isolated`` or ``plain``, the descriptor of pcscd's listening socket, that of the slot
server's, the reader's first TCP port, then pcscd's command line.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import signal
import socket
import struct
import sys
from collections.abc import Sequence
from pathlib import Path

LISTEN_DESCRIPTOR = 3
TIMEOUT_SECONDS = 0.5

_PR_SET_PDEATHSIG = 1
_SIOCSIFFLAGS = 0x8914
_IFF_UP = 1


def main(arguments: Sequence[str]) -> None:
    """Prepare, fork the slot server, and become pcscd."""
    how, listener, slot_server, port, *service = arguments
    starter = os.getppid()
    if how == "isolated":
        own = Path("/run/pcscd")
        where = own if own.is_dir() else own.parent
        library = ctypes.CDLL(None, use_errno=True)
        if library.mount(b"tmpfs", os.fsencode(where), b"tmpfs", 0, None) != 0:
            raise OSError(ctypes.get_errno(), f"cannot mount a private {where}")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
            fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", _IFF_UP))
    service_to_be = os.getpid()  # before the fork: a pcscd that fails may have ended by then
    if os.fork() == 0:
        _end_with(service_to_be, signal.SIGKILL)
        os.close(int(listener))
        serve_slots(socket.socket(fileno=int(slot_server)), int(port))
    os.close(int(slot_server))
    os.dup2(int(listener), LISTEN_DESCRIPTOR)
    os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
    _end_with(starter, signal.SIGTERM)
    os.execv(service[0], service)  # noqa: S606 - a fixed program, no shell


def serve_slots(slot_server: socket.socket, port: int) -> None:
    """Answer every caller with a connection to the slot that it names, without end."""
    while True:
        caller, _ = slot_server.accept()
        with caller:
            caller.settimeout(TIMEOUT_SECONDS)
            try:
                slot = ("127.0.0.1", port + caller.recv(1)[0])
                with socket.create_connection(slot, TIMEOUT_SECONDS) as inside:
                    socket.send_fds(caller, [b"+"], [inside.fileno()])
            except (OSError, IndexError):
                continue  # no reader yet, or the caller went away: it will ask again


def _end_with(parent: int, how: signal.Signals) -> None:
    """Let the kernel end this process when its parent has ended, for whatever reason."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(how), 0, 0, 0)
    if os.getppid() != parent:  # it went before the line above
        sys.exit(1)


if __name__ == "__main__":
    main(sys.argv[1:])
