"""An estate on PostgreSQL: the real ``kiosk authority`` as a process, its stations and its mail."""

from __future__ import annotations

import os
import queue
import re
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import psycopg
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from kiosk.app.demo.mailbox import Mailbox, ReceivedMail
from kiosk.authority.administration.setup import load_questions, make_keys_of
from kiosk.authority.crypto.keys import KeyRing
from kiosk.authority.crypto.macs import KeyedRowMacs
from kiosk.authority.crypto.station_ca import StationCa, fingerprint_of
from kiosk.authority.mail.message import Message
from kiosk.authority.mail.smtp import SmtpMailer, relay_from
from kiosk.authority.store.database import Store
from kiosk.authority.store.records import Station, StationKey
from kiosk.config.example import as_toml
from kiosk.config.settings import (
    AuthoritySettings,
    KeySettings,
    MailSettings,
    PolicySettings,
    Settings,
    StoreSettings,
)
from kiosk.contract.ports import SystemClock
from kiosk.contract.sensitive import Sensitive
from kiosk.station.client import HttpAuthority, TlsAddress, client_context
from tests.benchmarks.estate import KIOSK
from tests.load.people import Population, Visitor
from tests.support.database import TEMPLATE, PostgresServer

SERVER_SETTINGS = {
    "fsync": "on",
    "full_page_writes": "on",
    "shared_buffers": "1GB",
    "maintenance_work_mem": "512MB",
    "max_wal_size": "16GB",
    "checkpoint_timeout": "30min",
    "shared_preload_libraries": "pg_stat_statements",
    # Of BEGIN and COMMIT it counts those alone that are not prepared.
    "pg_stat_statements.track_utility": "off",
}
"""As a server is set up that keeps what it acknowledged."""

STATIONS = 48
"""Each may make twenty calls a second, and begin so many visits a minute."""

_HOST = "localhost"
_CODE = re.compile(r"\b(\d{4}) (\d{4})\b")
_LIFE = timedelta(days=90)


class CodeMailbox:
    """The mail relay: it keeps the last code that each address was sent."""

    def __init__(self, folder: Path) -> None:
        self._mailbox = Mailbox(folder, on_message=self._take)
        self._codes: dict[str, Sensitive] = {}
        self.taken = 0

    def start(self) -> MailSettings:
        return self._mailbox.start()

    def stop(self) -> None:
        self._mailbox.stop()

    def code(self, address: str) -> Sensitive:
        return self._codes[address]

    def _take(self, mail: ReceivedMail) -> None:
        self.taken += 1
        if found := _CODE.search(mail.text):
            self._codes[mail.to[0]] = Sensitive("".join(found.groups()))


@dataclass(frozen=True)
class Spent:
    """What a piece of work took: CPU in seconds, statements and mails in numbers.

    The stations and the mail relay are in this process.
    """

    seconds: float
    authority_s: float
    database_s: float
    stations_s: float
    statements: int
    statement_s: float
    mails: int


