"""The pages on which one of several is chosen: what to do, whose card it is."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from textual import events
from textual.widget import Widget

from kiosk.contract.messages import Offer, reference_of
from kiosk.station.events import Chose, Confirmed, WentBack
from kiosk.station.states import ConfirmOwner, Menu
from screens.kiosk.entry_pages import ChoicesPage
from screens.kiosk.page import Page, PageContext
from screens.widgets.frame import HelpBox
from screens.widgets.keys import Choice
from screens.widgets.prose import Note, Prose
from screens.words import choices

# Choose what to do.

_MANY = 4


class MenuPage(ChoicesPage, inherit_bindings=False):
    """What the holder can do here, each with the time that it takes."""

    def __init__(self, context: PageContext, state: Menu) -> None:
        super().__init__(context, state)
        self._state = state

    def content(self) -> Iterator[Widget]:
        most = _MANY if self._state.waiting is None else _MANY - 1
        self.set_class(self._state.blocked or len(self._state.offers) > most, "-many")
        yield Prose(choices.greeting(self._state.visit.holder_name), "lead")
        yield Prose(choices.MENU_TITLE, "title")
        if self._state.blocked:
            yield Note(choices.BLOCKED)
            yield HelpBox(self.context.look, reference_of(self.visit))
        if self._state.waiting is None or len(self._state.offers) <= _MANY:
            yield Prose(choices.MENU_HINT, "lead how hint" if self._state.blocked else "lead how")
        if self._state.waiting is not None:
            yield Note(choices.WAITING)
        yield self.listed([self._choice(*pair) for pair in enumerate(self._state.offers, 1)])
        not_me = self.not_me_button()
        if self._state.waiting is None:
            yield self.actions(self.stop_button(), not_me)
        else:
            not_me.add_class("-line")
            yield not_me
            back = self.button(choices.BACK_TO_CODE, self._back)
            yield self.actions(self.stop_button(), right=back)
            self.focus_order.add(not_me)

    def _back(self) -> None:
        self.report(WentBack(self.visit))

    def _choice(self, number: int, offer: Offer) -> Choice:
        return Choice(
            number,
            choices.purpose(offer.purpose),
            partial(self.report, Chose(self.visit, offer.purpose)),
            self.context.look.glyphs.pointer,
            aside=choices.duration(offer.purpose),
        )


class ConfirmOwnerPage(Page, inherit_bindings=False):
    """Whose card it is, and the possible consequence of unlocking another person's."""

    def __init__(self, context: PageContext, state: ConfirmOwner) -> None:
        super().__init__(context, state)
        self._holder = state.visit.holder_name
        self._text = choices.OWNER_LOCKED if state.locked else choices.OWNER_TEXT
        self._hint = Prose(choices.HINT, "lead hint")
        self._choose_first = Note(None)

    def content(self) -> Iterator[Widget]:
        yield Prose(choices.OWNER_TITLE, "title")
        yield Prose(self._text)
        yield Prose(self._holder, "name")
        yield Prose(choices.OWNER_WARNING)
        yield self._hint
        yield self._choose_first
        not_me = self.not_me_button()
        not_me.add_class("-line")
        yield not_me
        # No button is the page's primary one: a second Enter from the menu must not confirm.
        yes = self.button(choices.OWNER_YES, self._confirm)
        yield self.actions(self.stop_button(choices.OWNER_NO), right=yes)
        self.focus_order.add(not_me)

    def takes(self, event: events.Key) -> bool:
        """Remove the message that a choice is needed: this may be it."""
        self._hint.display = True
        self._choose_first.say("")
        return super().takes(event)

    def enter(self) -> None:
        """Press the chosen button; without a choice, say that one is needed."""
        if self.focus_order.chosen is None:
            self._hint.display = False
            self._choose_first.say(choices.OWNER_CHOOSE)
        else:
            super().enter()

    def _confirm(self) -> None:
        self.report(Confirmed(self.visit))
