"""A person's page says which of their cards has to prove itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, timedelta

from kiosk.authority.administration.views import RightPin
from screens.admin.times import Times
from tests.screens.admin.desk import FakeDesk
from tests.screens.admin.people import NOW
from tests.screens.admin.persons import READY, person

SAID = "has to prove itself by its recorded key"


async def test_page_shows_the_card_whose_key_is_recorded() -> None:
    async with person(READY) as run:
        assert SAID not in run.text
    desk = FakeDesk()
    held = desk.estate.people[READY]
    (card,) = held.person.cards
    held.person = replace(held.person, cards=(replace(card, has_key=True),))
    async with person(READY, desk) as run:
        assert SAID in run.text


async def test_page_shows_what_keeps_a_pin_from_being_proven() -> None:
    desk = FakeDesk()
    held = desk.estate.people[READY]
    (card,) = held.person.cards
    until = NOW + timedelta(hours=20)
    held.person = replace(
        held.person, cards=(replace(card, has_pin_key=True, assisted_until=until),)
    )
    async with person(READY, desk) as run:
        told = " ".join(run.text.split())
        assert "no import says that its recorded key needs the PIN" in told
        assert f"a code from staff: until {Times(lambda: NOW, UTC).at(until)} a" in told


async def test_page_shows_what_the_last_pin_rests_on() -> None:
    at = NOW - timedelta(days=30)
    for proven, said in ((True, "proved it by its key"), (False, "said so, without a proof")):
        desk = FakeDesk()
        held = desk.estate.people[READY]
        (card,) = held.person.cards
        shown = replace(
            card, has_pin_key=True, pin_is_bound=True, last_right_pin=RightPin(at, proven)
        )
        held.person = replace(held.person, cards=(shown,))
        async with person(READY, desk) as run:
            assert "proves its PIN by its recorded key" in run.text
            words = f"its PIN was last entered rightly {Times(lambda: NOW, UTC).at(at)}; the card"
            assert f"{words} {said}" in " ".join(run.text.split())
