"""Sends the audit to a collector: syslog over TLS (RFC 5424, framed by RFC 5425), row by row.

Syslog has no acknowledgement: what a collector never read can sit in the buffers of either machine
when a connection breaks. Each connection therefore carries one batch and is then closed as RFC 5425
(4.4) requires: we send close_notify and our end of stream, and wait for the collector's. It can
only close after it has read up to ours; if it closes earlier, it answers the unread rest with a
reset. Only then the batch counts as sent. A batch whose end was not seen is sent again, so that
nothing is missed: a collector may have some rows of it twice, and recognises them by their ``row``.

What the collector does afterwards is beyond our control: it should keep its queue on disk.
"""

from __future__ import annotations

import fcntl
import json
import logging
import re
import socket
import ssl
import struct
import termios
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Final

from kiosk.authority.audit.events import GRAVE, audit_message
from kiosk.authority.audit.rows import row_name
from kiosk.authority.errors import StoreError
from kiosk.authority.records import AuditEvent, new_id
from kiosk.authority.store.database import Store
from kiosk.authority.store.repositories.services import advanced
from kiosk.contract.errors import ConfigError, KioskError, describe_fault
from kiosk.contract.log_context import TroubleLog

log = logging.getLogger(__name__)

FEED: Final = "siem"

BATCH: Final = 200
"""Rows of one connection."""

LEASE: Final = timedelta(minutes=2)
"""How long one process may take for a batch before another may send it."""

DEADLINE_S: Final = 30.0
"""How long one connection may take, from the look-up of the name to the collector's close."""

LOOK_EVERY_S: Final = 2.0
LONGEST_PAUSE_S: Final = 60.0
"""Between two tries to reach a collector that is away: twice as long each time."""

_POLL_S: Final = 0.02
_IGNORED: Final = 1024


class CollectorAway(KioskError):
    """A batch was not accepted, or it is unknown whether it was."""


# One row as a message.

_LOG_AUDIT: Final = 13
_WARNING, _INFORMATIONAL = 4, 6
_NOT_PRINTABLE = re.compile(r"[^\x21-\x7e]")


def syslog_message(event: AuditEvent, host: str, body: str) -> bytes:
    """Return a row in RFC 5424 format, with its length before it (RFC 5425)."""
    priority = 8 * _LOG_AUDIT + (_WARNING if event.kind in GRAVE else _INFORMATIONAL)
    at = event.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    named = _NOT_PRINTABLE.sub("", host)[:255] or "-"
    kind = _NOT_PRINTABLE.sub("", event.kind)[:32] or "-"
    message = f"<{priority}>1 {at} {named} kiosk - {kind} - {body}".encode()
    return b"%d %b" % (len(message), message)


def json_body(event: AuditEvent) -> str:
    """Return a row as JSON: people, cards and staff by their ids in the database."""
    fields = {
        "row": row_name(event.seq),
        "at": event.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "kind": event.kind,
        "message": audit_message(event),
        "grave": event.kind in GRAVE,
        "reference": event.reference,
        "visit": event.visit_id,
        "card": event.card_id,
        "holder": event.holder_id,
        "station": event.station,
        "actor": event.actor,
        "detail": event.detail,
        "hash": event.hash,
    }
    return json.dumps({name: value for name, value in fields.items() if value not in (None, "")})


_IN_HEAD: Final = str.maketrans({"\\": "\\\\", "|": "\\|", "\n": " "})
_IN_VALUE: Final = str.maketrans({"\\": "\\\\", "=": "\\=", "\n": "\\n"})


def cef_body(event: AuditEvent) -> str:
    """Return a row in the Common Event Format (ArcSight, version 0)."""
    severity = 7 if event.kind in GRAVE else 3
    head = ("Unlock Kiosk", "unlock-kiosk", version("unlock-kiosk"), event.kind)
    fields = "|".join(text.translate(_IN_HEAD) for text in (*head, audit_message(event)))
    strings = {
        "reference": event.reference,
        "visit": event.visit_id,
        "card": event.card_id,
        "holder": event.holder_id,
        "detail": json.dumps(event.detail) if event.detail else "",
        "hash": event.hash,
    }
    extension = {
        "externalId": row_name(event.seq),
        "rt": str(int(event.at.timestamp() * 1000)),
        "shost": event.station or "",
        "suid": event.actor or "",
    }
    for number, (label, value) in enumerate(strings.items(), start=1):
        if value:
            extension |= {f"cs{number}Label": label, f"cs{number}": value}
    pairs = (f"{key}={value.translate(_IN_VALUE)}" for key, value in extension.items() if value)
    return f"CEF:0|{fields}|{severity}|{' '.join(pairs)}"


BODIES: Final[Mapping[str, Callable[[AuditEvent], str]]] = {"json": json_body, "cef": cef_body}


# One batch to the collector.


