"""The connections of the listeners: which peer has one, how many there are, and their deadlines.

A client is a stranger until the TLS handshake is done, and may stay silent for ever. The port of
the authority and that of monitoring share what is here.
"""

from __future__ import annotations

import asyncio
import errno
import fcntl
import logging
import os
import socket
import ssl
import stat
import termios
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, assert_never, cast

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from cryptography.x509 import load_der_x509_certificate

from kiosk.authority.crypto.station_ca import fingerprint_of
from kiosk.authority.stations import AnonymousPeer, CertificatePeer, Peer, SocketPeer
from kiosk.contract.errors import ConfigError
from kiosk.system.sockets import user_of

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LaneLimits:
    """How many calls run at once, and how many more wait for a thread."""

    threads: int
    waiting: int


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of one process; times are in seconds.

    ``calls_a_second`` and ``burst`` are of one station, ``connections_each`` too, and
    ``refused_a_second`` and ``refused_burst`` those of its calls that are refused. Calls that hash
    answers and calls that wait for the mail relay have separate threads, so that any number of them
    leaves threads for the others. ``anonymous`` are connections without a certificate, all
    together; ``anonymous_each``, ``tries_a_second`` and ``tries_burst`` are of one address of them.
    ``handshakes`` are the connections of one listener that have not finished theirs,
    ``handshakes_each`` those of one address.
    """

    headers_s: float = 5.0
    answer_s: float = 5.0
    body_s: float = 5.0
    idle_s: float = 75.0
    life_s: float = 900.0
    connections: int = 2000
    connections_each: int = 8
    handshakes: int = 200
    handshakes_each: int = 100
    quick: LaneLimits = LaneLimits(8, 72)
    hashing: LaneLimits = LaneLimits(4, 16)
    mailing: LaneLimits = LaneLimits(8, 16)
    enrolling: LaneLimits = LaneLimits(2, 16)
    calls_a_second: float = 20.0
    burst: float = 60.0
    refused_a_second: float = 0.2
    refused_burst: float = 60.0
    anonymous: int = 32
    anonymous_each: int = 16
    tries_a_second: float = 0.5
    tries_burst: float = 20.0
    stop_s: float = 30.0


# The peer of a connection.


def peer_of(transport: asyncio.BaseTransport) -> Peer | None:
    """Return the peer by the kernel or the TLS handshake; None for nobody."""
    tls = transport.get_extra_info("ssl_object")
    if tls is not None:
        shown = tls.getpeercert(binary_form=True)
        return None if shown is None else certificate_peer(shown)
    connected = transport.get_extra_info("socket")
    if connected is None or connected.family != socket.AF_UNIX:
        return None
    return SocketPeer(user_of(connected))


def certificate_peer(certificate: bytes) -> CertificatePeer:
    """Return the peer that has the key of a certificate (X.509, DER)."""
    shown = load_der_x509_certificate(certificate)
    return CertificatePeer(fingerprint_of(shown.public_key()), shown.not_valid_after_utc)


def anonymous_peer(transport: asyncio.BaseTransport) -> AnonymousPeer:
    named = transport.get_extra_info("peername")
    return AnonymousPeer(str(named[0]) if named else "")


def name_of(peer: Peer | None) -> str:
    """Return what limits count by: all certificates of one key are one peer."""
    match peer:
        case CertificatePeer(key):
            return key
        case SocketPeer(user_id):
            return f"uid {user_id}"
        case AnonymousPeer(address):
            return address
        case None:
            return ""
        case _:
            assert_never(peer)


# The TLS handshake, in which clients are strangers: anybody can connect and say nothing.


class Handshakes:
    """The connections of one listener that have not finished their handshake, the oldest first.

    ``context`` returns what the next one is made with.
    """

    def __init__(
        self, limits: Limits, context: Callable[[], ssl.SSLContext], dropped: Callable[[], None]
    ) -> None:
        self.limits = limits
        self.context = context
        self._dropped = dropped
        self._under_way: dict[socket.socket, str] = {}
        self._of: defaultdict[str, dict[socket.socket, None]] = defaultdict(dict)
        self._tally = Tally()

    def begin(self, accepted: socket.socket, address: str) -> None:
        """Count one; where there are too many now, drop the oldest that waits for its client.

        One that waits for this process is not dropped: stations that come all at once would push
        each other out until none got in. Where all the others wait for it, the new one is dropped.
        """
        theirs = self._of[address]
        self._under_way[accepted] = address
        theirs[accepted] = None
        if len(theirs) > self.limits.handshakes_each:
            self._drop(next(filter(_awaits_client, theirs), accepted))
        elif len(self._under_way) > self.limits.handshakes:
            self._drop(next(filter(_awaits_client, self._under_way), accepted))

    def end(self, accepted: socket.socket) -> None:
        """Stop counting one that ended in any way."""
        address = self._under_way.pop(accepted, None)
        if address is not None:
            del self._of[address][accepted]
            if not self._of[address]:
                del self._of[address]

    def close(self) -> None:
        for each in tuple(self._under_way):
            _abort(each)

    def _drop(self, oldest: socket.socket) -> None:
        address = self._under_way[oldest]
        self.end(oldest)
        _abort(oldest)
        self._dropped()
        if many := self._tally.count():
            log.warning(
                "dropped in the TLS handshake since the last such line: %d connections, one of "
                "them from %s. More than %d had not finished theirs, or more than %d of one "
                "address: only stations should reach this port",
                many,
                address,
                self.limits.handshakes,
                self.limits.handshakes_each,
            )


LINE_EVERY_S: Final = 60.0


class Tally:
    """Counts what strangers could fill the log with."""

    def __init__(self) -> None:
        self._unlogged = 0
        self._logged_at = float("-inf")

    def count(self) -> int:
        """Count one; return how many to log, once a minute, else 0."""
        self._unlogged += 1
        now = asyncio.get_running_loop().time()
        if now - self._logged_at < LINE_EVERY_S:
            return 0
        many, self._unlogged, self._logged_at = self._unlogged, 0, now
        return many


def _awaits_client(accepted: socket.socket) -> bool:
    """Return whether nothing was received that is still to be read."""
    unread = bytearray(4)
    with suppress(OSError, ValueError):  # it was closed
        fcntl.ioctl(accepted, termios.FIONREAD, unread)
    return not any(unread)


def _abort(accepted: socket.socket) -> None:
    """Let a handshake fail: its transport then closes the socket."""
    with suppress(OSError):
        accepted.shutdown(socket.SHUT_RDWR)


class Listener:
    """Accepts connections on one socket, and passes each on, with ``tls`` after its handshake.

    A server of the event loop would try a hundred times at once where no file is left, log each
    time, and a second later do so for each of them. It would also pass connections on before
    anybody had counted their handshakes.
    """

    def __init__(
        self,
        listening: socket.socket,
        connect: Callable[[], Connection],
        tls: Handshakes | None = None,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._listening = listening
        self._connect = connect
        self._tls = tls
        self._rests: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._go_on()

    async def close(self) -> None:
        """Accept no more, and end the handshakes; a second call does nothing."""
        if self._tls is not None:
            self._tls.close()
        if self._listening.fileno() >= 0:
            self._loop.remove_reader(self._listening)
        if self._rests is not None:
            self._rests.cancel()
        self._listening.close()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _go_on(self) -> None:
        self._loop.add_reader(self._listening, self._accept)

    def _accept(self) -> None:
        for _ in range(AT_ONCE):
            try:
                accepted, named = self._listening.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                log.error("no connection can be accepted: %s", error.strerror)  # noqa: TRY400
                self._loop.remove_reader(self._listening)
                self._rests = self._loop.call_later(ACCEPT_AGAIN_S, self._go_on)
                return
            accepted.setblocking(False)
            if self._tls is not None:
                self._tls.begin(accepted, str(named[0]))
            task = self._loop.create_task(self._pass_on(accepted))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pass_on(self, accepted: socket.socket) -> None:
        connect = partial(self._loop.connect_accepted_socket, self._connect, accepted)
        try:
            if self._tls is None:
                await connect()
                return
            try:
                timeout_s = self._tls.limits.headers_s
                await connect(ssl=self._tls.context(), ssl_handshake_timeout=timeout_s)
            finally:
                self._tls.end(accepted)
        except OSError as error:
            # Its frames hold the future that holds the error. In this cycle is the buffer of the
            # handshake, 256 KiB, which only the collector of garbage would free.
            error.__traceback__ = None


BACKLOG: Final = 100
"""How many connections wait to be accepted."""

AT_ONCE: Final = 10
"""How many are accepted in one turn of the loop: it closes what was dropped in later turns."""

ACCEPT_AGAIN_S: Final = 1.0
"""After an error, such as too many open files."""


# One connection: aiohttp's protocol, with the deadlines that it lacks around it.


def _is_no_clients(record: logging.LogRecord) -> bool:
    """Return whether a fault is this program's: strangers could fill the log with theirs."""
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, HttpProcessingError)


