"""What the mail tests send, and relays by script that take it."""

from __future__ import annotations

from pathlib import Path

from trustme import CA

from kiosk.app.demo.mailbox import HOST
from kiosk.authority.mail.compose import Message, compose_code
from kiosk.authority.mail.smtp import Relay
from kiosk.config.settings import MailSettings, ServiceSettings
from kiosk.contract.messages import Purpose
from kiosk.contract.scans import scan_of
from kiosk.contract.sensitive import Sensitive
from tests.support.smtp import Wire, relay_to, server_context

CODE = "70935218"
SCAN = scan_of(Sensitive(CODE), "05917264").reveal()
SERVICE = ServiceSettings()


def code_mail(
    to: str = "jo.smith@trust.nhs.uk",
    service: ServiceSettings = SERVICE,
    scan: Sensitive | None = Sensitive(SCAN),  # noqa: B008 - it is frozen
    *,
    shows_qr: bool = True,
) -> Message:
    """Return a message with an unlock code."""
    return compose_code(
        to=to,
        purpose=Purpose.UNLOCK,
        holder_name="Jo Smith",
        code=Sensitive(CODE),
        minutes=15,
        service=service,
        scan=scan,
        shows_qr=shows_qr,
    )


AUTHORITY = CA()


def greeted(wire: Wire) -> None:
    """Bring a scripted relay to where MAIL comes next, in verified TLS."""
    wire.write_lines("220 relay")
    wire.expect("EHLO", "250-relay", "250 STARTTLS")
    wire.expect("STARTTLS", "220 go")
    wire.secure(server_context(AUTHORITY.issue_cert(HOST)))
    wire.expect("EHLO", "250 relay")


def taken(wire: Wire, *answer: str) -> None:
    """Take one message, and give its verdict."""
    wire.expect("MAIL", "250 ok")
    wire.expect("RCPT", "250 ok")
    wire.expect("DATA", "354 go")
    wire.message(*answer)


def relay_at(port: int, folder: Path, deadline_s: float = 5, security: str = "starttls") -> Relay:
    AUTHORITY.cert_pem.write_to_path(folder / "ca.pem")
    ca_file = str(folder / "ca.pem")
    settings = MailSettings(host=HOST, port=port, security=security, ca_file=ca_file)
    return relay_to(settings, deadline_s)
