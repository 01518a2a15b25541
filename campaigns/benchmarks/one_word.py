"""The peer: the smallest Textual program that shows one word, and another one at each key."""

from __future__ import annotations

from textual.app import App, ComposeResult
from textual.events import Key
from textual.widgets import Static

WORDS = ("Ready", "Alpha", "Omega")


class OneWord(App[None]):
    """Textual as it comes, with everything left as it is."""

    def compose(self) -> ComposeResult:
        """Show the first word."""
        yield Static(WORDS[0])

    def on_key(self, event: Key) -> None:
        """Show the other word: 1 and 2 choose it."""
        if event.character in ("1", "2"):
            self.query_one(Static).update(WORDS[int(event.character)])


if __name__ == "__main__":
    OneWord().run()
