"""Nobody is here: say what can be done, and how to begin."""

from __future__ import annotations

from collections.abc import Iterator

from textual.containers import Horizontal
from textual.content import Content
from textual.widget import Widget

from screens.kiosk.page import Page
from screens.widgets.banner import Banner
from screens.widgets.drawing import Drawing, Way
from screens.widgets.prose import Prose
from screens.words import waiting as words


class AttractPage(Page, inherit_bindings=False):
    """Big letters, the picture, and what one can do here with how long it takes."""

    def content(self) -> Iterator[Widget]:
        """Lay it out; the letters are big where the screen is."""
        yield Banner(words.BANNER, roomy=self.shape.is_roomy)
        yield Prose(words.ATTRACT_TITLE, "title")
        yield Horizontal(
            Drawing(Way.IN, motion=self.kit.look.motion),
            Prose(_offers(), "offers"),
            classes="picture",
        )


def _offers() -> Content:
    return Content("\n\n").join(
        Content.assemble((what, "bold $ink"), "\n", (f"about {time}", "$quiet"))
        for what, time in words.ATTRACT_OFFERS
    )
