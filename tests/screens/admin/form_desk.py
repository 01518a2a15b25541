"""A page with a form of every kind, over a desk that notes what is sent and refuses at will."""

from __future__ import annotations

import threading
from typing import ClassVar

from textual.binding import Binding, BindingType

from kiosk.authority.administration.deeds import PlainDeed
from kiosk.authority.administration.views import Done
from kiosk.authority.roles import Action
from screens.admin.dialogs.dialog import LongWork, rows_far
from screens.admin.dialogs.form import IDENTIFIED_BY, REASON, Entry, Form, grounds_of
from screens.admin.page import AdminPage
from tests.screens.admin.fake_calls import REFERENCE
from tests.screens.admin.pilots import Run

DONE = Done(PlainDeed.CARD_ADDED, REFERENCE)


class Deeds:
    """What the page's forms call, and what it raises first."""

    def __init__(self) -> None:
        self.sent: list[object] = []
        self.errors: list[Exception] = []
        self.gate: threading.Event | None = None

    def __call__(self, values: object) -> Done:
        """Note it; wait, fail or do."""
        self.sent.append(values)
        if self.gate is not None:
            self.gate.wait(60)
        if self.errors:
            raise self.errors.pop(0)
        return DONE

    def page(self) -> type[AdminPage]:
        """Return the page that sends to here."""
        return type("DeedsPage", (DeskPage,), {"deeds": self})


class DeskPage(AdminPage):
    """A page with a form and a question for grounds."""

    NAME = "People"
    NEEDS = Action.SEE_PEOPLE
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "add", "Add"),
        Binding("g", "ground", "Ground"),
        Binding("s", "secret", "Secret"),
        Binding("x", "act", "Act"),
        Binding("l", "look", "Look"),
        Binding("w", "work", "Work"),
    ]
    can_focus = True
    deeds: Deeds

    def on_mount(self) -> None:
        """Begin."""
        self.reads = 0

    def shown(self) -> None:
        """Count."""
        self.reads += 1

    def action_add(self) -> None:
        """Ask for a name, a colour and grounds."""
        entries = [
            Entry("name", "Name", least=2),
            Entry("colour", "Colour", choices=("red", "green"), closed=True, required=False),
            REASON,
        ]
        self.put(Form("Add a thing", "Something new.", entries, self.deeds, button="Add"))

    def action_ground(self) -> None:
        """Ask for grounds alone."""
        self.put(
            Form(
                "Do it",
                "It is grave.",
                (IDENTIFIED_BY, REASON),
                lambda values: self.deeds(grounds_of(values)),
                button="Do it",
            )
        )

    def action_secret(self) -> None:
        """Ask for a secret."""
        entries = [Entry("secret", "Secret", secret=True)]
        self.put(Form("A secret", "Type it.", entries, self.deeds, button="Set"))

    def action_act(self) -> None:
        """Act without a dialog."""
        self.act(lambda: self.deeds(None), lambda _done: None)

    def action_look(self) -> None:
        """Read something."""
        self.ask(lambda: self.deeds(None), lambda _done: None)

    def action_work(self) -> None:
        """Begin long work."""
        self.app.push_screen(
            LongWork("Work", "It is long.", lambda _far: self.deeds(None), rows_far)
        )


def page(run: Run) -> DeskPage:
    """Return the page, be it under a dialog."""
    return run.app.screen_stack[0].query_one(DeskPage)


def below(run: Run, label: str) -> str:
    """Return the row below the field with this label."""
    return run.lines[run.place_of(label)[1] + 1]
