"""Composes the station: cards, the loop, and the display in front of it.

What the first page does not need is imported later, where it is built: readers, card drivers, and
the authority with its database take longer to import than the page takes to paint.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from zoneinfo import ZoneInfo

from kiosk.config.loading import credential_file
from kiosk.config.settings import Settings
from kiosk.contract.errors import ConfigError, KioskError, describe_fault
from kiosk.contract.messages import Heartbeat, ReaderState, VisitId, reference_of
from kiosk.contract.ports import (
    PostReaderEvent,
    ReaderEvent,
    ReaderMonitor,
    ReadersChanged,
    ServiceFound,
    ServiceLost,
)
from kiosk.station.commands import Command, EndVisit, ReportMute
from kiosk.station.events import NoReply, ResultSide
from kiosk.station.loop import Executor, IdleTimes, StationLoop
from kiosk.station.machine import AuthorityAddress, NetworkState, end_machine
from kiosk.station.states import Outage
from screens.terminal.colours import is_bare_console
from screens.theme import PLAIN, RICH, Appearance

if TYPE_CHECKING:
    from kiosk.app.composition.renewal import Renewal
    from kiosk.station.client import HttpAuthority

log = logging.getLogger(__name__)


def appearance_of(settings: Settings) -> Appearance:
    service, station = settings.service, settings.station
    return Appearance(
        service=service.own_text("name"),
        trust=service.own_text("trust"),
        contact=service.own_text("ra_contact"),
        hours=service.own_text("ra_hours"),
        language=service.language,
        accent=service.accent,
        motion=station.motion,
        touch=station.touch,
        dark=station.dark,
        still_s=station.idle_answer_s,
        glyphs=PLAIN if is_bare_console(os.environ) else RICH,
        zone=ZoneInfo(station.time_zone) if station.time_zone else None,
    )


class OpenExecutor(Executor, Protocol):
    """An executor that holds a database and threads until it is closed."""

    @property
    def stale(self) -> bool:
        """Whether it was built from something that has changed since."""

    def close(self) -> None: ...


class BackgroundExecutor:
    """Builds the real executor at its first use, in the thread that uses it.

    The first page has to be there within a second, also while the database is away: building is
    tried again with every check of the authority.
    """

    def __init__(self, build: Callable[[], OpenExecutor]) -> None:
        self._build = build
        self._executor: OpenExecutor | None = None
        self._under_way = 0
        self._lock = threading.Lock()

    def perform(self, command: Command) -> ResultSide | None:
        """Report that nobody answers where there is no executor."""
        with self._lock:
            executor = self._open()
            if executor is None:
                unanswered = isinstance(command, EndVisit | ReportMute)
                return None if unanswered else NoReply(command.visit)
            self._under_way += 1
        try:
            return executor.perform(command)
        finally:
            with self._lock:
                self._under_way -= 1

    def check_authority(self, reader: ReaderState, *, idle: bool) -> Outage | None:
        """Return why the authority cannot serve anybody here; ``idle`` allows it to be rebuilt."""
        with self._lock:
            built = self._executor
            # An outcome may still be recorded after its card is out, and the page is the first one.
            if idle and built is not None and not self._under_way and built.stale:
                log.info("keys or certificate have changed: the authority is opened anew")
                built.close()
                self._executor = None
            executor = self._open()
        if executor is None:
            return Outage.AUTHORITY_AWAY
        return executor.check_authority(reader, idle=idle)

    def close(self) -> None:
        with self._lock:
            if self._executor is not None:
                self._executor.close()

    def _open(self) -> OpenExecutor | None:
        if self._executor is None:
            try:
                self._executor = self._build()
            except KioskError as trouble:
                log.error("the authority cannot be opened: %s", trouble)  # noqa: TRY400
        return self._executor


def only_readers(part: str, post: PostReaderEvent) -> PostReaderEvent:
    """Return a ``post`` that drops events of readers whose name does not contain ``part``."""
    if not part:
        return post

    def filtered(event: ReaderEvent) -> None:
        if isinstance(event, ReadersChanged):
            post(ReadersChanged(tuple(name for name in event.readers if part in name)))
        elif isinstance(event, ServiceLost | ServiceFound) or part in event.reader:
            post(event)

    return filtered


def build_station(
    settings: Settings,
    open_executor: Callable[[], OpenExecutor],
    turn: Callable[[], Awaitable[None]] | None = None,
) -> tuple[StationLoop, Callable[[], None]]:
    """Return the station's loop, and what closes its parts once that has ended.

    With ``turn`` it is a station for one visit, which begins when that returns.
    """

    def monitor(post: PostReaderEvent) -> ReaderMonitor:
        from hardware.monitor import PcscMonitor

        return PcscMonitor(only_readers(settings.pcsc.reader, post))

    executor = BackgroundExecutor(open_executor)
    idle = IdleTimes(idle_s=settings.station.idle_s, answer_s=settings.station.idle_answer_s)
    return StationLoop(executor, monitor, log_fault, idle, turn=turn), executor.close


class LocalExecutor:
    """The authority is in this process, as in the demo: an officer restarts nothing here."""

    def __init__(self, settings: Settings, environ: Mapping[str, str]) -> None:
        from kiosk.app.composition.authority import BuiltAuthority
        from kiosk.app.composition.cards import build_cards
        from kiosk.authority.administration.caretaker import EveryMinute
        from kiosk.station.executor import Actions

        self._built = BuiltAuthority(settings, environ)
        self._caretaker = EveryMinute(self._built.caretaker.run)
        cards = build_cards(settings, environ)
        self._actions = Actions(self._built.authority, cards, _first_beat(settings))

    def perform(self, command: Command) -> ResultSide | None:
        return self._actions.perform(command)

    def check_authority(self, reader: ReaderState, *, idle: bool) -> Outage | None:
        outage = self._actions.check_authority(reader, idle=idle)
        if outage is None:
            self._caretaker.run_if_due()
        return outage

    @property
    def stale(self) -> bool:
        return self._built.keys_changed

    def close(self) -> None:
        self._built.close()


def open_authority(settings: Settings, environ: Mapping[str, str], version: str) -> HttpAuthority:
    """Return the authority that the settings name; raises ``ConfigError``."""
    from kiosk.station.client import HttpAuthority, client_context, tls_addresses

    named = settings.authority
    if not named.addresses:
        return HttpAuthority([named.socket], None, version)
    if not (named.certificate and named.ca):
        raise ConfigError("this station has no certificate: `kiosk enrol` fetches one")
    files = (named.certificate, named.key or named.certificate, named.ca)
    context = client_context(*(credential_file(each, environ) for each in files))
    return HttpAuthority(tls_addresses(named.addresses), context, version)


class RemoteExecutor:
    """The authority is in another process; ``path`` is the file of the ``settings``."""

    def __init__(self, settings: Settings, path: Path, environ: Mapping[str, str]) -> None:
        from kiosk.app.composition.cards import build_cards
        from kiosk.station.executor import Actions

        first = _first_beat(settings)
        self._certificate: Path | None = None
        self._renewal: Renewal | None = None
        self._authority = open_authority(settings, environ, first.version)
        if settings.authority.addresses:
            from kiosk.app.composition.renewal import Renewal

            self._certificate = credential_file(settings.authority.certificate, environ)
            self._renewal = Renewal(self._certificate, path, environ)
        cards = build_cards(settings, environ)

        def end_parent() -> None:  # in order: running commands of this visit are finished first
            os.kill(os.getppid(), signal.SIGTERM)

        end = partial(end_machine, restart_station=end_parent)
        self._actions = Actions(self._authority.port, cards, first, self._look_at_network, end)

    def perform(self, command: Command) -> ResultSide | None:
        return self._actions.perform(command)

    def check_authority(self, reader: ReaderState, *, idle: bool) -> Outage | None:
        if idle and self._renewal is not None:
            self._renewal.renew_if_due()
        return self._actions.check_authority(reader, idle=idle)

    @property
    def stale(self) -> bool:
        """Whether the certificate was renewed after the connections were set up."""
        return self._renewal is not None and self._renewal.is_done

    def _look_at_network(self) -> NetworkState:
        from kiosk.app.composition.renewal import dates_of

        reached = self._authority.reach()
        dates = dates_of(self._certificate) if self._certificate else None
        return NetworkState(
            tuple(AuthorityAddress(str(address), trouble) for address, trouble in reached),
            dates.ends_at if dates else None,
        )

    def close(self) -> None:
        self._authority.close()


def _first_beat(settings: Settings) -> Heartbeat:
    from importlib.metadata import version

    return Heartbeat(version("unlock-kiosk"), language=settings.service.language)


def log_fault(visit: VisitId, fault: BaseException) -> None:
    """Log an unexpected error without its contents."""
    reference = reference_of(visit) if visit else "none"
    log.error("fault in visit %s\n%s", reference, describe_fault(fault))
