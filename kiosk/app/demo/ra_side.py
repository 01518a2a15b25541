"""The RA's side of the demo: a manager with a throw-away key, here and by SSH to this machine."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from kiosk.app.composition.opening import open_store
from kiosk.app.composition.staff import build_desk
from kiosk.app.config.settings import Settings
from kiosk.authority.administration.login import VARIABLE
from kiosk.authority.administration.views import Actor, Grounds
from kiosk.authority.roles import Role
from kiosk.contract.clock import SystemClock

MANAGER = "Mina Demo"
_SSHD = "/usr/sbin/sshd"
_CONFIGURATION = """\
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/ra_key
PidFile none
UsePAM no
StrictModes no
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
AuthorizedKeysFile {folder}/ra_key.pub
ExposeAuthInfo yes
ForceCommand {program} admin --config {config} --log {folder}/ra.log
DisableForwarding yes
AcceptEnv none
"""


class RaSide:
    """Made in ``folder`` for the settings at ``config``; ``stop`` ends its SSH server."""

    def __init__(self, folder: Path, config: Path) -> None:
        self._folder = folder
        self._config = config
        self._program = [sys.executable, "-I", "-m", "kiosk"]
        self._sshd: subprocess.Popen[bytes] | None = None
        self.ssh = ""
        """The line that opens it from another terminal; empty where there is no sshd."""

    def prepare(self, settings: Settings, environ: Mapping[str, str]) -> None:
        """Make the key, let it in as a manager's, and start the server where one is installed."""
        public = self._make_key()
        store, clock = open_store(settings, SystemClock(), environ), SystemClock()
        desk = build_desk(settings, environ, store, clock, Actor("demo", Role.MANAGER))
        desk.staff.add(MANAGER, Role.MANAGER, public, Grounds("first manager of the demo"))
        store.close()
        (self._folder / "ra_login").write_text(f"publickey {public}\n")
        if Path(_SSHD).exists() and shutil.which("ssh"):
            self._start_sshd()

    def open(self) -> None:
        """Run the RA application in this terminal until it is left."""
        words = ["admin", "--config", str(self._config), "--log", str(self._folder / "ra.log")]
        login = {VARIABLE: str(self._folder / "ra_login")}
        subprocess.run([*self._program, *words], env=os.environ | login)  # noqa: S603 - ours

    def stop(self) -> None:
        """End the server; sessions that are open end with their clients."""
        if self._sshd is not None:
            self._sshd.terminate()
            self._sshd.wait()

    def _make_key(self) -> str:
        key = Ed25519PrivateKey.generate()
        private = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
        public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
        path = self._folder / "ra_key"
        path.unlink(missing_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(private)
        path.with_suffix(".pub").write_text(f"{public}\n")
        return public

    def _start_sshd(self) -> None:
        port = _free_port()
        configuration = self._folder / "sshd_config"
        configuration.write_text(
            _CONFIGURATION.format(
                port=port,
                folder=self._folder,
                program=" ".join(self._program),
                config=self._config,
            )
        )
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        with (self._folder / "sshd.log").open("wb") as log:
            self._sshd = subprocess.Popen(  # noqa: S603 - ours
                [_SSHD, "-D", "-e", "-f", str(configuration)], stdin=subprocess.DEVNULL, stderr=log
            )
        self.ssh = f"ssh -p {port} -i {self._folder}/ra_key {getpass.getuser()}@localhost"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