_http_log: Final = logging.getLogger(f"{__name__}.http")
_http_log.addFilter(_is_no_clients)


class Connection(asyncio.Protocol):
    """Passes everything on to aiohttp, and closes slow and unwanted connections.

    A request's headers have to be in ``headers_s`` after its first byte; on a new connection, after
    the connection. An answer that waits for its client has to be taken in ``answer_s``. A request
    that begins after ``life_s`` is the connection's last.
    """

    def __init__(
        self,
        inner: asyncio.Protocol,
        owner: Connections,
        identify: Callable[[asyncio.BaseTransport], Peer | None],
    ) -> None:
        self._inner = inner
        self._owner = owner
        self._peer_of = identify
        self._deadlines: dict[str, asyncio.TimerHandle] = {}
        self.in_request = False
        self._transport: asyncio.Transport | None = None
        self.peer: Peer | None = None
        self.opened_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport = cast(asyncio.Transport, transport)
        self.opened_at = asyncio.get_running_loop().time()
        self._inner.connection_made(transport)
        self.peer = self._peer_of(transport)
        if self._owner.admit(transport, self):
            self._abort_without(_HEADERS, self._owner.limits.headers_s)
        else:
            self.abort()

    def data_received(self, data: bytes) -> None:
        if not self.in_request and _HEADERS not in self._deadlines:
            self._abort_without(_HEADERS, self._owner.limits.headers_s)
        self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        return self._inner.eof_received()

    def pause_writing(self) -> None:
        self._abort_without(_TAKEN, self._owner.limits.answer_s)
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        self._has_come(_TAKEN)
        self._inner.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._has_come(_HEADERS)
        self._has_come(_TAKEN)
        if self._transport is not None:
            self._owner.forget(self._transport, self)
        self._inner.connection_lost(exc)

    def request_began(self) -> None:
        self.in_request = True
        self._has_come(_HEADERS)

    def abort(self) -> None:
        if self._transport is not None:
            self._owner.forget(self._transport, self)
            self._transport.abort()

    def _abort_without(self, awaited: str, wait_s: float) -> None:
        if self._transport is not None:
            loop = asyncio.get_running_loop()
            self._deadlines[awaited] = loop.call_later(wait_s, self._transport.abort)

    def _has_come(self, awaited: str) -> None:
        if (deadline := self._deadlines.pop(awaited, None)) is not None:
            deadline.cancel()


