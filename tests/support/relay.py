"""Passes on between standard input and output and a port of this machine, for one connection."""

from __future__ import annotations

import os
import socket
import sys
import threading


def main(port: int) -> None:
    """Return once the other side has closed."""
    there = socket.create_connection(("127.0.0.1", port))
    threading.Thread(target=_send, args=(there,), daemon=True).start()
    while data := there.recv(65536):
        while data:
            data = data[os.write(1, data) :]


def _send(there: socket.socket) -> None:
    while data := os.read(0, 65536):
        there.sendall(data)
    there.shutdown(socket.SHUT_WR)


if __name__ == "__main__":
    main(int(sys.argv[1]))
