"""Metrics for Prometheus: counts of one authority process, and the state of the estate.

No label holds a visit, a person or a station: the values of labels are few and fixed. Counters are
of this process; the state of the estate is read from the database, and is the same at every
process.
"""

from __future__ import annotations

import asyncio
import platform
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path
from threading import Lock
from typing import Final, Generic, TypeVar, get_args

from aiohttp import web
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Histogram,
    Info,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from kiosk.authority.administration.alarms import WATCH, AlarmKind, silent_before
from kiosk.authority.audit.events import AuditKind
from kiosk.authority.audit.siem import FEED
from kiosk.authority.connections import (
    Connections,
    Limits,
    Listener,
    anonymous_peer,
    bind,
    listening_on,
)
from kiosk.authority.errors import StoreError
from kiosk.authority.mail.bounces import ignored
from kiosk.authority.mail.times import read_mail_time
from kiosk.authority.people_groups import PeopleGroup
from kiosk.authority.server import Called, of_entry
from kiosk.authority.stations import Peer
from kiosk.authority.store.database import Store, UnitOfWork
from kiosk.authority.store.tables import REVISION
from kiosk.config.settings import host_and_port
from kiosk.contract.errors import ConfigError
from kiosk.contract.messages import (
    FactorEntry,
    Reason,
    Refusal,
    UnblockDone,
    UnblockNotSent,
    UnblockRefused,
    UnblockUnknown,
    UnblockWrong,
    VisitEnd,
    VisitOpened,
)
from kiosk.contract.routes import routes

T = TypeVar("T")

BUCKETS: Final = (0.01, 0.05, 0.25, 1.0, 5.0)
"""Seconds of a call: a look-up, some statements, Argon2, the relay, too long."""

OUTCOMES: Final[dict[type, str]] = {
    UnblockDone: "done",
    UnblockRefused: "refused",
    UnblockWrong: "wrong",
    UnblockNotSent: "not-sent",
    UnblockUnknown: "unknown",
}

BUSY: Final = {429: "station", 503: "authority"}
"""Which limit was reached, by the status of the answer."""

READ_EVERY_S: Final = 5.0
"""How long counts from the database are reused: several may ask for them."""

MOST_BLOCKED: Final = 10_000


