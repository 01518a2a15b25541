"""A PC/SC service of our own, with the virtual reader in it, in one directory.

The machine's own pcscd and readers are left alone. pcscd takes its socket from whoever
starts it (the file descriptor 3 of systemd's socket activation), and clients find it by
``PCSCLITE_CSOCK_NAME``, so any number of these can run beside each other.

The virtual reader's driver listens on a TCP port per slot; it binds every interface and
cannot be told otherwise (its mode for connecting outwards ends pcscd when a card leaves).
"""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
from pathlib import Path

from hardware.virtual.errors import VirtualHardwareError
from hardware.virtual.waiting import listening, wait_until

PCSCD = Path("/usr/sbin/pcscd")
DRIVER = Path("/usr/lib/pcsc/drivers/serial/libifdvpcd.so")
SETPRIV = Path("/usr/bin/setpriv")
SLOTS = 2
START_SECONDS = 10.0

# Runs in the child: the socket becomes descriptor 3, and the process id, which only the
# child knows before it becomes pcscd, goes into the environment. setpriv makes the kernel
# end pcscd when the thread that started it is gone, however it went.
_BECOME_PCSCD = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
os.execv(sys.argv[2], sys.argv[2:])
"""


class PrivatePcscd:
    """One pcscd in ``directory``; it keeps its socket path and ports over restarts.

    Start it from a thread that lives as long as the service is to live.
    """

    def __init__(self, directory: Path, friendly_name: str = "Virtual PCD") -> None:
        self.directory = directory
        self.socket_path = directory / "pcscd.comm"
        self.ports = free_ports(SLOTS)
        self.reader_names = tuple(f"{friendly_name} 00 {slot:02X}" for slot in range(SLOTS))
        self._friendly_name = friendly_name
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def env(self) -> dict[str, str]:
        """What a client needs in its environment to find this service."""
        return {"PCSCLITE_CSOCK_NAME": str(self.socket_path)}

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """The process id, for tests that stop or freeze it; raises when it does not run."""
        if self._process is None:
            raise VirtualHardwareError("the private pcscd is not running")
        return self._process.pid

    def start(self) -> None:
        """Start and return once the readers take cards; does nothing when it runs.

        Raises ``VirtualHardwareError`` when something is not installed or does not start.
        """
        if self.running:
            return
        check_installed()
        self._write_configuration()
        self._process = self._spawn()
        if not wait_until(self._ready, START_SECONDS):
            self.stop()
            raise VirtualHardwareError(f"pcscd did not start; its words are in {self._log_path}")

    def stop(self) -> None:
        """End it as the system would (SIGTERM); does nothing when it does not run."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it without warning (SIGKILL); the socket's file stays and refuses."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Stop and start at the same socket path and ports; cards that are in stay in."""
        self.stop()
        self.start()

    @property
    def _log_path(self) -> Path:
        return self.directory / "pcscd.log"

    @property
    def _configuration(self) -> Path:
        return self.directory / "reader.conf.d"

    def _ready(self) -> bool:
        if not self.running:
            return False
        return all(listening(port) for port in self.ports)

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(how)
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _write_configuration(self) -> None:
        self._configuration.mkdir(parents=True, exist_ok=True)
        port = self.ports[0]
        (self._configuration / "vpcd").write_text(
            f'FRIENDLYNAME "{self._friendly_name}"\n'
            f"DEVICENAME /dev/null:{port}\nLIBPATH {DRIVER}\nCHANNELID {port}\n"
        )

    def _spawn(self) -> subprocess.Popen[bytes]:
        with self._bound_socket() as listener, self._log_path.open("ab") as log:
            launcher = [sys.executable, "-I", "-S", "-c", _BECOME_PCSCD, str(listener.fileno())]
            tether = [str(SETPRIV), "--pdeathsig", "TERM", "--"]
            service = [str(PCSCD), "-f", "-c", str(self._configuration), "--disable-polkit"]
            return subprocess.Popen(  # noqa: S603 - fixed programs, no shell
                [*launcher, *tether, *service],
                pass_fds=[listener.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def _bound_socket(self) -> socket.socket:
        # pcscd alone must hold the listening socket: were ours left open, a client of a
        # dead pcscd would wait for ever instead of being refused.
        self.socket_path.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(os.fspath(self.socket_path))
        listener.listen(16)
        return listener


def check_installed() -> None:
    """Raise ``VirtualHardwareError`` with the package to install when a part is missing."""
    for path, package in (
        (PCSCD, "pcscd"),
        (DRIVER, "vsmartcard-vpcd"),
        (SETPRIV, "util-linux"),
    ):
        if not path.exists():
            raise VirtualHardwareError(f"{path} is missing: apt-get install {package}")


def free_ports(count: int) -> tuple[int, ...]:
    """Return consecutive TCP ports that are free on every interface just now."""
    # Below the range that the kernel hands out for outgoing connections, so that nobody
    # gets one of them by chance between here and pcscd's bind.
    for _ in range(200):
        first = 20000 + secrets.randbelow(12000)
        ports = tuple(range(first, first + count))
        if all(_is_free(port) for port in ports):
            return ports
    raise VirtualHardwareError("no free TCP ports for the virtual reader")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("", port))
        except OSError:
            return False
    return True
