"""Reading which master key a card's unblock secret derives from, in a file of people."""

from __future__ import annotations

import re

from kiosk.administration.people_fields import CellRefused
from kiosk.dialogue import CardId

_ID = re.compile(r"derive-[A-Za-z0-9._-]{1,64}")


def master_key(text: str, card: CardId | None, *, has_secret: bool) -> str:
    """Return the id of the master key; an empty cell stays empty.

    ``has_secret`` says that the line has an unblock secret, too: only one of them can be right.
    """
    if not text:
        return ""
    if card is None:
        raise CellRefused("master_key", "there is no card_id that it could belong to")
    if has_secret:
        raise CellRefused("master_key", "there is an unblock_secret as well; leave one of them out")
    if not _ID.fullmatch(text):
        raise CellRefused(
            f"master_key {text!r:.40}", "must be the id of one, as `kiosk keys list` shows it"
        )
    return text