_HEADERS: Final = "headers"
_TAKEN: Final = "an answer that its client takes"


class Connections:
    """The open connections of one server: within the limits, their requests get to ``answer``.

    aiohttp's server is in it: it inflates no body, and logs nothing that a client caused.
    """

    def __init__(
        self,
        limits: Limits,
        answer: Callable[[web.BaseRequest, Peer], Awaitable[web.Response]],
    ) -> None:
        self.limits = limits
        self._answer = answer
        self._open: dict[asyncio.BaseTransport, Connection] = {}
        self._open_of: Counter[str] = Counter()
        self._http = web.Server(
            self._handle,
            access_log=None,
            logger=_http_log,
            auto_decompress=False,
            keepalive_timeout=limits.idle_s,
            lingering_time=1.0,
            max_line_size=4096,
            max_field_size=4096,
        )

    def __len__(self) -> int:
        return len(self._open)

    def connect(self, identify: Callable[[asyncio.BaseTransport], Peer | None]) -> Connection:
        return Connection(self._http(), self, identify)

    async def close(self) -> None:
        """Let running requests end, for ``stop_s`` at most, and close all connections."""
        self._http.pre_shutdown()  # else an idle connection is waited for, too
        await self._http.shutdown(self.limits.stop_s)

    def admit(self, transport: asyncio.BaseTransport, connection: Connection) -> bool:
        """Count a new connection; return whether it is within the limits."""
        self._open[transport] = connection
        name = name_of(connection.peer)
        self._open_of[name] += 1
        if isinstance(connection.peer, AnonymousPeer):
            every = [each for each in self._open.values() if isinstance(each.peer, AnonymousPeer)]
            own = self._open_of[name]
            if own > self.limits.anonymous_each:
                return _makes_room([each for each in every if each.peer == connection.peer])
            if len(every) > self.limits.anonymous:
                largest = max(self._open_of[name_of(each.peer)] for each in every)
                most = [each for each in every if self._open_of[name_of(each.peer)] == largest]
                return _makes_room(most, in_request=largest > own)
            return True
        return (
            connection.peer is not None
            and len(self._open) <= self.limits.connections
            and self._open_of[name] <= self.limits.connections_each
        )

    def forget(self, transport: asyncio.BaseTransport, connection: Connection) -> None:
        if self._open.pop(transport, None) is not None:
            name = name_of(connection.peer)
            self._open_of[name] -= 1
            if not self._open_of[name]:
                del self._open_of[name]

    async def _handle(self, request: web.BaseRequest) -> web.Response:
        transport = request.transport
        connection = None if transport is None else self._open.get(transport)
        if connection is None or connection.peer is None:
            return web.Response(status=403)  # nobody reads it: the connection was closed
        connection.request_began()
        try:
            answer = await self._answer(request, connection.peer)
        finally:
            connection.in_request = False
        if asyncio.get_running_loop().time() - connection.opened_at > self.limits.life_s:
            answer.force_close()
        return answer


