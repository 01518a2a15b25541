"""The authority in the network: its certificates, the clients it accepts, and its listeners."""

from __future__ import annotations

import logging
import os
import ssl
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from kiosk.authority.connections import server_context
from kiosk.authority.crypto.station_ca import StationCa
from kiosk.authority.enrolment import StationEnrolment, Terms
from kiosk.authority.server import AuthorityServer
from kiosk.authority.store.database import Store
from kiosk.config.loading import credential_file, credential_text
from kiosk.config.settings import AuthoritySettings, host_of
from kiosk.contract.enrolment import RENEWAL_PART
from kiosk.contract.errors import ConfigError
from kiosk.system.files import stamp_of

log = logging.getLogger(__name__)


class Network:
    """Both listeners; ``renew_if_due`` renews their certificates while they serve.

    New handshakes get the last loaded certificate, so a renewal ends no connection. It is in a
    context of its own each time: OpenSSL crashes where one changes while a handshake begins with
    it, and keeps nothing usable of one into which a pair was loaded that does not fit.
    """

    def __init__(
        self,
        named: AuthoritySettings,
        environ: Mapping[str, str],
        store: Store,
        ca: StationCa,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._named = named
        self._environ = environ
        self._ca = ca
        self._life = timedelta(days=named.certificate_days)
        yours = estates_ca(named, environ)
        believed = "\n".join(each for each in (ca.pem.strip(), yours.strip()) if each) + "\n"
        terms = Terms(self._life, believed, named.addresses)
        self.enrolment = StationEnrolment(store, ca, terms)
        self._believed = believed
        self._for_stations = server_context(believed)
        self._for_enrolment = server_context("")
        self._now = now
        self._made_at = self._renew_at = datetime.min.replace(tzinfo=UTC)
        self._loaded: object = None

    async def listen(self, server: AuthorityServer) -> None:
        """Listen as the settings say; raises ``ConfigError``."""
        if self._named.listen:
            self.renew_if_due()
            where = _split(self._named.listen)
            await server.listen_on_tls(*where, lambda: self._for_stations)
            log.info("serving on %s", self._named.listen)
        if self._named.enrol_listen:
            where = _split(self._named.enrol_listen)
            await server.listen_on_tls(*where, lambda: self._for_enrolment, anonymous=True)
            log.info("enrolling stations on %s", self._named.enrol_listen)

    def renew_if_due(self) -> None:
        """Make a new certificate in the last third of one's life; load replaced files.

        Raises ``ConfigError`` for files that cannot be used.
        """
        if not self._named.listen:
            return
        now = self._now()
        # Before it was made: the clock was ahead, and it is not valid yet.
        if not self._made_at <= now < self._renew_at and self._named.addresses:
            hosts = tuple(dict.fromkeys(host_of(each) for each in self._named.addresses))
            own, until = self._ca.issue_own(hosts, now, self._life)
            self._for_enrolment = _with_own("", own)
            if not self._named.certificate:
                self._for_stations = _with_own(self._believed, own)
            self._made_at, self._renew_at = now, until - self._life / RENEWAL_PART
        if self._named.certificate:
            self._load_files()

    def _load_files(self) -> None:
        certificate = credential_file(self._named.certificate, self._environ)
        key = credential_file(self._named.key or self._named.certificate, self._environ)
        try:
            stamp = (stamp_of(certificate), stamp_of(key))
            if stamp != self._loaded:
                context = server_context(self._believed)
                context.load_cert_chain(certificate, key)
                self._for_stations = context
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(
                f"authority.certificate: {certificate} and the key {key} cannot be used: "
                f"{error.strerror or error}"
            ) from None
        self._loaded = stamp


def estates_ca(named: AuthoritySettings, environ: Mapping[str, str]) -> str:
    """Return the certificates (PEM) of the estate's own CA, if any; raises ``ConfigError``."""
    if not named.ca:
        return ""
    try:
        found = credential_text(named.ca, environ).reveal()
    except ConfigError as error:
        raise ConfigError(f"authority.ca: {error}") from None
    server_context(found or "no certificate")  # it raises where there is none
    return found


def _with_own(believed: str, own: str) -> ssl.SSLContext:
    """Return a context with key and certificate from memory: the key is in no file."""
    context = server_context(believed)
    held = os.memfd_create("certificate", os.MFD_CLOEXEC)
    with os.fdopen(held, "wb") as file:
        file.write(own.encode())
        file.flush()
        context.load_cert_chain(f"/proc/self/fd/{held}")
    return context


def _split(listen: str) -> tuple[str, int]:
    return host_of(listen), int(listen.rpartition(":")[2])
