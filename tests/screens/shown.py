"""What an application shows, as the cells that are written to the terminal."""

from __future__ import annotations

from typing import Any

import pytest
from rich.console import Console
from rich.segment import Segment
from textual.app import App


def screen_rows(app: App[Any]) -> list[list[Segment]]:
    """Return the rows of the screen, with what lies under a modal page, in pieces of one style.

    Textual gives this out as SVG alone, by ``App.export_screenshot``. What it prints for that
    is taken before it is drawn.
    """
    printed: list[Segment] = []

    class Sheet(Console):
        def print(self, *objects: Any, **_options: Any) -> None:
            printed.extend(self.render(objects[0]))

        def export_svg(self, **_options: Any) -> str:
            return ""

    with pytest.MonkeyPatch.context() as textual:
        textual.setattr("textual.app.Console", Sheet)
        App.export_screenshot(app)
    rows = Segment.split_lines(piece for piece in printed if not piece.control)
    return [list(row) for row in rows]


def screen_lines(app: App[Any]) -> list[str]:
    """Return the screen as lines of text."""
    return ["".join(piece.text for piece in row) for row in screen_rows(app)]
