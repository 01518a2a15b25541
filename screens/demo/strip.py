"""The strip below every page of the demo: cards, mail, and what the holder knows."""

from __future__ import annotations

from collections.abc import Callable

from textual import events
from textual.content import Content
from textual.widget import Widget

from screens.demo.bench import Bench

ROWS = 3
POLL_S = 0.25
"""Seconds between looks at the table: mail arrives on a thread of its own."""

_WELCOME = "Push a card in to begin. Nothing here is real."


class DemoStrip:
    """Implements ``screens.look.Strip``; ``read_mail`` opens the mail, ``open_ra`` the RA's side.

    ``ssh`` is the line that opens it from another terminal, or empty.
    """

    rows = ROWS

    def __init__(
        self,
        bench: Bench,
        read_mail: Callable[[], None],
        open_ra: Callable[[], None],
        ssh: str = "",
    ) -> None:
        self._bench = bench
        self._read_mail = read_mail
        self._open_ra = open_ra
        self._welcome = f"{_WELCOME}\nThe RA: F10, or {ssh}" if ssh else _WELCOME
        self._seen = 0

    def widget(self) -> Widget:
        """Return a fresh widget for one page."""
        return StripWidget(self)

    def key(self, key: str) -> bool:
        """Take F5 to F10."""
        keys = {f"f{5 + i}": i for i in range(len(self._bench.cards))}
        if key in keys:
            self._bench.insert(keys[key])
        elif key == "f8":
            self._bench.remove()
        elif key == "f9":
            self._seen = len(self._bench.mail())
            self._read_mail()
        elif key == "f10":
            self._open_ra()
        else:
            return False
        return True

    @property
    def items(self) -> list[tuple[str, str, bool]]:
        """The strip's buttons: key, label and whether it stands out."""
        cards = [
            (f"f{5 + i}", card.label, self._bench.inserted == i)
            for i, card in enumerate(self._bench.cards)
        ]
        fresh = len(self._bench.mail()) - self._seen
        mail = f"Mail ({fresh} new)" if fresh > 0 else "Mail"
        return [*cards, ("f8", "Take out", False), ("f9", mail, fresh > 0), ("f10", "RA", False)]

    @property
    def hint(self) -> str:
        """What the holder of the card that is in knows."""
        inserted = self._bench.inserted
        return self._welcome if inserted is None else self._bench.cards[inserted].hint


class StripWidget(Widget, inherit_bindings=False):
    """Draws the strip: keys and labels, then the hint."""

    DEFAULT_CSS = """
    StripWidget { dock: bottom; background: $ink; color: $paper; padding: 0 1; }
    """

    def __init__(self, strip: DemoStrip) -> None:
        super().__init__()
        self._strip = strip
        self._shown: object = None
        self._zones: list[tuple[int, int, str]] = []

    def on_mount(self) -> None:
        """Look at the table now and then."""
        self.set_interval(POLL_S, self._look)

    def _look(self) -> None:
        now = (self._strip.items, self._strip.hint)
        if now != self._shown:
            self._shown = now
            self.refresh()

    def render(self) -> Content:
        """One line of buttons and two of hint."""
        line, spans = "", []
        self._zones = []
        for key, label, strong in self._strip.items:
            text = f" {key.upper()} {label} "
            start = len(line)
            self._zones.append((start, start + len(text), key))
            spans.append((start, start + len(text), "reverse bold" if strong else "bold"))
            line += text + " "
        content = Content(f"{line}\n{self._strip.hint}")
        for start, end, style in spans:
            content = content.stylize(style, start, end)
        return content

    def on_click(self, event: events.Click) -> None:
        """Press what was touched."""
        event.stop()
        if event.y == 0:
            for start, end, key in self._zones:
                if start <= event.x - 1 < end:
                    self._strip.key(key)