@dataclass
class LoadedEstate:
    """A filled database with its authority; ``stations`` are free to serve the next visitor."""

    server: PostgresServer
    name: str
    folder: Path
    settings: Settings
    mailbox: CodeMailbox
    visitors: list[Visitor]
    filled_s: float
    stations: queue.SimpleQueue[HttpAuthority] = field(default_factory=queue.SimpleQueue)
    _came: int = 0
    _process: psutil.Popen | None = None

    @property
    def url(self) -> str:
        return self.settings.store.url

    def next_visitors(self, many: int) -> list[Visitor]:
        """Return who comes next; after the last one the first one comes again."""
        found = [self.visitors[(self._came + n) % len(self.visitors)] for n in range(many)]
        self._came += many
        return found

    @contextmanager
    def copied(self) -> Iterator[str]:
        """Return the address of a copy of the database as it is now."""
        copy = f"{self.name}_copy"
        self.server.execute(f"CREATE DATABASE {copy} TEMPLATE {self.name} STRATEGY FILE_COPY")
        try:
            yield self.server.url(copy)
        finally:
            self.server.execute(f"DROP DATABASE {copy} WITH (FORCE)")

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Run the authority, with every station connected to it by its certificate."""
        file, log = self.folder / "kiosk.toml", self.folder / "authority.log"
        file.write_text(as_toml(self.settings))
        command = [str(KIOSK), "authority", "--config", str(file), "--log", str(log)]
        self._process = psutil.Popen(command, env={"PATH": os.environ["PATH"]})
        try:
            while not (log.exists() and "serving on" in log.read_text()):
                if self._process.poll() is not None:
                    raise RuntimeError(f"the authority ended with {self._process.returncode}")
                time.sleep(0.05)
            for each in self._enrolled():
                self.stations.put(each)
            yield
            while not self.stations.empty():
                self.stations.get().close()
        finally:
            self._process.terminate()
            self._process.wait(60)

    def _enrolled(self) -> Iterator[HttpAuthority]:
        """Give each station a key and a certificate, as if it had enrolled."""
        ring = KeyRing.load(Path(self.settings.keys.file))
        ca, now = StationCa(ring), datetime.now(UTC)
        believed = self.folder / "ca.pem"
        believed.write_text(ca.pem)
        port = int(self.settings.authority.listen.rpartition(":")[2])
        store = Store(self.url, SystemClock(), KeyedRowMacs.of(ring))
        with store.begin() as uow:
            for number in range(STATIONS):
                key, name = ec.generate_private_key(ec.SECP256R1()), f"S{number}"
                shown = ca.issue(key.public_key(), name, now, _LIFE)
                pem = (
                    shown.public_bytes(Encoding.PEM),
                    key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
                )
                files = self.folder / f"{name}.crt", self.folder / f"{name}.key"
                for file, text in zip(files, pem, strict=True):
                    file.write_bytes(text)
                uow.stations.seen(Station(name, now))
                fingerprint = fingerprint_of(key.public_key())
                uow.station_keys.add(StationKey(fingerprint, name, now + _LIFE, now))
                context = client_context(*files, believed)
                yield HttpAuthority([TlsAddress(_HOST, port)], context)
            uow.commit()
        store.close()

    @contextmanager
    def spending(self) -> Iterator[list[Spent]]:
        """Measure what the block takes; the one element is there when it has ended."""
        found: list[Spent] = []
        before = self._now_spent()
        yield found
        after = self._now_spent()
        found.append(
            Spent(
                after.seconds - before.seconds,
                after.authority_s - before.authority_s,
                after.database_s - before.database_s,
                after.stations_s - before.stations_s,
                after.statements - before.statements,
                after.statement_s - before.statement_s,
                after.mails - before.mails,
            )
        )

    def _now_spent(self) -> Spent:
        assert self._process is not None
        mine = self._process.cpu_times()
        count, took_ms = self._statements()
        return Spent(
            time.monotonic(),
            mine.user + mine.system,
            server_cpu_s(self.server),
            time.process_time(),
            count,
            took_ms / 1000,
            self.mailbox.taken,
        )

    def _statements(self) -> tuple[int, float]:
        """Return how many statements this database has carried out, and for how many ms."""
        with psycopg.connect(self.server.url("postgres")) as connection:
            found = connection.execute(
                "SELECT coalesce(sum(calls), 0)::bigint, coalesce(sum(total_exec_time), 0) "
                "FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid "
                "WHERE d.datname = %s",
                (self.name,),
            ).fetchone()
        assert found is not None
        return found


def server_cpu_s(server: PostgresServer) -> float:
    """Return the seconds of the processor that a server's processes have taken so far."""
    pid = int((server.folder / "data" / "postmaster.pid").read_text().splitlines()[0])
    postmaster = psutil.Process(pid)
    spent = postmaster.cpu_times()
    sum_s: float = spent.user + spent.system + spent.children_user + spent.children_system
    for child in postmaster.children():
        try:
            theirs = child.cpu_times()
        except psutil.NoSuchProcess:
            continue
        sum_s += theirs.user + theirs.system
    return sum_s


def loaded_estate(
    server: PostgresServer,
    folder: Path,
    mailbox: CodeMailbox,
    mail: MailSettings,
    size: int,
    visitors: int = 3000,
) -> LoadedEstate:
    """Make a database of ``size`` holders, of whom ``visitors`` come, with keys and settings."""
    name = f"holders_{size}"
    server.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
    place = folder / name
    place.mkdir(mode=0o700)
    with socket.socket() as tried:
        tried.bind(("127.0.0.1", 0))
        address = f"{_HOST}:{tried.getsockname()[1]}"
    store_url = server.url(name)
    settings = Settings(
        store=StoreSettings(url=store_url),
        keys=KeySettings(file=str(place / "keys.json")),
        mail=replace(mail, sender="no-reply@trust.nhs.uk"),
        authority=AuthoritySettings(socket="", listen=address, addresses=(address,)),
        # The same people come again sooner than people do.
        policy=PolicySettings(code_gap_s=0, codes_an_hour=20, visits_a_minute=1000),
    )
    keys = Path(settings.keys.file)
    store = Store(store_url, SystemClock(), KeyedRowMacs(lambda: KeyRing.load(keys)))
    make_keys_of(store, keys)
    load_questions(store, SystemClock())
    began = time.monotonic()
    come = Population(KeyRing.load(keys), size, visitors, datetime.now(UTC)).write(store_url)
    filled_s = time.monotonic() - began
    with store.begin() as uow:
        # What is past is deleted tomorrow, and not while something is measured.
        uow.jobs.claim("daily", timedelta(days=1))
        uow.commit()
    store.close()
    return LoadedEstate(server, name, place, settings, mailbox, come, filled_s)


def cpu_of_a_mail(settings: MailSettings) -> float:
    """Return the seconds that a mail takes of this process, in which there is no relay."""
    message = Message("somebody@trust.nhs.uk", "Subject", "Text\n" * 20, "<p>Text</p>" * 40)
    with closing(SmtpMailer(relay_from(settings, "Smartcard self-service", {}))) as mailer:
        return cpu_of(lambda: mailer.send(message))


def cpu_of(work: Callable[[], object]) -> float:
    """Return the seconds that all threads of this process take for a piece of work."""
    work()
    began = time.process_time()
    for _ in range(20):
        work()
    return (time.process_time() - began) / 20
