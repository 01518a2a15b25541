"""The ``Authority`` port over HTTP, from a station: ``http.client``, a Unix socket or mutual TLS.

A station holds only its certificate and key, and the CA that it trusts.
"""

from __future__ import annotations

import http.client
import io
import logging
import random
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import msgspec
from msgspec import Struct

from kiosk.contract import errors
from kiosk.contract.ports import Authority
from kiosk.contract.routes import (
    LONGEST_REPLY,
    OPENAPI,
    STATUS_OF,
    VERSION_HEADER,
    Route,
    decode_reply,
    encode,
    routes,
)

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

log = logging.getLogger(__name__)

CALL_S: Final = 20.0
"""How long one call may take, repeats included: more than the authority waits for its relay."""

CONNECT_S: Final = 3.0
"""How long an address may take to be reached."""

BUSY_S: Final = 4.0
"""How long a busy authority is asked again before the holder sees a page about it."""

REST_S: Final = 60.0
"""An idle connection older than this is not used again: the authority closes it soon."""

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.25, 10.0
"""How long a failed address is not used: twice as long each time, with jitter."""

_ANOTHER_MAY_SERVE: Final = frozenset({404, 408, 429, 500, 503})
"""Answers about the authority and not about the call: the next address is called."""

OTHER_RELEASE: Final = (
    "the authority is of another release, with which this one cannot speak: install the same here"
)

_ERROR_OF: Final = {status: error for error, status in STATUS_OF.items()}


class TlsAddress(Struct, frozen=True):
    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


Address = str | TlsAddress
"""Where the authority is: the path of its Unix socket on this machine, or a network address."""


def tls_addresses(named: Sequence[str]) -> list[TlsAddress]:
    """Return the addresses of ``host:port``."""
    split = [each.rpartition(":") for each in named]
    return [TlsAddress(host.strip("[]"), int(port)) for host, _, port in split]


