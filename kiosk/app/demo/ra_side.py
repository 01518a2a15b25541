"""The RA application in the demo: two managers with throw-away keys, here and by SSH."""

from __future__ import annotations

import getpass
import os
import secrets
import shlex
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from kiosk.app.composition.opening import open_desk, open_store
from kiosk.app.composition.station import BackgroundExecutor, OpenExecutor
from kiosk.authority.administration.login import VARIABLE
from kiosk.authority.administration.views import Actor, Grounds
from kiosk.authority.roles import Role
from kiosk.config.settings import Settings
from kiosk.contract.messages import ReaderState
from kiosk.contract.ports import SystemClock
from kiosk.station.loop import IdleTimes
from kiosk.system import child
from kiosk.system.sockets import free_ports

MANAGER, SECOND = "Mina Demo", "Noor Demo"
"""Neither added the other, so each can agree to what the other proposed."""

_SSHD = "/usr/sbin/sshd"
_CONFIGURATION = """\
Port {port}
ListenAddress 127.0.0.1
HostKey "{folder}/ra_key"
PidFile none
UsePAM no
StrictModes no
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
AuthorizedKeysFile none
AuthorizedKeysCommand {keys}
AuthorizedKeysCommandUser {account}
ExposeAuthInfo yes
ForceCommand {command}
DisableForwarding yes
AcceptEnv none
"""
_CLIENT = """\
Host ra
IdentityFile "{tokens}/ra_key"
Host second
IdentityFile "{tokens}/second_key"
Host ra second
HostName 127.0.0.1
Port {port}
# One a second: the server may be a moment in starting.
ConnectionAttempts 120
User {account}
IdentitiesOnly yes
IdentityAgent none
HostKeyAlias ra
UserKnownHostsFile "{tokens}/known_hosts"
GlobalKnownHostsFile none
StrictHostKeyChecking yes
"""
_ROOM = 42
"""Room in the strip for the line on the narrowest terminal: it is useless when it wraps."""

_PATIENCE_S = 10

READ_S = 4.0
"""How long the reason stays for which the application could not be opened, or ended."""


class RaSide:
    """Made in ``folder`` for the settings at ``config``; ``stop`` ends its SSH server."""

    def __init__(self, folder: Path, config: Path) -> None:
        self._folder = folder
        settings, log = ("--config", str(config)), str(folder / "ra.log")
        self._command = child.this_program("admin", *settings, "--log", log)
        # sshd runs only what root owns: one of the system's programs runs it.
        keys = child.this_program("staff", "authorized-keys", *settings)
        self._keys = ("/usr/bin/env", *keys)
        self._sshd: child.Process | None = None
        self._link: Path | None = None
        self.ssh = ""
        """The line that opens it from another terminal; empty without OpenSSH."""

    def prepare(self, settings: Settings, environ: Mapping[str, str]) -> None:
        """Make the keys, add them to the managers, and start the server where one is installed."""
        public, second = self._make_key("ra_key"), self._make_key("second_key")
        store, clock = open_store(settings, SystemClock(), environ), SystemClock()
        desk = open_desk(settings, environ, store, clock, Actor("demo", Role.MANAGER))
        desk.staff.add(MANAGER, Role.MANAGER, public, Grounds("first manager of the demo"))
        desk.staff.add(SECOND, Role.MANAGER, second, Grounds("second manager of the demo"))
        store.close()
        (self._folder / "ra_login").write_text(f"publickey {public}\n")
        if Path(_SSHD).exists() and shutil.which("ssh"):
            self._start_sshd(public)

    def open(self, open_executor: Callable[[], OpenExecutor]) -> None:
        """Run the RA application in this terminal until it is left.

        For the authority the station still runs: otherwise the demo itself would cause alarms.
        """
        login = {VARIABLE: str(self._folder / "ra_login")}
        with keep_up(open_executor, IdleTimes().check_s):
            code = child.show(*self._command, environ=os.environ | login, has_terminal=True)
        if code:
            # It says why it cannot be opened, and the station's first page would cover that.
            time.sleep(READ_S)

    def stop(self) -> None:
        """End the server and its sessions; return when none of their processes is left."""
        if self._link is not None:
            self._link.unlink(missing_ok=True)
        if self._sshd is not None:
            sessions = psutil.Process(self._sshd.pid).children(recursive=True)
            child.end(self._sshd)
            self._sshd = None
            # The programs first: sshd removes a login's files in /tmp only after them.
            programs = []
            for one in sessions:
                with suppress(psutil.NoSuchProcess):  # it has ended since
                    if "sshd" not in one.name():
                        programs.append(one)
                        one.terminate()
            if programs:
                psutil.wait_procs(sessions, _PATIENCE_S)
            for one in sessions:
                with suppress(psutil.NoSuchProcess):
                    one.kill()
            psutil.wait_procs(sessions, _PATIENCE_S)

    def _make_key(self, name: str) -> str:
        key = Ed25519PrivateKey.generate()
        private = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
        public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
        path = self._folder / name
        path.unlink(missing_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(private)
        path.with_suffix(".pub").write_text(f"{public}\n")
        return public

    def _start_sshd(self, public: str) -> None:
        [port] = free_ports(1)
        tokens = str(self._folder).replace("%", "%%")
        configuration = self._folder / "sshd_config"
        configuration.write_text(
            _CONFIGURATION.format(
                port=port,
                folder=self._folder,
                keys=f"{shlex.join(self._keys).replace('%', '%%')} --fingerprint %f",
                account=getpass.getuser(),
                command=shlex.join(self._command),
            )
        )
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        with (self._folder / "sshd.log").open("wb") as log:
            self._sshd = child.start(_SSHD, "-D", "-e", "-f", str(configuration), stderr=log)
        (self._folder / "known_hosts").write_text(f"ra {public}\n")
        client = self._folder / "ssh"
        client.write_text(_CLIENT.format(port=port, account=getpass.getuser(), tokens=tokens))
        self.ssh = f"ssh -F {shlex.quote(str(client))} ra"
        if len(self.ssh) > _ROOM:
            self._link = Path(f"/tmp/kiosk-demo-{secrets.token_hex(4)}")  # noqa: S108 - not guessed
            self._link.symlink_to(self._folder)
            self.ssh = f"ssh -F {self._link}/ssh ra"


@contextmanager
def keep_up(open_executor: Callable[[], OpenExecutor], every_s: float) -> Iterator[None]:
    """Continue a station's work while nobody is there: heartbeats, and the caretaker."""
    executor, ended = BackgroundExecutor(open_executor), threading.Event()

    def check() -> None:
        executor.check_authority(ReaderState.READY, idle=True)
        while not ended.wait(every_s):
            executor.check_authority(ReaderState.READY, idle=True)

    thread = threading.Thread(target=check, name="station")
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        executor.close()
