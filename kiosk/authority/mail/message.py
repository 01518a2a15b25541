"""A mail, and the port that sends it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Message:
    """One mail; ``text`` and ``html`` have the same content. ``secret``: it is never queued."""

    to: str
    subject: str
    text: str
    html: str
    secret: bool = False

    def __repr__(self) -> str:
        return f"Message(to=…, subject={self.subject!r})"


class Mailer(Protocol):
    """Hands one message to the relay."""

    def send(self, message: Message) -> None:
        """Return when the relay accepted it; raise a ``MailError`` otherwise."""

    def check(self) -> None:
        """Connect, verify and log in without sending; raise a ``MailError`` otherwise."""