class Metrics(Collector):
    def __init__(
        self, watched: Callable[[], Watched | None], now: Callable[[], float] = time.monotonic
    ) -> None:
        self._watched = watched
        self._now = now
        self._reading = Lock()
        self._known: list[Metric] = []
        self._until = float("-inf")
        self._registry = CollectorRegistry()
        self._seconds = Histogram(
            "kiosk_call_seconds",
            "How long calls took, from their headers to their answer.",
            ["call"],
            registry=self._registry,
            buckets=BUCKETS,
        )
        counter = partial(Counter, registry=self._registry)
        self._replies = counter(
            "kiosk_replies",
            "Answers to calls by their kind; a number is the HTTP status of one without a reply.",
            ["call", "reply"],
        )
        self._busy = counter(
            "kiosk_busy_answers",
            "Calls that were asked to come again: by one station, or by all of them, too many.",
            ["because"],
        )
        self._dropped = counter(
            "kiosk_handshakes_dropped",
            "Connections that were dropped in their TLS handshake: too many had begun one.",
        )
        self._opened = counter("kiosk_visits_opened", "Visits that began.")
        self._ended = counter("kiosk_visits_ended", "Visits that ended, by how.", ["how"])
        self._refusals = counter("kiosk_refusals", "Holders who were turned away.", ["reason"])
        self._unblocks = counter("kiosk_unblocks", "What cards did with a grant.", ["outcome"])
        # Each series exists from the beginning: otherwise its first increase would be missed.
        entries = (of_entry("submit", kind) for kind in get_args(FactorEntry))
        for call in (*routes(), *entries):
            self._seconds.labels(call)
        for because in BUSY.values():
            self._busy.labels(because)
        for how in VisitEnd:
            self._ended.labels(how.value)
        for reason in Reason:
            self._refusals.labels(reason.value)
        for outcome in OUTCOMES.values():
            self._unblocks.labels(outcome)
        build = Info("kiosk_build", "The program and what it runs on.", registry=self._registry)
        build.info(
            {
                "version": version("unlock-kiosk"),
                "schema": REVISION,
                "python": platform.python_version(),
            }
        )
        self._registry.register(self)

    def text(self) -> bytes:
        """Return them in Prometheus' text format."""
        return generate_latest(self._registry)

    def handshake_dropped(self) -> None:
        self._dropped.inc()

    def answered(self, called: Called) -> None:
        decided = called.asked is not None
        reply = type(called.reply).__name__ if decided else str(called.status)
        self._replies.labels(called.name or "none", reply).inc()
        if not called.name:
            return
        self._seconds.labels(called.name).observe(called.seconds)
        if called.retry and called.status in BUSY:
            self._busy.labels(BUSY[called.status]).inc()
        how, outcome = (getattr(called.asked, name, None) for name in ("how", "outcome"))
        if isinstance(called.reply, VisitOpened):
            self._opened.inc()
        if isinstance(called.reply, Refusal):
            self._refusals.labels(called.reply.reason.value).inc()
        if decided and isinstance(how, VisitEnd):
            self._ended.labels(how.value).inc()
        if called.name == "record_outcome" and type(outcome) in OUTCOMES:
            self._unblocks.labels(OUTCOMES[type(outcome)]).inc()

    def describe(self) -> list[Metric]:
        """Return nothing: a registry would otherwise query the database for it."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Return the state of the process, and of the estate while the database answers.

        Of several requests, one reads it.
        """
        with self._reading:
            if self._now() >= self._until:
                self._known = list(self._read())
                self._until = self._now() + READ_EVERY_S
            yield from self._known

    def _read(self) -> Iterator[Metric]:
        watched = self._watched()
        yield _gauge("open", "Whether database and keys were opened.", watched is not None)
        if watched is None:
            return
        mail_up = "Whether the mail relay answered when it was last asked."
        if (answered := watched.mail_answered) is not None:
            yield _gauge("mail_up", mail_up, answered)
        in_use, opened = watched.store.connections()
        yield _gauge("database_connections_in_use", "Connections to the database in use.", in_use)
        yield _gauge("database_connections_open", "Connections to the database.", opened)
        under_way, waiting = watched.calls_under_way, watched.hashes_waiting
        yield _gauge("calls_under_way", "Calls that run or wait for a thread.", under_way)
        yield _gauge("connections", "Connections of stations.", watched.connected)
        yield _gauge("argon2_waiting", "Sets of answers that wait to be hashed.", waiting)
        numbers: tuple[Metric, ...] = ()
        is_up = False
        with suppress(StoreError):
            with watched.store.read() as uow:
                numbers = tuple(estate_numbers(uow))
            watched.store.check_writable()
            is_up = True
        yield _gauge("store_up", "Whether the database answers, and takes writes.", is_up)
        yield from numbers


def estate_numbers(uow: UnitOfWork) -> Iterator[Metric]:
    """Read the state of the estate from one snapshot of the database; ages are in seconds."""

    def age(since: datetime | None) -> float:
        return 0.0 if since is None else max(0.0, (uow.now - since).total_seconds())

    waits, dead = age(uow.outbox.waits_since()), uow.monitored.dead_letters()
    serving, silent = uow.monitored.stations(silent_before(uow.now))
    opened = uow.monitored.open_visits(AuditKind.VISIT_OPENED.value)
    blocked = uow.lists.count(PeopleGroup.BLOCKED, MOST_BLOCKED)
    to_lift = f"Registrations that staff have to lift the block of (to {MOST_BLOCKED})"
    gaps = uow.audit.gaps()
    rows, _ = uow.monitored.beyond({}, gaps)
    unsigned, unsigned_since = uow.monitored.beyond(uow.monitored.last_anchored(), gaps)
    sent = uow.feeds.reached(FEED)
    unsent, unsent_since = (0, None) if sent is None else uow.monitored.beyond(sent, gaps)
    to_send = "Rows of the audit that the collector has not confirmed."
    watch = uow.jobs.get(WATCH)
    watched = age(watch.done_at if watch else None)
    mail_time = read_mail_time(uow)
    watching = "How long ago the caretaker last ran: alarms, anchors, retention."
    failing = uow.addresses.count_failing()
    not_ours = "Messages to return paths that no mail of ours had."
    numbers = (
        ("mail_failing", "People with an address from which mail came back.", failing),
        ("bounces_ignored", not_ours, ignored(uow)),
        ("outbox_waiting", "Notices that wait to be mailed.", uow.outbox.waiting()),
        ("outbox_oldest_seconds", "How long the oldest of them waits.", waits),
        ("outbox_dead", "Notices that were given up, in the last month.", dead),
        ("visits_open", "Visits that are under way.", opened),
        ("stations_in_service", "Stations that are not retired.", serving),
        ("stations_silent", "Those of them that fell silent.", silent),
        ("registrations_blocked", to_lift, blocked),
        ("audit_rows", "Rows of the audit, in all its chains.", rows),
        ("audit_unsigned_rows", "Rows that no anchor covers yet.", unsigned),
        ("audit_unsigned_seconds", "How old the oldest of them is.", age(unsigned_since)),
        ("siem_rows_waiting", to_send, unsent),
        ("siem_oldest_seconds", "How old the oldest of them is.", age(unsent_since)),
        ("caretaker_age_seconds", watching, watched),
    )
    for name, about, number in numbers:
        yield _gauge(name, about, number)
    if mail_time is not None:  # left out while it is unknown
        about = "Median time from the relay to the entry of a code, of the newest ones."
        yield _gauge("code_mail_seconds", about, mail_time.total_seconds())
    standing = [alarm.kind for alarm in uow.alarms.standing()]
    alarms = GaugeMetricFamily("kiosk_alarms", "Alarms that stand, by kind.", labels=["kind"])
    for kind in AlarmKind:
        alarms.add_metric([kind.value], standing.count(kind.value))
    yield alarms


