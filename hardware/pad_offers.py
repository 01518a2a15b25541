"""Whether the reader's own keys are offered for a card.

Readers differ in what they make of a request, and only tell when one is made. A reader
that refused is not asked again for cards of that family, so that its next card's holder
finds the glass in place of a dead end.
"""

from __future__ import annotations

import logging

from hardware.connection import Connection
from hardware.driver import CardSession
from kiosk.ports import CardAddress

log = logging.getLogger(__name__)


class PadOffers:
    """Made where reader and card can and nobody said no; calls may come from several threads."""

    def __init__(self, *, wanted: bool) -> None:
        self._wanted = wanted
        self._withdrawn: set[tuple[str, str]] = set()

    def is_made(self, at: CardAddress, connection: Connection, session: CardSession) -> bool:
        """Return whether PINs of this card are to be entered on its reader's keys."""
        if not self._wanted or _key(at) in self._withdrawn:
            return False
        return connection.has_keypad() and session.takes_pad()

    def withdraw(self, at: CardAddress) -> None:
        """Offer them no more for cards of this family in this reader, and say so once."""
        if _key(at) not in self._withdrawn:
            self._withdrawn.add(_key(at))
            log.warning(
                "the keys of reader %r do not take PINs of %s cards: from now on their PINs "
                "are typed at the station",
                *_key(at),
            )


def _key(at: CardAddress) -> tuple[str, str]:
    return at.reader, at.card.driver
