"""Finding a person: one field for anything that a caller can read out."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widgets import DataTable, Input

from kiosk.authority.administration.desk import AdminDesk
from kiosk.authority.administration.views import Found, Person, Standing, UnknownCard
from kiosk.authority.roles import Action
from kiosk.authority.wording import numbered
from screens.admin.dialogs.cards import add_card, find_owner
from screens.admin.dialogs.person import Subject, add_person
from screens.admin.page import IN_DIALOG, AdminPage, app_of, done_words
from screens.admin.widgets import Column, LineInput, Table, TableLine
from screens.widgets.prose import Prose
from screens.words.staff.found import found_words

# A person's standing on the screen: a word with a sign, never colour alone.

STANDINGS = {
    Standing.READY: ("✓ Ready", "done"),
    Standing.CARD_TROUBLE: ("! Card trouble", "alarm"),
    Standing.NOT_REGISTERED: ("○ Not registered", "ink"),
    Standing.NO_CARD: ("□ No card", "ink"),
    Standing.BLOCKED: ("✗ Blocked", "alarm"),
    Standing.LEFT: ("– Left", "quiet"),
}
"""The words, and the name of their colour."""

WIDEST = max(len(words) for words, _colour in STANDINGS.values())


STEPS = {
    "up": "cursor_up",
    "down": "cursor_down",
    "pageup": "page_up",
    "pagedown": "page_down",
}
"""The keys of the field that move the mark, and the table's actions for them."""

PAUSE_S = 0.15
"""Seconds without a key after which the search starts."""

_LIMIT = 50
_LONGEST = 200
_HOW = """\
Type what you are told; the list follows as you type.

  Name        the beginnings of its words, in any order:  ok am
  Number      of the person, as it stands on their record
  Email       from its beginning:  amara.o
  Card        its identifier, as “kiosk cards read” prints it
  Reference   the short number on a station's screen:  7Q2M-9KXA
  Mail        the eight digits in it, for “this was not me”:  48151623

Up and Down choose, Enter opens. Escape empties the field.
Who is blocked, not registered, or has a card that ends? Ctrl+L lists them.
Which cards could a station not serve? Ctrl+O lists them."""
_NOBODY = """\
Nobody was found for “{text}”.

Try the number, or only the beginning of a name. A reference is eight letters and \
digits, and never has I, L, O or U."""


class SearchField(LineInput):
    """Takes every character but "?", which nothing searched for contains; Enter opens."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "submit", "Open"),
        Binding("enter", "submit_card", "Add it"),
        Binding("question_mark", "app.help", "Help", priority=True),
    ]

    def __init__(self) -> None:
        super().__init__(max_length=_LONGEST)

    adds_card = False
    """Whether Enter adds the card that was found, and opens nobody."""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in {"submit", "submit_card"}:
            return self.adds_card == (action == "submit_card")
        return True

    async def action_submit_card(self) -> None:
        await self.action_submit()

    def check_consume_key(self, key: str, character: str | None) -> bool:
        """Leave "?" to the application, so that the footer shows it."""
        return key != "question_mark" and super().check_consume_key(key, character)


async def add_to_person(page: AdminPage, met: UnknownCard) -> None:
    """Ask whose card it is that a station met, add it, and show its holder's page."""
    card = f"{met.family} {met.identifier}"
    owner = await page.app.push_screen_wait(find_owner(page.desk, card))
    if owner is None:
        return
    holder_id = owner.seen.holder_id

    def take(person: Person) -> None:
        nonlocal owner
        owner = person

    form = add_card(Subject(page.desk, lambda: owner), card)
    look = partial(page.desk.people.person, holder_id)
    form.on_stale = lambda: page.ask(look, take, group="owner")
    done = await page.app.push_screen_wait(form)
    if done is not None:
        app_of(page).show_person(holder_id, done_words(done))


