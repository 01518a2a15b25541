"""What stands below a long list stays on the screen: the list gets what the others leave."""

from __future__ import annotations

from textual.widget import Widget

_LEAST = 3
"""Rows that a list has at least, whatever else there is."""


def fit(part: Widget, rows: int) -> None:
    """Let ``part`` grow with what is in it, as long as it and what it stands with take ``rows``.

    Its siblings stand above and below it, not beside.
    """
    siblings = [widget for widget in part.siblings if widget.display]
    last = max((widget.virtual_region.bottom for widget in siblings), default=0)
    above_and_below = max(last, part.virtual_region.bottom) - part.virtual_region.height
    part.styles.max_height = max(_LEAST, rows - above_and_below)
