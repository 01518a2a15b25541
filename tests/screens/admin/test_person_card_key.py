"""A person's page says which of their cards has to prove itself."""

from __future__ import annotations

from dataclasses import replace

from tests.screens.admin.desk import FakeDesk
from tests.screens.admin.persons import READY, person

SAID = "has to prove itself by its recorded key"


async def test_a_card_whose_key_is_recorded_is_told_of() -> None:
    async with person(READY) as run:
        assert SAID not in run.text
    desk = FakeDesk()
    held = desk.estate.people[READY]
    (card,) = held.person.cards
    held.person = replace(held.person, cards=(replace(card, has_key=True),))
    async with person(READY, desk) as run:
        assert SAID in run.text
