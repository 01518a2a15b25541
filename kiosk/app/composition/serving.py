"""Runs the authority as a process: it listens, serves stations, and runs the caretaker."""

from __future__ import annotations

import asyncio
import logging
import os
import pwd
import signal
import ssl
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from kiosk.app.composition.authority import BuiltAuthority
from kiosk.authority.administration.caretaker import EveryMinute
from kiosk.authority.connections import server_context
from kiosk.authority.crypto.keys import KeyFileMissing
from kiosk.authority.crypto.station_ca import StationCa
from kiosk.authority.enrolment import EnrolledStations, StationEnrolment, Terms
from kiosk.authority.errors import KeyMissing, KeysUnavailable, StoreError
from kiosk.authority.key_names import check_is_newest
from kiosk.authority.metrics import Metrics, MonitoringServer, Watched
from kiosk.authority.server import AuthorityServer
from kiosk.authority.stations import StationIdentity
from kiosk.authority.store.database import Store
from kiosk.config.loading import credential_file, credential_text
from kiosk.config.settings import AuthoritySettings, Settings, host_and_port, host_of
from kiosk.contract.enrolment import RENEWAL_PART
from kiosk.contract.errors import ConfigError, KioskError, describe_fault
from kiosk.contract.log_context import TroubleLog
from kiosk.system.files import stamp_of
from kiosk.system.threads import NoThreadLeft, run_on_thread

log = logging.getLogger(__name__)

AGAIN_S = 2.0
"""Between two tries to open the database or the keys."""

_READY_WITHOUT_FILE = "ready; but its key file is away, and without that it cannot be started again"

OPENING = "the database and the keys are being opened"

TICK_S = 1.0
"""Between two checks of the key file, and two reports; the caretaker runs once a minute."""

FIRST_TRY_S = 20.0
"""How long the first report waits for the first try to open, which ends with wrong settings."""


