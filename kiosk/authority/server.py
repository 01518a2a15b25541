"""The ``Authority`` port over HTTP, on a Unix socket or mutual TLS.

The connection proves which station calls, by its user id or the key of its certificate. No message
names it. The station is identified again at every call, as a connection may outlive an expired
certificate and a station that was removed.

Stations enrol at a separate listener, so that elsewhere nobody without a certificate passes the
handshake. It serves only the two calls for that, to few connections, and at a low rate.

Replicas share none of this state: the limits protect this process alone.
"""

from __future__ import annotations

import asyncio
import logging
import re
import ssl
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar, cast
from weakref import WeakValueDictionary

import msgspec
from aiohttp import web

from kiosk.authority import openapi
from kiosk.authority.connections import (
    Connections,
    Handshakes,
    LaneLimits,
    Limits,
    Listener,
    Tally,
    anonymous_peer,
    bind,
    listening_on,
    name_of,
    peer_of,
)
from kiosk.authority.enrolment import EnrolledStations, StationEnrolment
from kiosk.authority.errors import KeyMissing, KeysUnavailable, StoreError
from kiosk.authority.stations import (
    AnonymousPeer,
    CertificatePeer,
    Peer,
    PeerRefused,
    SocketPeer,
    StationIdentity,
)
from kiosk.authority.wording import numbered
from kiosk.contract.enrolment import RENEW, WITHOUT_CERTIFICATE, Renew
from kiosk.contract.errors import (
    AuthorityError,
    AuthorityUnavailable,
    ConfigError,
    StepRefused,
    describe_fault,
)
from kiosk.contract.log_context import TroubleLog, log_about
from kiosk.contract.messages import (
    Answers,
    CodeNotSent,
    FactorEntry,
    FactorOver,
    Refusal,
    reference_of,
)
from kiosk.contract.ports import Authority, SystemClock
from kiosk.contract.routes import (
    LONGEST_REQUEST,
    OPENAPI,
    STATUS_OF,
    VERSION,
    VERSION_HEADER,
    Route,
    decode,
    encode,
    routes,
)
from kiosk.system.threads import NoThreadLeft, run_on_thread

log = logging.getLogger(__name__)

T = TypeVar("T")

JSON: Final = "application/json"
_PROTOCOL: Final = re.compile(r"/(v[0-9]{1,4})/")


@dataclass(frozen=True, slots=True)
class Called:
    """One request that was answered; ``name`` is empty where it was no call of the port.

    The name of a call with a factor's entry says its kind, too: ``submit_code``.

    ``asked`` and ``reply`` are set where the call was decided. They hold secrets: only the names of
    types and enumerations in them may be logged. ``retry``: it may be sent again.
    """

    name: str
    status: int
    retry: bool
    seconds: float
    asked: msgspec.Struct | None
    reply: object


class Lane:
    def __init__(
        self, name: str, limits: LaneLimits, began: Callable[[], None] | None = None
    ) -> None:
        self._threads = ThreadPoolExecutor(limits.threads, name, began)
        self._most = limits.threads + limits.waiting
        self._trouble = TroubleLog(log)
        self.under_way = 0

    @property
    def is_full(self) -> bool:
        return self.under_way >= self._most

    async def run(self, call: Callable[[], T], turn: AbstractAsyncContextManager[Any]) -> T:
        """Run a call on a thread, in its ``turn``; raises ``NoThreadLeft``."""
        self.under_way += 1
        try:
            async with turn:
                answer = await run_on_thread(call, self._threads)
        except NoThreadLeft as error:
            self._trouble.note(f"calls are refused as busy: {error}")
            raise
        else:
            self._trouble.note("")
            return answer
        finally:
            self.under_way -= 1

    def close(self) -> None:
        """Return once the last call has ended."""
        self._threads.shutdown()


class Service(Protocol):
    """The authority, with a view for each station."""

    def seen_by(self, station: StationIdentity) -> Authority:
        """Return the authority as ``station`` has it."""