@dataclass(frozen=True, slots=True)
class Collector:
    """Its address, and the CA that we trust.

    ``closes_tls``: it answers our close_notify by one, as RFC 5425 asks for. Where it does not, its
    end of stream counts, which an attacker in the network could forge.
    """

    host: str
    port: int
    context: ssl.SSLContext
    closes_tls: bool = True

    def check(self) -> None:
        """Connect, verify, and send nothing; raises ``CollectorAway``."""
        self.deliver(b"")

    def deliver(self, batch: bytes) -> None:
        """Send a batch and wait until it was read; raises ``CollectorAway``."""
        ends = time.monotonic() + DEADLINE_S
        try:
            with socket.create_connection((self.host, self.port), DEADLINE_S) as bare:
                bare.settimeout(max(0.1, ends - time.monotonic()))
                with self.context.wrap_socket(bare, server_hostname=self.host) as secured:
                    secured.sendall(batch)
                    self._close(secured, ends)
        except ssl.SSLCertVerificationError as error:
            raise CollectorAway(f"its certificate is not good: {error.verify_message}") from None
        except TimeoutError:
            raise CollectorAway("it does not answer in time") from None
        except OSError as error:
            raise CollectorAway(error.strerror or type(error).__name__) from None

    def _close(self, secured: ssl.SSLSocket, ends: float) -> None:
        """Close both directions; return once the other end has read all and closed, too."""
        try:
            secured.unwrap()
        except ssl.SSLEOFError:
            if self.closes_tls:
                raise CollectorAway(
                    "it ended the stream without TLS close_notify, so that nobody knows what it "
                    'has read; set confirmed_by to "end-of-stream" in [siem] if it never sends one'
                ) from None
        secured.shutdown(socket.SHUT_WR)
        # What follows a close_notify is to be ignored (RFC 8446, 6.1); some send a second one.
        while secured.recv(_IGNORED):
            if time.monotonic() > ends:
                raise TimeoutError
        # Its end of stream may have been sent before it read ours: it then answers the
        # unacknowledged rest with a reset.
        while True:
            # SIOCOUTQ: the bytes without an acknowledgement. A reset drops them, so it is looked
            # for after they are counted.
            waiting = struct.unpack("i", fcntl.ioctl(secured, termios.TIOCOUTQ, b"\0" * 4))[0]
            if failed := secured.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                raise OSError(failed, "it closed before it had read all")
            if not waiting:
                return
            if time.monotonic() > ends:
                raise TimeoutError
            time.sleep(_POLL_S)


def collector_context(
    ca: Path | None, certificate: Path | None, key: Path | None
) -> ssl.SSLContext:
    """Return TLS (1.2 or later) that verifies the collector; raises ``ConfigError``."""
    named = f"siem.ca {ca}"
    try:
        context = ssl.create_default_context(cafile=ca)
        if certificate is not None:
            named = f"siem.certificate {certificate}" + (f" and siem.key {key}" if key else "")
            context.load_cert_chain(certificate, key)
    except OSError as error:  # ssl.SSLError is one: the file is there and holds nothing of use
        raise ConfigError(f"{named}: {error.strerror or error}") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


# Everything that waits, sent by one process at a time.


class SiemWorker(threading.Thread):
    """Of several processes on one database one sends."""

    def __init__(
        self,
        store: Store,
        collector: Collector,
        body: Callable[[AuditEvent], str],
    ) -> None:
        super().__init__(name="siem", daemon=True)
        self._store = store
        self._collector = collector
        self._body = body
        self._host = socket.gethostname()
        self._holder = new_id()
        self._stopping = threading.Event()

    def stop(self) -> None:
        """End; waits ten seconds at most. Another process sends an unfinished batch again."""
        self._stopping.set()
        if self.is_alive():
            self.join(10)

    def send_waiting(self) -> int:
        """Send all waiting rows, and return how many; 0 also where another process sends.

        Raises ``CollectorAway`` and ``StoreError``; what was not confirmed stays waiting.
        """
        sent = 0
        while not self._stopping.is_set() and (rows := self._send_some()):
            sent += rows
        return sent

    def _send_some(self) -> int:
        with self._store.read() as uow:
            reached = uow.feeds.reached(FEED)
            if reached is not None and uow.monitored.beyond(reached, uow.audit.gaps())[0] == 0:
                return 0
        with self._store.begin() as uow:
            reached = uow.feeds.claim(FEED, self._holder, LEASE)
            uow.commit()
        if reached is None:
            return 0
        try:
            with self._store.read() as uow:
                rows = uow.feeds.rows_after(reached, BATCH)
            if rows:
                messages = (syslog_message(row, self._host, self._body(row)) for row in rows)
                self._collector.deliver(b"".join(messages))
                with self._store.begin() as uow:
                    uow.feeds.move(FEED, self._holder, advanced(reached, rows))
                    uow.commit()
        finally:
            with self._store.begin() as uow:
                uow.feeds.release(FEED, self._holder)
                uow.commit()
        return len(rows)

    def run(self) -> None:
        pause, is_away, trouble = LOOK_EVERY_S, False, TroubleLog(log, logging.WARNING)
        where = f"{self._collector.host}:{self._collector.port}"
        while not self._stopping.wait(pause):
            try:
                self.send_waiting()
                if is_away:
                    log.info("the collector takes the audit again")
                pause, is_away = LOOK_EVERY_S, False
                trouble.note("")
            except CollectorAway as error:
                if not is_away:
                    log.warning("the collector %s does not take the audit: %s", where, error)
                pause, is_away = min(2 * pause, LONGEST_PAUSE_S), True
            except StoreError as error:
                trouble.note(f"the audit cannot be read for the collector: {error}")
            except Exception as fault:  # noqa: BLE001 - logged, and tried again
                log.error("the audit cannot be sent\n%s", describe_fault(fault))  # noqa: TRY400
