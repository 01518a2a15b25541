"""The pages, of which one shows."""

from __future__ import annotations

from collections.abc import Mapping

from textual.containers import Container

from kiosk.administration.desk import AdminDesk
from kiosk.people_groups import PeopleGroup
from screens.admin.page import Page, ShowsGroup, ShowsPerson


class Book(Container):
    """Makes a page when it is first turned to, and keeps it: what was typed stays there."""

    def __init__(self, desk: AdminDesk, pages: Mapping[str, type[Page]]) -> None:
        super().__init__(id="book")
        self._desk = desk
        self._offered = pages
        self._made: dict[str, Page] = {}
        self.up: Page | None = None

    def __contains__(self, name: object) -> bool:
        return name in self._offered

    @property
    def person(self) -> str:
        """The name of the page about one person; raises ``StopIteration`` where none is."""
        return next(n for n, page in self._offered.items() if issubclass(page, ShowsPerson))

    @property
    def lists(self) -> str:
        """The name of the page of lists; empty where there is none."""
        return next((n for n, page in self._offered.items() if issubclass(page, ShowsGroup)), "")

    async def turn_to(
        self, name: str, holder_id: str | None = None, group: PeopleGroup | None = None
    ) -> Page:
        """Show the page ``name``; with ``holder_id`` about that person, or with that ``group``."""
        page = await self._page(name)
        if group is not None and isinstance(page, ShowsGroup):
            page.look_at_group(group)
        if holder_id is not None and isinstance(page, ShowsPerson):
            page.look_at(holder_id)
        if self.up is not None and self.up is not page:
            self.up.left()
            self.up.display = False
        self.up = page
        page.display = True
        page.take_focus()
        page.shown()
        return page

    async def _page(self, name: str) -> Page:
        if name not in self._made:
            self._made[name] = self._offered[name](self._desk)
            await self.mount(self._made[name])
        return self._made[name]