class _Bucket:
    """A token bucket: ``burst`` calls at once, then ``rate`` a second."""

    def __init__(self, rate: float, burst: float) -> None:
        self._rate, self._burst = rate, burst
        self._left, self._at = burst, asyncio.get_running_loop().time()
        self.station = ""
        """Whose calls these are, once one was identified."""

    def left(self) -> float:
        now = asyncio.get_running_loop().time()
        self._left = min(self._burst, self._left + (now - self._at) * self._rate)
        self._at = now
        return self._left

    def takes(self) -> bool:
        if self.left() < 1:
            return False
        self._left -= 1
        return True

    def is_full(self) -> bool:
        return self.left() >= self._burst


class AuthorityServer:
    """Serves the port; made and used on one event loop, while the use cases run on threads."""

    def __init__(
        self,
        service: Service,
        directory: EnrolledStations,
        limits: Limits | None = None,
        now: Callable[[], datetime] | None = None,
        answered: Callable[[Called], None] = lambda _: None,
        enrolment: StationEnrolment | None = None,
        dropped: Callable[[], None] = lambda: None,
        hashing_began: Callable[[], None] | None = None,
    ) -> None:
        self._answered = answered
        self._dropped = dropped
        self._enrolment = enrolment
        self._now = now or SystemClock().now
        self.limits = limits or Limits()
        self._service = service
        self._directory = directory
        port = {route.path: route for route in routes().values()}
        renewal = {} if enrolment is None else {RENEW.path: RENEW}
        self._served: dict[type[Peer], Mapping[str, Route]] = {
            SocketPeer: port,
            CertificatePeer: port | renewal,
            AnonymousPeer: {} if enrolment is None else WITHOUT_CERTIFICATE,
        }
        self._document = openapi.text().encode()
        self._headers = {VERSION_HEADER: version("unlock-kiosk")}
        hashing = Lane("hashing", self.limits.hashing, hashing_began)
        mailing = Lane("mailing", self.limits.mailing)
        enrolling = Lane("enrolling", self.limits.enrolling)
        self._quick = Lane("use-case", self.limits.quick)
        self._lanes = {
            of_entry("submit", Answers): hashing,
            "save_questions": hashing,
            "prepare": mailing,
            "give_email": mailing,
            **dict.fromkeys((route.name for route in WITHOUT_CERTIFICATE.values()), enrolling),
        }
        self._connections = Connections(self.limits, self._handle)
        self._buckets: dict[str, _Bucket] = {}
        self._refusals: dict[str, _Bucket] = {}
        self._slowed = Tally()
        self._strange = Tally()
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._listening: list[Listener] = []

    async def listen_on_socket(self, path: Path) -> None:
        """Listen on a Unix socket, whose folder decides who reaches it; raises ``ConfigError``."""
        if not path.parent.is_dir():
            raise ConfigError(f"authority.socket: there is no folder {path.parent}: make it first")
        connect = partial(self._connections.connect, peer_of)
        try:
            self._listening.append(listening_on(path, connect))
        except OSError as error:
            raise ConfigError(f"authority.socket: {path}: {error.strerror}") from None

    async def listen_on_tls(
        self,
        host: str,
        port: int,
        context: Callable[[], ssl.SSLContext],
        *,
        anonymous: bool = False,
    ) -> int:
        """Accept connections by what ``context`` returns for each; return the port.

        It is one of ``server_context``, and must not change any more. To ``anonymous`` clients it
        serves only the routes without a certificate.
        """
        connect = partial(self._connections.connect, anonymous_peer if anonymous else peer_of)
        tls = Handshakes(self.limits, context, self._dropped)
        try:
            sockets = await bind(host, port)
        except OSError as error:
            setting = "enrol_listen" if anonymous else "listen"
            raise ConfigError(f"authority.{setting}: {host}:{port}: {error.strerror}") from None
        self._listening += [Listener(each, connect, tls) for each in sockets]
        bound: int = sockets[0].getsockname()[1]
        return bound

    async def close(self) -> None:
        for each in self._listening:
            await each.close()
        await self._connections.close()
        for lane in {self._quick, *self._lanes.values()}:
            await asyncio.to_thread(lane.close)

    @property
    def under_way(self) -> int:
        """How many calls run or wait for a thread."""
        return sum(lane.under_way for lane in {self._quick, *self._lanes.values()})

    @property
    def connected(self) -> int:
        return len(self._connections)

    # --- one request ---

    async def _handle(self, request: web.BaseRequest, peer: Peer) -> web.Response:
        loop = asyncio.get_running_loop()
        began = loop.time()
        answer = await self._answer(request, peer)
        route = self._served[type(peer)].get(request.path)
        self._answered(
            Called(
                request.get(_CALL) or (route.name if route else ""),
                answer.status,
                "Retry-After" in answer.headers,
                loop.time() - began,
                answer.get(_ASKED),
                answer.get(_REPLY),
            )
        )
        if answer.status in _CLOSING:
            answer.force_close()
        return answer

    async def _answer(self, request: web.BaseRequest, peer: Peer) -> web.Response:
        if not self._has_token(peer):
            self._note_slowed(peer)
            return self._busy(429)
        if request.path == OPENAPI and request.method == "GET":
            return web.Response(body=self._document, content_type=JSON, headers=self._headers)
        route = self._served[type(peer)].get(request.path)
        if route is None:
            self._note_other_release(request.path)
            return self._refused(404)
        if request.method != "POST":
            return self._refused(405)
        if "visit" in route.request.__struct_fields__ and self._refusals_of(peer).left() < 1:
            self._note_slowed(peer)
            return self._busy(429)
        try:
            body = await _read(request, self.limits.body_s)
        except OSError:  # a ``TimeoutError``, or the end of the connection
            return self._busy(408)  # nothing was decided: it may be sent again
        if body is None:
            return self._refused(413)
        try:
            asked = decode(route.request, body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            # The error's text may repeat what was sent.
            return self._refused(400)
        request[_CALL] = named = _name_of(route, asked)
        lane = self._lanes.get(named, self._quick)
        if lane.is_full:
            return self._busy(503)
        # Calls of one visit that wait for each other hold no thread. ``LocalAuthority`` has another
        # lock, for calls that come on threads.
        visit = getattr(asked, "visit", None)
        turn = self._turns.setdefault(visit, asyncio.Lock()) if visit else nullcontext()
        try:
            answer = await lane.run(partial(self._decide, route, asked, peer), turn)
        except NoThreadLeft:
            return self._busy(503)
        reported = route.name == "refuse"
        if reported or answer.status == _STEP_REFUSED or isinstance(answer.get(_REPLY), _REFUSALS):
            self._refusals_of(peer).takes()
        return answer

    def _decide(self, route: Route, asked: msgspec.Struct, peer: Peer) -> web.Response:
        """Identify the station and run the use case, on a thread; every error ends here."""
        visit = getattr(asked, "visit", None)
        about = {"visit": visit, "reference": reference_of(visit)} if visit else {}
        with log_about(call=_name_of(route, asked), **about):
            try:
                if isinstance(peer, AnonymousPeer):
                    call: Callable[..., Any] = getattr(self._enrolment, route.name)
                    return self._replied(asked, call(asked))
                station = self._identify(peer)
                if isinstance(station, PeerRefused):
                    log.warning("%s was refused: %s", route.name, station.because)
                    return self._refused(403)
                if bucket := self._buckets.get(name_of(peer)):
                    bucket.station = station.name
                with log_about(station=station.name):
                    if isinstance(peer, CertificatePeer) and isinstance(asked, Renew):
                        enrolment = cast(StationEnrolment, self._enrolment)
                        return self._replied(asked, enrolment.renew(peer.key, asked))
                    return self._decide_for(station, route, asked)
            except AuthorityError as error:
                log.warning("%s was refused: %s", route.name, error)
                return self._refused(STATUS_OF[type(error)])
            except StoreError:
                return self._refused(STATUS_OF[AuthorityUnavailable])
            except (KeyMissing, KeysUnavailable) as error:
                log.error("%s cannot be answered: %s", route.name, error)  # noqa: TRY400
                return self._refused(STATUS_OF[AuthorityUnavailable])
            except Exception as fault:  # noqa: BLE001 - the call ends with 500, and nothing is shown
                log.error("fault in %s\n%s", route.name, describe_fault(fault))  # noqa: TRY400
                return self._refused(500)

    def _decide_for(
        self, station: StationIdentity, route: Route, asked: msgspec.Struct
    ) -> web.Response:
        """Run a call of the port; a call of a visit is a line of the log."""
        began = time.monotonic()
        call: Callable[..., Any] = getattr(self._service.seen_by(station), route.name)
        try:
            reply = call(*(getattr(asked, name) for name in asked.__struct_fields__))
            answer, kind = self._replied(asked, reply), type(reply).__name__
        except AuthorityError as error:
            answer, kind = self._refused(STATUS_OF[type(error)]), type(error).__name__
        if "visit" in asked.__struct_fields__:
            ms = round(1000 * (time.monotonic() - began))
            named = _name_of(route, asked)
            log.info("%s: %s", named, kind, extra={"reply": kind, "ms": ms})
        return answer

    def _identify(self, peer: Peer) -> StationIdentity | PeerRefused:
        if isinstance(peer, CertificatePeer) and peer.not_after <= self._now():
            return PeerRefused("its certificate has expired")
        return self._directory.identify(peer)

    def _has_token(self, peer: Peer) -> bool:
        if len(self._buckets) > self.limits.connections:
            for buckets in (self._buckets, self._refusals):
                for key in [key for key, each in buckets.items() if each.is_full()]:
                    del buckets[key]
        if isinstance(peer, AnonymousPeer):
            bucket = _Bucket(self.limits.tries_a_second, self.limits.tries_burst)
        else:
            bucket = _Bucket(self.limits.calls_a_second, self.limits.burst)
        return self._buckets.setdefault(name_of(peer), bucket).takes()

    def _refusals_of(self, peer: Peer) -> _Bucket:
        """Return how many calls may yet be refused: each is a row of the audit."""
        bucket = _Bucket(self.limits.refused_a_second, self.limits.refused_burst)
        return self._refusals.setdefault(name_of(peer), bucket)

    def _note_other_release(self, path: str) -> None:
        """Log that stations of another release call, a line a minute at most."""
        asked = _PROTOCOL.match(path)
        if asked and asked[1] != VERSION and (many := self._strange.count()):
            log.warning(
                "%s since the last such line by stations of another release, with the protocol %s "
                "(here it is %s): install this release on them; none of them serves anybody",
                numbered(many, "call"),
                asked[1],
                VERSION,
            )

    def _note_slowed(self, peer: Peer) -> None:
        """Log who asks too much, a line a minute at most."""
        if many := self._slowed.count():
            named = name_of(peer)
            station = self._buckets[named].station
            with log_about(station=station):
                log.warning(
                    "asked to come again since the last such line: %s, one of them of %s, which "
                    "calls more often than a station does",
                    numbered(many, "call"),
                    station or named,
                )

    def _replied(self, asked: msgspec.Struct, reply: object) -> web.Response:
        answer = web.Response(body=encode(reply), content_type=JSON, headers=self._headers)
        answer[_ASKED], answer[_REPLY] = asked, reply
        return answer

    def _refused(self, status: int) -> web.Response:
        return web.Response(status=status, headers=self._headers)

    def _busy(self, status: int) -> web.Response:
        return web.Response(status=status, headers={**self._headers, "Retry-After": "1"})


def _name_of(route: Route, asked: msgspec.Struct) -> str:
    """Name a call for lanes, log and metrics: one with a factor's entry by its kind, too."""
    entry = getattr(asked, "entry", None)
    return route.name if entry is None else of_entry(route.name, type(entry))


def of_entry(call: str, kind: type[FactorEntry]) -> str:
    return f"{call}_{kind.__name__.lower()}"


_CALL: Final = web.RequestKey("call", str)
_ASKED: Final = web.ResponseKey("asked", msgspec.Struct)
_REPLY: Final = web.ResponseKey("reply", object)

_STEP_REFUSED: Final = STATUS_OF[StepRefused]
_REFUSALS: Final = Refusal, CodeNotSent, FactorOver

_CLOSING: Final = (403, 408, 413)
"""After these nothing else is read from the connection."""


async def _read(request: web.BaseRequest, timeout_s: float) -> bytes | None:
    """Return the body; None where it is longer than a request can be.

    Raises ``OSError`` where it does not come: ``TimeoutError``, or that of its connection.
    """
    if request.content_length is not None and request.content_length > LONGEST_REQUEST:
        return None
    if request.content.is_eof():  # it came with the headers
        whole = request.content.read_nowait()
        return whole if len(whole) <= LONGEST_REQUEST else None
    body = bytearray()
    async with asyncio.timeout(timeout_s):
        async for chunk in request.content.iter_any():
            body += chunk
            if len(body) > LONGEST_REQUEST:
                return None
    return bytes(body)
