"""HAProxy in front of two authorities, by the configuration in ``docs/haproxy``."""

from __future__ import annotations

import csv
import os
import socket
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

PROGRAM = Path("/usr/sbin/haproxy")
CONFIGURATION = Path(__file__).parents[2] / "docs" / "haproxy" / "haproxy.cfg"


@dataclass(frozen=True)
class Behind:
    """The ports of one authority, all at the loopback address."""

    stations: int
    enrolment: int
    monitoring: int


class Balancer:
    """It runs when it is made; ``stations`` and ``enrolment`` are the ports that it binds."""

    def __init__(
        self, folder: Path, stations: int, enrolment: int, behind: Sequence[Behind]
    ) -> None:
        self._socket = folder / "admin.sock"
        text = CONFIGURATION.read_text()
        changes = [
            ("192.0.2.20:8443", f"127.0.0.1:{stations}"),
            ("192.0.2.20:8444", f"127.0.0.1:{enrolment}"),
            ("/run/haproxy/admin.sock", str(self._socket)),
            ("    user haproxy\n    group haproxy\n", ""),
            (" port 9464", ""),
        ]
        for number, ports in enumerate(behind, 1):
            at = f"192.0.2.2{number}"
            checked = f"127.0.0.1:{ports.stations} port {ports.monitoring}"
            changes += [
                (f"{at}:8443", checked),
                (f"{at}:8444", f"127.0.0.1:{ports.enrolment}"),
            ]
        for old, new in changes:
            assert old in text, old
            text = text.replace(old, new)
        config = folder / "haproxy.cfg"
        config.write_text(text)
        self.process = subprocess.Popen([PROGRAM, "-db", "-f", config])
        while not self._answers():
            assert self.process.poll() is None
            time.sleep(0.05)

    def wait_for_up(self, names: set[str]) -> None:
        """Wait until it sends stations to these authorities, by their names in the file, alone."""
        while self._up() != names:
            assert self.process.poll() is None
            time.sleep(0.05)

    def _answers(self) -> bool:
        """Return whether it takes commands: its socket is there a moment before that."""
        try:
            self._up()
        except (FileNotFoundError, ConnectionRefusedError):
            return False
        return True

    def _up(self) -> set[str]:
        with socket.socket(socket.AF_UNIX) as line:
            line.connect(os.fspath(self._socket))
            line.sendall(b"show stat\n")
            with line.makefile() as answer:
                rows = list(csv.DictReader(answer))
        servers = [row for row in rows if row["# pxname"] == "authorities"]
        return {row["svname"] for row in servers if row["status"] == "UP"} - {"BACKEND"}

    def close(self) -> None:
        self.process.terminate()
        self.process.wait()
