"""What is measured: a reader, a card, mail, a small estate, and the product on them."""

from __future__ import annotations

import os
import pwd
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from hardware.virtual.pcscd import PrivatePcscd, Slot
from kiosk.app.composition.opening import open_desk, open_store
from kiosk.app.demo.estate import PIN, DemoPerson, cast, make_estate, register
from kiosk.app.demo.mailbox import Mailbox
from kiosk.authority.administration.login import VARIABLE
from kiosk.authority.administration.views import Actor, Grounds
from kiosk.authority.roles import Role
from kiosk.config.settings import Settings
from kiosk.contract.ports import SystemClock
from tests.support.card_file import save
from tests.support.pcsc import wait_for_presence

ROOT = Path(__file__).parents[2]
KIOSK = Path(sys.executable).with_name("kiosk")


class Card:
    """One card in a process of its own, on one slot of the reader."""

    def __init__(self, actor: DemoPerson, kept: Path, slot: Slot) -> None:
        self.actor = actor
        self.reader = slot.reader
        self.pin, self.puk, self.guid = PIN, actor.puk, actor.chip.state.guid
        save(actor.chip.state, kept)
        place = [str(kept), str(slot.slot_server), str(slot.number), slot.reader]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "campaigns.benchmarks.card_process", *place],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )

    def push_in(self) -> None:
        """Push it in; returns at once."""
        self._say("in")

    def insert(self) -> None:
        """Push it in; returns when pcscd shows it."""
        self.push_in()
        wait_for_presence(self.reader, present=True)

    def remove(self) -> None:
        """Pull it out; returns when pcscd shows an empty slot."""
        self._say("out")
        wait_for_presence(self.reader, present=False)

    def leave(self) -> None:
        """End the card's process."""
        self._process.communicate(timeout=10)

    def _say(self, word: str) -> None:
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("the card's process has no pipes")
        self._process.stdin.write(f"{word}\n")
        self._process.stdin.flush()
        self._process.stdout.readline()


@dataclass(frozen=True, slots=True)
class Installation:
    """Everything in one temporary directory; ``card`` is registered, and its PIN works."""

    directory: Path
    settings: Settings
    mailbox: Mailbox
    card: Card
    environ: dict[str, str]

    @property
    def station(self) -> list[str | Path]:
        """The command that runs station and authority in one process."""
        return [KIOSK, "run", *self.options]

    @property
    def station_alone(self) -> list[str | Path]:
        """The command that runs the station on the authority of ``serving``."""
        return [KIOSK, "station", *self.options]

    @property
    def admin(self) -> list[str | Path]:
        """The command that sshd runs for RA staff."""
        return [KIOSK, "admin", "--config", self._file, "--log", self.directory / "admin.log"]

    def logged_in(self) -> dict[str, str]:
        """Let a manager in; return the environment that sshd gives their session."""
        key = Ed25519PrivateKey.generate().public_key()
        public = key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
        store, clock = open_store(self.settings, SystemClock(), {}), SystemClock()
        desk = open_desk(self.settings, {}, store, clock, Actor("bench", Role.MANAGER))
        desk.staff.add("Ada Okafor", Role.MANAGER, public, Grounds("benchmark"))
        store.close()
        login = self.directory / "login"
        login.write_text(f"publickey {public}\n")
        return {**self.environ, VARIABLE: str(login)}

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Run the authority as a process."""
        log = self.directory / "authority.log"
        command: list[str | Path] = [KIOSK, "authority", "--config", self._file, "--log", log]
        process = subprocess.Popen(command, env=self.environ)
        try:
            while not (log.exists() and "serving on" in log.read_text()):
                if process.poll() is not None:
                    raise RuntimeError(f"the authority ended with {process.returncode}")
                time.sleep(0.05)
            yield
        finally:
            process.terminate()
            process.wait(60)

    @property
    def options(self) -> list[str | Path]:
        """The settings, and where to log."""
        return ["--config", self._file, "--log", self.directory / "station.log"]

    @property
    def peer(self) -> list[str | Path]:
        """The command that runs the one-word program."""
        return [sys.executable, Path(__file__).with_name("one_word.py")]

    @property
    def _file(self) -> Path:
        return self.directory / "kiosk.toml"

    def write_settings(self) -> None:
        """Write the settings file that ``station`` reads."""
        settings = self.settings
        store, keys, mail = settings.store, settings.keys, settings.mail
        domains = ", ".join(f'"{domain}"' for domain in settings.policy.email_domains)
        lines = [
            f'[store]\nurl = "{store.url}"',
            f'[keys]\nfile = "{keys.file}"',
            f'[mail]\nhost = "{mail.host}"\nport = {mail.port}\nsecurity = "{mail.security}"',
            f'ca_file = "{mail.ca_file}"\ncredential = "{mail.credential}"',
            f'sender = "{mail.sender}"',
            f"[policy]\nemail_domains = [{domains}]",
            f'[authority]\nsocket = "{self.directory / "authority.sock"}"',
            f'station_user = "{pwd.getpwuid(os.getuid()).pw_name}"',
        ]
        self._file.write_text("\n".join(lines) + "\n")


@contextmanager
def built() -> Iterator[Installation]:
    """Build the installation, and take it down again."""
    with tempfile.TemporaryDirectory(prefix="kiosk-bench-") as name:
        directory = Path(name)
        pcscd, mailbox = PrivatePcscd(directory / "pcsc"), Mailbox(directory / "mail")
        pcscd.start()
        os.environ.update(pcscd.env)
        try:
            yield from _furnished(directory, pcscd, mailbox)
        finally:
            mailbox.stop()
            pcscd.stop()


def _furnished(directory: Path, pcscd: PrivatePcscd, mailbox: Mailbox) -> Iterator[Installation]:
    actors = cast()
    settings = make_estate(directory, mailbox.start(), actors)
    register(settings, {}, actors[0], mailbox)
    actors[0].chip.state.pin.left = actors[0].chip.state.pin.limit
    card = Card(actors[0], directory / "card.json", pcscd.slots[0])
    environ = {"PATH": os.environ["PATH"], **pcscd.env}
    installation = Installation(directory, settings, mailbox, card, environ)
    installation.write_settings()
    try:
        yield installation
    finally:
        card.leave()
