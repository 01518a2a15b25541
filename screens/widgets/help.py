"""Where the Registration Authority is, when it is open, and the number to tell them."""

from __future__ import annotations

from textual.content import Content

from screens.look import Look
from screens.widgets.prose import Prose, printable
from screens.words import reasons as words


class HelpBox(Prose, inherit_bindings=False):
    """Contact, hours and, where there is one, the reference."""

    def __init__(self, look: Look, reference: str = "") -> None:
        lines = [
            Content.assemble((printable(look.contact), "bold")),
            Content(printable(look.hours)),
        ]
        if reference:
            lines.append(Content.assemble(f"{words.YOUR_REFERENCE} ", (reference, "bold")))
        super().__init__(Content("\n").join(lines), "help")
