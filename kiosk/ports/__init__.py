"""Where the halves meet: Protocols only, and the events that a reader sends.

``Authority`` decides, ``Cards`` acts on the card, ``Clock`` tells the time and
``Mailer`` carries a message. Implementations are handed over by the composition root.
"""

from __future__ import annotations

from kiosk.ports.authority import Authority
from kiosk.ports.cards import CardAddress, CardHold, Cards
from kiosk.ports.clock import Clock
from kiosk.ports.mail import Mailer, Message
from kiosk.ports.readers import (
    CardInserted,
    CardMuteSeen,
    CardRemoved,
    PostReaderEvent,
    ReaderEvent,
    ReaderMonitor,
    ReadersChanged,
    ServiceFound,
    ServiceLost,
)

__all__ = [
    "Authority",
    "CardAddress",
    "CardHold",
    "CardInserted",
    "CardMuteSeen",
    "CardRemoved",
    "Cards",
    "Clock",
    "Mailer",
    "Message",
    "PostReaderEvent",
    "ReaderEvent",
    "ReaderMonitor",
    "ReadersChanged",
    "ServiceFound",
    "ServiceLost",
]
