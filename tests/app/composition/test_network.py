"""The authority's certificates are replaced while it serves."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme
from cryptography import x509

from kiosk.app.composition.serving import Network
from kiosk.authority.crypto.keys import KeyRing
from kiosk.authority.crypto.station_ca import StationCa
from kiosk.authority.server import AuthorityServer
from kiosk.config.settings import AuthoritySettings
from kiosk.contract.errors import ConfigError
from kiosk.system.sockets import free_ports

HOST = "localhost"
ESTATE = trustme.CA()


class Listening:
    """A network whose stations' listener shows the certificate in ``file``, or its own."""

    def __init__(
        self,
        file: Path | None,
        days: float = 90,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.port, enrolling = free_ports(2)
        address = f"{HOST}:{self.port}"
        named = AuthoritySettings(
            listen=address,
            enrol_listen=f"{HOST}:{enrolling}",
            addresses=(address,),
            certificate_days=days,
            certificate=str(file or ""),
            key=str(file.with_suffix(".key")) if file else "",
        )
        self.ca = StationCa(KeyRing.fresh())
        self.server = AuthorityServer(None, None)  # type: ignore[arg-type]
        self.network = Network(named, {}, None, self.ca, now)  # type: ignore[arg-type]

    async def shown(self) -> int:
        """Return the serial number of the certificate that a new connection is shown."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        ESTATE.configure_trust(context)
        context.load_verify_locations(cadata=self.ca.pem)
        _, writer = await asyncio.open_connection(HOST, self.port, ssl=context)
        shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        writer.transport.abort()
        with suppress(OSError):
            await writer.wait_closed()
        return x509.load_der_x509_certificate(shown).serial_number


def put(leaf: trustme.LeafCert, certificate: Path | None, key: Path | None) -> int:
    """Write a leaf's certificate, its key, or both; return its serial number."""
    if certificate:
        certificate.write_bytes(b"".join(blob.bytes() for blob in leaf.cert_chain_pems))
    if key:
        key.write_bytes(leaf.private_key_pem.bytes())
    return x509.load_pem_x509_certificate(leaf.cert_chain_pems[0].bytes()).serial_number


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "authority.crt"


@pytest.fixture
async def by_files(file: Path) -> AsyncIterator[Listening]:
    put(ESTATE.issue_cert(HOST), file, file.with_suffix(".key"))
    made = Listening(file)
    await made.network.listen(made.server)
    yield made
    await made.server.close()


async def test_a_certificate_whose_key_comes_later_is_shown_once_it_is_there(
    by_files: Listening, file: Path
) -> None:
    """In between nobody passed the handshake, and none at all where the key was another one's."""
    before, leaf = await by_files.shown(), ESTATE.issue_cert(HOST)
    serial = put(leaf, file, None)
    for _ in range(2):
        with pytest.raises(ConfigError, match="cannot be used"):
            by_files.network.renew_if_due()
        assert await by_files.shown() == before
    put(leaf, None, file.with_suffix(".key"))
    by_files.network.renew_if_due()
    assert await by_files.shown() == serial != before


class Contexts:
    """In place of a server: what a handshake would begin with."""

    def __init__(self) -> None:
        self._of: list[Callable[[], ssl.SSLContext]] = []

    async def listen_on_tls(
        self, _host: str, _port: int, context: Callable[[], ssl.SSLContext], **_: object
    ) -> int:
        self._of.append(context)
        return 0

    def now(self) -> list[ssl.SSLContext]:
        return [each() for each in self._of]


async def test_certificate_is_in_a_context_of_its_own() -> None:
    """OpenSSL read freed memory where one changed in a handshake: the process died by SIGSEGV."""
    network, contexts = Listening(None, days=0).network, Contexts()
    await network.listen(contexts)  # type: ignore[arg-type]
    seen: list[ssl.SSLContext] = []
    for _ in range(3):
        network.renew_if_due()
        assert not any(each is before for each in contexts.now() for before in seen)
        seen += contexts.now()
    assert len(seen) == 6


async def test_the_own_certificate_is_made_anew_where_the_clock_was_ahead() -> None:
    """As of a machine that starts with a wrong clock: no station passed the handshake since."""
    ahead = timedelta(days=365)
    made = Listening(None, now=lambda: datetime.now(UTC) + ahead)
    await made.network.listen(made.server)
    with pytest.raises(ssl.SSLCertVerificationError, match="not yet valid"):
        await made.shown()
    ahead = timedelta(0)
    made.network.renew_if_due()
    serial = await made.shown()
    made.network.renew_if_due()
    assert await made.shown() == serial
    await made.server.close()
