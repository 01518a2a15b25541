"""The list of cards that no station could serve, reached from the search."""

from __future__ import annotations

from dataclasses import replace

from kiosk.authority.administration.views import Grounds, NewCard, Seen
from kiosk.authority.roles import Role
from screens.admin.people import PeoplePage
from screens.admin.people_lists import CardsPage
from screens.admin.person import AboutPerson
from tests.screens.admin.desk import FakeDesk
from tests.screens.admin.pilots import Run, running

PAGES = (PeoplePage, CardsPage, AboutPerson)


def words(run: Run) -> str:
    return " ".join(run.text.split())


async def test_the_search_leads_to_the_list_and_back() -> None:
    async with running(pages=PAGES) as run:
        await run.press("f2", "ctrl+o")
        await run.settle()
        assert "Cards that no station could serve" in run.text
        assert "7Q2M-9KXA" in run.text
        await run.press("escape")
        await run.settle()
        assert "Find a person" in run.text


async def test_the_marked_card_is_explained() -> None:
    async with running(pages=PAGES) as run:
        await run.press("f2", "ctrl+o")
        await run.settle()
        assert "A card of Amara Okafor (100200300401) is recorded as" in words(run)
        assert "differs in one sign. Mistyped import?" in words(run)
        await run.press("down")
        assert "It gave the reader no answer, by the station's report." in words(run)
        assert "They put it in the other way round" in words(run)


async def test_a_card_that_is_not_recorded_is_added_to_the_person_that_is_found() -> None:
    async with running(pages=PAGES) as run:
        await run.press("f2", "ctrl+o")
        await run.settle()
        await run.press("a", *"gallagher", "enter")
        identifier = run.desk.estate.unknown_cards[0].identifier
        assert "Add a card" in run.text
        assert f"piv {identifier}"[:40] in run.text
        await run.press(*["enter"] * 5, *"it is theirs", "enter")
        ((seen, card, grounds),) = run.desk.asked.of("cards.add")
        assert seen == Seen("h5", 1)
        assert card == NewCard(identifier, "piv", None, None)
        assert grounds == Grounds("it is theirs")
        assert "✓ " in run.text
        assert "Gallagher" in run.text
        assert "What happened, newest first" in run.text


async def test_who_is_not_found_alone_is_asked_for_again() -> None:
    async with running(pages=PAGES) as run:
        await run.press("f2", "ctrl+o")
        await run.settle()
        await run.press("a", *"zzz", "enter")
        assert "! Nobody is found by this." in run.text
        await run.press("ctrl+u", *"smith", "enter")
        assert "Several people are found by this: type the number." in run.text
        assert not run.desk.asked.of("cards.add")


async def test_a_card_that_was_not_read_is_added_to_nobody() -> None:
    async with running(pages=PAGES) as run:
        await run.press("f2", "ctrl+o")
        await run.settle()
        assert "a Add to a person" in run.lines[-1]
        await run.press("down")
        assert "Add to a person" not in run.lines[-1]
        await run.press("a")
        assert not run.app.screen.is_modal


async def test_who_only_looks_is_not_offered_it() -> None:
    async with running(FakeDesk(Role.AUDITOR), PAGES) as run:
        await run.press("f2", "ctrl+o")
        await run.settle()
        assert "Add to a person" not in run.lines[-1]


async def test_the_reference_of_an_unknown_card_leads_to_adding_it() -> None:
    async with running(pages=PAGES) as run:
        await run.type("7q2m-9kxa")
        assert "Enter adds it to a person." in words(run)
        assert "Enter Add it" in run.lines[-1]
        assert "Ctrl+O Cards" in run.lines[-1]  # no key is cut off at 80 columns
        await run.press("enter")
        identifier = run.desk.estate.unknown_cards[0].identifier
        assert f"The card calls itself piv {identifier}" in words(run)
        await run.press(*"gallagher", "enter", *["enter"] * 5, *"it is theirs", "enter")
        ((seen, card, grounds),) = run.desk.asked.of("cards.add")
        assert seen == Seen("h5", 1)
        assert card == NewCard(identifier, "piv", None, None)
        assert grounds == Grounds("it is theirs")
        assert "Gallagher" in run.text
        assert "What happened, newest first" in run.text


async def test_a_reference_confirmed_before_its_answer_leads_to_adding_the_card() -> None:
    async with running(pages=PAGES) as run:
        await run.press(*"7q2m-9kxa", "enter")
        assert "Whose card is it?" in run.text


async def test_adding_is_offered_for_no_other_text() -> None:
    async with running(pages=PAGES) as run:
        for text in ("7q2m-9kxa", "b4xt-2qlm", "smith", "7q2m-9kxa", "nobody"):
            await run.press("escape")
            await run.type(text)
            offered = text == "7q2m-9kxa"
            assert ("Enter Add it" if offered else "Enter Open") in run.lines[-1], text
            assert ("adds it to a person" in words(run)) is offered, text
        await run.press("enter")
        assert not run.app.screen.is_modal


async def test_card_that_was_recorded_since_is_not_added_again() -> None:
    async with running(pages=PAGES) as run:
        cards = run.desk.estate.unknown_cards
        cards[0] = replace(cards[0], recorded=True)
        await run.type("7q2m-9kxa")
        assert "7Q2M-9KXA at Main Entrance, 10:26 today: Turned away" in words(run)
        assert "Enter Open" in run.lines[-1]
        await run.press("enter")
        assert not run.app.screen.is_modal
        await run.press("ctrl+o")
        await run.settle()
        assert "Add to a person" not in run.lines[-1]


async def test_who_only_looks_is_not_offered_it_by_the_search() -> None:
    async with running(FakeDesk(Role.AUDITOR), PAGES) as run:
        await run.type("7q2m-9kxa")
        assert "7Q2M-9KXA at Main Entrance, 10:26 today: Turned away" in words(run)
        assert "adds it to a person" not in words(run)
        await run.press("enter")
        assert not run.app.screen.is_modal
