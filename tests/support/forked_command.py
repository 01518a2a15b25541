"""The command ``kiosk`` of a fresh root, forked there from a process that has loaded the program.

Scripts call it some twenty times, and each start of the installed program takes a second of the
processor. What is called by this name is a script that passes its files to the process, which
forks; the child has the caller's account, folder, environment and umask, runs
``kiosk.__main__.main`` from the beginning, and its exit code is the caller's. Children of the
program are the installed one.
"""

from __future__ import annotations

import gc
import os
import re
import select
import signal
import socket
import struct
import sys
from pathlib import Path
from typing import Final

SOCKET: Final = "/stubs/kiosk.socket"
CALLER: Final = f"""\
#!{sys.executable} -IS
import os, socket, sys
with socket.socket(socket.AF_UNIX) as line:
    line.connect("{SOCKET}")
    socket.send_fds(line, ["\\0".join(["kiosk", *sys.argv[1:]]).encode()], [0, 1, 2])
    code = line.recv(64)
sys.exit(int(code) if code else "no process was forked")
"""
_ORDER_BYTES: Final = 1 << 20


def main() -> int:
    """Serve until the process that started this one has ended; do so in the background."""
    script = os.pidfd_open(os.getppid())
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(SOCKET)
    Path(SOCKET).chmod(0o666)
    listening.listen()
    if os.fork():
        return 0
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(nothing, fd)
    return _serve(script, listening)


def _serve(script: int, listening: socket.socket) -> int:
    """Fork for each caller; return what the program does in a child, and 0 at the end."""
    is_loaded = False
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those who answer callers
    while script not in select.select([script, listening.fileno()], [], [])[0]:
        caller, _ = listening.accept()
        if not is_loaded:
            from tests.support.prepared import load

            load()
            gc.collect()
            gc.freeze()
            is_loaded = True
        if not os.fork():
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            listening.close()
            os.close(script)
            return _answer(caller)
        caller.close()
    return 0


def _answer(caller: socket.socket) -> int:
    """Fork the program, and send the caller its exit code."""
    order, fds, _, _ = socket.recv_fds(caller, _ORDER_BYTES, 3)
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        code = os.waitstatus_to_exitcode(status)
        caller.send(b"%d" % (code if code >= 0 else 128 - code))
        os._exit(0)
    credentials = caller.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    pid, user, group = struct.unpack("3i", credentials)
    caller.close()
    _become(Path("/proc", str(pid)), user, group)
    for at, fd in enumerate(fds):
        os.dup2(fd, at)
        os.close(fd)
    sys.argv = order.decode().split("\0")

    from kiosk.__main__ import main

    return main()


def _become(caller: Path, user: int, group: int) -> None:
    """Take a process's folder, environment, umask and account."""
    status = (caller / "status").read_text()
    environ = (caller / "environ").read_bytes().rstrip(b"\0").split(b"\0")
    os.chdir(caller / "cwd")
    os.environ.clear()
    os.environb.update(dict(each.split(b"=", 1) for each in environ))
    os.umask(int(_field(status, "Umask"), 8))
    os.setgroups([int(each) for each in _field(status, "Groups").split()])
    os.setresgid(group, group, group)
    os.setresuid(user, user, user)


def _field(status: str, name: str) -> str:
    found = re.search(rf"^{name}:\t(.*)$", status, re.MULTILINE)
    assert found is not None
    return found[1]


if __name__ == "__main__":
    sys.exit(main())
