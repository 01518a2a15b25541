"""The page about one person: why they can or cannot unlock, and every act to help them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal, ItemGrid, Vertical, VerticalScroll
from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget

from kiosk.authority.administration.desk import AdminDesk
from kiosk.authority.administration.views import (
    AddressChangeLine,
    CardLine,
    CodeLine,
    Done,
    IssuedCode,
    Person,
    ProposalLine,
    RegistrationLine,
    StoryLine,
)
from kiosk.authority.errors import NotFound
from kiosk.authority.roles import Action, may
from kiosk.contract.policy import end_of_wait
from screens.admin import waiting
from screens.admin.dialogs import cards, codes, person
from screens.admin.dialogs.cards import grouped, last_day
from screens.admin.dialogs.codes import CodeShown
from screens.admin.dialogs.form import Form
from screens.admin.dialogs.person import Case
from screens.admin.page import AdminPage, done_words, shell_of
from screens.admin.people import STANDINGS
from screens.admin.times import Times
from screens.widgets.prose import Prose, printable

# Lines of text, each after a sign, with hanging indents.

_INDENT = 2
_LEAST_WIDTH = 8


@dataclass(frozen=True, slots=True)
class Point:
    """One line: data, shown literally; ``style`` is Textual's and never the only sign."""

    text: str
    sign: str = " "
    style: str = ""


