"""The list of cards that no station could serve, reached from the search."""

from __future__ import annotations

from screens.admin.people import PeoplePage
from screens.admin.people_lists import CardsPage
from tests.screens.admin.pilots import Run, running

PAGES = (PeoplePage, CardsPage)


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
