"""One line of text that a holder writes."""

from __future__ import annotations

from rich.cells import cell_len
from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget

_CURSOR = "_"
_MORE = "◄"


class Field(Widget, inherit_bindings=False):
    """Takes printable characters up to ``longest``; ``dot`` stands for each where hidden."""

    def __init__(self, longest: int, dot: str, *, shown: bool, text: str = "") -> None:
        super().__init__()
        self._longest = longest
        self._dot = dot
        self._shown = shown
        self._text = text

    def __repr__(self) -> str:
        return "Field(…)"

    @property
    def empty(self) -> bool:
        """Whether there is nothing but spaces in it."""
        return not self._text.strip()

    def type(self, char: str) -> bool:
        """Take one character; return whether it was one that can be written."""
        if len(char) != 1 or not char.isprintable():
            return False
        if len(self._text) < self._longest:
            self._text += char
            self.refresh()
        return True

    def erase(self) -> None:
        """Take back the last character."""
        self._text = self._text[:-1]
        self.refresh()

    def show(self, shown: bool) -> None:
        """Show or hide what is written."""
        self._shown = shown
        self.refresh()

    def take(self) -> str:
        """Hand the text out and forget it."""
        taken, self._text = self._text, ""
        self.refresh()
        return taken

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """One row."""
        return 1

    def render(self) -> Content:
        """Show the end of the text where it is longer than the field."""
        text = self._text if self._shown else self._dot * len(self._text)
        room = self.content_size.width - 1
        tail = text
        while cell_len(tail) > room:
            tail = tail[1:]
        if tail != text and tail:
            tail = _MORE + tail[1:]
        return Content.assemble((tail, "bold $ink"), (_CURSOR, "bold $brand"))
