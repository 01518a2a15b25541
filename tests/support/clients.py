"""Programs that we did not write, asked about a card in the private reader.

They show that a card is what it says in the eyes of others: after the kiosk has reset a
PIN, ``clients.verifies(reader, pin)`` is the proof. They take PINs on the command line,
which is why the product never runs one of them.
"""

from __future__ import annotations

import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from hardware.virtual.pcscd import PrivatePcscd
from tests.support.hotplug import HotplugPcscd
from tests.support.pcsc import client_environment

SECONDS = 200.0
"""A program that runs this long hangs: a busy machine needs far more than the usual second."""

_IN_USE = ("Reader in use by another application", "Failed to connect to yubikey")
"""What OpenSC and yubico-piv-tool print; neither has spent a try of the PIN."""

Finished = subprocess.CompletedProcess[str]


@dataclass(frozen=True, slots=True)
class Clients:
    """yubico-piv-tool and OpenSC's programs on one service; ``reader`` is a reader's name."""

    service: PrivatePcscd

    def verifies(self, reader: str, pin: str) -> bool:
        """Let both verify ``pin`` and return their verdict; a wrong one costs two tries.

        Raises ``AssertionError`` when they disagree or give no verdict.
        """
        verdicts = {self._yubico_verifies(reader, pin), self._opensc_verifies(reader, pin)}
        assert len(verdicts) == 1, "yubico-piv-tool and pkcs15-tool disagree"
        return verdicts.pop()

    def yubico(self, reader: str, *arguments: str) -> Finished:
        """Run ``yubico-piv-tool``, such as ``-a status``."""
        return self._run("yubico-piv-tool", "-r", reader, *arguments)

    def opensc(self, program: str, reader: str, *arguments: str) -> Finished:
        """Run ``opensc-tool``, ``pkcs15-tool`` or ``piv-tool``."""
        return self._run(program, "--reader", reader, *arguments)

    def sign(self, pin: str, message: Path, mechanism: str) -> bytes:
        """Let OpenSC's PKCS#11 module sign with the key in slot 9A of the only card."""
        signature = message.with_suffix(".signature")
        login = ("--login", "--pin", pin, "--id", "01")
        files = ("--input-file", str(message), "--output-file", str(signature))
        done = self._run("pkcs11-tool", "--sign", "--mechanism", mechanism, *login, *files)
        assert done.returncode == 0, done.stderr
        return signature.read_bytes()

    def _yubico_verifies(self, reader: str, pin: str) -> bool:
        done = self.yubico(reader, "-a", "verify-pin", "-P", pin)
        refused = any(
            words in done.stderr for words in ("Pin verification failed", "Pin code blocked")
        )
        assert (done.returncode == 0) is not refused, f"no verdict: {done.stderr}"
        return not refused

    def _opensc_verifies(self, reader: str, pin: str) -> bool:
        done = self.opensc("pkcs15-tool", reader, "--verify-pin", "--pin", pin)
        refused = "PIN code or key incorrect" in done.stderr or "blocked" in done.stderr
        assert (done.returncode == 0) is not refused, f"no verdict: {done.stderr}"
        return not refused

    def _run(self, *command: str) -> Finished:
        """Run the program, and again for as long as another one holds the card."""
        give_up_at = time.monotonic() + SECONDS
        while True:
            done = self._run_once(*command)
            in_use = any(words in done.stderr for words in _IN_USE)
            if not in_use or time.monotonic() >= give_up_at:
                return done
            time.sleep(0.1)

    def _run_once(self, *command: str) -> Finished:
        return subprocess.run(
            command,
            env=client_environment(self.service),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )


@pytest.fixture
def clients(pcscd: HotplugPcscd) -> Clients:
    """The foreign programs on the private service."""
    return Clients(pcscd)
