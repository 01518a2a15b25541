"""The page about one person: why they can or cannot unlock, and every act to help them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, cast

from textual import events, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal, ItemGrid, Vertical
from textual.content import Content

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
    Standing,
    StoryLine,
)
from kiosk.authority.errors import NotFound
from kiosk.authority.facts import CodesSaved
from kiosk.authority.roles import Action, may
from kiosk.authority.wording import quoted
from kiosk.contract.policy import end_of_wait
from screens.admin import waiting
from screens.admin.dialogs import cards, person
from screens.admin.dialogs.cards import CodeShown, grouped, last_day
from screens.admin.dialogs.form import Form
from screens.admin.dialogs.person import Subject, further_addresses
from screens.admin.page import IN_DIALOG, AdminPage, app_of, done_words
from screens.admin.people import STANDINGS
from screens.admin.refusals import DeskRefused
from screens.admin.times import Times
from screens.admin.widgets import Point, Points, TextScroll
from screens.widgets.prose import Prose, printable
from screens.words.staff.enrolled import enrolled_words
from screens.words.staff.events import story_words
from screens.words.staff.proposals import proposal_words, why_not_words
from screens.words.staff.standing import headline_words, trouble_words

# A person's registration, cards and codes in lines of plain words.

GRAVE = "bold $alarm"
QUIET = "$quiet"


def registration_points(line: RegistrationLine | None, times: Times) -> Iterator[Point]:
    if line is None:
        yield Point("Not registered. They do it at a station, with card and PIN.", "○")
        return
    enrolled = tuple(map(enrolled_words, line.enrolled))
    # Questions have a list of their own on the page.
    phrases = (words.phrase for words in enrolled if not words.questions)
    yield Point("; ".join((f"Since {times.day(line.registered_at)}", *phrases)), "✓")
    for words in enrolled:
        if words.warning:
            yield Point(words.warning, "!")
        if words.more:
            yield Point(words.more, "•")
    if line.paused_until is not None:
        until = times.at(end_of_wait(line.paused_until))
        yield Point(f"No answers with a card that cannot prove itself until {until}", "!", GRAVE)
    attempts = f"{line.failures} of {line.failures_allowed} attempts failed"
    if line.blocked_at is None:
        yield Point(attempts, "•")
    else:
        why = "reported as not done by them" if line.misuse_reported else attempts
        yield Point(f"Blocked {times.at(line.blocked_at)}: {why}", "✗", GRAVE)


def change_points(change: AddressChangeLine, times: Times) -> Iterator[Point]:
    counts = times.at(change.counts_from)
    yield Point(f"Change of address: {change.old} to {change.masked}, counts {counts}", "!")
    yield Point("Stop it if they did not ask for it.", style=QUIET)


def proposal_points(line: ProposalLine, times: Times) -> Iterator[Point]:
    """Describe what was proposed and waits, by whom and why; codes are listed as codes."""
    if line.action is Action.ISSUE_CODE:
        return
    yield Point(proposal_words(line.what), "!")
    by, at = "you" if line.is_mine else line.proposed_by, times.at(line.proposed_at)
    why = f"Proposed by {by}, {at}. Reason: {quoted(line.reason)}."
    if line.identified_by:
        why += f" Identified by: {quoted(line.identified_by)}."
    yield Point(why, style=QUIET)
    if line.why_not and not line.is_mine:
        yield Point(why_not_words(line), style=QUIET)


def card_points(card: CardLine, times: Times) -> Iterator[Point]:
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
        proves = "proves its PIN by its recorded key"
        lacks = "no import says that its recorded key needs the PIN"
        yield Point(proves if card.pin_is_bound else lacks, style=QUIET)
    if card.assisted_until is not None:
        until = times.at(card.assisted_until)
        yield Point(
            f"its PIN was set with a code from staff: until {until} a registration or a change "
            "also takes the code to the known address",
            style=QUIET,
        )
    if card.last_right_pin is not None:
        at, proven = times.at(card.last_right_pin.at), card.last_right_pin.proven
        how = "proved it by its key" if proven else "said so, without a proof"
        yield Point(f"its PIN was last entered rightly {at}; the card {how}", style=QUIET)
    if card.trouble is not None:
        yield Point(trouble_words(card.trouble), style=GRAVE)


def code_points(code: CodeLine, times: Times) -> Iterator[Point]:
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

_OLDER = "o  Show what is older"
_NONE = (
    "Nothing yet. Who comes by an import has no line for it: the audit has one for each file, with "
    "when and by whom."
)
_ALL = "That is all there is."


class Story(Vertical):
    """The lines read so far; a click on ``older`` reads more."""

    def __init__(self) -> None:
        self._points = Points()
        self.older = Prose(_OLDER, "older")
        self._read: tuple[StoryLine, ...] = ()
        self.is_whole = False
        super().__init__(Prose("What happened, newest first", "heading"), self._points, self.older)

    @property
    def oldest(self) -> int | None:
        return self._read[-1].seq if self._read else None

    def forget(self) -> None:
        """Drop the lines: they are about somebody else."""
        self._read, self.is_whole = (), False

    def show(self, newest: tuple[StoryLine, ...], times: Times) -> None:
        """Show ``newest``; older lines that were read stay below."""
        end = (newest[-1].at, newest[-1].seq) if newest else None
        older = [line for line in self._read if end is not None and (line.at, line.seq) < end]
        self._put((*newest, *older), times)

    def add(self, older: tuple[StoryLine, ...], times: Times) -> None:
        """Add ``older`` lines below; none means that there are no more."""
        self.is_whole = not older
        self._put((*self._read, *older), times)

    def _put(self, lines: tuple[StoryLine, ...], times: Times) -> None:
        self._read = lines
        points = []
        for line in lines:
            sign, style = ("!", GRAVE) if line.grave else ("•", "")
            points.append(Point(story_words(line), sign, style))
            parts = (times.at(line.at), line.station, line.who, line.reference)
            points.append(Point("  ".join(part for part in parts if part), style=QUIET))
        self._points.points = tuple(points)
        self.older.set_class(self.is_whole or not lines, "-all")
        self.older.say(_NONE if not lines else _ALL if self.is_whole else _OLDER)


# The acts for a person: each with its key, and its dialog.


@dataclass(frozen=True, slots=True)
class PersonAct:
    """One act: on the person where the desk has opened ``on``, or on the first that ``on`` finds.

    ``urgent`` ones are those that a caller waits for: the footer shows them, too.
    """

    on: Action | Callable[[Subject], Sequence[Any]]
    key: str
    label: str
    dialog: Callable[..., Form[Any]]
    urgent: bool = False

    def fits(self, subject: Subject) -> bool:
        if isinstance(self.on, Action):
            return self.on in subject.person.open_to
        return bool(self.on(subject))

    def form(self, subject: Subject) -> Form[Any]:
        if isinstance(self.on, Action):
            return self.dialog(subject)
        return self.dialog(subject.desk, self.on(subject)[0])


def _with_change(subject: Subject) -> list[Subject]:
    person = subject.person
    is_open = Action.REPORT_MISUSE in person.open_to and person.waiting_change is not None
    return [subject] if is_open else []


def _with_saved_codes(subject: Subject) -> list[Subject]:
    registration = subject.person.registration
    lines = registration.enrolled if registration is not None else ()
    has_some = any(isinstance(line, CodesSaved) for line in lines)
    return [subject] if has_some and Action.WITHDRAW_CODE in subject.person.open_to else []


def _to_reach_further(subject: Subject) -> list[Subject]:
    """Only a registration has further addresses."""
    person = subject.person
    is_open = Action.CORRECT_EMAIL in person.open_to and person.registration is not None
    return [subject] if is_open else []


def _with_further_addresses(subject: Subject) -> list[Subject]:
    return _to_reach_further(subject) if further_addresses(subject) else []


def _to_agree(subject: Subject) -> list[ProposalLine]:
    """Return what waits and this member of staff can agree to."""
    return [line for line in subject.person.proposals if not line.why_not]


def _to_decline(subject: Subject, *, mine: bool = False) -> list[ProposalLine]:
    """Return what waits, one's own or colleagues'; codes are withdrawn instead."""
    role = subject.desk.me.role
    return [
        line
        for line in subject.person.proposals
        if line.action is not Action.ISSUE_CODE and may(role, line.action) and line.is_mine == mine
    ]


def _to_take_back(subject: Subject) -> list[ProposalLine]:
    """Return one's own, once those of colleagues are declined: both acts have the same key."""
    return [] if _to_decline(subject) else _to_decline(subject, mine=True)