def client_context(certificate: Path, key: Path, ca: Path) -> ssl.SSLContext:
    """Return TLS 1.3 that trusts ``ca`` alone and shows a certificate; raises ``ConfigError``."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    try:
        context.load_verify_locations(ca)
        context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise errors.ConfigError(
            f"authority: certificate {certificate}, key {key} and ca {ca} cannot be used: "
            f"{error.strerror or error}"
        ) from None
    return context


class _Deadline(io.RawIOBase):
    """What a socket receives until ``ends_at``, as the file that ``http.client`` reads.

    The time-out of a socket is that of one wait: a peer that goes on sending would have no end.
    """

    def __init__(self, sock: socket.socket, ends_at: float, now: Callable[[], float]) -> None:
        self._sock = sock
        self._received = sock.makefile("rb", buffering=0)
        self._ends_at = ends_at
        self._now = now

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int | None:
        left = self._ends_at - self._now()
        if left <= 0:
            raise TimeoutError("timed out")
        self._sock.settimeout(left)
        return self._received.readinto(buffer)

    def close(self) -> None:
        self._received.close()
        super().close()


class _Connection(http.client.HTTPConnection):
    """Sends each request in one piece.

    ``http.client`` sends the body by itself: a record of TLS more, which wakes the authority again.
    """

    def request(self, *given: Any, **named: Any) -> None:
        self._pieces: list[bytes] = []
        super().request(*given, **named)
        self.sock.sendall(b"".join(self._pieces))

    def send(self, data: Any) -> None:
        self._pieces.append(data)


class _UnixConnection(_Connection):
    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class _TlsConnection(_Connection, http.client.HTTPSConnection):
    """HTTP over TLS; a machine that vanished is given up within seconds, a slow answer is not."""

    def connect(self) -> None:
        super().connect()
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in _UNACKNOWLEDGED.items():
            self.sock.setsockopt(socket.IPPROTO_TCP, option, value)


_UNACKNOWLEDGED: Final = {
    socket.TCP_USER_TIMEOUT: 3000,
    socket.TCP_KEEPIDLE: 5,
    socket.TCP_KEEPINTVL: 3,
}
"""Options of tcp(7): the first in milliseconds, the others in seconds."""


class _Endpoint:
    """An address with its idle connections, and when it may be tried again after a failure."""

    def __init__(self, address: Address, context: ssl.SSLContext | None) -> None:
        self.address = address
        self._context = context
        self._resting: list[tuple[float, http.client.HTTPConnection]] = []
        self._pause_s = FIRST_PAUSE_S
        self.free_at = float("-inf")

    def take(self, now: float) -> tuple[http.client.HTTPConnection, bool]:
        """Return a connection, and whether it was used before."""
        while self._resting:
            since, connection = self._resting.pop()
            if now - since < REST_S:
                return connection, True
            connection.close()
        return self.new_connection(), False

    def new_connection(self) -> http.client.HTTPConnection:
        match self.address:
            case str(path):
                return _UnixConnection(path, CONNECT_S)
            case TlsAddress(host, port):
                return _TlsConnection(host, port, timeout=CONNECT_S, context=self._context)

    def give_back(self, connection: http.client.HTTPConnection, now: float) -> None:
        self._resting.append((now, connection))

    def served(self) -> None:
        self._pause_s, self.free_at = FIRST_PAUSE_S, float("-inf")

    def failed(self, now: float) -> None:
        self.free_at = now + self._pause_s * random.uniform(0.5, 1.0)  # noqa: S311 - no secret
        self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)

    def close(self) -> None:
        while self._resting:
            self._resting.pop()[1].close()


def _unresolved(address: Address, error: Exception) -> str:
    """Say that the name has no address; empty for any other error."""
    if isinstance(address, TlsAddress) and isinstance(error, socket.gaierror):
        return f"the name {address.host} does not resolve: DNS or /etc/hosts has to know it"
    return ""


class _Answer(Struct, frozen=True):
    """The status, the body, and after how many seconds a busy authority may be asked again."""

    status: int
    body: bytes
    retry_after_s: float | None

    @property
    def is_busy(self) -> bool:
        return self.retry_after_s is not None


class HttpAuthority:
    """Implements ``kiosk.contract.ports.Authority``: its methods are the routes of the contract.

    Safe to call from several threads. A call is repeated at the next address, within ``CALL_S``,
    where its answer was lost or the authority cannot serve: the port allows that for every call.
    """

    def __init__(
        self,
        addresses: Sequence[Address],
        context: ssl.SSLContext | None = None,
        version: str = "",
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        made = [_Endpoint(address, context) for address in addresses]
        # Spreads the stations of an estate over the replicas.
        self._endpoints = random.sample(made, len(made))
        self._headers = {"Content-Type": "application/json", VERSION_HEADER: version}
        self._now = now
        self._lock = threading.Lock()

    def __getattr__(self, name: str) -> Callable[..., Any]:
        route = routes().get(name)
        if route is None:
            raise AttributeError(name)
        call = partial(self.call, route)
        setattr(self, name, call)
        return call

    @property
    def port(self) -> Authority:
        """This object as the port that it implements."""
        return cast(Authority, self)

    def close(self) -> None:
        with self._lock:
            for each in self._endpoints:
                each.close()

    def reach(self) -> Iterator[tuple[Address, str]]:
        """Call each address, over a new connection; yield its failure, or an empty text."""
        for each in self._endpoints:
            connection = each.new_connection()
            try:
                response = self._request(connection, "GET", OPENAPI, self._now() + CONNECT_S)
                status = response.status
                because = "" if status == http.client.OK else f"status {status}"
                yield each.address, OTHER_RELEASE if status == http.client.NOT_FOUND else because
            except _NO_ANSWER as error:
                unresolved = _unresolved(each.address, error)
                yield each.address, unresolved or str(error) or type(error).__name__
            finally:
                connection.close()

    def call(self, route: Route, *given: object, **named: object) -> Any:
        """Call one route with its parameters; raises ``AuthorityError``."""
        body = encode(route.request(*given, **named))
        answer = self._ask(route.path, body, self._now() + CALL_S)
        if answer.status == http.client.OK:
            try:
                return decode_reply(route.reply, answer.body)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                # The error's text may repeat what was answered.
                log.error("%s: the authority's answer is not known here", route.name)  # noqa: TRY400
                raise errors.ReplyUnknown(route.name) from None
        if answer.is_busy:
            raise errors.AuthorityBusy(f"{route.name}: status {answer.status}")
        error = _ERROR_OF.get(answer.status)
        if error is errors.AuthorityUnavailable:
            raise errors.AuthorityUnavailable("the authority cannot serve now: its log says why")
        if error is not None:
            raise error(route.name)
        log.error("%s: the authority answered with status %d", route.name, answer.status)
        if answer.status == http.client.NOT_FOUND:
            raise errors.OtherRelease(OTHER_RELEASE)
        if answer.status == http.client.FORBIDDEN:
            raise errors.AuthorityUnavailable("the authority does not know this station")
        raise errors.AuthorityError(
            "the authority has a fault, or is of another release: see its log"
        )

    def _ask(self, path: str, body: bytes, deadline: float) -> _Answer:
        """Call until there is an answer or no time left; raises ``AuthorityUnavailable``.

        Busy authorities are asked again once all addresses were tried.
        """
        tried: dict[_Endpoint, _Answer | None] = {}
        busy_until = deadline - CALL_S + BUSY_S
        trouble = ""
        while True:
            now = self._now()
            if now >= deadline:
                raise errors.AuthorityUnavailable("no answer within the deadline")
            with self._lock:
                # The first address that did not fail lately, else the one to be tried next.
                untried = [each for each in self._endpoints if each not in tried]
                endpoint = min(untried, key=lambda each: max(now, each.free_at))
                connection, is_used = endpoint.take(now)
            answer = None
            try:
                answer = self._exchange(connection, path, body, deadline)
            except _NO_ANSWER as error:
                connection.close()
                if is_used:
                    # It may have been closed while idle: that says nothing about the address.
                    continue
                trouble = _unresolved(endpoint.address, error) or type(error).__name__
            with self._lock:
                if answer is None:
                    endpoint.close()
                elif connection.sock is not None:
                    endpoint.give_back(connection, self._now())
                if answer is not None and answer.status not in _ANOTHER_MAY_SERVE:
                    endpoint.served()
                    return answer
                endpoint.failed(self._now())
            tried[endpoint] = answer
            if len(tried) < len(self._endpoints):
                continue
            answers = [each for each in tried.values() if each is not None]
            if not answers:
                raise errors.AuthorityUnavailable(f"no answer ({trouble})")
            answer = max(answers, key=lambda each: (each.is_busy, each.status))
            if answer.retry_after_s is None or self._now() > busy_until:
                return answer
            time.sleep(answer.retry_after_s * random.uniform(0.5, 1.5))  # noqa: S311 - no secret
            tried = {at: each for at, each in tried.items() if each is None or not each.is_busy}

    def _exchange(
        self, connection: http.client.HTTPConnection, path: str, body: bytes, deadline: float
    ) -> _Answer:
        response = self._request(connection, "POST", path, deadline, body)
        found = response.read(LONGEST_REPLY + 1)
        if len(found) > LONGEST_REPLY:
            raise http.client.HTTPException("the answer is too long")
        if response.length:
            raise http.client.IncompleteRead(found, response.length)
        after = response.headers.get("Retry-After", "")
        is_number = after.isascii() and after.isdecimal()
        return _Answer(response.status, found, min(float(after), BUSY_S) if is_number else None)

    def _request(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        path: str,
        deadline: float,
        body: bytes | None = None,
    ) -> http.client.HTTPResponse:
        """Return the answer, whose body has to be read until ``deadline``, too."""
        left = deadline - self._now()
        if connection.sock is None:
            connection.timeout = min(CONNECT_S, left)
            connection.connect()
        connection.sock.settimeout(left)

        def until(sock: socket.socket, *given: Any, **named: Any) -> http.client.HTTPResponse:
            received = cast(socket.socket, _Deadline(sock, deadline, self._now))
            return http.client.HTTPResponse(received, *given, **named)

        connection.response_class = cast(type[http.client.HTTPResponse], until)
        connection.request(method, path, body, self._headers)
        return connection.getresponse()


_NO_ANSWER: Final = (OSError, http.client.HTTPException, ValueError)
"""No answer came, or one that is malformed: ``http.client`` raises ``ValueError`` for some."""