@dataclass(frozen=True, slots=True)
class Watched:
    """What metrics show of a running process."""

    store: Store
    mail_answered: bool | None
    hashes_waiting: int
    calls_under_way: int
    connected: int


def _gauge(name: str, about: str, value: float) -> Metric:
    return GaugeMetricFamily(f"kiosk_{name}", about, value=float(value))


# ``/healthz``, ``/readyz`` and ``/metrics``: for those who run the service, apart from stations.
#
# It answers everybody who can reach it: it is a socket of this machine, or a port behind a
# firewall. No answer names a person, a station or a visit.


MONITORING: Final = Limits(anonymous=50, anonymous_each=16, idle_s=10.0, stop_s=10.0)


class _Shared(Generic[T]):
    """One call at a time, on one thread; all callers that come while it runs get its answer.

    The call uses a connection to the database, and there may be any number of callers.
    """

    def __init__(self, name: str, call: Callable[[], T]) -> None:
        self._call = call
        self._thread = ThreadPoolExecutor(1, name)
        self._running: asyncio.Future[T] | None = None

    async def answer(self) -> T:
        if self._running is None or self._running.done():
            self._running = asyncio.get_running_loop().run_in_executor(self._thread, self._call)
        return await asyncio.shield(self._running)

    def abandon(self) -> None:
        self._thread.shutdown(wait=False)


class MonitoringServer:
    """Answers on one event loop; ``readiness`` returns whether calls may come, and a sentence.

    It and ``metrics`` are called on a thread each, so that no load balancer waits for numbers, and
    by one caller for all: strangers who reach the port cannot keep the others waiting.
    """

    def __init__(
        self,
        readiness: Callable[[], tuple[bool, str]],
        metrics: Callable[[], bytes],
        limits: Limits = MONITORING,
    ) -> None:
        self._readiness = _Shared("readiness", readiness)
        self._metrics = _Shared("metrics", metrics)
        self._connections = Connections(limits, self._answer)
        self._listening: list[Listener] = []

    async def listen(self, place: str) -> int:
        """Listen at a host and port, or on a socket; return the port. Raises ``ConfigError``."""
        connect = partial(self._connections.connect, anonymous_peer)
        try:
            if place.startswith("/"):
                self._listening.append(listening_on(Path(place), connect))
                return 0
            sockets = await bind(*host_and_port(place))
        except OSError as error:
            raise ConfigError(f"monitoring.listen: {place}: {error.strerror}") from None
        self._listening += [Listener(each, connect) for each in sockets]
        found: int = sockets[0].getsockname()[1]
        return found

    async def close(self) -> None:
        for each in self._listening:
            await each.close()
        await self._connections.close()
        self._readiness.abandon()
        self._metrics.abandon()

    async def _answer(self, request: web.BaseRequest, _peer: Peer) -> web.Response:
        if request.method not in ("GET", "HEAD"):
            return web.Response(status=405)
        match request.path:
            case "/healthz":
                return web.Response(text="the process answers\n")
            case "/readyz":
                is_ready, sentence = await self._readiness.answer()
                return web.Response(status=200 if is_ready else 503, text=f"{sentence}\n")
            case "/metrics":
                body = await self._metrics.answer()
                return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})
            case _:
                return web.Response(status=404)