def _to_withdraw(subject: Subject) -> list[CodeLine]:
    """Return the codes that staff gave, oldest first."""
    if Action.WITHDRAW_CODE not in subject.person.open_to:
        return []
    return [code for code in subject.person.codes if not code.by_mail]


PERSON_ACTS = (
    PersonAct(Action.LIFT_BLOCK, "b", "Lift the block", person.lift_block, urgent=True),
    PersonAct(Action.ISSUE_CODE, "c", "Give a code", cards.issue_code, urgent=True),
    PersonAct(_to_agree, "g", "Agree", waiting.agree, urgent=True),
    PersonAct(_to_decline, "d", "Decline", waiting.decline),
    PersonAct(_to_take_back, "d", "Take back proposal", waiting.decline),
    PersonAct(_to_withdraw, "w", "Withdraw code", cards.withdraw_code),
    PersonAct(Action.REPORT_MISUSE, "i", "Stop: not the holder", person.report_misuse),
    PersonAct(
        _with_change, "h", "Stop change of address", lambda _, found: person.stop_change(found)
    ),
    PersonAct(
        _with_saved_codes,
        "v",
        "Withdraw saved codes",
        lambda _, found: person.withdraw_saved_codes(found),
    ),
    PersonAct(Action.CORRECT_EMAIL, "e", "Correct email", person.correct_email),
    PersonAct(_to_reach_further, "m", "Add an address", lambda _, found: person.add_address(found)),
    PersonAct(
        _with_further_addresses,
        "u",
        "Withdraw an address",
        lambda _, found: person.withdraw_address(found),
    ),
    PersonAct(Action.CORRECT_NAME, "n", "Correct name", person.correct_name),
    PersonAct(Action.ADD_CARD, "a", "Add a card", cards.add_card),
    PersonAct(Action.REPLACE_CARD, "p", "Replace a card", cards.replace_card),
    PersonAct(Action.SET_SECRET, "s", "Set unblock secret", cards.set_secret),
    PersonAct(Action.REVOKE_CARD, "k", "Revoke a card", cards.revoke_card),
    PersonAct(Action.REVOKE_REGISTRATION, "r", "Revoke registration", person.revoke_registration),
    PersonAct(Action.MARK_LEAVER, "l", "Mark as leaver", person.mark_leaver),
    PersonAct(Action.TAKE_BACK_LEAVER, "t", "Take back", person.take_back_leaver),
    PersonAct(Action.ERASE_PERSON, "x", "Erase for good", person.erase),
)
"""The most needed come first."""


