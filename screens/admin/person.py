"""The page about one person: why they can or cannot unlock, and everything to put it right."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical, VerticalScroll

from kiosk.administration.desk import AdminDesk
from kiosk.administration.views.acting import Done
from kiosk.administration.views.people import IssuedCode, Person, StoryLine
from kiosk.errors import NothingThere
from kiosk.roles import Action
from screens.admin.dialogs.case import Case
from screens.admin.dialogs.code_shown import CodeShown
from screens.admin.page import Page, shell_of, told_of
from screens.admin.person_deeds import CODE, DEED_NAMED, DEEDS, ERASE, Deed
from screens.admin.person_facts import (
    card_points,
    change_points,
    code_points,
    proposal_points,
    question_points,
    registration_points,
)
from screens.admin.person_story import Story
from screens.admin.person_view import Deeds, Facts, Verdict, WhoLine

_READING = "Reading…"
_NOBODY = "There is nobody to show any more. Escape goes back to the search."
_NOT_READ = "This person could not be read. They are asked for again when you come back here."


class AboutPerson(Page):
    """Shows one person; each act is followed by reading them anew."""

    NAME = "Person"
    NEEDS = Action.SEE_PEOPLE
    BELOW = "People"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back"),
        *(
            Binding(deed.key, f"deed('{deed.name}')", deed.label, show=deed.urgent)
            for deed in DEEDS
        ),
        Binding("o", "older", "Show what is older", show=False),
    ]

    def __init__(self, desk: AdminDesk) -> None:
        super().__init__(desk)
        self._holder_id = ""
        self._person: Person | None = None
        self._who = WhoLine()
        self._verdict = Verdict()
        self._deeds = Deeds(self._begin)
        self._registration = Facts("Registration")
        self._cards = Facts("Cards")
        self._proposals = Facts("Waits for a second member of staff")
        self._codes = Facts("Codes that are waited for")
        self._questions = Facts("The questions they answer")
        self._story = Story(self.action_older)
        facts = Vertical(
            self._proposals, self._registration, self._cards, self._codes, classes="facts"
        )
        self._all = Vertical(
            Container(facts, self._story, classes="columns"), self._questions, classes="all"
        )
        self._scroll = VerticalScroll(
            self._who, self._verdict, self._deeds, self._all, can_focus=True
        )
        self._after: dict[str, Callable[[Any], None]] = {
            CODE: self._show_code,
            ERASE: self._was_erased,
        }

    def compose(self) -> ComposeResult:
        """All of it scrolls together."""
        yield self._scroll

    # --- what is shown -----------------------------------------------------------------

    def look_at(self, holder_id: str) -> None:
        """Turn to this person, from the top; what was shown of another goes at once."""
        self._scroll.scroll_home(animate=False)
        if holder_id == self._holder_id:
            return
        self._holder_id = holder_id
        self._story.forget()
        self._show_nobody(_READING)

    def shown(self) -> None:
        """Read the person anew."""
        holder_id = self._holder_id
        self.ask(lambda: self.desk.people.person(holder_id), self._show)

    def _show(self, person: Person) -> None:
        self._person = person
        times = shell_of(self).times
        self._all.display = True
        self._who.show(person)
        self._verdict.show(person)
        self._deeds.show([deed for deed in DEEDS if deed.fits(self._case)])
        self._proposals.show(proposal_points(person.proposals, times))
        self._codes.show(code_points(person.codes, times))
        self._registration.show(
            [
                *registration_points(person.registration, times),
                *change_points(person.waiting_change, times),
            ]
        )
        self._cards.show(card_points(person.cards))
        self._story.show(person.story, times)
        self._questions.show(question_points(person.registration))
        self.refresh_bindings()

    def _show_nobody(self, why: str) -> None:
        self._person = None
        self._who.show(None)
        self._verdict.say(why)
        self._deeds.show(())
        self._all.display = False
        self.refresh_bindings()

    def on_page_trouble(self, message: Page.Trouble) -> None:
        """Say what there is instead of the person; the application says why."""
        if isinstance(message.error, NothingThere):
            self._show_nobody(_NOBODY)
        elif self._person is None:
            self._show_nobody(_NOT_READ)

    # --- what is done ------------------------------------------------------------------

    @property
    def _case(self) -> Case:
        return Case(self.desk, self._person_now)

    def _person_now(self) -> Person:
        if self._person is None:
            raise NothingThere(_NOBODY)
        return self._person

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer what makes sense for this person now."""
        if action == "deed":
            deed = DEED_NAMED[str(parameters[0])]
            return self._person is not None and deed.fits(self._case)
        if action == "older":
            return self._person is not None and not self._story.is_whole
        return True

    def action_deed(self, name: str) -> None:
        """Ask what there is to ask for it."""
        self._begin(DEED_NAMED[name])

    def _begin(self, deed: Deed) -> None:
        if self._person is None or not deed.fits(self._case):
            return
        form = deed.form(self._case)
        form.on_stale = self.shown
        self.app.push_screen(form, self._after.get(deed.name, self._was_done))

    def _show_code(self, issued: IssuedCode | None) -> None:
        if issued is not None:
            holder = self._case.who
            shown = CodeShown(issued, holder, shell_of(self).times)
            self.app.push_screen(shown)
            self.shown()

    def _was_erased(self, done: Done | None) -> None:
        """Leave: there is nobody here any more; then say so, for a turned page clears it."""
        if done is not None:
            self._show_nobody(_NOBODY)
            shell = shell_of(self)
            shell.go_to("People")
            self.app.call_later(shell.tell, told_of(done))

    def action_older(self) -> None:
        """Read on where the story ends so far."""
        holder_id, oldest = self._holder_id, self._story.oldest
        if oldest is not None and not self._story.is_whole:
            self.ask(
                lambda: self.desk.people.story(holder_id, oldest),
                lambda lines: self._add(holder_id, lines),
                group="older",
            )

    def _add(self, holder_id: str, lines: tuple[StoryLine, ...]) -> None:
        if holder_id == self._holder_id:
            self._story.add(lines, shell_of(self).times)
            self.refresh_bindings()

    def action_back(self) -> None:
        """Go back to the search, which still shows what it found."""
        shell_of(self).go_to("People")
