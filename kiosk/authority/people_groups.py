"""The groups of people that staff list, and the orders in which they are listed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class PeopleGroup(StrEnum):
    """The people in a list; ``EXPIRING`` are those with a card that ends this month (UTC).

    ``CARD_IN_DOUBT``: nobody knows what became of an unlock of theirs, or a card of theirs refused
    every secret that it could have. The next visit settles the first, and staff the second.
    ``MAIL_FAILS``: a mail to an address of theirs came back.
    """

    BLOCKED = "blocked"
    NOT_REGISTERED = "not-registered"
    NO_CARD = "no-card"
    EXPIRING = "expiring"
    CARD_IN_DOUBT = "card-in-doubt"
    MAIL_FAILS = "mail-fails"
    LEFT = "left"
    EVERYBODY = "everybody"


class PeopleOrder(StrEnum):
    """The order of a list; ``DATE`` is the group's date: since when, or until when.

    A group without a date is sorted by name instead.
    """

    NAME = "name"
    NUMBER = "number"
    DATE = "date"


@dataclass(frozen=True, slots=True)
class PagePosition:
    """Where a page of a list ended: the sort key and the holder of its last row."""

    key: str | datetime
    holder_id: str
