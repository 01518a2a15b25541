"""One line of a file of people."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from kiosk.administration import key_field, master_field
from kiosk.administration import people_fields as fields
from kiosk.dialogue import CardId
from kiosk.sensitive import Sensitive

Value = TypeVar("Value")

Problem = tuple[int, str]
"""A line number, counted from 1 (0 is the file itself), and what is wrong there."""


@dataclass(frozen=True, slots=True)
class PersonLine:
    """A line that can be taken; None is what was left empty.

    ``master`` is the id of the master key that the card's secret derives from, or empty.
    """

    line: int
    number: str
    name: str
    email: str | None
    card: CardId | None
    secret: Sensitive | None = field(repr=False)
    expires_at: datetime | None
    secret_limit: int | None
    auth_key: bytes | None = field(default=None, repr=False)
    pin_key: bytes | None = field(default=None, repr=False)
    master: str = ""


def read_person(
    line: int, cells: Mapping[str, str], number_digits: int
) -> tuple[PersonLine | None, list[str]]:
    """Read every cell; with any reason there is no person."""
    reader = _Reader()
    take = reader.take
    given = cells["card_id"]
    number = take(lambda: fields.holder_number(cells["holder_number"], number_digits), "")
    name = take(lambda: fields.name(cells["name"]), "")
    email = take(lambda: fields.email(cells["email"]), None)
    card = take(lambda: fields.card(cells.get("card_driver", ""), given), None)
    secret, key, pin_key, master = None, None, None, ""
    if card or not given:  # of a card that was refused, nothing is said about what it has
        secret = take(lambda: fields.unblock_secret(cells["unblock_secret"], card), None)
        key = take(lambda: key_field.auth_key(cells.get("auth_key", ""), card), None)
        pin_key = take(lambda: key_field.pin_key(cells.get("pin_key", ""), card, key), None)
        named, has_secret = cells.get("master_key", ""), bool(cells["unblock_secret"])
        master = take(lambda: master_field.master_key(named, card, has_secret=has_secret), "")
    expires_at = take(lambda: fields.expires(cells.get("expires", "")), None)
    limit = take(lambda: fields.secret_limit(cells.get("secret_limit", "")), None)
    if reader.reasons:
        return None, reader.reasons
    person = PersonLine(
        line, number, name, email, card, secret, expires_at, limit, key, pin_key, master
    )
    return person, []


class _Reader:
    """Collects the reasons of the cells that are refused."""

    def __init__(self) -> None:
        self.reasons: list[str] = []

    def take(self, read: Callable[[], Value], otherwise: Value) -> Value:
        try:
            return read()
        except fields.CellRefused as refused:
            self.reasons.append(str(refused))
            return otherwise
