"""The pages on which the address for a code, a code, or the number of a notice is entered."""

from __future__ import annotations

from collections.abc import Iterator

from textual.widget import Widget

from kiosk.contract.messages import Code, Route
from kiosk.contract.policy import FEWEST_CODE_DIGITS, MAX_ADDRESS, MOST_CODE_DIGITS
from kiosk.contract.scans import read_scan
from kiosk.contract.sensitive import Sensitive
from kiosk.station.events import (
    CodeAsked,
    EmailEntered,
    EntryMade,
    RouteWanted,
    SomethingElse,
    StopNumberEntered,
)
from kiosk.station.states import CodeEntry, CodeNeeded, EnterEmail, StopNumberEntry
from screens.kiosk.entry_pages import DigitsPage, TextPage
from screens.kiosk.page import Page, PageContext
from screens.widgets.fields import Cells, Field
from screens.widgets.keys import CLEAR, EMAIL_KEYS, BigButton
from screens.widgets.prose import Note, Prose
from screens.words import choices, email, frame


class EnterEmailPage(TextPage, inherit_bindings=False):
    state: EnterEmail
    go_label = email.SEND

    def __init__(self, context: PageContext, state: EnterEmail) -> None:
        text = state.task.suggested if state.typed is None else state.typed
        field = Field(MAX_ADDRESS, context.look.glyphs, shown=True, text=text)
        super().__init__(context, state, field, EMAIL_KEYS)

    def head(self) -> Iterator[Widget]:
        title, text = email.asked_for(self.state.visit.purpose)
        yield Prose(title, "title question")
        if self.state.fault is not None:
            fault = email.email_fault(self.state.fault, self.state.task.domains)
            yield from self.lead(Note(fault))
        else:
            yield from self.lead(Prose(text))

    def others(self) -> Iterator[BigButton]:
        yield self.stop_button()
        yield self.button(frame.CLEAR_KEY, lambda: self.typed(CLEAR))

    def submitted(self, text: str) -> None:
        self.report(EmailEntered(self.visit, text))


_TICK_S = 1.0


class CodeEntryPage(DigitsPage, inherit_bindings=False):
    """The code that was emailed, or that staff gave: how long it is good for, a way to another."""

    state: CodeEntry

    def __init__(self, context: PageContext, state: CodeEntry) -> None:
        digits = state.task.digits
        cells = Cells(digits, digits, None)
        title = email.code_title(state.visit.purpose, proves_owner=state.task.proves_owner)
        super().__init__(context, state, title, cells)
        self._since = context.now()
        self._life = Prose("", "life")
        self._other = email.NEW_CODE if state.task.masked else email.BY_EMAIL
        self._again = self.button("", lambda: self.report(_asked(self, state.task.routes)))
        self._walk, self._meanwhile = Prose("", "walk"), ""
        self._lines = [self.not_me_button()]
        if state.visit.instead:
            self._lines.insert(0, something_else_button(self))
        if state.entered_on is not None:
            self._lines.insert(0, self.back_button(email.CORRECT_ADDRESS))
        elif state.visit.ways is not None:
            self._lines.insert(0, self.back_button(choices.ANOTHER_WAY))
        for line in self._lines:
            line.add_class("-line")

    def content(self) -> Iterator[Widget]:
        self.focus_order.add(*self._lines)  # they stand above the buttons
        yield from super().content()

    def scanned(self, text: Sensitive) -> None:
        """Take the code of the newest mail for this card; say of any other that it is not it."""
        task = self.state.task
        found = read_scan(text, task.digits)
        if not task.tag:
            self._say_missing(frame.NO_SCANS)
        elif found is None:
            self._say_missing(email.NOT_A_CODE)
        elif found.tag != task.tag:
            self._say_missing(email.OTHER_CODE)
        else:
            self.cells.clear()
            self.entered()
            self.report(self.made(found.code))

    def ready(self) -> bool:
        """Return whether it can be a code: the number of a notice has more digits."""
        return super().ready() and not self.is_longer

    def missing(self) -> str:
        return email.no_code() if self.is_longer else super().missing()

    def refused(self) -> None:
        """Empty the cells of the beginning of a number."""
        if self.is_longer:
            self.cells.clear()

    def beside(self) -> Iterator[Widget]:
        task, notice = self.state.task, self._notice()
        by_text = task.sent_to is not None and task.sent_to.by_text
        may_fail = task.sent_to is not None and task.sent_to.may_fail
        shown = may_fail and not notice  # the mail of a code that was wrong may have come
        said = email.sent_to(
            task.masked, proves_owner=task.proves_owner, may_fail=shown, by_text=by_text
        )
        sent = Prose(said, "text sent")
        # Not everything fits on every screen: see the stylesheet.
        sent.set_class(bool(notice and task.masked), "-beside-note")
        sent.set_class(len(self._lines) > 1, "-crowded")
        yield sent
        if notice:
            yield from self.lead(Note(notice))
        yield self.cells
        yield self._life
        visit = self.state.visit
        # Where the menu offers to begin again, the address is corrected there.
        again = any(offer.purpose is visit.purpose for offer in visit.instead)
        self._meanwhile = email.meanwhile(
            visit.purpose,
            task.masked,
            resumed=self.state.resumed,
            elsewhere=again and not task.proves_owner,
            by_text=by_text,
        )
        others = [] if notice else [email.named(each) for each in task.other_routes]
        if task.mail_takes_s and not self.state.resumed:
            self._meanwhile = email.slow(task.mail_takes_s, *others)
        elif may_fail and not self.state.resumed:
            self._meanwhile = email.where_else(*others)
        yield from (self._walk,) if notice else self.lead(self._walk)
        yield from self._lines

    def _notice(self) -> str:
        state = self.state
        if state.wrong:
            return email.code_wrong(state.task.tries_left, state.task.masked)
        return "" if state.notice is None else email.CODE_NOTICES[state.notice]

    def made(self, digits: Sensitive) -> EntryMade:
        return EntryMade(self.visit, Code(digits))

    def others(self) -> Iterator[BigButton]:
        yield self.stop_button()
        self._count_down()
        if self.state.task.routes:
            yield self._again

    def on_mount(self) -> None:
        self.set_interval(_TICK_S, self._count_down)

    def _count_down(self) -> None:
        gone = self.context.now() - self._since
        left = self.state.task.expires_in_s - gone
        wait = self.state.task.resend_in_s - gone
        # The notice about a wrong code names them, too.
        seen_before = self.state.resumed or self.state.notice is not None
        tries = self.state.task.tries_left if seen_before else None
        self._life.say(email.life(left, tries) if left > 0 else email.OVER)
        self._life.set_class(left <= 0, "-over")
        self._walk.say(self._meanwhile if left > 0 else "")
        self._again.relabel(email.resend(wait, self._other), enabled=wait <= 0)