async def serve(
    settings: Settings,
    environ: Mapping[str, str],
    report: Callable[[str], None],
    hashing_began: Callable[[], None] | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT. After a change of the keys, everything is opened again.

    ``report`` is called every second, also while the database or the keys are away, with why it
    does not serve (empty where it does): first when the monitoring listens, and the first try to
    open the database and the keys has ended or lasts. ``hashing_began`` is called in each thread
    that hashes, when it begins. Raises ``ConfigError``.
    """
    if not (settings.authority.socket or settings.authority.listen):
        raise ConfigError("authority: nobody could call it: give socket, or listen, or both")
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    on_socket = _on_socket(settings) if settings.authority.socket else {}
    monitored = ProcessMonitor(stop)
    monitoring = MonitoringServer(monitored.readiness, monitored.metrics.text)
    if place := settings.monitoring.place(settings.authority.socket):
        await monitoring.listen(place)

    async def keep_reporting() -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(monitored.tried.wait(), FIRST_TRY_S)
        while True:
            report("" if monitored.serving else monitored.closed_because)
            await asyncio.sleep(TICK_S)

    reporting = asyncio.create_task(keep_reporting())
    try:
        while not stop.is_set():
            try:
                built = await asyncio.to_thread(BuiltAuthority, settings, environ)
            except (StoreError, KeyFileMissing, KeyMissing) as trouble:
                monitored.cannot_open(trouble)
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), AGAIN_S)
                continue
            network = Network(settings.authority, environ, built.store, built.ca)
            server = AuthorityServer(
                built.authority,
                EnrolledStations(built.store, on_socket),
                answered=monitored.metrics.answered,
                enrolment=network.enrolment,
                dropped=monitored.metrics.handshake_dropped,
                hashing_began=hashing_began,
            )
            try:
                if settings.authority.socket:
                    await server.listen_on_socket(Path(settings.authority.socket))
                    log.info("serving on %s", settings.authority.socket)
                await network.listen(server)
                monitored.serving = built, server
                monitored.tried.set()
                await _run_jobs(built, network, stop)
                if stop.is_set():
                    await asyncio.sleep(settings.monitoring.drain_s)
            finally:
                await server.close()
                monitored.serving, monitored.closed_because = None, OPENING
                await asyncio.to_thread(built.close)
    finally:
        reporting.cancel()
        await monitoring.close()
    log.info("ended")


class ProcessMonitor:
    """The state of this process for the monitoring, whatever it has open at the moment."""

    def __init__(self, stop: asyncio.Event) -> None:
        self._stop = stop
        self.serving: tuple[BuiltAuthority, AuthorityServer] | None = None
        self.closed_because = OPENING
        """Why it does not serve."""
        self.tried = asyncio.Event()
        """Set once database and keys were opened, or could not be."""
        self._trouble = TroubleLog(log)
        self.metrics = Metrics(self._watched)

    def cannot_open(self, trouble: KioskError) -> None:
        """Record why database or keys could not be opened; it is tried again, and logged once."""
        if self.closed_because == OPENING:
            self._trouble.note("")
        self.closed_because = _sentence(trouble)
        self._trouble.note(f"the authority cannot be opened: {trouble}")
        self.tried.set()

    def readiness(self) -> tuple[bool, str]:
        """Return whether this process can decide and should get calls, and a sentence.

        Everybody who reaches the port reads it: it names no file, role or key. The log does.
        """
        if self._stop.is_set():
            return False, "it ends"
        if self.serving is None:
            return False, self.closed_because
        built, _ = self.serving
        try:
            if not built.store.schema_serves():
                return False, "the schema of the database does not fit this program"
            built.store.check_writable()
            check_is_newest(built.store, built.ring)
            built.authority.reach_keys()
        except (StoreError, KeyMissing, KeysUnavailable) as trouble:
            self._trouble.note(f"not ready: {trouble}")
            return False, _sentence(trouble)
        self._trouble.note("")
        return True, _READY_WITHOUT_FILE if built.key_file.is_away else "ready"

    def _watched(self) -> Watched | None:
        if self.serving is None:
            return None
        built, server = self.serving
        return Watched(
            store=built.store,
            mail_answered=built.authority.health.mail_answered,
            hashes_waiting=built.hasher.waiting,
            calls_under_way=server.under_way,
            connected=server.connected,
        )


def _sentence(trouble: KioskError) -> str:
    what = "database" if isinstance(trouble, StoreError) else "keys"
    return f"the {what} cannot be used: the log of this process says why"


def _on_socket(settings: Settings) -> dict[int, StationIdentity]:
    """Return who may call at the socket; raises ``ConfigError`` where there is no such account."""
    named = settings.authority.station_user
    try:
        user_id = pwd.getpwnam(named).pw_uid
    except KeyError:
        raise ConfigError(f"authority.station_user: there is no account {named!r}") from None
    station = settings.station
    return {user_id: StationIdentity(station.name, station.site)}


async def _run_jobs(built: BuiltAuthority, network: Network, stop: asyncio.Event) -> None:
    """Run what is due until the authority has to stop, or its keys have changed."""
    caretaker, trouble = EveryMinute(built.caretaker.run), TroubleLog(log)

    def run_if_due() -> str:
        """Return the trouble, empty for none: an error must not end the serving of stations."""
        try:
            caretaker.run_if_due()
            network.renew_if_due()
        except ConfigError as wrong:
            return str(wrong)
        except Exception as fault:  # noqa: BLE001 - it is logged, and tried again
            return f"fault in what the authority does by itself\n{describe_fault(fault)}"
        return ""

    while not stop.is_set() and not built.keys_changed:
        try:
            trouble.note(await run_on_thread(run_if_due))
        except NoThreadLeft as error:
            trouble.note(str(error))
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), TICK_S)
    if built.keys_changed:
        log.info("the keys have changed: the authority is opened anew")


class Network:
    """Both listeners in the network; ``renew_if_due`` renews their certificates while they serve.

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
            where = host_and_port(self._named.listen)
            await server.listen_on_tls(*where, lambda: self._for_stations)
            log.info("serving on %s", self._named.listen)
        if self._named.enrol_listen:
            where = host_and_port(self._named.enrol_listen)
            await server.listen_on_tls(*where, lambda: self._for_enrolment, anonymous=True)
            log.info("enrolling stations on %s", self._named.enrol_listen)

    def renew_if_due(self) -> None:
        """Renew the own certificate; load replaced files, or raise ``ConfigError`` for them."""
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
        if not self._named.certificate:
            return
        certificate = credential_file(self._named.certificate, self._environ)
        key = credential_file(self._named.key or self._named.certificate, self._environ)
        stamp = (stamp_of(certificate), stamp_of(key))
        if stamp == self._loaded:
            return
        try:
            context = server_context(self._believed)
            context.load_cert_chain(certificate, key)
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(
                f"authority.certificate: {certificate} and the key {key} cannot be used: "
                f"{error.strerror or error}"
            ) from None
        self._for_stations, self._loaded = context, stamp


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
