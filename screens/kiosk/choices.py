"""The pages on which one of several is chosen: what to do, whose card it is."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from textual.widget import Widget

from kiosk.contract.messages import CardId, Factor, Offer, Purpose, Route, VisitId, reference_of
from kiosk.contract.ports import CardAddress
from kiosk.station.events import Chose, CodeAsked, Confirmed, WayPicked
from kiosk.station.states import ConfirmOwner, Menu, PickRoute, PickWay, State, VisitState
from screens.kiosk.entry_pages import ChoicesPage, ChooseFirstPage
from screens.kiosk.page import HelpBox, PageContext
from screens.widgets.prose import Note, Prose
from screens.words import choices, email

_MANY = 4
_MOST_WITH_HINT = 5
_MOST_WITH_LINES = 6
_MOST_WAYS_FRAMED = 2
"""On the smallest display; more of them have a line each."""


class MenuPage(ChoicesPage, inherit_bindings=False):
    state: Menu

    def __init__(self, context: PageContext, state: Menu) -> None:
        super().__init__(context, state)
        self._greeting = Prose(choices.greeting(state.visit.holder_name), "lead")
        self._why = Prose(choices.WHY_REGISTER, "text paragraph")
        self._why.display = _says_why(state)

    def content(self) -> Iterator[Widget]:
        most = _MANY if self.state.waiting is None else _MANY - 1
        self.set_class(self.state.blocked or len(self.state.offers) > most, "-many")
        self.set_class(len(self.state.offers) > _MOST_WITH_HINT, "-most")
        self.set_class(len(self.state.offers) > _MOST_WITH_LINES, "-all")
        self.set_class(self.state.waiting is not None, "-waiting")
        yield self._greeting
        yield Prose(choices.MENU_TITLE, "title")
        if self.state.blocked:
            yield Note(choices.BLOCKED)
            yield HelpBox(self.context.look, reference_of(self.visit))
        if self.state.waiting is None or len(self.state.offers) <= _MANY:
            yield Prose(choices.MENU_HINT, "lead how hint" if self.state.blocked else "lead how")
        if self.state.waiting is not None:
            yield Note(choices.WAITING)
        yield self._why
        offers = [choices.OFFERS[offer.purpose] for offer in self.state.offers]
        yield self.listed(
            (name, partial(self._choose, place), duration)
            for place, (name, duration) in enumerate(offers)
        )
        not_me = self.not_me_button()
        if self.state.waiting is None:
            yield self.actions(self.stop_button(), not_me)
        else:
            not_me.add_class("-line")
            yield not_me
            back = self.back_button(choices.BACK_TO_CODE)
            yield self.actions(self.stop_button(), right=back)
            self.focus_order.add(not_me)

    def try_to_show(self, state: State) -> bool:
        """Show another menu, unless it has more rows, or a note."""
        if not isinstance(state, Menu) or state.blocked or state.waiting is not None:
            return False
        if len(state.offers) > len(self.choices) or not super().try_to_show(state):
            return False
        self._greeting.say(choices.greeting(state.visit.holder_name))
        self._why.display = _says_why(state)
        for row, offer in zip(self.choices, state.offers, strict=False):
            row.say(*choices.OFFERS[offer.purpose])
        rows, surplus = self.choices[: len(state.offers)], self.choices[len(state.offers) :]
        self.focus_order.replace([*self.choices], [*rows])
        self.choices = rows
        for row in surplus:
            row.display = False
        return True

    def _choose(self, place: int) -> None:
        self.report(Chose(self.visit, self.state.offers[place].purpose))


def _says_why(menu: Menu) -> bool:
    """Return whether to say what registering is good for: it is offered, and there is room."""
    offered = any(offer.purpose is Purpose.REGISTER for offer in menu.offers)
    return offered and len(menu.offers) < _MANY


class PickWayPage(ChoicesPage, inherit_bindings=False):
    state: PickWay

    def content(self) -> Iterator[Widget]:
        ways, over = self.state.task.ways, self.state.over
        self.set_class(len(ways) > _MANY, "-many")
        self.set_class(len(ways) > _MOST_WAYS_FRAMED, "-most")
        yield Prose(choices.WAYS_TITLE, "title")
        if over is not None:
            yield Note(choices.WAY_OVER[over])
        yield Prose(choices.WAYS_TEXT, "text paragraph")
        yield Prose(choices.MENU_HINT, "lead how")
        yield self.listed((choices.way(way), partial(self._pick, way), "") for way in ways)
        yield self.actions(self.stop_button())

    def _pick(self, way: tuple[Factor, ...]) -> None:
        self.report(WayPicked(self.visit, way))


def _beside(route: Route) -> str:
    return str(email.MAY_FAIL_BESIDE) if route.may_fail else ""


class PickRoutePage(ChoicesPage, inherit_bindings=False):
    state: PickRoute

    def content(self) -> Iterator[Widget]:
        routes = self.state.task.routes
        self.set_class(len(routes) >= _MANY, "-many")
        yield Prose(choices.ROUTES_TITLE, "title")
        numbers = any(each.by_text for each in routes)
        text = choices.ROUTES_AND_NUMBERS if numbers else choices.ROUTES_TEXT
        yield Prose(text, "text paragraph")
        if len(routes) < _MANY:
            yield Prose(choices.MENU_HINT, "lead how")
        yield self.listed(
            (choices.route(each), partial(self._pick, each), _beside(each)) for each in routes
        )
        back = self.state.back is not None or self.state.visit.ways is not None
        yield self.actions(self.stop_button(), right=self.back_button() if back else None)

    def _pick(self, route: Route) -> None:
        self.report(CodeAsked(self.visit, route.id))


class ConfirmOwnerPage(ChooseFirstPage, inherit_bindings=False):
    state: ConfirmOwner

    def __init__(self, context: PageContext, state: ConfirmOwner) -> None:
        hint = Prose(choices.HINT, "lead hint")
        super().__init__(context, state, hint, choices.OWNER_CHOOSE)
        self._holder = Prose(state.visit.holder_name, "name")

    def content(self) -> Iterator[Widget]:
        yield Prose(choices.OWNER_TITLE, "title")
        yield Prose(choices.OWNER_LOCKED if self.state.locked else choices.OWNER_TEXT)
        yield self._holder
        yield Prose(choices.OWNER_WARNING)
        yield self.hint
        yield self.choose_first
        not_me = self.not_me_button()
        not_me.add_class("-line")
        yield not_me
        yes = self.button(choices.OWNER_YES, lambda: self.report(Confirmed(self.visit)))
        no = self.stop_button(choices.OWNER_NO)
        yield self.actions(no, right=yes)
        # The first arrow chooses Yes or No, by where it points.
        self.focus_order.add(not_me, before=no)

    def try_to_show(self, state: State) -> bool:
        """Show another holder's card, if its PIN is locked as well."""
        if not isinstance(state, ConfirmOwner) or state.locked != self.state.locked:
            return False
        if not super().try_to_show(state):
            return False
        self._holder.say(state.visit.holder_name)
        return True


# What most visits begin with, for pages that are built before a holder is there.

_NOBODY = VisitState(VisitId(""), CardAddress("", CardId("", "")), "")
_MOST = (Purpose.UNLOCK, Purpose.CHANGE_PIN, Purpose.CHANGE_QUESTIONS, Purpose.CHANGE_EMAIL)
NOBODYS = (
    Menu(_NOBODY, tuple(Offer(purpose, 0) for purpose in _MOST)),
    ConfirmOwner(_NOBODY, locked=True),
)
