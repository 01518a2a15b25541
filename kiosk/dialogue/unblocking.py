"""One unblock: the secret that is granted for it, and what the card did with that.

Most cards compare a secret, which therefore travels: ``Grant``. Cards with an admin key
compare what was made of it: the key stays with the authority, and a station only carries
four messages to and fro (``KeyChallenge``, ``KeyNonce``, ``KeyGrant``, ``KeyAnswer``).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from kiosk.dialogue.visit import JournalId
from kiosk.sensitive import Sensitive


@dataclass(frozen=True, slots=True)
class Grant:
    """One unblock, journaled: the secret for the card of this visit, to be used once."""

    journal: JournalId
    secret: Sensitive


@dataclass(frozen=True, slots=True)
class KeyChallenge:
    """A fresh random number of the authority's, 16 bytes, for a card with an admin key."""

    nonce: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class KeyNonce:
    """The card's own random number, 16 bytes, with which it answered a ``KeyChallenge``."""

    nonce: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class KeyGrant:
    """One unblock, journaled: what the admin key made of both numbers, good for this once."""

    journal: JournalId
    cryptogram: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class KeyAnswer:
    """What the card's own key made of them: only a card that has the key can say it."""

    cryptogram: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class UnblockDone:
    """The card answered that the PIN was reset."""


@dataclass(frozen=True, slots=True)
class UnblockRefused:
    """The card refused; ``tries_left`` of the unblock secret (0: blocked, None: not spent)."""

    tries_left: int | None
    because: str


@dataclass(frozen=True, slots=True)
class UnblockWrong:
    """The card said that the unblock secret is wrong, and not how many tries it has left."""


@dataclass(frozen=True, slots=True)
class UnblockNotSent:
    """The command was never sent to the card."""


@dataclass(frozen=True, slots=True)
class UnblockUnknown:
    """The command was sent and its answer was lost."""


UnblockOutcome = UnblockDone | UnblockRefused | UnblockWrong | UnblockNotSent | UnblockUnknown
