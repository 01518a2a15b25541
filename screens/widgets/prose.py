"""Text on the display: always plain, never read as markup."""

from __future__ import annotations

from rich.cells import cached_cell_len, cell_len
from rich.segment import Segment
from textual._styles_cache import StylesCache
from textual.content import Content
from textual.widgets import Static

from kiosk.contract.text import MOST_MARKS, is_mark


def printable(text: str) -> str:
    """Leave out marks that reach into other lines, and all that is unprintable but line breaks.

    A sentence is in the language of the display.
    """
    text = str(text)
    if text.isascii():
        return "".join(char for char in text if char.isprintable() or char == "\n")
    shown, marks = [], 0
    for char in text:
        marks = marks + 1 if is_mark(char) else 0
        if marks <= MOST_MARKS and (char.isprintable() or char == "\n"):
            shown.append(char)
    return "".join(shown)


def spread(left: str, right: str, width: int) -> str:
    return left + " " * max(1, width - cell_len(left) - cell_len(right)) + right


class Prose(Static, inherit_bindings=False):
    """One text; ``classes`` say what it is: title, lead, text, note."""

    def __init__(self, text: str | Content, classes: str = "text") -> None:
        content = text if isinstance(text, Content) else Content(printable(text))
        super().__init__(content, classes=classes, markup=False)

    def say(self, text: str) -> None:
        self._replace(Content(printable(text)))

    def _replace(self, content: Content) -> None:
        """Show ``content``; the same again lays nothing out anew."""
        if content != self.content:
            self.update(content)


class Note(Prose, inherit_bindings=False):
    """An error, marked with a sign as well as a colour; empty for none."""

    def __init__(self, text: str | None) -> None:
        super().__init__(_marked(text or ""), classes="note")
        self.display = bool(text)

    def say(self, text: str) -> None:
        self.display = bool(text)
        self._replace(_marked(text))


def _marked(text: str) -> Content:
    return Content.assemble(("! ", "bold"), printable(text)) if text else Content("")


# Clearing the texts that the libraries remember after measuring, cutting and drawing them.
#
# Rich and Textual cache the last few thousand; without this, an answer or an address that was shown
# would stay in a cache until others replace it.


def forget_texts() -> None:
    """Empty the caches that hold text; call it when a visit has left the display.

    The names are private: a test searches the program for typed text, and the versions are pinned.
    """
    cached_cell_len.cache_clear()
    Segment._split_cells.cache_clear()  # noqa: SLF001
    StylesCache.get_inner_outer.cache_clear()
