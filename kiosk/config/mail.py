"""``[mail]``: the relay. There is no setting that sends without verified TLS."""

from __future__ import annotations

from dataclasses import dataclass

from kiosk.config.base import Section, setting
from kiosk.config.kinds import Choice, Number, Text

ADDRESS = r"[^@\s<>]+@[^@\s<>]+"


@dataclass(frozen=True)
class MailSettings(Section):
    """``[mail]``: the relay that takes codes and notices."""

    host: str = setting(
        "localhost",
        Text("a host name", r"[A-Za-z0-9.:_-]+"),
        "The relay's name, as its certificate has it.",
    )
    port: int = setting(
        587, Number(1, 65535, whole=True), "The relay's port: 587 or 465 as a rule."
    )
    security: str = setting(
        "starttls",
        Choice("starttls", "tls"),
        "STARTTLS is required; tls speaks TLS from the first byte.",
    )
    ca_file: str = setting(
        "",
        Text(empty=True),
        "Certificates (PEM) to trust; empty trusts what this machine trusts.",
    )
    sender: str = setting(
        "no-reply@wexbridge.example",
        Text("an email address without a name", ADDRESS),
        "The address that mail comes from.",
    )
    reply_to: str = setting(
        "",
        Text("an email address without a name, or empty", ADDRESS, empty=True),
        "Where answers go; empty for none.",
    )
    credential: str = setting(
        "",
        Text(empty=True),
        "A file with one line user:password; a path, or a name in $CREDENTIALS_DIRECTORY; "
        "empty does not log in.",
    )
    deadline_s: float = setting(
        8, Number(1, 60), "Seconds for the whole conversation with the relay."
    )
