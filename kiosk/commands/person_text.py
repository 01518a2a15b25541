"""A person's page as lines of text."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from kiosk.administration.saying import last_day
from kiosk.administration.views.people import (
    CardLine,
    CodeLine,
    Person,
    RegistrationLine,
    StoryLine,
)


def person_lines(person: Person) -> Iterator[str]:
    """Yield how somebody stands and what to do, then what is recorded, then their story."""
    yield "  ".join(part for part in (person.number, person.name, person.email) if part)
    yield person.headline
    yield from filter(None, (person.advice,))
    if person.registration:
        yield from _registration(person.registration)
    if change := person.waiting_change:
        counts = _at(change.counts_from)
        yield f"change of address waits: {change.old} to {change.masked}, counts from {counts}"
    for card in person.cards:
        yield f"card {card.driver} {card.identifier}: {_card(card)}"
    for code in person.codes:
        yield f"code {code.code_id}: {_code(code)}"
    for line in person.story:
        yield _story(line)


def _registration(line: RegistrationLine) -> Iterator[str]:
    unconfirmed = "" if line.confirmed else ", not confirmed since staff changed it"
    yield f"registered {_at(line.registered_at)}, {line.email}{unconfirmed}"
    yield f"failed attempts: {line.failures} of {line.failures_allowed}"
    for question in line.questions:
        yield f"question: {question}"


def _card(line: CardLine) -> str:
    state = line.trouble or "can be unlocked"
    expires = f"; expires {last_day(line.expires_at)}" if line.expires_at else ""
    return f"{state}{expires}"


def _code(line: CodeLine) -> str:
    how = "by mail" if line.by_mail else f"given by {line.issued_by}"
    second = ", waits for a second member of staff" if line.waits_for_second else ""
    return f"{how}, until {_at(line.expires_at)}{second}"


def _story(line: StoryLine) -> str:
    where = "  ".join(part for part in (line.station, line.who, line.reference) if part)
    return f"  {_at(line.at)}  {'!' if line.grave else ' '} {line.told}  ({where})"


def _at(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
