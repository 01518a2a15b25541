"""What a process does for itself and reports to its service manager."""

from __future__ import annotations

import gc
import os
import socket
import sys
from collections.abc import MutableMapping
from contextlib import suppress
from types import CodeType


def rest() -> None:
    """Disable the garbage collector until ``resume``.

    It would scan every module again and again, for a tenth of the time until the first page.
    """
    gc.disable()


def resume() -> None:
    """Enable it where it rests; present objects are exempt, so that later runs are short."""
    if not gc.isenabled():
        gc.freeze()
        gc.enable()


_IMMORTAL = 0xFFFF_FFFF
"""``_Py_IMMORTAL_REFCNT`` of Python 3.13's object.h, where there are 64 bits."""


def make_all_immortal() -> bool:
    """Make every object immortal (PEP 683), so that forked children share it for longer.

    A reference is counted in the object itself, and by that a child copies the page: also of what
    it only reads. What is made later is counted and freed as ever. What is there now never is, so
    nothing of it may be a secret, or a file that is closed by being dropped.

    Returns False, and does nothing, on other Pythons than the plain build of 3.13: 3.11 has no such
    objects, 3.14 marks them by another number. Within a version number and place stay as they are,
    since extension modules are compiled with them.
    """
    import ctypes  # only here: the program in a display's terminal does without it

    plain = not sys.abiflags and sys.maxsize > 2**32  # "t": free-threaded, "d": debug
    if sys.implementation.cache_tag != "cpython-313" or not plain:
        return False
    found = gc.get_objects()
    while found:
        mortal = []
        for each in found:
            count = ctypes.c_ssize_t.from_address(id(each))
            if count.value != _IMMORTAL:
                count.value = _IMMORTAL
                mortal.append(each)
        found = gc.get_referents(*mortal)
        for code in mortal:
            if type(code) is CodeType:  # which shows the collector of garbage nothing
                found += code.co_consts, code.co_names
                found += code.co_filename, code.co_name, code.co_qualname
    return True


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
