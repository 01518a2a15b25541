"""What staff read on a person's page."""

from __future__ import annotations

from kiosk.authority.administration.views import CardLine, Person
from screens.words.staff.standing import headline_words, later_words, trouble_words


def headline(person: Person) -> str:
    return headline_words(person.headline, person.clock).sentence


def advice(person: Person) -> str:
    return headline_words(person.headline, person.clock).advice


def trouble(card: CardLine) -> str:
    return "" if card.trouble is None else trouble_words(card.trouble)


def later(person: Person) -> str:
    found = person.registers_later
    return "" if found is None else later_words(found, person.clock)
