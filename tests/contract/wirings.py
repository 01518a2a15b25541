"""The three ways in which a station reaches the authority, around one ``World``."""

from __future__ import annotations

import asyncio
import os
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import trustme
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_pem_x509_certificate

from kiosk.authority.connections import Limits, certificate_peer, server_context
from kiosk.authority.enrolment import EnrolledStations, StationEnrolment
from kiosk.authority.server import AuthorityServer, Called, Service
from kiosk.authority.stations import (
    AnonymousPeer,
    CertificatePeer,
    Peer,
    PeerRefused,
    SocketPeer,
    StationIdentity,
)
from kiosk.contract.ports import Authority
from kiosk.station.client import (
    Address,
    HttpAuthority,
    TlsAddress,
    client_context,
)
from tests.authority.world import World

HOST = "localhost"


@dataclass
class ListedStations(EnrolledStations):
    """Identifies stations by a list that a test changes."""

    users: dict[int, str] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)

    def identify(self, peer: Peer) -> StationIdentity | PeerRefused:
        known: Mapping[Any, str] = self.keys
        named: object
        match peer:
            case SocketPeer(user_id):
                known, named = self.users, user_id
            case CertificatePeer(key):
                named = key
            case AnonymousPeer():
                return PeerRefused("it shows no certificate")
        found = known.get(named)
        return PeerRefused("not in the list") if found is None else StationIdentity(found)


class Served:
    """A server on a loop of its own thread."""

    def __init__(
        self,
        service: Service,
        directory: EnrolledStations,
        limits: Limits,
        answered: Callable[[Called], None] = lambda _: None,
        enrolment: StationEnrolment | None = None,
    ) -> None:
        self.answered = answered
        self.enrolment = enrolment
        self.dropped = 0
        """How many connections were dropped in their handshake."""
        self.ahead = timedelta(0)
        """How far the server's clock is ahead."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.server = self._do(self._made(service, directory, limits))

    def on_socket(self, path: Path) -> str:
        self._do(self.server.listen_on_socket(path))
        return str(path)

    def on_tls(self, papers: Papers) -> TlsAddress:
        return self.on_context(papers.ca.read_text(), papers.certificate, papers.key)

    def on_context(
        self, believed: str, certificate: Path, key: Path, *, anonymous: bool = False
    ) -> TlsAddress:
        """Listen over TLS; ``anonymous`` clients show no certificate, and are accepted."""
        context = server_context("" if anonymous else believed)
        context.load_cert_chain(certificate, key)
        # Not at ``HOST``: where it has an IPv6 address too, the server takes another port there,
        # and a client of another test's server could reach this one.
        listen = self.server.listen_on_tls("127.0.0.1", 0, lambda: context, anonymous=anonymous)
        return TlsAddress(HOST, self._do(listen))

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Let the loop do nothing in the meantime."""
        go = threading.Event()
        self._loop.call_soon_threadsafe(go.wait)
        try:
            yield
        finally:
            go.set()

    def close(self) -> None:
        self._do(self.server.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _do(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    async def _made(
        self, service: Service, directory: EnrolledStations, limits: Limits
    ) -> AuthorityServer:
        now = lambda: datetime.now(UTC) + self.ahead  # noqa: E731
        return AuthorityServer(
            service, directory, limits, now, self.answered, self.enrolment, self._count_dropped
        )

    def _count_dropped(self) -> None:
        self.dropped += 1


@dataclass(frozen=True)
class Papers:
    """A certificate with its key, and the CA that its holder believes."""

    certificate: Path
    key: Path
    ca: Path
    fingerprint: str


@dataclass
class Office:
    """A CA of a test."""

    folder: Path
    ca: trustme.CA = field(default_factory=trustme.CA)

    def papers(self, name: str, believes: trustme.CA | None = None, **more: Any) -> Papers:
        """Issue a certificate."""
        leaf = self.ca.issue_cert(name, key_type=trustme.KeyType.ECDSA, **more)
        base = self.folder / f"{name}-{len(list(self.folder.iterdir()))}"
        made = base.with_suffix(".crt"), base.with_suffix(".key"), base.with_suffix(".ca")
        made[0].write_bytes(b"".join(blob.bytes() for blob in leaf.cert_chain_pems))
        leaf.private_key_pem.write_to_path(made[1])
        (believes or self.ca).cert_pem.write_to_path(made[2])
        shown = load_pem_x509_certificate(leaf.cert_chain_pems[0].bytes())
        return Papers(*made, certificate_peer(shown.public_bytes(Encoding.DER)).key)


class WiredWorld(World):
    """A ``World`` whose stations reach the authority by ``how``."""

    def __init__(self, folder: Path, how: str, limits: Limits | None = None, **more: Any) -> None:
        super().__init__(folder, **more)
        self.how = how
        self.limits = limits or Limits(calls_a_second=1000, burst=1000)
        self.served: list[Served] = []
        self.addresses: dict[str, Address] = {}
        self.papers: dict[str, Papers] = {}
        self.stations: dict[str, Authority] = {}
        self.clients: list[HttpAuthority] = []
        self.directory = ListedStations()
        self.answered: Callable[[Called], None] = lambda _: None
        papers = folder / "papers"
        papers.mkdir(exist_ok=True)
        self.office = Office(papers)

    def at(self, station: str) -> Authority:  # type: ignore[override]
        """Return the authority as a station has it over the wire."""
        if self.how == "in process":
            return super().at(station)
        if station not in self.stations:
            self.stations[station] = self.connect(station)
        return self.stations[station]

    def connect(self, station: str) -> Authority:
        """Make a station known, have it served, and return its client."""
        if self.how == "socket":
            # All stations of the test have one user id: each has a socket by itself.
            directory = ListedStations({os.getuid(): station})
            served = Served(self.authority, directory, self.limits, self.answered)
            self.served.append(served)
            path = self.folder / f"{len(self.served)}.sock"
            self.addresses[station] = served.on_socket(path)
            return self._client(self.addresses[station], None)
        if not self.served:
            self.served.append(Served(self.authority, self.directory, self.limits, self.answered))
            self.addresses["*"] = self.served[0].on_tls(self.office.papers(HOST))
        papers = self.papers[station] = self.office.papers(f"s{len(self.papers)}.example")
        self.directory.keys[papers.fingerprint] = station
        context = client_context(papers.certificate, papers.key, papers.ca)
        return self._client(self.addresses["*"], context)

    def _client(self, address: Address, context: ssl.SSLContext | None) -> Authority:
        self.clients.append(HttpAuthority([address], context, "0.0"))
        return self.clients[-1].port

    def close(self) -> None:
        for each in self.clients:
            each.close()
        for served in self.served:
            served.close()
        self.store.close()


@contextmanager
def wired(folder: Path, how: str, **more: Any) -> Iterator[WiredWorld]:
    """Make a world, and end it."""
    world = WiredWorld(folder, how, **more)
    try:
        yield world
    finally:
        world.close()
