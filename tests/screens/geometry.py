"""What is wrong with how a screen is laid out, in words."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from rich.cells import cell_len
from textual.app import App
from textual.content import Content
from textual.geometry import Region
from textual.screen import Screen
from textual.widget import Widget

from screens.widgets.prose import Prose
from tests.screens.shown import screen_lines


def layout_faults(app: App[Any]) -> list[str]:
    """Return what is clipped, covered, cut short, or would have to be scrolled."""
    screen = app.screen
    widgets = [w for w in screen.walk_children(Widget) if w.is_on_screen and _shows(w)]
    faults = [fault for widget in widgets for fault in _widget_faults(screen, widget)]
    leaves = [widget for widget in widgets if not widget.children]
    faults += _collisions(screen, leaves)
    faults += [f"cut short: {line!r}" for line in screen_lines(app) if "…" in line]
    return faults


def _shows(widget: Widget) -> bool:
    return all(node.display for node in widget.ancestors_with_self if isinstance(node, Widget))


def _widget_faults(screen: Screen[object], widget: Widget) -> Iterator[str]:
    placed = screen.find_widget(widget)
    if not placed.clip.contains_region(placed.region):
        yield f"{widget!r} at {placed.region} is clipped by {placed.clip}"
    inside, outside = widget.virtual_size, placed.region
    if inside.width > outside.width or inside.height > outside.height:
        yield f"{widget!r} of {outside.size} would scroll to {inside}"
    if widget.allow_horizontal_scroll or widget.allow_vertical_scroll:
        yield f"{widget!r} can be scrolled"
    yield from _drawing_faults(widget)


def _drawing_faults(widget: Widget) -> Iterator[str]:
    """Yield where what a widget draws is bigger than the widget."""
    drawn = widget.render()
    if widget.children or not isinstance(drawn, Content):
        return
    width, height = widget.content_size
    lines = drawn.wrap(width) if isinstance(widget, Prose) else drawn.split("\n")
    if len(lines) > height:
        yield f"{widget!r} draws {len(lines)} lines into {height}: {drawn.plain!r}"
    for line in lines:
        if cell_len(line.plain.rstrip()) > width:
            yield f"{widget!r} draws {line.plain!r} into {width} columns"


def _collisions(screen: Screen[object], leaves: list[Widget]) -> Iterator[str]:
    regions: list[tuple[Widget, Region]] = [(w, screen.find_widget(w).region) for w in leaves]
    for (one, here), (other, there) in itertools.combinations(regions, 2):
        if here.area and there.area and here.overlaps(there):
            yield f"{one!r} at {here} covers {other!r} at {there}"
