"""Replicas of the authority: ``kiosk authority``, forked or of another version, over mutual TLS."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import urllib.request
from pathlib import Path

from campaigns.failover.servers import wait_until
from kiosk.app.demo.mailbox import Mailbox
from kiosk.system.sockets import free_ports
from tests.contract.wirings import HOST
from tests.e2e.files import Tables, write_settings
from tests.e2e.world import CODE, SECONDS
from tests.support.prepared import Forked, prepared_program

Program = tuple[str | Path, ...]
"""A command, without its arguments."""


class Relay:
    """A relay over TLS that keeps its mail."""

    def __init__(self, folder: Path) -> None:
        self._mailbox = Mailbox(folder)
        self.settings = self._mailbox.start()
        # A replica that is killed breaks off, which it would log.
        logging.getLogger("mail.log").setLevel(logging.CRITICAL)

    def code_of(self, address: str) -> str:
        """Return the code that was mailed last."""
        mails = (mail.text for mail in reversed(self._mailbox.messages()) if address in mail.to)
        return "".join(next(filter(None, map(CODE.search, mails))).groups())

    def close(self) -> None:
        self._mailbox.stop()


class Replica:
    """One process; it is started again, at its old address, by what ``program`` is then.

    Without a ``program`` it is forked from one that has loaded this version.
    """

    def __init__(self, name: str, config: Path) -> None:
        self.program: Program | None = None
        self.port, self.monitoring = free_ports(2)
        self._log = config.with_name(f"{name}.log")
        self._words = ("authority", "--config", str(config), "--log", str(self._log))
        self._environ = environ_of(config) | {
            "KIOSK_AUTHORITY__LISTEN": f"127.0.0.1:{self.port}",
            "KIOSK_MONITORING__LISTEN": f"127.0.0.1:{self.monitoring}",
        }
        self._process: subprocess.Popen[bytes] | Forked | None = None

    def start(self) -> None:
        """Start it, and wait until it is ready."""
        if self.program is None:
            start = prepared_program().start
            self._process = start(self._words, self._environ, self._log.parent, 1, 2)
        else:
            self._process = subprocess.Popen([*self.program, *self._words], env=self._environ)
        wait_until(self._is_ready)

    def kill(self) -> None:
        """End it by SIGKILL."""
        self._end(signal.SIGKILL)

    def close(self) -> None:
        """End it by SIGTERM."""
        self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait()

    def _is_ready(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self._log.read_text()
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.monitoring}/readyz"):
                return True
        except OSError:
            return False


def environ_of(config: Path) -> dict[str, str]:
    """Return the environment of the program; its state is beside its settings."""
    folder = str(config.parent)
    return {"PATH": os.environ["PATH"], "STATE_DIRECTORY": folder, "TMPDIR": folder}


def set_up(config: Path, url: str, relay: Relay) -> None:
    """Write settings for any number of replicas, and make keys and what the database needs."""
    more: Tables = {
        "store": {"url": url},
        "policy": {"email_domains": ["nhs.net"]},
        "authority": {"socket": "", "listen": f"{HOST}:8443", "addresses": [f"{HOST}:8443"]},
    }
    write_settings(config, relay.settings, more)
    words = ["setup", "authority", "--config", str(config)]
    done = prepared_program().run(words, environ_of(config), config.parent, SECONDS)
    assert done.returncode == 0, done.stderr
