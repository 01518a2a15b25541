"""Nobody is here: say what can be done, and how to begin."""

from __future__ import annotations

from collections.abc import Iterator

from textual.containers import Horizontal
from textual.content import Content
from textual.widget import Widget

from kiosk.station.states import Attract, OutOfService, PulledFrom
from screens.kiosk.page import HelpBox, Page
from screens.widgets.pictures import Banner, Direction, Drawing
from screens.widgets.prose import Prose
from screens.words import waiting


class AttractPage(Page, inherit_bindings=False):
    """Big letters, the picture, and what one can do here with how long it takes.

    After a card was taken out too early, it shows for a while what was done, and what to do.
    """

    state: Attract

    def content(self) -> Iterator[Widget]:
        yield Banner(waiting.BANNER, roomy=self.shape.is_roomy)
        yield Prose(waiting.ATTRACT_TITLE, "title")
        offers = Content("\n\n").join(
            Content.assemble((what, "bold $ink"), "\n", (f"about {time}", "$quiet"))
            for what, time in waiting.ATTRACT_OFFERS
        )
        pulled = self.state.pulled
        yield Horizontal(
            Drawing(Direction.IN, self.context.look),
            Prose(offers if pulled is None else _pulled_words(pulled), "offers"),
            classes="picture",
        )


def _pulled_words(pulled: PulledFrom) -> Content:
    title, text = waiting.PULLED[pulled]
    return Content.assemble((f"! {title}", "bold $ink"), "\n", text)


class OutOfServicePage(Page, inherit_bindings=False):
    """What is wrong, and where to get help."""

    state: OutOfService

    def content(self) -> Iterator[Widget]:
        title, text = waiting.OUTAGES[self.state.outage]
        yield Prose(title, "title")
        yield Prose(text, "text paragraph")
        yield HelpBox(self.context.look)
        if self.state.pulled is not None:
            yield Prose(_pulled_words(self.state.pulled), "text paragraph")