# The parts of a person's page: who, why they can or cannot unlock, acts, facts.


class PersonHeading(Horizontal):
    def __init__(self) -> None:
        self._whose = Prose("", "name")
        self._who = Prose("", "who")
        self._standing = Prose("", "standing")
        super().__init__(self._whose, self._who, self._standing)

    def show(self, person: Person | None) -> None:
        self.visible = person is not None
        if person is not None:
            self._whose.say(printable(person.name))
            email = (f"  {printable(person.email) or 'no email yet'}", "$quiet")
            self._who.update(Content.assemble(f"  {printable(person.number)}", email))
            words, colour = STANDINGS[person.standing]
            ready = person.standing is Standing.READY
            if person.headline.may_fail or (
                ready and not person.can_unlock
            ):  # the headline contradicts it
                words, colour = "! See below", "alarm"
            self._standing.update(Content.styled(words, f"${colour}"))


class HeadlineBox(Vertical):
    def __init__(self) -> None:
        self._headline = Prose("", "headline")
        self._advice = Prose("", "advice")
        super().__init__(self._headline, self._advice)

    def show(self, person: Person) -> None:
        said = headline_words(person.headline, person.clock)
        sign = "✗" if not person.can_unlock else "!" if person.headline.may_fail else "✓"
        self.set_class(sign != "✓", "-cannot")
        self._headline.say(f"{sign} {said.sentence}")
        self._advice.say(f"→ {said.advice}")
        self._advice.display = True

    def say(self, text: str) -> None:
        self.set_class(True, "-cannot")
        self._headline.say(text)
        self._advice.display = False


