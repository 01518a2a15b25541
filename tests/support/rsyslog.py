"""A collector: rsyslog with TLS in a directory of the test, ended by its process id."""

from __future__ import annotations

import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import trustme

from kiosk.system.sockets import free_ports

PROGRAM = "/usr/sbin/rsyslogd"

# Without a queue in memory a message is written before its connection is closed: so rsyslog loses
# nothing that it has confirmed when it is ended, which is its own affair and not what is tried.
CONFIG = """
main_queue(queue.type="Direct")
global(
    workDirectory="{folder}" maxMessageSize="64k"
    defaultNetstreamDriver="{driver}" defaultNetstreamDriverCAFile="{folder}/ca.pem"
    defaultNetstreamDriverCertFile="{folder}/cert.pem"
    defaultNetstreamDriverKeyFile="{folder}/key.pem"
)
module(load="imtcp" streamDriver.name="{driver}" streamDriver.mode="1" streamDriver.authMode="anon")
input(type="imtcp" address="127.0.0.1" port="{port}" workerthreads="1")
template(name="whole" type="string" string="%rawmsg%\\n")
if $programname == "kiosk" then action(type="omfile" file="{folder}/received" template="whole")
"""


@dataclass
class Rsyslog:
    """``driver``: ``ossl`` answers close_notify, ``gtls`` merely ends the stream."""

    folder: Path
    driver: str = "ossl"
    port: int = 0
    authority: trustme.CA = field(default_factory=trustme.CA)
    process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        self.folder.mkdir()
        leaf = self.authority.issue_cert("localhost", key_type=trustme.KeyType.ECDSA)
        self.authority.cert_pem.write_to_path(self.ca)
        leaf.private_key_pem.write_to_path(self.folder / "key.pem")
        whole = b"".join(blob.bytes() for blob in leaf.cert_chain_pems)
        (self.folder / "cert.pem").write_bytes(whole)

    @property
    def ca(self) -> Path:
        return self.folder / "ca.pem"

    @property
    def received(self) -> list[str]:
        """Return the messages that were written, in their order."""
        written = self.folder / "received"
        return written.read_text().splitlines() if written.exists() else []

    def start(self) -> None:
        """Start it, at the port of before; wait until it listens."""
        if not self.port:
            [self.port] = free_ports(1)
        config = self.folder / "rsyslog.conf"
        config.write_text(CONFIG.format(folder=self.folder, driver=self.driver, port=self.port))
        log = (self.folder / "log").open("ab")
        command: list[str | Path] = [PROGRAM, "-n", "-f", config, "-i", self.folder / "pid"]
        self.process = subprocess.Popen(command, stdout=log, stderr=log)
        while not self._is_listening():
            assert self.process.poll() is None, (self.folder / "log").read_text()
            time.sleep(0.05)

    def _is_listening(self) -> bool:
        """Look without connecting, which would be a connection that fails."""
        assert self.process is not None
        found = psutil.Process(self.process.pid).net_connections("tcp")
        return any(each.status == psutil.CONN_LISTEN for each in found)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End it, if it runs."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(60)
