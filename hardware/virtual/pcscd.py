"""A private PC/SC service with the virtual reader, in one directory.

It does not touch the machine's pcscd and readers. pcscd takes its socket from the process that
starts it (the file descriptor 3 of systemd's socket activation), and clients find it by
``PCSCLITE_CSOCK_NAME``, so any number of these can run at the same time. Where the machine allows
namespaces nothing is reachable over a network and no privilege is needed; where it does not (root
in a container), the reader's ports are open on all interfaces, because its driver binds them so.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hardware.virtual import pcscd_sandbox
from kiosk.contract.errors import KioskError
from kiosk.system import child
from kiosk.system.sockets import free_ports

PCSCD = Path("/usr/sbin/pcscd")
DRIVER = Path("/usr/lib/pcsc/drivers/serial/libifdvpcd.so")
UNSHARE = Path("/usr/bin/unshare")
SLOTS = 2
START_SECONDS = 10.0
DIAL_SECONDS = 2.0
STEP_SECONDS = 0.01
_LISTEN = "0A"


class VirtualHardwareError(KioskError):
    """A part is not installed or does not start; the message names what to do."""


def wait_until(ready: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() >= deadline:
            return False
        time.sleep(STEP_SECONDS)
    return True


def listening(pid: int, port: int) -> bool:
    """Return whether a process listens on the IPv4 TCP ``port`` in the network of ``pid``.

    Read from the kernel's table: a connection would be taken for a card that goes in.
    """
    try:
        lines = Path(f"/proc/{pid}/net/tcp").read_text().splitlines()
    except OSError:
        return False  # the process has just gone
    sockets = (line.split() for line in lines[1:])
    ports = (int(at.rpartition(":")[2], 16) for _, at, _, state, *_ in sockets if state == _LISTEN)
    return port in ports


@dataclass(frozen=True, slots=True)
class Slot:
    """One slot of the virtual reader; any process of the same user can insert a card."""

    slot_server: Path
    number: int
    reader: str
    """The name under which PC/SC shows this slot."""

    def dial(self) -> socket.socket:
        """Return a connection to the reader; raises ``OSError`` while there is none."""
        with socket.socket(socket.AF_UNIX) as caller:
            caller.settimeout(DIAL_SECONDS)
            caller.connect(str(self.slot_server))
            caller.sendall(bytes([self.number]))
            _, descriptors, _, _ = socket.recv_fds(caller, 1, 1)
        if not descriptors:
            raise ConnectionRefusedError("the reader does not take a card now")
        return socket.socket(fileno=descriptors[0])


class PrivatePcscd:
    """One pcscd in ``directory``; it ends with the thread that starts it. Its paths stay."""

    def __init__(self, directory: Path, friendly_name: str = "Virtual PCD") -> None:
        self.directory = directory
        self.socket_path = directory / "pcscd.comm"
        self._slot_server_path = directory / "slots.comm"
        self._log_path = directory / "pcscd.log"
        self._configuration = directory / "reader.conf.d"
        self._friendly_name = friendly_name
        self._process: child.Process | None = None
        self.port = 0

    @property
    def slots(self) -> tuple[Slot, ...]:
        """The reader's slots, for ``CardLink``."""
        return tuple(
            Slot(self._slot_server_path, number, f"{self._friendly_name} 00 {number:02X}")
            for number in range(SLOTS)
        )

    @property
    def reader_names(self) -> tuple[str, ...]:
        return tuple(slot.reader for slot in self.slots)

    @property
    def env(self) -> dict[str, str]:
        """The environment of a client of this service."""
        return {"PCSCLITE_CSOCK_NAME": str(self.socket_path)}

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """pcscd's process id; raises ``VirtualHardwareError`` when it does not run."""
        if self._process is None or not self.running:
            raise VirtualHardwareError("the private pcscd is not running")
        return self._process.pid

    def start(self) -> None:
        """Start pcscd, unless it runs, and await its readers; raises ``VirtualHardwareError``."""
        if self.running:
            return
        check_installed()
        isolated = can_isolate()
        self.port = free_ports(SLOTS)[0]
        self._write_configuration()
        self._process = self._spawn(isolated)
        wait_until(lambda: self._ready() or not self.running, START_SECONDS)
        if not self._ready():
            self.stop()
            printed = self._log_path.read_text(errors="replace").strip().splitlines()[-3:]
            hint = (
                "" if isolated or os.geteuid() == 0 else "; without user namespaces it needs root"
            )
            because = " / ".join(printed) or "it printed nothing"
            raise VirtualHardwareError(f"the private pcscd did not start{hint}: {because}")

    def stop(self) -> None:
        """Send SIGTERM; does nothing when it does not run."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Send SIGKILL; the socket's file stays and refuses."""
        self._end(signal.SIGKILL)

    def _ready(self) -> bool:
        ports = range(self.port, self.port + SLOTS)
        return self.running and all(listening(self.pid, port) for port in ports)

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        child.end(process, how)

    def _write_configuration(self) -> None:
        self._configuration.mkdir(parents=True, exist_ok=True)
        (self._configuration / "vpcd").write_text(
            f'FRIENDLYNAME "{self._friendly_name}"\n'
            f"DEVICENAME /dev/null:{self.port}\n"
            f"LIBPATH {DRIVER}\n"
            f"CHANNELID {self.port}\n"
        )

    def _spawn(self, isolated: bool) -> child.Process:
        # Both sockets are the child's alone from here: while this process kept pcscd's socket open,
        # a client of a dead pcscd would wait for ever instead of being refused.
        with (
            _listener(self.socket_path) as listener,
            _listener(self._slot_server_path) as slot_server,
            self._log_path.open("ab") as log,
        ):
            passed = listener.fileno(), slot_server.fileno()
            sandbox = [sys.executable, "-I", "-S", str(Path(pcscd_sandbox.__file__).resolve())]
            numbers = [*map(str, passed), str(self.port)]
            service = [str(PCSCD), "-f", "-c", str(self._configuration), "--disable-polkit"]
            how = [*_unshare(), *sandbox, "isolated"] if isolated else [*sandbox, "plain"]
            return child.start(
                *(*how, *numbers, *service),
                files=passed,
                environ=self._service_environment(),
                own_session=True,
                stdout=log,
                stderr=log,
            )

    def _service_environment(self) -> dict[str, str]:
        # No drivers for USB: a real reader on this machine belongs to the machine's pcscd.
        return {**os.environ, "PCSCLITE_HP_DROPDIR": str(self._configuration)}


def check_installed() -> None:
    """Raise ``VirtualHardwareError`` naming the package to install when a part is missing."""
    parts = ((PCSCD, "pcscd"), (DRIVER, "vsmartcard-vpcd"), (UNSHARE, "util-linux"))
    for path, package in parts:
        if not path.exists():
            raise VirtualHardwareError(f"{path} is missing: apt-get install {package}")


def can_isolate() -> bool:
    """Return whether this user may create namespaces on this machine."""
    return child.run(*_unshare(), "true").code == 0


def _unshare() -> list[str]:
    become_root = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    return [str(UNSHARE), *become_root, "--mount", "--net", "--"]


def _listener(path: Path) -> socket.socket:
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(os.fspath(path))
    listener.listen(16)
    return listener
