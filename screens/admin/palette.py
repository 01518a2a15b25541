"""The list of actions (Ctrl+P): the pages, what the page that shows can do, and the way out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider

if TYPE_CHECKING:
    from screens.admin_app import AdminApp

Command = tuple[str, str, Callable[[], None]]
"""What it says, what it says beside it, and what it does."""


class Actions(Provider):
    """Offers what the application's own ``commands`` lists, and nothing of Textual's."""

    async def discover(self) -> Hits:
        """Offer all while nothing is typed."""
        for text, beside, run in self._commands():
            yield DiscoveryHit(text, run, text=text, help=beside)

    async def search(self, query: str) -> Hits:
        """Offer what fits."""
        matcher = self.matcher(query)
        for text, beside, run in self._commands():
            score = matcher.match(text)
            if score > 0:
                yield Hit(score, matcher.highlight(text), run, text=text, help=beside)

    def _commands(self) -> Iterator[Command]:
        return cast("AdminApp", self.app).commands()
