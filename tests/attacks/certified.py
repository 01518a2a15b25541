"""An estate over mutual TLS, and a client with a station's certificate that is none of ours."""

from __future__ import annotations

import http.client
import json
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from kiosk.authority.connections import Limits
from kiosk.authority.crypto.station_ca import StationCa, fingerprint_of
from kiosk.authority.enrolment import EnrolledStations, StationEnrolment, Terms
from kiosk.authority.records import Station, StationKey
from kiosk.contract.ports import Authority
from kiosk.contract.routes import encode, routes
from kiosk.station.client import HttpAuthority, client_context
from tests.authority.world import World
from tests.contract.wirings import HOST, Served

LIFE = timedelta(days=90)


def certificate_of(name: str, world: World, ca: StationCa, *, is_row: bool = True) -> Path:
    """Issue a certificate for a station, with its key in the file; ``is_row``: and let it in."""
    key = ec.generate_private_key(ec.SECP256R1())
    made = ca.issue(key.public_key(), name, datetime.now(UTC), LIFE)
    own = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file = world.folder / f"{name}-{len(list(world.folder.iterdir()))}.pem"
    file.write_bytes(own + made.public_bytes(Encoding.PEM))
    if is_row:
        fingerprint = fingerprint_of(key.public_key())
        with world.store.begin() as uow:
            uow.stations.enrolled(Station(name, uow.now))
            uow.station_keys.drop(name)
            uow.station_keys.add(StationKey(fingerprint, name, uow.now + LIFE, uow.now))
            uow.commit()
    return file


class Recorded:
    """Takes the calls of the port and keeps their bytes, as they would be sent."""

    def __init__(self) -> None:
        self.bodies: dict[str, bytes] = {}

    def __getattr__(self, name: str) -> Any:
        def call(*given: object, **named: object) -> None:
            self.bodies[name] = encode(routes()[name].request(*given, **named))

        return call


class Client:
    """HTTP over one kept connection, with any certificate or none; ``heard`` is all answered."""

    def __init__(self, port: int, ca: Path, certificate: Path | None) -> None:
        context = ssl.create_default_context(cafile=str(ca))
        if certificate is not None:
            context.load_cert_chain(certificate)
        self._line = http.client.HTTPSConnection(HOST, port, timeout=60, context=context)
        self.heard: list[bytes] = []

    def send(self, path: str, body: bytes, method: str = "POST") -> tuple[int, Any]:
        """Return status and answer; raises ``OSError`` where there is no connection."""
        self._line.request(method, path, body)
        answer = self._line.getresponse()
        read = answer.read()
        self.heard.append(read)
        return answer.status, json.loads(read) if read else None

    def ask(self, call: str, **fields: object) -> tuple[int, Any]:
        """Send JSON by hand."""
        return self.send(f"/v2/{call}", json.dumps(fields).encode())

    def replay(self, call: str, body: bytes) -> tuple[int, Any]:
        """Send the very bytes of a call."""
        return self.send(f"/v2/{call}", body)

    def close(self) -> None:
        self._line.close()


class Estate(World):
    """A world whose stations come with certificates of the authority's CA, and are rows of it."""

    def __init__(self, folder: Path, limits: Limits | None = None) -> None:
        super().__init__(folder)
        self.ca = StationCa(self.ring)
        self.ca_file = folder / "ca.pem"
        self.ca_file.write_text(self.ca.pem)
        directory = EnrolledStations(self.store, {})
        enrolment = StationEnrolment(self.store, self.ca, Terms(LIFE, self.ca.pem, ()))
        self.served = Served(self.authority, directory, limits or Limits(), enrolment=enrolment)
        own, _ = self.ca.issue_own((HOST,), datetime.now(UTC), LIFE)
        file = folder / "authority.pem"
        file.write_text(own)
        self.address = self.served.on_context(self.ca.pem, file, file)
        self.enrol_address = self.served.on_context(self.ca.pem, file, file, anonymous=True)
        self._stations: dict[str, HttpAuthority] = {}
        self.clients: list[Client] = []

    def certificate(self, name: str, ca: StationCa | None = None, *, is_row: bool = True) -> Path:
        """Issue a certificate for a station; ``is_row``: and let it in."""
        return certificate_of(name, self, ca or self.ca, is_row=is_row)

    def client(self, certificate: Path | None) -> Client:
        """Return a client that is none of ours."""
        self.clients.append(Client(self.address.port, self.ca_file, certificate))
        return self.clients[-1]

    def at(self, station: str) -> Authority:  # type: ignore[override]
        """Return the authority as an honest station has it."""
        if station not in self._stations:
            file = self.certificate(station)
            context = client_context(file, file, self.ca_file)
            self._stations[station] = HttpAuthority([self.address], context)
        return self._stations[station].port

    def close(self) -> None:
        for client in self.clients:
            client.close()
        for station in self._stations.values():
            station.close()
        self.served.close()
        self.store.close()
