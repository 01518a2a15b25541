"""A screen as a small SVG: text stays text, boxes and blocks become shapes.

Shapes do not depend on a font's line height, name no web font, and keep a picture to a
few kilobytes.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from html import escape, unescape
from typing import Any, NamedTuple

from rich.cells import cell_len
from rich.color import Color
from rich.segment import Segment
from textual.app import App

from tests.screens.shown import screen_rows

W, H = 10, 20
_STYLE = "text{font:16.61px 'DejaVu Sans Mono',monospace;white-space:pre}.b{font-weight:bold}"
_MID, _LOW = W // 2, H // 2
_EDGES = {
    "─": "lr", "│": "ud", "┌": "rd", "┐": "ld", "└": "ru", "┘": "lu", "├": "rud", "┤": "lud",
    "┬": "lrd", "┴": "lru", "┼": "lrud", "═": "LR", "║": "UD", "╔": "RD", "╗": "LD",
    "╚": "RU", "╝": "LU",
}  # fmt: skip
_BLOCKS = {
    "█": (0, 0, W, H), "▀": (0, 0, W, _LOW), "▄": (0, _LOW, W, _LOW), "▌": (0, 0, _MID, H),
    "▐": (_MID, 0, _MID, H), "▁": (0, H - 3, W, 3), "▔": (0, 0, W, 3), "▎": (0, 0, 3, H),
    "▊": (0, 0, 7, H),
}  # fmt: skip


class Cell(NamedTuple):
    """One cell of a screen."""

    char: str
    ink: str
    paper: str
    bold: bool


def stretched(svg: str) -> str:
    """Fix the width of each text, for readers that have another font."""
    return re.sub(r"(<text[^>]*)>([^<]*)</text>", _stretch, svg)


def _stretch(found: re.Match[str]) -> str:
    width = cell_len(unescape(found[2])) * W
    return f'{found[1]} textLength="{width}" lengthAdjust="spacingAndGlyphs">{found[2]}</text>'


def moving(frames: Sequence[tuple[str, float]]) -> str:
    """Show pictures of one size one after the other, each for so many seconds, again and again.

    Each covers the one before. A reader that does not move pictures shows the first.
    """
    whole, at = sum(seconds for _, seconds in frames), 0.0
    opening, style, *_ = frames[0][0].splitlines()
    rules, layers = [], []
    for number, (svg, seconds) in enumerate(frames):
        _opening, _style, *shapes, _closing = svg.splitlines()
        layers += [f'<g class="f{number}">', *shapes, "</g>"]
        if number:
            begin, end = (f"{100 * moment / whole:.3f}%" for moment in (at, at + seconds))
            ends = f"{end}{{visibility:hidden}}" if number < len(frames) - 1 else ""
            rules.append(
                f".f{number}{{visibility:hidden;animation:f{number} {whole:g}s step-end infinite}}"
                f"@keyframes f{number}{{{begin}{{visibility:visible}}{ends}}}"
            )
        at += seconds
    still = "@media(prefers-reduced-motion:reduce){g{animation:none!important}}"
    sheet = style.replace("</style>", "".join([*rules, still]) + "</style>")
    return "\n".join([opening, sheet, *layers, "</svg>", ""])


def screen_svg(app: App[Any]) -> str:
    """Draw what ``app`` shows now, with whatever lies under a modal page."""
    return _svg([list(_cells(row)) for row in screen_rows(app)], *app.size)


def _cells(row: Iterable[Segment]) -> Iterator[Cell]:
    for segment in row:
        style = segment.style
        ink = _hex(style.color if style else None, "#000000")
        paper = _hex(style.bgcolor if style else None, "#ffffff")
        if style and style.reverse:
            ink, paper = paper, ink
        for char in segment.text:
            yield Cell(char, ink, paper, bool(style and style.bold))
            if cell_len(char) == 2:
                yield Cell("", ink, paper, False)


def _hex(colour: Color | None, otherwise: str) -> str:
    triplet = colour.triplet if colour else None
    return triplet.hex if triplet else otherwise


def _svg(rows: list[list[Cell]], width: int, height: int) -> str:
    ground = Counter(cell.paper for row in rows for cell in row).most_common(1)[0][0]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width * W} {height * H}">',
        f"<style>{_STYLE}</style>",
        f'<path fill="{ground}" d="M0 0h{width * W}v{height * H}h-{width * W}z"/>',
        *_papers(rows, ground),
        *_shapes(rows),
        *(text for y, row in enumerate(rows) for text in _texts(row, y)),
        "</svg>\n",
    ]
    return "\n".join(parts)


def _papers(rows: list[list[Cell]], ground: str) -> Iterator[str]:
    """Yield one path a colour, runs that repeat in the next row drawn as one."""
    open_runs: dict[tuple[int, int, str], int] = {}
    paths: defaultdict[str, list[str]] = defaultdict(list)
    for y, row in enumerate([*rows, []]):
        runs = {run for run in _runs(row) if run[2] != ground}
        for run in [run for run in open_runs if run not in runs]:
            top = open_runs.pop(run)
            paths[run[2]].append(_box(run[0] * W, top * H, (run[1] - run[0]) * W, (y - top) * H))
        for run in runs:
            open_runs.setdefault(run, y)
    for colour, boxes in sorted(paths.items()):
        yield f'<path fill="{colour}" d="{"".join(sorted(boxes))}"/>'


def _runs(row: list[Cell]) -> Iterator[tuple[int, int, str]]:
    x = 0
    for colour, cells in itertools.groupby(row, key=lambda cell: cell.paper):
        width = len(list(cells))
        yield x, x + width, colour
        x += width


def _box(x: int, y: int, width: int, height: int) -> str:
    return f"M{x} {y}h{width}v{height}h-{width}z"


def _shapes(rows: list[list[Cell]]) -> Iterator[str]:
    blocks: defaultdict[str, list[str]] = defaultdict(list)
    lines: defaultdict[str, list[str]] = defaultdict(list)
    for y, row in enumerate(rows):
        for x, cell in enumerate(row):
            if cell.char in _BLOCKS:
                left, top, width, height = _BLOCKS[cell.char]
                blocks[cell.ink].append(_box(x * W + left, y * H + top, width, height))
            elif cell.char in _EDGES:
                lines[cell.ink].append(_edges(x * W + _MID, y * H + _LOW, _EDGES[cell.char]))
    for colour, boxes in sorted(blocks.items()):
        yield f'<path fill="{colour}" d="{"".join(boxes)}"/>'
    for colour, strokes in sorted(lines.items()):
        yield f'<path fill="none" stroke="{colour}" stroke-width="1.5" d="{"".join(strokes)}"/>'


def _edges(x: int, y: int, edges: str) -> str:
    ways = {"l": f"h-{_MID}", "r": f"h{_MID}", "u": f"v-{_LOW}", "d": f"v{_LOW}"}
    if edges.islower():
        return "".join(f"M{x} {y}{ways[edge]}" for edge in edges)
    return "".join(_double(x, y, edge, edges) for edge in edges)


def _double(x: int, y: int, edge: str, edges: str) -> str:
    """Draw one arm of a double line: two strokes, of which the outer one rounds a corner."""
    return "".join(_stroke(x, y, edge, edges, off) for off in (-2, 2))


def _stroke(x: int, y: int, edge: str, edges: str, off: int) -> str:
    shift = off * _turn(edge, edges)
    if edge in "LR":
        start = x + (shift if "U" in edges or "D" in edges else 0)
        return f"M{start} {y + off}H{x + (_MID if edge == 'R' else -_MID)}"
    start = y + (shift if "L" in edges or "R" in edges else 0)
    return f"M{x + off} {start}V{y + (_LOW if edge == 'D' else -_LOW)}"


def _turn(edge: str, edges: str) -> int:
    """Say which way a corner's outer stroke is longer."""
    if edge in "LR":
        return (1 if "D" in edges else -1) * (1 if edge == "R" else -1)
    return (1 if "R" in edges else -1) * (1 if edge == "D" else -1)


def _texts(row: list[Cell], y: int) -> Iterator[str]:
    x = 0
    for (ink, bold), group in itertools.groupby(row, key=lambda cell: (cell.ink, cell.bold)):
        cells = list(group)
        yield from _words(cells, x, y, ink, bold)
        x += len(cells)


def _words(cells: list[Cell], x: int, y: int, ink: str, bold: bool) -> Iterator[str]:
    """Yield the text of one style, broken where two or more cells are empty."""
    text = "".join(" " if c.char in _BLOCKS or c.char in _EDGES else c.char or " " for c in cells)
    at = 0
    while at < len(text):
        if text[at] == " ":
            at += 1
            continue
        end = text.find("  ", at)
        end = len(text) if end < 0 else end
        word = text[at:end].rstrip()
        weight = ' class="b"' if bold else ""
        place = f'x="{(x + at) * W}" y="{y * H + 15}"'
        yield f'<text{weight} {place} fill="{ink}">{escape(word, quote=False)}</text>'
        at = end
