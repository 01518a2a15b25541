"""An estate on PostgreSQL: ``kiosk authority`` as a process, its mail stubbed, and its stations."""

from __future__ import annotations

import os
import queue
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from operator import sub
from pathlib import Path

import psutil
import psycopg
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from msgspec.structs import replace

from campaigns.benchmarks.estate import ROOT
from campaigns.load.people import Population, Visitor
from campaigns.load.stub_mail import CodeMailbox
from kiosk.app.setup.authority import load_questions, make_keys_of
from kiosk.authority.crypto.keys import KeyRing
from kiosk.authority.crypto.macs import KeyedRowMacs
from kiosk.authority.crypto.station_ca import StationCa, fingerprint_of
from kiosk.authority.mail.compose import Message
from kiosk.authority.mail.smtp import SmtpMailer, relay_from
from kiosk.authority.records import Station, StationKey
from kiosk.authority.store.database import Store
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
from kiosk.station.client import HttpAuthority, TlsAddress, client_context
from kiosk.system.sockets import free_ports
from tests.support.database import TEMPLATE, PostgresServer

SERVER_SETTINGS = {
    "fsync": "on",
    "full_page_writes": "on",
    # The authorities for each number of holders, the bare statements and the use cases alone.
    "max_connections": "300",
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
_LIFE = timedelta(days=90)


@dataclass(frozen=True)
class Spent:
    """What a piece of work took: CPU in seconds, statements and mails in numbers.

    The stations are in this process.
    """

    seconds: float
    authority_s: float
    database_s: float
    stations_s: float
    mails: int
    statements: int
    statement_s: float


@dataclass
class LoadedEstate:
    """A filled database with its authority; ``stations`` are free to serve the next visitor."""

    server: PostgresServer
    name: str
    folder: Path
    settings: Settings
    mailbox: CodeMailbox
    visitors: list[Visitor]
    station_keys: list[tuple[str, str]]
    """The name of each station, and the fingerprint of its key."""
    filled_s: float
    stations: queue.SimpleQueue[HttpAuthority] = field(default_factory=queue.SimpleQueue)
    _came: int = 0
    _replicas: list[psutil.Popen] = field(default_factory=list)

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
    def serving(self, replicas: int = 1) -> Iterator[None]:
        """Run the authority so many times, and connect the stations to them, in turns."""
        with ExitStack() as ends:
            ends.callback(self._replicas.clear)
            addresses = []
            for number, port in enumerate(free_ports(replicas)):
                addresses.append(TlsAddress(_HOST, port))
                ends.callback(_end, self._started(f"authority-{number}", port))
            for number, (name, _) in enumerate(self.station_keys):
                files = self.folder / f"{name}.crt", self.folder / f"{name}.key"
                context = client_context(*files, self.folder / "ca.pem")
                self.stations.put(HttpAuthority([addresses[number % replicas]], context))
            yield
            while not self.stations.empty():
                self.stations.get().close()

    def _started(self, name: str, port: int) -> psutil.Popen:
        address = f"{_HOST}:{port}"
        settings = AuthoritySettings(socket="", listen=address, addresses=(address,))
        file, log = self.folder / f"{name}.toml", self.folder / f"{name}.log"
        file.write_text(as_toml(replace(self.settings, authority=settings)))
        stubbed = [sys.executable, "-m", "campaigns.load.stub_mail", str(self.mailbox.place)]
        command = [*stubbed, "authority", "--config", str(file), "--log", str(log)]
        process = psutil.Popen(command, env={"PATH": os.environ["PATH"]}, cwd=ROOT)
        self._replicas.append(process)
        while not (log.exists() and "serving on" in log.read_text()):
            if process.poll() is not None:
                raise RuntimeError(f"the authority ended with {process.returncode}")
            time.sleep(0.05)
        return process

    @contextmanager
    def spending(self) -> Iterator[list[Spent]]:
        """Measure what the block takes; the one element is there when it has ended."""
        found: list[Spent] = []
        count, took_s = self._statements()
        mails, before = self.mailbox.taken, self._clocks()
        yield found
        mails, after = self.mailbox.taken - mails, self._clocks()
        count_after, took_after_s = self._statements()  # it takes time of its own, for a connection
        seconds, authority_s, database_s, stations_s = map(sub, after, before)
        spent = Spent(
            seconds,
            authority_s,
            database_s,
            stations_s,
            mails,
            count_after - count,
            took_after_s - took_s,
        )
        found.append(spent)

    def _clocks(self) -> tuple[float, float, float, float]:
        """Return the time, and the seconds of the processor of authority, server and stations."""
        theirs = [each.cpu_times() for each in self._replicas]
        return (
            time.monotonic(),
            sum(each.user + each.system for each in theirs),
            server_cpu_s(self.server),
            time.process_time(),
        )

    def _statements(self) -> tuple[int, float]:
        """Return how many statements this database has carried out, and for how many seconds."""
        with psycopg.connect(self.server.url("postgres")) as connection:
            found = connection.execute(
                "SELECT coalesce(sum(calls), 0)::bigint, coalesce(sum(total_exec_time), 0) / 1000 "
                "FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid "
                "WHERE d.datname = %s",
                (self.name,),
            ).fetchone()
        assert found is not None
        return found


def _end(process: psutil.Popen) -> None:
    process.terminate()
    process.wait(60)


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
    size: int,
    visitors: int = 3000,
) -> LoadedEstate:
    """Make a database of ``size`` holders, of whom ``visitors`` come, with keys and settings."""
    name = f"holders_{size}"
    server.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
    place = folder / name
    place.mkdir(mode=0o700)
    store_url = server.url(name)
    settings = Settings(
        store=StoreSettings(url=store_url),
        keys=KeySettings(file=str(place / "keys.json")),
        mail=MailSettings(host="relay.trust.nhs.uk", sender="no-reply@trust.nhs.uk"),
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
    stations = _enrol(store, KeyRing.load(keys), place)
    store.close()
    return LoadedEstate(server, name, place, settings, mailbox, come, stations, filled_s)


def _enrol(store: Store, ring: KeyRing, folder: Path) -> list[tuple[str, str]]:
    """Give each station a key and a certificate, as if it had enrolled."""
    ca, now, found = StationCa(ring), datetime.now(UTC), []
    (folder / "ca.pem").write_text(ca.pem)
    with store.begin() as uow:
        for number in range(STATIONS):
            key, name = ec.generate_private_key(ec.SECP256R1()), f"S{number}"
            shown = ca.issue(key.public_key(), name, now, _LIFE)
            (folder / f"{name}.crt").write_bytes(shown.public_bytes(Encoding.PEM))
            (folder / f"{name}.key").write_bytes(
                key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            )
            fingerprint = fingerprint_of(key.public_key())
            uow.stations.seen(Station(name, now))
            uow.station_keys.add(StationKey(fingerprint, name, now + _LIFE, now))
            found.append((name, fingerprint))
        uow.commit()
    return found


def cpu_of_a_mail(settings: MailSettings) -> float:
    """Return the seconds that a mail takes of this process; the relay is in another."""
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
