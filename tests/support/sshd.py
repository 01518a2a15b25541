"""A real sshd on loopback with the product's own drop-in, and real clients with real keys.

The drop-in is the file that is shipped: only the account, the program's place and the
settings are put in for the machine that the tests run on. What stands around it is what
Debian's own file has, environment and file transfer included, so that it is the drop-in
that has to close them.
"""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

from kiosk.system.sockets import free_ports

SSHD = Path("/usr/sbin/sshd")
DROP_IN = Path(__file__).parents[2] / "systemd" / "sshd_config.d" / "50-kiosk-ra.conf"
PROGRAM = Path(sys.executable).with_name("kiosk")

AROUND = """\
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host
PidFile {folder}/sshd.pid
LogLevel VERBOSE
UsePAM no
PermitRootLogin prohibit-password
AllowTcpForwarding yes
AllowAgentForwarding yes
X11Forwarding yes
AcceptEnv LANG LC_* COLORTERM NO_COLOR KIOSK_* PYTHON*
PrintMotd no
Subsystem sftp /usr/lib/openssh/sftp-server
SetEnv SHLVL=1
"""
"""With SHLVL, bash reads no ~/.bashrc of whoever runs the tests: it may wait for a lock."""


class Sshd:
    """One server in ``folder`` for the settings at ``config``; ``start`` and ``stop``.

    ``careless`` names a file of keys that it lets in without asking the service.
    """

    def __init__(self, folder: Path, config: Path, careless: Path | None = None) -> None:
        self.folder = folder
        self.account = getpass.getuser()
        [self.port] = free_ports(1)
        self.sessions_log = folder / "ra.log"
        self.sessions_socket = folder / "sessions.sock"
        self._config = config
        self._careless = careless
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Write the configuration and wait until it answers."""
        self.folder.mkdir(mode=0o700)
        privilege_separation_folder()
        make_key(self.folder / "host")
        (self.folder / "sshd_config").write_text(self._configuration())
        log = (self.folder / "sshd.log").open("wb")
        self._process = subprocess.Popen(
            [str(SSHD), "-D", "-e", "-f", str(self.folder / "sshd_config")],
            stderr=log,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        log.close()
        self._await_answer()

    def stop(self) -> None:
        """End the server; its sessions end with their clients."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait()

    @property
    def log(self) -> str:
        """What the server said."""
        return (self.folder / "sshd.log").read_text(errors="replace")

    def client(self, key: Path, *words: str, options: tuple[str, ...] = ()) -> list[str]:
        """Return the command of a client that logs in with ``key`` and no other."""
        return [
            "ssh",
            "-F", "none",
            *options,  # of an option that is given twice, ssh takes the first
            "-i", str(key),
            "-p", str(self.port),
            "-o", "IdentitiesOnly=yes",
            "-o", "IdentityAgent=none",
            "-o", "BatchMode=yes",
            "-o", "StrictHostKeyChecking=no",
            "-o", f"UserKnownHostsFile={self.folder}/known_hosts",
            "-o", "LogLevel=ERROR",
            f"{self.account}@127.0.0.1",
            *words,
        ]  # fmt: skip

    def _configuration(self) -> str:
        """Put this machine's account, program and settings into the shipped drop-in."""
        shipped = DROP_IN.read_text()
        here = {
            "Match User ra": f"Match User {self.account}",
            "AuthorizedKeysCommandUser ra": f"AuthorizedKeysCommandUser {self.account}",
            "/usr/lib/unlock-kiosk-authority/bin/python": sys.executable,
            "/etc/kiosk/kiosk.toml": str(self._config),
            "/var/lib/kiosk/ra.log": str(self.sessions_log),
            "/run/kiosk-sessions/sessions.sock": str(self.sessions_socket),
        }
        if self._careless is not None:
            here["AuthorizedKeysFile none"] = f"AuthorizedKeysFile {self._careless}"
            here["Match User ra"] = f"StrictModes no\n{here['Match User ra']}"
        for theirs, ours in here.items():
            assert theirs in shipped, f"the drop-in has no {theirs!r}"
            shipped = shipped.replace(theirs, ours)
        return AROUND.format(port=self.port, folder=self.folder) + shipped

    def _await_answer(self) -> None:
        assert self._process is not None
        while True:
            assert self._process.poll() is None, f"sshd ended:\n{self.log}"
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)


def make_key(path: Path) -> Path:
    """Make an ed25519 key without a passphrase; return its private half's path."""
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", path.name, "-f", str(path)]
    subprocess.run(command, check=True)
    return path


def privilege_separation_folder() -> None:
    """Make /run/sshd, which the service's unit makes on a machine that boots."""
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)


def need_programs() -> None:
    """Fail, and never skip, where the server is not installed."""
    for program in (str(SSHD), "ssh", "ssh-keygen", "sftp"):
        assert shutil.which(program), f"{program} is missing: make test installs it"
    for folder in PROGRAM.resolve().parents:  # as sshd looks
        writable = folder.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH)
        assert not writable, f"others may write to {folder}: sshd runs no program below it; move us"
