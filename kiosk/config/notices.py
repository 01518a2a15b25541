"""``[notices]``: who of the staff is told by mail, and when something counts as many or long."""

from __future__ import annotations

import re
from dataclasses import dataclass

from kiosk.config.base import Section, setting
from kiosk.config.kinds import Number, Unfit, Words
from kiosk.config.mail import ADDRESS

RA = "ra"
"""Stands for the Registration Authority's address, so that it is written down once."""


def _address(word: str) -> str:
    if word != RA and not re.fullmatch(ADDRESS, word):
        raise Unfit(f"{word!r} is no email address", quotes=False)
    return word


def _told(of: str) -> tuple[str, ...]:
    """Declare who is told of something."""
    kind = Words('email addresses; "ra" is ra_email of [service]; an empty list: nobody', _address)
    told: tuple[str, ...] = setting((RA,), kind, f"Who is told {of}.")
    return told


@dataclass(frozen=True)
class NoticeSettings(Section):
    """``[notices]``: a list of addresses for each kind of trouble, and the limits."""

    registration_blocked: tuple[str, ...] = _told("that self-service was blocked")
    card_not_genuine: tuple[str, ...] = _told("of a card that failed its proof")
    many_failures: tuple[str, ...] = _told("of many failures at one station, or of one person")
    station_silent: tuple[str, ...] = _told("that a station is silent")
    mail_held_up: tuple[str, ...] = _told("that mail did not move, once it does again")
    row_altered: tuple[str, ...] = _told("that a record was altered outside of the service")
    audit_broken: tuple[str, ...] = _told("that the audit does not fit")
    failures_at_station: int = setting(
        20, Number(2, 1000, whole=True), "Failures at one station in an hour that are many."
    )
    failures_of_person: int = setting(
        6, Number(2, 100, whole=True), "Failures of one person in an hour that are many."
    )
    mail_minutes: float = setting(
        15, Number(1, 1440), "Minutes that a notice may wait before mail counts as held up."
    )


def addresses(told: tuple[str, ...], ra_email: str) -> tuple[str, ...]:
    """Return where a list of ``[notices]`` sends to, each address once."""
    return tuple(dict.fromkeys(ra_email if word == RA else word for word in told))
