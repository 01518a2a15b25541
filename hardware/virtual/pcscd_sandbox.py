"""The program that becomes a private pcscd, run by path: it imports nothing of the house.

In a mount and a network namespace of its own pcscd keeps its pid file to itself and the
virtual reader, which listens on every interface, has only a loopback that is not the
machine's. The porter, a child that stays behind, lets cards in: asked over a Unix socket
for a slot, it opens the connection inside and hands the socket out.

Arguments: ``isolated`` or ``plain``, the descriptor of pcscd's listening socket, that of
the porter's, the reader's first TCP port, then pcscd's command line.
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
PATIENCE_SECONDS = 0.5

_PR_SET_PDEATHSIG = 1
_SIOCSIFFLAGS = 0x8914
_IFF_UP = 1


def main(arguments: Sequence[str]) -> None:
    """Prepare, leave the porter behind, and become pcscd."""
    how, listener, porter, port, *service = arguments
    starter = os.getppid()
    if how == "isolated":
        _hide_run()
        _raise_loopback()
    service_to_be = os.getpid()  # noted before the fork: a pcscd that fails may be gone by then
    if os.fork() == 0:
        _end_with(service_to_be, signal.SIGKILL)
        os.close(int(listener))
        carry(socket.socket(fileno=int(porter)), int(port))
    os.close(int(porter))
    os.dup2(int(listener), LISTEN_DESCRIPTOR)
    os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
    _end_with(starter, signal.SIGTERM)
    os.execv(service[0], service)  # noqa: S606 - a fixed program, no shell


def carry(porter: socket.socket, port: int) -> None:
    """Answer every caller with a connection to the slot that it names, for ever."""
    while True:
        caller, _ = porter.accept()
        with caller:
            caller.settimeout(PATIENCE_SECONDS)
            try:
                _hand_out(caller, port + caller.recv(1)[0])
            except (OSError, IndexError):
                continue  # no reader yet, or a caller that went away: it will ask again


def _hand_out(caller: socket.socket, port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), PATIENCE_SECONDS) as inside:
        socket.send_fds(caller, [b"+"], [inside.fileno()])


def _hide_run() -> None:
    own = Path("/run/pcscd")
    where = own if own.is_dir() else own.parent
    library = ctypes.CDLL(None, use_errno=True)
    if library.mount(b"tmpfs", os.fsencode(where), b"tmpfs", 0, None) != 0:
        raise OSError(ctypes.get_errno(), f"cannot mount a private {where}")


def _raise_loopback() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", _IFF_UP))


def _end_with(parent: int, how: signal.Signals) -> None:
    """Let the kernel end this process when its parent is gone, however it went."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(how), 0, 0, 0)
    if os.getppid() != parent:  # it went before the line above
        sys.exit(1)


if __name__ == "__main__":
    main(sys.argv[1:])
