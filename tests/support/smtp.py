"""Mail servers for tests: the real one of the demo, and hostile ones that speak by script.

``relay_to`` makes the settings that reach a server, ``deliver`` sends one message to it.
``FaultyMailbox`` refuses what it is told to. ``Scripted`` serves each connection by a function over
a blocking socket; ``StrippingProxy`` is the man in the middle.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from aiosmtpd.smtp import MISSING
from msgspec.structs import replace
from trustme import LeafCert

from kiosk.app.demo.mailbox import Mailbox
from kiosk.authority.mail.compose import Message
from kiosk.authority.mail.smtp import Relay, SmtpMailer, relay_from
from kiosk.config.settings import MailSettings
from tests.support.reports import report

SENDER_NAME = "Smartcard self-service"


class FaultyMailbox(Mailbox):
    """A mailbox that answers a command by its ``replies``; ``heard`` is what it was asked."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.replies: dict[str, str] = {}
        self.heard: list[str] = []

    # aiosmtpd calls these at each command, by their names.

    async def handle_AUTH(self, *_: object) -> Any:  # noqa: N802
        return self._answer("AUTH")

    async def handle_MAIL(self, *_: object) -> Any:  # noqa: N802
        return self._answer("MAIL")

    async def handle_RCPT(self, *_: object) -> Any:  # noqa: N802
        return self._answer("RCPT")

    async def handle_DATA(self, *call: Any) -> str:  # noqa: N802
        answer = self._answer("DATA")
        return await super().handle_DATA(*call) if answer is MISSING else str(answer)

    def _answer(self, command: str) -> Any:
        self.heard.append(command)
        return self.replies.get(command, MISSING)


@contextmanager
def running(mailbox: Mailbox) -> Iterator[MailSettings]:
    """Run a mailbox for a ``with`` block."""
    try:
        yield mailbox.start()
    finally:
        mailbox.stop()


def relay_to(settings: MailSettings, deadline_s: float = 5) -> Relay:
    """Return the relay of some settings, with a deadline of the test's own."""
    return relay_from(replace(settings, deadline_s=deadline_s), SENDER_NAME, {})


def deliver(relay: Relay, message: Message) -> None:
    """Send one message by a mailer that ends then; raises as ``SmtpMailer.send``."""
    with contextlib.closing(SmtpMailer(relay)) as mailer:
        mailer.send(message)


class Wire:
    """One connection, line by line; what the client said is kept in ``received``."""

    def __init__(self, line: socket.socket, received: list[str]) -> None:
        self._line = line
        self._received = received
        self._buffer = b""

    def write_lines(self, *lines: str) -> None:
        """Send some lines at once."""
        self._line.sendall("".join(f"{line}\r\n" for line in lines).encode())

    def read_line(self) -> str:
        """Return the client's next line; raises ``ConnectionError`` when it hung up."""
        while b"\n" not in self._buffer:
            more = self._line.recv(4096)
            if not more:
                raise ConnectionError
            self._buffer += more
        line, _, self._buffer = self._buffer.partition(b"\n")
        self._received.append(line.decode().rstrip("\r"))
        return self._received[-1]

    def expect(self, verb: str, *answer: str) -> None:
        """Hear one line that begins with ``verb`` and answer it."""
        if not self.read_line().upper().startswith(verb):
            raise ConnectionError(f"{verb} was expected")
        self.write_lines(*answer)

    def message(self, *answer: str) -> None:
        """Hear a message to its final dot, and answer it."""
        while self.read_line() != ".":
            pass
        self.write_lines(*answer)

    def secure(self, context: ssl.SSLContext) -> None:
        """Go on in TLS, as the server."""
        self._line = context.wrap_socket(self._line, server_side=True)

    def close(self) -> None:
        """Hang up."""
        self._line.close()

    def send_slowly(self, text: str = "2", ended: threading.Event | None = None) -> None:
        """Send a byte every few milliseconds, for as long as the client listens."""
        pause = ended or threading.Event()
        while not pause.wait(0.005):
            self._line.sendall(text.encode())


class Scripted:
    """A server of which each connection is served by ``script``; ``calls`` counts them."""

    def __init__(self, script: Callable[[Wire], None]) -> None:
        self._script = script
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._lines: list[socket.socket] = []
        self.received: list[str] = []
        self.calls = 0

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._listener.getsockname()[1])

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        for line in [self._listener, *self._lines]:
            line.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                line, _ = self._listener.accept()
                self.calls += 1
                self._lines.append(line)
                threading.Thread(target=self._serve, args=(line,), daemon=True).start()

    def _serve(self, line: socket.socket) -> None:
        with contextlib.suppress(OSError), contextlib.closing(Wire(line, self.received)) as wire:
            self._script(wire)


class StrippingProxy(Scripted):
    """Stands between client and relay, and takes STARTTLS out of what the relay offers."""

    def __init__(self, relay_port: int) -> None:
        super().__init__(self._between)
        self._relay_port = relay_port

    def _between(self, client: Wire) -> None:
        with socket.create_connection(("127.0.0.1", self._relay_port)) as line:
            relay = Wire(line, [])
            client.write_lines(relay.read_line())
            while True:
                relay.write_lines(client.read_line())
                offers = [relay.read_line()]
                while offers[-1][3:4] == "-":
                    offers.append(relay.read_line())
                client.write_lines(*(offer for offer in offers if "STARTTLS" not in offer))


def server_context(certificate: LeafCert) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    certificate.configure_cert(context)
    return context


class BouncingMailbox(Mailbox):
    """Takes all mail, and reports to the return path, in a maildir, what it says it cannot deliver.

    ``statuses`` are by address the action and the status of its reports, as a relay in between
    writes them.
    """

    def __init__(self, folder: Path, maildir: Path) -> None:
        super().__init__(folder)
        self.statuses: dict[str, tuple[str, str]] = {}
        self._new = maildir / "new"
        self._new.mkdir(parents=True)

    async def handle_DATA(self, *call: Any) -> str:  # noqa: N802
        answer = await super().handle_DATA(*call)
        envelope = call[-1]
        for to in envelope.rcpt_tos:
            if to in self.statuses:
                action, status = self.statuses[to]
                raw = report(envelope.mail_from, status, action, recipient=to)
                number = sum(1 for _ in self._new.iterdir())
                (self._new / f"{number:06}.relay").write_bytes(raw)
        return answer
