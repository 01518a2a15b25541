"""A gateway of text messages over TLS, on loopback: what it was asked, and what it shall answer.

It also has the paths and answers of GOV.UK Notify, and checks tokens as Notify does.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import trustme

from kiosk.config.settings import TextSettings

SERVICE = "0a1b2c3d-0000-4000-8000-0123456789ab"
SECRET = "9f8e7d6c-1111-4111-9111-fedcba987654"
TEMPLATE = "11112222-3333-4444-5555-666677778888"
KEY = f"wexbridge-{SERVICE}-{SECRET}"

_CLOCKS_DIFFER_S = 30


@dataclass
class Request:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Gateway:
    """``answers`` are given in their order, each as a status and its JSON, before the usual one.

    ``undelivered`` are the messages that it lists as failed for good. ``refuses`` is given to every
    request, for as long as it is there.
    """

    folder: Path
    now: Callable[[], float]
    port: int = 0
    requests: list[Request] = field(default_factory=list)
    answers: list[tuple[int, object]] = field(default_factory=list)
    template: dict[str, object] = field(
        default_factory=lambda: {"id": TEMPLATE, "type": "sms", "body": "((text))"}
    )
    undelivered: list[dict[str, object]] = field(default_factory=list)
    refuses: tuple[int, object] | None = None
    silent: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)
    arrived: threading.Condition = field(default_factory=threading.Condition)

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}"

    @property
    def ca(self) -> str:
        return str(self.folder / "gateway-ca.pem")

    @property
    def texts(self) -> list[tuple[str, str]]:
        """Number and text of each message that came by Notify's path."""
        sent = [one.json for one in self.requests if one.path == "/v2/notifications/sms"]
        return [(one["phone_number"], one["personalisation"]["text"]) for one in sent]

    def wait_for(self, part: str, within_s: float) -> tuple[str, str]:
        """Return number and text of the first message with ``part`` in it."""

        def found() -> tuple[str, str] | None:
            return next((one for one in self.texts if part in one[1]), None)

        with self.arrived:
            if not self.arrived.wait_for(found, within_s):
                raise TimeoutError(f"no text message with {part!r} among {len(self.texts)}")
            return found() or ("", "")

    def credential(self, text: str) -> str:
        file = self.folder / "gateway-login"
        file.write_text(text + "\n")
        file.chmod(0o600)
        return str(file)

    def notify_settings(self, **others: Any) -> TextSettings:
        return TextSettings(
            service="notify",
            credential=self.credential(KEY),
            template=TEMPLATE,
            url=self.url,
            ca_file=self.ca,
            **others,
        )

    def gateway_settings(self, **others: Any) -> TextSettings:
        return TextSettings(service="gateway", url=f"{self.url}/send", ca_file=self.ca, **others)

    def answer(self, request: Request) -> tuple[int, object]:
        if self.refuses is not None:
            return self.refuses
        if self.answers:
            return self.answers.pop(0)
        if not request.path.startswith("/v2/"):
            return 200, {"messages": [{"status": "0"}]}
        if not self._knows(request.headers.get("Authorization", "")):
            return refusal(403, "AuthError", "Invalid token: API key not found")
        if request.path == "/v2/notifications?template_type=sms&status=permanent-failure":
            return 200, {"notifications": self.undelivered, "links": {}}
        if request.path == f"/v2/template/{TEMPLATE}":
            return 200, self.template
        if request.path == "/v2/notifications/sms" and request.json["template_id"] == TEMPLATE:
            return 201, {"id": "740e5834-3a29-46b4-9a6f-16142fde533a"}
        return refusal(404, "NoResultFound", "No result found")

    def _knows(self, authorization: str) -> bool:
        """Return whether a token is signed by the key, for its service, and of this half minute."""
        scheme, _, token = authorization.partition(" ")
        signed, _, mac = token.rpartition(".")
        if scheme != "Bearer" or not signed:
            return False
        good = hmac.new(SECRET.encode(), signed.encode(), hashlib.sha256).digest()
        if not hmac.compare_digest(_decoded(mac), good):
            return False
        claims = json.loads(_decoded(signed.partition(".")[2]))
        return (
            bool(claims["iss"] == SERVICE)
            and abs(float(claims["iat"]) - self.now()) <= _CLOCKS_DIFFER_S
        )


def refusal(status: int, error: str, message: str) -> tuple[int, object]:
    """Return an answer of Notify's that refuses."""
    return status, {"status_code": status, "errors": [{"error": error, "message": message}]}


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


@contextmanager
def gateway(folder: Path, now: Callable[[], float]) -> Iterator[Gateway]:
    """Serve for a ``with`` block; ``now`` is its time, in seconds since 1970."""
    folder.mkdir(exist_ok=True)
    made = Gateway(folder, now)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", "0"))
            headers = dict(self.headers.items())
            request = Request(self.command, self.path, headers, self.rfile.read(length))
            with made.arrived:
                made.requests.append(request)
                made.arrived.notify_all()
            if made.silent.is_set():
                made.ended.wait()
                return
            status, body = made.answer(request)
            raw = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        do_GET = do_POST  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """A client that hangs up is no trouble of a test's."""

    ca = trustme.CA()
    ca.cert_pem.write_to_path(made.ca)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("localhost").configure_cert(context)
    server = Server(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(
        server.socket, server_side=True, do_handshake_on_connect=False
    )
    made.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        made.ended.set()
        server.shutdown()
        server.server_close()
        thread.join()