def _asked(page: Page, routes: tuple[Route, ...]) -> CodeAsked | RouteWanted:
    """Ask for a code; where it could go to several, which is asked first."""
    if len(routes) > 1:
        return RouteWanted(page.visit)
    return CodeAsked(page.visit, routes[0].id)


def something_else_button(page: Page) -> BigButton:
    return page.button(email.SOMETHING_ELSE, lambda: page.report(SomethingElse(page.visit)))


class CodeNeededPage(Page, inherit_bindings=False):
    state: CodeNeeded

    def __init__(self, context: PageContext, state: CodeNeeded) -> None:
        super().__init__(context, state)
        self._since = context.now()
        routes = self._routes = state.task.routes
        self._again = self.button("", lambda: self.report(_asked(self, routes)), primary=True)

    def content(self) -> Iterator[Widget]:
        by_text = any(each.by_text for each in self._routes)
        title, text = email.lack(self.state.lack, by_text=by_text)
        yield Prose(title, "title")
        yield Prose(text, "text paragraph")
        yield Prose(email.next_to(*(each.masked for each in self._routes)))
        lines = []
        if self.state.visit.instead:
            lines.append(something_else_button(self))
        if self.state.entered_on is not None:
            lines.append(self.back_button(email.CORRECT_ADDRESS))
        elif self.state.visit.ways is not None:
            lines.append(self.back_button(choices.ANOTHER_WAY))
        for line in lines:
            line.add_class("-line")
        yield from lines
        self.focus_order.add(*lines)
        yield self.actions(self.stop_button(), primary=self._again)
        self._count_down()

    def on_mount(self) -> None:
        self.set_interval(_TICK_S, self._count_down)

    def _count_down(self) -> None:
        wait = self.state.retry_in_s - (self.context.now() - self._since)
        self._again.relabel(email.resend(wait), enabled=wait <= 0)


class StopNumberEntryPage(DigitsPage, inherit_bindings=False):
    state: StopNumberEntry
    go_label = choices.STOP_NOW

    def __init__(self, context: PageContext, state: StopNumberEntry) -> None:
        digits = state.task.digits
        super().__init__(context, state, choices.STOP_TITLE, Cells(digits, digits, None))

    def missing(self) -> str:
        """Say of what may be a whole code that it is none of these numbers: it costs no try."""
        if FEWEST_CODE_DIGITS <= len(self.cells.digits) <= MOST_CODE_DIGITS:
            return choices.stop_with_code()
        return super().missing()

    def beside(self) -> Iterator[Widget]:
        wrong = choices.stop_number_wrong(self.state.task.tries_left)
        yield from self.lead(Note(wrong) if self.state.wrong else Prose(choices.stop_text()))
        yield self.cells

    def others(self) -> Iterator[BigButton]:
        yield self.stop_button(choices.STOP_NOTHING)

    def made(self, digits: Sensitive) -> StopNumberEntered:
        return StopNumberEntered(self.visit, digits)
