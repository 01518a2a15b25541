"""One unblock: the secret that is granted for it, and what the card did with that."""

from __future__ import annotations

from dataclasses import dataclass

from kiosk.dialogue.visit import JournalId
from kiosk.sensitive import Sensitive


@dataclass(frozen=True, slots=True)
class Grant:
    """One unblock, journaled: the secret for the card of this visit, to be used once."""

    journal: JournalId
    secret: Sensitive


@dataclass(frozen=True, slots=True)
class UnblockDone:
    """The card answered that the PIN was reset."""


@dataclass(frozen=True, slots=True)
class UnblockRefused:
    """The card refused; ``tries_left`` of the unblock secret (0: blocked, None: not spent)."""

    tries_left: int | None
    because: str


@dataclass(frozen=True, slots=True)
class UnblockNotSent:
    """The command was never sent to the card."""


@dataclass(frozen=True, slots=True)
class UnblockUnknown:
    """The command was sent and its answer was lost."""


UnblockOutcome = UnblockDone | UnblockRefused | UnblockNotSent | UnblockUnknown