def _makes_room(connections: Sequence[Connection], *, in_request: bool = False) -> bool:
    """Close the oldest of some that is in no request; return whether one was closed.

    Strangers would otherwise hold all places, and ask for nothing. ``in_request``: where each is in
    one, the oldest of all.
    """
    idle = (each for each in connections if not each.in_request)
    found = next(idle, connections[0] if in_request else None)
    if found is not None:
        found.abort()
    return found is not None


# Where they are accepted.


def server_context(believed: str) -> ssl.SSLContext:
    """Return TLS 1.3 that accepts only clients of the CAs in ``believed`` (PEM).

    The directory of stations decides at each call what such a certificate may do. Without
    ``believed``, clients show no certificate. Raises ``ConfigError``.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    if believed:
        context.verify_mode = ssl.CERT_REQUIRED
        try:
            context.load_verify_locations(cadata=believed)
        except ssl.SSLError as error:
            raise ConfigError(f"authority.ca: it holds no certificate ({error.reason})") from None
    # A resumed session would admit a client whose certificate has expired since.
    context.num_tickets = 0
    return context


async def bind(host: str, port: int) -> list[socket.socket]:
    """Listen at every address of ``host`` that this machine has; raises ``OSError``."""
    found = await asyncio.get_running_loop().getaddrinfo(
        host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    sockets: list[socket.socket] = []
    lacking: OSError | None = None
    with ExitStack() as opened:
        for family, _, _, _, address in dict.fromkeys(found):
            try:
                made = socket.create_server(address, family=family, backlog=BACKLOG)
            except OSError as error:
                # A name may have an IPv6 address on a machine without IPv6, or the reverse.
                if error.errno not in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL):
                    raise
                log.warning("not served at %s: %s", address[0], os.strerror(error.errno))
                lacking = error
                continue
            made.setblocking(False)
            sockets.append(opened.enter_context(made))
        if lacking is not None and not sockets:
            raise lacking
        opened.pop_all()
    return sockets


def listening_on(path: Path, connect: Callable[[], Connection]) -> Listener:
    """Listen on a Unix socket (mode 0660); raises ``OSError``, and as ``remove_stale`` does."""
    remove_stale(path)
    made = socket.socket(socket.AF_UNIX)
    before = os.umask(0o117)
    try:
        made.bind(str(path))
        made.listen(BACKLOG)
    except OSError:
        made.close()
        raise
    finally:
        os.umask(before)
    made.setblocking(False)
    return Listener(made, connect)


def remove_stale(path: Path) -> None:
    """Remove a socket that nobody listens on; raises ``ConfigError``."""
    try:
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise ConfigError(f"{path} is there and is no socket")
    except FileNotFoundError:
        return
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from None
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(path))
        except (ConnectionRefusedError, FileNotFoundError):
            pass
        except OSError:  # a full queue is that of a process, too
            raise ConfigError(f"another process has {path}, and does not answer") from None
        else:
            raise ConfigError(f"another process listens on {path}")
    path.unlink(missing_ok=True)