class PeoplePage(AdminPage):
    """The field keeps the focus; its keys move through the list below it."""

    NAME = "People"
    NEEDS = Action.SEE_PEOPLE
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "pick", "Open the marked one", show=False),
        Binding("ctrl+n", "add", "Add a person"),
        Binding("ctrl+l", "app.go_to('Lists')", "Lists"),
        Binding("ctrl+o", "app.go_to('Cards')", "Cards"),
        Binding("escape", "clear", "Clear", show=False),
        *(Binding(key, f"move('{step}')", show=False) for key, step in STEPS.items()),
    ]

    def __init__(self, desk: AdminDesk) -> None:
        super().__init__(desk)
        self._field = SearchField()
        self._about = Prose("", "about")
        self._list = Table(
            Column("Number", 12),
            Column("Name", 10, 4),
            Column("Email", 10, 5),
            Column("Standing", WIDEST),
        )
        self._list.can_focus = False  # the field moves its mark, so that typing goes on
        self._count = Prose("", "count")
        self._state = Prose("", "state")
        self._answered = ""
        self._card: UnknownCard | None = None
        """The one that Enter adds to a person."""
        self._opens = False

    def compose(self) -> ComposeResult:
        with Horizontal(classes="search"):
            yield Prose("Find a person", "")
            yield self._field
        yield self._about
        yield self._count
        yield self._list
        yield self._state

    def on_mount(self) -> None:
        self._put(Found(()), _HOW)

    @property
    def _text(self) -> str:
        return self._field.value.strip()

    def shown(self) -> None:
        self._search()

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self._opens = self._field.adds_card = False
        self.refresh_bindings()
        self._search_soon()

    @work(group="pause", exclusive=True)
    async def _search_soon(self) -> None:
        await asyncio.sleep(PAUSE_S)
        self._search()

    def _search(self) -> None:
        text = self._text
        if text:
            self.ask(
                lambda: self.desk.people.search(text, _LIMIT),
                lambda found: self._show(text, found),
                group="search",
            )
        else:
            self.workers.cancel_group(self, "search")
            self._answered = ""
            self._put(Found(()), _HOW)

    def _show(self, text: str, found: Found) -> None:
        if text != self._text:
            return  # more was typed by now; its answer is on the way
        is_new, self._answered = text != self._answered, text
        self._put(found, _NOBODY.format(text=text))
        if is_new:
            self._list.action_scroll_top()
        if self._opens:
            self._opens = False
            if len(found.people) == 1:
                app_of(self).show_person(found.people[0].holder_id)
            else:
                self._add_card()

    def _put(self, found: Found, if_none: str) -> None:
        card = found.card
        if found.people or not (card and card.can_be_added and self.permits(Action.ADD_CARD)):
            card = None  # Enter opens somebody, or nothing
        self._card, self._field.adds_card = card, card is not None
        about = found_words(found)
        self._about.say(f"{about} Enter adds it to a person." if card else about)
        self._about.display = bool(about)
        lines = []
        for one in found.people:
            cells = (one.number, one.name, one.email or "–", STANDINGS[one.standing])
            lines.append(TableLine(one.holder_id, cells))
        self._list.show(lines)
        self._list.display = self._count.display = bool(lines)
        self._count.say(
            f"The first {len(lines)}; there are more. Type more to narrow it down."
            if found.more
            else numbered(len(lines), "person", "people")
        )
        new = "\n\nSomebody new? Ctrl+N adds them." if self.permits(Action.ADD_PERSON) else ""
        self._state.say(if_none + new)
        self._state.display = not (found.people or about)
        self.refresh_bindings()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_pick()

    def action_pick(self) -> None:
        """Open the marked one, or the only one of the coming answer."""
        if self._field.adds_card:
            self._add_card()
        elif self._answered == self._text:
            self._list.action_select_cursor()
        else:
            self._opens = True
            self.workers.cancel_group(self, "pause")
            self._search()

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        event.stop()
        app_of(self).show_person(self._list.marked)

    def action_move(self, step: str) -> None:
        getattr(self._list, f"action_{step}")()

    def action_clear(self) -> None:
        self._field.value = ""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "add":
            return self.permits(Action.ADD_PERSON)
        if action == "pick":
            return self._list.display
        if action == "clear":
            return bool(self._field.value)
        return True

    @work(group=IN_DIALOG)
    async def _add_card(self) -> None:
        if self._card is not None and not self.is_covered:
            await add_to_person(self, self._card)

    @work(group=IN_DIALOG)
    async def action_add(self) -> None:
        added = await self.app.push_screen_wait(add_person(self.desk))
        if added is None:
            return
        done, number = added
        app, words = app_of(self), done_words(done)
        if done.waits:
            app.announce(words)
            return
        self.ask(
            lambda: self.desk.people.find_one(number),
            lambda person: app.show_person(person.seen.holder_id, words),
            group="added",
        )
