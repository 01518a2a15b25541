"""Who calls the authority: what a connection proves of its other end, and which station that is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, assert_never


@dataclass(frozen=True, slots=True)
class StationIdentity:
    """A station by its recorded name; ``site`` is where it stands, for reports, or empty."""

    name: str
    site: str = ""


@dataclass(frozen=True, slots=True)
class SocketPeer:
    """A process on this machine: the user id that the kernel names (SO_PEERCRED)."""

    user_id: int


@dataclass(frozen=True, slots=True)
class CertificatePeer:
    """A client that proved the key of a certificate of our CA in the TLS handshake.

    ``key`` is the SHA-256 of its SubjectPublicKeyInfo in DER, in hexadecimal. A connection can
    outlive the certificate: ``not_after`` is checked at each call.
    """

    key: str
    not_after: datetime


@dataclass(frozen=True, slots=True)
class Stranger:
    """A client without a certificate, where stations are let in; its address proves nothing."""

    address: str


Peer = SocketPeer | CertificatePeer | Stranger


@dataclass(frozen=True, slots=True)
class PeerRefused:
    """The peer is no station that may call; ``because`` is for the log."""

    because: str


@dataclass(frozen=True, slots=True)
class SocketStation:
    """Implements ``StationDirectory``: the station of this machine, by its account, alone."""

    user_id: int
    station: StationIdentity

    def identify(self, peer: Peer) -> StationIdentity | PeerRefused:
        """Return the station for a process of its account."""
        match peer:
            case SocketPeer(user_id):
                if user_id == self.user_id:
                    return self.station
                return PeerRefused(f"user id {user_id} is not the station's")
            case CertificatePeer(key):
                return PeerRefused(f"no station is enrolled with the key {key}")
            case Stranger():
                return PeerRefused("it shows no certificate")
            case _:
                assert_never(peer)


class StationDirectory(Protocol):
    """The stations by what they prove; asked at every call, on a worker's thread."""

    def identify(self, peer: Peer) -> StationIdentity | PeerRefused:
        """Return which station ``peer`` is, retired or not: the use cases refuse a retired one.

        Raises ``StoreError`` where the database gives no answer.
        """