class Points(Widget, inherit_bindings=False):
    """Shows points one below the other, as wide as possible."""

    def __init__(self) -> None:
        super().__init__()
        self._points: tuple[Point, ...] = ()

    def show(self, points: Sequence[Point]) -> None:
        """Show ``points``; nothing is drawn where they are the same."""
        if tuple(points) != self._points:
            self._points = tuple(points)
            self.refresh(layout=True)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As many rows as the texts need."""
        return sum(1 for point in self._points for _row in _rows(point, width))

    def render(self) -> Content:
        width = self.content_size.width
        return Content("\n").join(row for point in self._points for row in _rows(point, width))


def _rows(point: Point, width: int) -> Iterable[Content]:
    room = max(_LEAST_WIDTH, width - _INDENT)
    sign = point.sign
    for line in Content.styled(printable(point.text), point.style).wrap(room):
        yield Content.styled(f"{sign} ", point.style) + line
        sign = " "


# A person's registration, cards and codes in lines of plain words.

GRAVE = "bold $alarm"
QUIET = "$quiet"


def registration_points(registration: RegistrationLine | None, times: Times) -> list[Point]:
    """Return since when, the address for codes, and the spent attempts."""
    if registration is None:
        return [Point("Not registered. They do it at a station, with card and PIN.", "○")]
    return list(_registered(registration, times))


def change_points(change: AddressChangeLine | None, times: Times) -> list[Point]:
    """Describe a waiting change of address: from, to, and when it counts."""
    if change is None:
        return []
    counts = times.at(change.counts_from)
    return [
        Point(f"Change of address: {change.old} to {change.masked}, counts {counts}", "!"),
        Point("Stop it if they did not ask for it.", style=QUIET),
    ]


def question_points(registration: RegistrationLine | None) -> list[Point]:
    """Return the questions that they answer."""
    return [Point(question, "•") for question in registration.questions] if registration else []


def card_points(cards: tuple[CardLine, ...], times: Times) -> list[Point]:
    """Describe each card: what it is, until when it is valid, and what is wrong with it."""
    if not cards:
        return [Point("None. Without a card there is nothing to unlock.", "□")]
    return [point for card in cards for point in _card(card, times)]


def code_points(codes: tuple[CodeLine, ...], times: Times) -> list[Point]:
    """Describe each live code: how it was given, and until when it is valid."""
    return [point for code in codes for point in _code(code, times)]


def proposal_points(proposals: tuple[ProposalLine, ...], times: Times) -> list[Point]:
    """Describe what was proposed and waits, by whom and why; codes are listed as codes."""
    return [
        point
        for line in proposals
        if line.action is not Action.ISSUE_CODE
        for point in _proposal(line, times)
    ]


def _proposal(line: ProposalLine, times: Times) -> Iterator[Point]:
    yield Point(line.sentence, "!")
    by = "you" if line.is_mine else line.proposed_by
    reason = line.reason.rstrip(".")
    yield Point(f"Proposed by {by}, {times.at(line.proposed_at)}. Reason: {reason}.", style=QUIET)
    if line.why_not and not line.is_mine:
        yield Point(line.why_not, style=QUIET)


def _registered(line: RegistrationLine, times: Times) -> Iterator[Point]:
    yield Point(f"Since {times.day(line.registered_at)}; codes go to {line.email}", "✓")
    if not line.confirmed:
        yield Point(
            "This address is not confirmed yet: the next code that they enter does it.", "!"
        )
    if line.recorded:
        yield Point(f"Recorded with {line.recorded}: notices go there as well, no codes", "•")
    if line.paused_until is not None:
        until = times.at(end_of_wait(line.paused_until))
        yield Point(f"No answers with a card that cannot prove itself until {until}", "!", GRAVE)
    tries = f"{line.failures} of {line.failures_allowed} tries failed"
    if line.blocked_at is None:
        yield Point(tries, "•")
    else:
        why = "reported as not done by them" if line.misuse_reported else tries
        yield Point(f"Blocked {times.at(line.blocked_at)}: {why}", "✗", GRAVE)


def _card(card: CardLine, times: Times) -> Iterator[Point]:
    name = grouped(f"{card.driver} {card.identifier}")
    if card.revoked:
        yield Point(f"{name}, revoked", "–", QUIET)
        return
    yield Point(name, "!" if card.trouble else "✓")
    expires = f"expires {last_day(card.expires_at)}" if card.expires_at else "never expires"
    secret = "unblock secret set" if card.has_secret else "no unblock secret"
    yield Point(f"{expires}, {secret}", style=QUIET)
    if card.has_key:
        yield Point("has to prove itself by its recorded key", style=QUIET)
    if card.has_pin_key:
        yield Point("proves its PIN by its recorded key", style=QUIET)
    if card.last_right_pin is not None:
        at, proven = times.at(card.last_right_pin.at), card.last_right_pin.proven
        how = "proved it by its key" if proven else "said so, without a proof"
        yield Point(f"its PIN was last entered rightly {at}; the card {how}", style=QUIET)
    if card.trouble:
        yield Point(card.trouble, style=GRAVE)


def _code(code: CodeLine, times: Times) -> Iterator[Point]:
    until = f"until {times.clock(code.expires_at)}"
    if code.by_mail:
        yield Point(f"Sent by mail {times.at(code.issued_at)}, works {until}", "•")
        return
    given = f"Given by {code.issued_by} by word of mouth, {times.at(code.issued_at)}"
    if not code.waits_for_second:
        yield Point(f"{given}, works {until}", "✓")
        return
    yield Point(f"{given}", "!")
    before = f"before {times.clock(code.expires_at)}"
    yield Point(f"A second member of staff has to agree {before}: only then it works.", style=GRAVE)


# The events of a person, newest first.

_HEADING = "What happened, newest first"
_OLDER = "o  Show what is older"
_NONE = "Nothing yet."
_ALL = "That is all there is."


def _place(line: StoryLine) -> tuple[datetime, int]:
    return line.at, line.seq


class Story(Vertical):
    """The lines read so far; ``older`` is called to read more."""

    def __init__(self, older: Callable[[], None]) -> None:
        self._points = Points()
        self._older = Older(older)
        self._read: tuple[StoryLine, ...] = ()
        self.is_whole = False
        super().__init__(Prose(_HEADING, "heading"), self._points, self._older)

    @property
    def oldest(self) -> int | None:
        """The oldest row that was read."""
        return self._read[-1].seq if self._read else None

    def forget(self) -> None:
        """Drop the lines: they are about somebody else."""
        self._read, self.is_whole = (), False

    def show(self, newest: tuple[StoryLine, ...], times: Times) -> None:
        """Show ``newest``; older lines that were read stay below."""
        older = [line for line in self._read if newest and _place(line) < _place(newest[-1])]
        self._put((*newest, *older), times)

    def add(self, older: tuple[StoryLine, ...], times: Times) -> None:
        """Add ``older`` lines below; none means that there are no more."""
        self.is_whole = not older
        self._put((*self._read, *older), times)

    def _put(self, lines: tuple[StoryLine, ...], times: Times) -> None:
        self._read = lines
        self._points.show([point for line in lines for point in _story_points(line, times)])
        self._older.show(_NONE if not lines else _ALL if self.is_whole else _OLDER)


class Older(Prose, inherit_bindings=False):
    """A row to press for more."""

    def __init__(self, press: Callable[[], None]) -> None:
        super().__init__(_OLDER, "older")
        self._press = press

    def show(self, text: str) -> None:
        """Offer more, or show that there is no more."""
        self.set_class(text != _OLDER, "-all")
        self.say(text)

    def on_click(self, event: events.Click) -> None:
        event.stop()
        self._press()


def _story_points(line: StoryLine, times: Times) -> Iterator[Point]:
    """Yield the event, and below it when, where, who and the reference."""
    yield Point(line.sentence, "!", GRAVE) if line.grave else Point(line.sentence, "•")
    parts = (times.at(line.at), line.station, line.who, line.reference)
    yield Point("  ".join(part for part in parts if part), style=QUIET)


# The acts for a person: each with its key, and its dialog.

Fits = Callable[[Case], bool]

CODE, ERASE = "code", "erase"
"""The two after which something else than the result is shown."""


@dataclass(frozen=True, slots=True)
class Deed:
    """One act; ``fits`` returns whether it makes sense now, ``form`` makes its dialog.

    ``urgent`` ones are those that a caller waits for: the footer shows them, too.
    """

    name: str
    key: str
    label: str
    fits: Fits
    form: Callable[[Case], Form[Any]]
    urgent: bool = False


def _open(action: Action) -> Fits:
    return lambda case: action in case.person.open_to


def _waits_change(case: Case) -> bool:
    is_open = Action.REPORT_MISUSE in case.person.open_to
    return is_open and case.person.waiting_change is not None


def _leaver(case: Case, *, left: bool) -> bool:
    return Action.MARK_LEAVER in case.person.open_to and (case.person.left_at is not None) is left


def to_agree(case: Case) -> tuple[ProposalLine, ...]:
    """Return what waits, oldest first, and this member of staff can agree to."""
    return tuple(line for line in case.person.proposals if not line.why_not)


def to_decline(case: Case, *, mine: bool) -> tuple[ProposalLine, ...]:
    """Return what waits, oldest first, one's own or colleagues'; codes are withdrawn instead."""
    role = case.desk.me.role
    return tuple(
        line
        for line in case.person.proposals
        if line.action is not Action.ISSUE_CODE and may(role, line.action) and line.is_mine == mine
    )


def to_withdraw(case: Case) -> tuple[CodeLine, ...]:
    """Return the codes that staff gave, oldest first."""
    if Action.WITHDRAW_CODE not in case.person.open_to:
        return ()
    return tuple(code for code in case.person.codes if not code.by_mail)


def _agree(case: Case) -> Form[Done]:
    return waiting.agree(case.desk, to_agree(case)[0])


def _decline(case: Case, *, mine: bool) -> Form[Done]:
    return waiting.decline(case.desk, to_decline(case, mine=mine)[0])


def _withdraw(case: Case) -> Form[Done]:
    return codes.withdraw(case.desk, to_withdraw(case)[0])


DEEDS = (
    Deed(
        "lift-block",
        "b",
        "Lift the block",
        _open(Action.LIFT_BLOCK),
        person.lift_block,
        urgent=True,
    ),
    Deed(CODE, "c", "Give a code", _open(Action.ISSUE_CODE), codes.issue, urgent=True),
    Deed("agree", "g", "Agree", lambda case: bool(to_agree(case)), _agree, urgent=True),
    Deed(
        "decline",
        "d",
        "Decline",
        lambda case: bool(to_decline(case, mine=False)),
        lambda case: _decline(case, mine=False),
    ),
    Deed(
        "take-back",
        "d",
        "Take back proposal",
        lambda case: not to_decline(case, mine=False) and bool(to_decline(case, mine=True)),
        lambda case: _decline(case, mine=True),
    ),
    Deed("withdraw", "w", "Withdraw code", lambda case: bool(to_withdraw(case)), _withdraw),
    Deed("misuse", "i", "Stop: not the holder", _open(Action.REPORT_MISUSE), person.report_misuse),
    Deed("stop-change", "h", "Stop change of address", _waits_change, person.stop_change),
    Deed("email", "e", "Correct email", _open(Action.CORRECT_EMAIL), person.correct_email),
    Deed("name", "n", "Correct name", _open(Action.CORRECT_NAME), person.correct_name),
    Deed("add-card", "a", "Add a card", _open(Action.ADD_CARD), cards.add_card),
    Deed("replace-card", "p", "Replace a card", _open(Action.REPLACE_CARD), cards.replace_card),
    Deed("secret", "s", "Set unblock secret", _open(Action.SET_SECRET), cards.set_secret),
    Deed("revoke-card", "k", "Revoke a card", _open(Action.REVOKE_CARD), cards.revoke_card),
    Deed(
        "registration",
        "r",
        "Revoke registration",
        _open(Action.REVOKE_REGISTRATION),
        person.revoke_registration,
    ),
    Deed("leaver", "l", "Mark as leaver", lambda c: _leaver(c, left=False), person.mark_leaver),
    Deed("back", "t", "Take back", lambda c: _leaver(c, left=True), person.take_back_leaver),
    Deed(ERASE, "x", "Erase for good", _open(Action.ERASE_PERSON), person.erase),
)
"""The most needed come first."""

DEED_NAMED = {deed.name: deed for deed in DEEDS}


# The parts of a person's page: who, why they can or cannot unlock, acts, facts.


_SEE_BELOW = ("! See below", "alarm")
"""Replaces a standing that the first sentence contradicts."""


class WhoLine(Horizontal):
    """Name, number and address, and the standing at the right end."""

    def __init__(self) -> None:
        self._who = Prose("", "who")
        self._standing = Prose("", "standing")
        super().__init__(self._who, self._standing)

    def show(self, person: Person | None) -> None:
        self.visible = person is not None
        if person is not None:
            name = (printable(person.name), "bold")
            email = (f"  {printable(person.email) or 'no email yet'}", "$quiet")
            self._who.update(Content.assemble(name, f"  {printable(person.number)}", email))
            words, colour = _SEE_BELOW if person.may_fail else STANDINGS[person.standing]
            self._standing.update(Content.styled(words, f"${colour}"))


class HeadlineBox(Vertical):
    """Why they can or cannot unlock, and what to do next, to be read out."""

    def __init__(self) -> None:
        self._headline = Prose("", "headline")
        self._advice = Prose("", "advice")
        super().__init__(self._headline, self._advice)

    def show(self, person: Person) -> None:
        """Show both sentences, the first with a sign."""
        sign = "✗" if not person.can_unlock else "!" if person.may_fail else "✓"
        self.set_class(sign != "✓", "-cannot")
        self._headline.say(f"{sign} {person.headline}")
        self._advice.say(f"→ {person.advice}" if person.advice else "")
        self._advice.display = bool(person.advice)

    def say(self, text: str) -> None:
        """Show another text while there is nobody to show."""
        self.set_class(True, "-cannot")
        self._headline.say(text)
        self._advice.display = False


_KEY = 4
"""Cells of a key before its act."""


class DeedLink(Prose):
    """One act, with its key."""

    def __init__(self, deed: Deed, begin: Callable[[Deed], None]) -> None:
        key = (f" {deed.key} ", "bold $brand on $ground")
        super().__init__(Content.assemble(key, (f" {deed.label}", "$ink")), "deed")
        self.deed = deed
        self._begin = begin

    def on_click(self, event: events.Click) -> None:
        event.stop()
        self._begin(self.deed)


class Deeds(ItemGrid):
    """The present acts, in as many columns as fit."""

    def __init__(self, begin: Callable[[Deed], None]) -> None:
        self._links = [DeedLink(deed, begin) for deed in DEEDS]
        super().__init__(*self._links)

    def show(self, deeds: Sequence[Deed]) -> None:
        for link in self._links:
            link.display = link.deed in deeds
        self.display = bool(deeds)
        self.min_column_width = max((len(deed.label) + _KEY for deed in deeds), default=1)


class Facts(Vertical):
    """A heading with lines below it; nothing where there are none."""

    def __init__(self, heading: str) -> None:
        self._points = Points()
        super().__init__(Prose(heading, "heading"), self._points)

    def show(self, points: Sequence[Point]) -> None:
        self.display = bool(points)
        self._points.show(points)


_READING = "Reading…"
_NOBODY = "There is nobody to show any more. Escape goes back."
_NOT_READ = "This person could not be read. They are asked for again when you come back here."


class AboutPerson(AdminPage):
    """Shows one person, who is read again after each act."""

    NAME = "Person"
    NEEDS = Action.SEE_PEOPLE
    BELOW = "People"
    REFRESH_S = 5.0
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back"),
        *(
            Binding(deed.key, f"deed('{deed.name}')", deed.label, show=deed.urgent)
            for deed in DEEDS
        ),
        Binding("ctrl+r", "refresh", "Refresh"),
        Binding("o", "older", "Show what is older", show=False),
    ]

    def __init__(self, desk: AdminDesk) -> None:
        super().__init__(desk)
        self._holder_id = ""
        self._person: Person | None = None
        self._who = WhoLine()
        self._verdict = HeadlineBox()
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
        yield self._scroll

    # --- what is shown -----------------------------------------------------------------

    def look_at(self, holder_id: str) -> None:
        """Show this person, from the top; another person's data are removed at once."""
        self._scroll.scroll_home(animate=False)
        if holder_id == self._holder_id:
            return
        self._holder_id = holder_id
        self._story.forget()
        self._show_nobody(_READING)

    def shown(self) -> None:
        holder_id = self._holder_id
        self.ask(lambda: self.desk.people.person(holder_id), self._show)

    def look_again(self) -> None:
        """Read the person again: a station or a colleague may have changed something.

        Not under a dialog, which has to act on the person as they were when it was opened; a code
        that is shown acts on nothing, and is refreshed.
        """
        if self.is_up and self._person is not None:
            holder_id = self._holder_id
            self.ask(lambda: self.desk.people.person(holder_id), self._show_unasked)

    def action_refresh(self) -> None:
        self.shown()

    def _show_unasked(self, person: Person) -> None:
        dialog = self.app.screen
        if isinstance(dialog, CodeShown):
            dialog.look_at(person.codes)
        if self.screen.is_active or isinstance(dialog, CodeShown):
            self._show(person)

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
        self._cards.show(card_points(person.cards, shell_of(self).times))
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

    def on_admin_page_failed(self, message: AdminPage.Failed) -> None:
        """Show a message instead of the person; the application shows why."""
        if isinstance(message.error, NotFound):
            self._show_nobody(_NOBODY)
        elif self._person is None:
            self._show_nobody(_NOT_READ)

    # --- acts --------------------------------------------------------------------------

    @property
    def _case(self) -> Case:
        return Case(self.desk, self._person_now)

    def _person_now(self) -> Person:
        if self._person is None:
            raise NotFound(_NOBODY)
        return self._person

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer the acts that make sense for this person now."""
        if action == "deed":
            deed = DEED_NAMED[str(parameters[0])]
            return self._person is not None and deed.fits(self._case)
        if action == "older":
            return self._person is not None and not self._story.is_whole
        return True

    def action_deed(self, name: str) -> None:
        """Open the dialog of the act."""
        self._begin(DEED_NAMED[name])

    def _begin(self, deed: Deed) -> None:
        if self._person is None or not deed.fits(self._case):
            return
        form = deed.form(self._case)
        form.on_stale = self.shown
        self.app.push_screen(form, self._after.get(deed.name, self._was_done))

    def _show_code(self, issued: IssuedCode | None) -> None:
        if issued is not None:
            case, times = self._case, shell_of(self).times
            not_yet = case.person.registers_later if case.person.email else codes.CANNOT_REGISTER
            self.app.push_screen(CodeShown(issued, case.who, times, not_yet))
            self.shown()

    def _was_erased(self, done: Done | None) -> None:
        """Leave, as there is nobody here; then show the message, which a change of page clears."""
        if done is not None:
            self._show_nobody(_NOBODY)
            shell = shell_of(self)
            shell.go_to("People")
            self.app.call_later(shell.announce, done_words(done))

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
        """Return to the list or the search, which still shows its result."""
        shell_of(self).go_back()