_KEY = 4
"""Cells of a key before its act."""

_GUTTER = 1
"""Cells between two columns of acts, which the grid does not count when it finds how many fit."""


class ActLink(Prose):
    def __init__(self, act: PersonAct) -> None:
        key = (f" {act.key} ", "bold $brand on $ground")
        super().__init__(Content.assemble(key, (f" {act.label}", "$ink")), "act")
        self.act = act


class ActGrid(ItemGrid):
    def __init__(self) -> None:
        self._links = [ActLink(act) for act in PERSON_ACTS]
        super().__init__(*self._links)

    def show(self, acts: Sequence[PersonAct]) -> None:
        for link in self._links:
            link.display = link.act in acts
        self.display = bool(acts)
        longest = max((len(act.label) for act in acts), default=1)
        self.min_column_width = _KEY + longest + _GUTTER


class Facts(Vertical):
    def __init__(self, heading: str) -> None:
        self._points = Points()
        super().__init__(Prose(heading, "heading"), self._points)

    def show(self, points: Sequence[Point]) -> None:
        self.display = bool(points)
        self._points.points = tuple(points)


_NOBODY = "There is nobody to show any more. Escape goes back."


class AboutPerson(AdminPage):
    """Shows one person, who is read again after each act."""

    NAME = "Person"
    NEEDS = Action.SEE_PEOPLE
    BELOW = "People"
    REFRESH_S = 5.0
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "app.go_back", "Back"),
        *(
            Binding(act.key, f"begin_act({at})", act.label, show=act.urgent)
            for at, act in enumerate(PERSON_ACTS)
        ),
        Binding("ctrl+r", "refresh", "Refresh"),
        Binding("o", "older", "Show what is older", show=False),
    ]

    def __init__(self, desk: AdminDesk) -> None:
        super().__init__(desk)
        self._holder_id = ""
        self._person: Person | None = None
        self._who = PersonHeading()
        self._verdict = HeadlineBox()
        self._acts = ActGrid()
        self._registration = Facts("Registration")
        self._cards = Facts("Cards")
        self._proposals = Facts("Waits for a second member of staff")
        self._codes = Facts("Codes that are waited for")
        self._questions = Facts("The questions they answer")
        self._story = Story()
        facts = Vertical(
            self._proposals, self._registration, self._cards, self._codes, classes="facts"
        )
        self._all = Vertical(
            Container(facts, self._story, classes="columns"), self._questions, classes="all"
        )
        self._scroll = TextScroll(self._who, self._verdict, self._acts, self._all, can_focus=True)

    def compose(self) -> ComposeResult:
        yield self._scroll

    # --- what is shown -----------------------------------------------------------------

    def look_at(self, holder_id: str, /) -> None:
        """Show this person, from the top; another person's data are removed at once."""
        self._scroll.scroll_home(animate=False)
        if holder_id == self._holder_id:
            return
        self._holder_id = holder_id
        self._story.forget()
        self._show_nobody("Reading…")

    def shown(self) -> None:
        self._read(self._show_but_under_a_dialog)

    def look_again(self) -> None:
        """Read the person again: a station or a colleague may have changed something."""
        if self.is_up and self._person is not None:
            self.shown()

    def _read(self, then: Callable[[Person], None]) -> None:
        holder_id = self._holder_id
        self.ask(lambda: self.desk.people.person(holder_id), then)

    def _show_but_under_a_dialog(self, person: Person) -> None:
        """Show the person, unless a dialog has to act on them as they were when it was opened.

        A code that is shown acts on nothing, and is refreshed.
        """
        dialog = self.app.screen
        if isinstance(dialog, CodeShown):
            dialog.look_at(person.codes)
        if self._person is None or self.screen.is_active or isinstance(dialog, CodeShown):
            self._show(person)

    def _show(self, person: Person) -> None:
        self._person, times = person, self.times
        self._all.display = True
        self._who.show(person)
        self._verdict.show(person)
        self._acts.show([act for act in PERSON_ACTS if act.fits(self._subject)])
        self._proposals.show([p for line in person.proposals for p in proposal_points(line, times)])
        self._codes.show([point for code in person.codes for point in code_points(code, times)])
        registration = list(registration_points(person.registration, times))
        if person.waiting_change is not None:
            registration += change_points(person.waiting_change, times)
        self._registration.show(registration)
        held = [point for card in person.cards for point in card_points(card, times)]
        self._cards.show(held or [Point("None. Without a card there is nothing to unlock.", "□")])
        self._story.show(person.story, times)
        enrolled = person.registration.enrolled if person.registration else ()
        questions = (each for words in map(enrolled_words, enrolled) for each in words.questions)
        self._questions.show([Point(question, "•") for question in questions])
        self.refresh_bindings()

    def _show_nobody(self, why: str) -> None:
        self._person = None
        self._who.show(None)
        self._verdict.say(why)
        self._acts.show(())
        self._all.display = False
        self.refresh_bindings()

    def on_desk_refused(self, message: DeskRefused) -> None:
        """Show a message instead of the person; the application shows why."""
        if isinstance(message.error, NotFound):
            self._show_nobody(_NOBODY)
        elif self._person is None:
            self._show_nobody(
                "This person could not be read. They are asked for again when you come back here."
            )

    # --- acts --------------------------------------------------------------------------

    @property
    def _subject(self) -> Subject:
        return Subject(self.desk, self._person_now)

    def _person_now(self) -> Person:
        if self._person is None:
            raise NotFound(_NOBODY)
        return self._person

    def _fits(self, act: PersonAct) -> bool:
        return self._person is not None and act.fits(self._subject)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "begin_act":
            return self._fits(PERSON_ACTS[cast(int, parameters[0])])
        if action == "older":
            return self._person is not None and not self._story.is_whole
        return True

    def on_click(self, event: events.Click) -> None:
        if isinstance(event.widget, ActLink):
            self._begin(event.widget.act)
        elif event.widget is self._story.older:
            self.action_older()

    def action_begin_act(self, place: int) -> None:
        self._begin(PERSON_ACTS[place])

    @work(group=IN_DIALOG)
    async def _begin(self, act: PersonAct) -> None:
        if self.is_covered or not self._fits(act):
            return
        form = act.form(self._subject)
        form.on_stale = lambda: self._read(self._show)
        match await self.app.push_screen_wait(form):
            case IssuedCode() as issued:
                subject, now = self._subject, self._subject.person
                not_yet = cards.not_yet(now) if now.email else cards.CANNOT_REGISTER
                self.app.push_screen(CodeShown(issued, subject.who, self.times, not_yet))
                self.shown()
            case Done(waits=False) as done if act.dialog is person.erase:
                # Leave, as there is nobody here; a change of page clears the message before it.
                self._show_nobody(_NOBODY)
                app = app_of(self)
                app.action_go_to("People")
                self.app.call_later(app.announce, done_words(done))
            case Done() as done:
                self.was_done(done)

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
            self._story.add(lines, self.times)
            self.refresh_bindings()
