"""What every page of the RA application is: it asks the desk on a thread, and shows the answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import ClassVar, Protocol, TypeVar, cast

from textual.containers import Container
from textual.message import Message

from kiosk.administration.desk import AdminDesk
from kiosk.errors import AdministrationError, StoreError
from kiosk.roles import Action, may

T = TypeVar("T")


class Page(Container):
    """One page of the application, mounted once and shown again and again.

    ``NAME`` is its short name in the bar at the top, ``NEEDS`` what a role must be
    permitted for the page to be offered at all. Subclasses fill ``shown``.
    """

    NAME: ClassVar[str]
    NEEDS: ClassVar[Action]

    class Trouble(Message):
        """The desk did not do what was asked; the application says so."""

        def __init__(self, error: AdministrationError | StoreError) -> None:
            super().__init__()
            self.error = error

    def __init__(self, desk: AdminDesk) -> None:
        super().__init__(id=f"page-{self.NAME.lower()}")
        self.desk = desk

    def shown(self) -> None:
        """Ask for what is to be seen; called each time that the page comes up."""

    def permits(self, action: Action) -> bool:
        """Tell whether the reader's role may; the desk judges again when it is asked."""
        return may(self.desk.me.role, action)

    def ask(self, call: Callable[[], T], then: Callable[[T], None], group: str = "look") -> None:
        """Read something on a thread, then show it; a newer question of a group replaces it."""
        self.run_worker(self._asked(call, then), group=group, exclusive=True)

    def act(self, call: Callable[[], T], then: Callable[[T], None]) -> None:
        """Change something on a thread; it is never given up once it has begun."""
        self.run_worker(self._asked(call, then), group="act")

    async def _asked(self, call: Callable[[], T], then: Callable[[T], None]) -> None:
        try:
            answer = await asyncio.to_thread(call)
        except (AdministrationError, StoreError) as error:
            self.post_message(self.Trouble(error))
        else:
            then(answer)


class Shell(Protocol):
    """What a page may ask of the application around it."""

    def go_to(self, page: str) -> None:
        """Show the page with this ``NAME``."""

    def show_person(self, holder_id: str) -> None:
        """Show a person's page, wherever one is."""

    def tell(self, text: str) -> None:
        """Say what was done."""


def shell_of(page: Page) -> Shell:
    """Return the application around a page."""
    return cast(Shell, page.app)
