"""Nobody is here: say what can be done, and how to begin."""

from __future__ import annotations

from collections.abc import Iterator

from textual.containers import Horizontal
from textual.content import Content
from textual.widget import Widget

from kiosk.station.states import Attract, OutOfService, PulledFrom
from screens.kiosk.page import HelpBox, Page, PageContext
from screens.widgets.pictures import Banner, Direction, Drawing
from screens.widgets.prose import Prose
from screens.words import waiting


class AttractPage(Page, inherit_bindings=False):
    """Big letters, the picture, and what one can do here with how long it takes.

    After a card was taken out too early, it shows for a while what was done, and what to do.
    """

    def __init__(self, context: PageContext, state: Attract) -> None:
        super().__init__(context, state)
        self._pulled = state.pulled

    def content(self) -> Iterator[Widget]:
        """Compose it; the letters are big where the screen is."""
        yield Banner(waiting.BANNER, roomy=self.shape.is_roomy)
        yield Prose(waiting.ATTRACT_TITLE, "title")
        offers = Content("\n\n").join(
            Content.assemble((what, "bold $ink"), "\n", (f"about {time}", "$quiet"))
            for what, time in waiting.ATTRACT_OFFERS
        )
        yield Horizontal(
            Drawing(Direction.IN, self.context.look.glyphs, motion=self.context.look.motion),
            Prose(offers if self._pulled is None else _pulled_words(self._pulled), "offers"),
            classes="picture",
        )


def _pulled_words(pulled: PulledFrom) -> Content:
    title, text = waiting.PULLED[pulled]
    return Content.assemble((f"! {title}", "bold $ink"), "\n", text)


class OutOfServicePage(Page, inherit_bindings=False):
    """What is wrong, and where to get help."""

    def __init__(self, context: PageContext, state: OutOfService) -> None:
        super().__init__(context, state)
        self._state = state

    def content(self) -> Iterator[Widget]:
        title, text = waiting.OUTAGES[self._state.outage]
        yield Prose(title, "title")
        yield Prose(text, "text paragraph")
        yield HelpBox(self.context.look)
        if self._state.pulled is not None:
            yield Prose(_pulled_words(self._state.pulled), "text paragraph")
