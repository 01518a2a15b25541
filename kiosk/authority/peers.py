"""Who calls the authority: the proof of a connection, and the station that it identifies."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, assert_never


@dataclass(frozen=True, slots=True)
class StationIdentity:
    """A station by its recorded name; ``site`` is its place, for reports, or empty."""

    name: str
    site: str = ""


@dataclass(frozen=True, slots=True)
class SocketPeer:
    """A process on this machine: its user id from the kernel (SO_PEERCRED)."""

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
class AnonymousPeer:
    """A client without a certificate, at the listener for enrolment; its address proves nothing."""

    address: str


Peer = SocketPeer | CertificatePeer | AnonymousPeer


@dataclass(frozen=True, slots=True)
class PeerRefused:
    """The peer is no station that may call; ``because`` is for the log."""

    because: str


@dataclass(frozen=True, slots=True)
class SocketStation:
    """Implements ``StationDirectory``: only the station of this machine, by its account."""

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
            case AnonymousPeer():
                return PeerRefused("it shows no certificate")
            case _:
                assert_never(peer)


class StationDirectory(Protocol):
    """The stations by their proof; called for every call, on a worker's thread."""

    def identify(self, peer: Peer) -> StationIdentity | PeerRefused:
        """Return which station ``peer`` is, also a retired one: the use cases refuse that.

        Raises ``StoreError`` where the database gives no answer.
        """
