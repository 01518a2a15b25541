"""The pages on which a PIN is entered or chosen."""

from __future__ import annotations

from collections.abc import Iterator

from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget
from textual.widgets import Static

from kiosk.contract.messages import OnPad, PinRules
from kiosk.contract.policy import PinRule, pin_verdicts
from kiosk.contract.sensitive import Sensitive
from kiosk.station.commands import ChangePin, Command, UnblockPin
from kiosk.station.events import PinEntered
from kiosk.station.states import (
    EnterPin,
    NewPin,
    PadNotice,
    PadPaused,
    PinFault,
    RepeatPin,
    VisitState,
    Work,
    Working,
    typed_pin,
)
from screens.kiosk.entry_pages import DigitsPage
from screens.kiosk.page import Page, PageContext
from screens.theme import Glyphs
from screens.widgets.fields import Cells
from screens.widgets.keys import BigButton
from screens.widgets.pictures import ActivityIndicator
from screens.widgets.prose import Note, Prose
from screens.words import frame, pad, pin, waiting


class PinPage(DigitsPage, inherit_bindings=False):
    def scanned(self, text: Sensitive) -> None:
        """Take none: a PIN belongs on no paper."""
        self._say_missing(frame.NO_SCANS)

    def made(self, digits: Sensitive) -> PinEntered:
        return PinEntered(self.visit, digits)


class EnterPinPage(PinPage, inherit_bindings=False):
    """The card checks the PIN; one of a length that it cannot hold is not sent."""

    state: EnterPin

    def __init__(self, context: PageContext, state: EnterPin) -> None:
        takes = state.visit.pin_format
        cells = Cells(takes.least, takes.most, context.look.glyphs.dot)
        title = pin.ENTER_NEW_TITLE if state.visit.unlocked else pin.ENTER_TITLE
        super().__init__(context, state, title, cells)

    def beside(self) -> Iterator[Widget]:
        if self.state.wrong:
            yield from self.lead(Note(pin.wrong(self.state.tries_left)))
        elif self.state.visit.unlocked:
            yield from self.lead(Prose(pin.unlocked_text()))
        else:
            yield from self.lead(Prose(pin.enter_text(self.state.visit.purpose)))
        yield self.cells
        letters = _about_letters(self.state.visit)
        yield from map(Prose, letters)
        if not self.state.visit.unlocked:
            forgotten = Prose(pin.forgotten(self.state.visit.purpose))
            # Not everything fits on every screen: see the stylesheet.
            forgotten.set_class(bool(letters), "-crowded")
            yield forgotten


def _about_letters(visit: VisitState) -> tuple[str, ...]:
    """Return what to do about them, unless the card's PIN was just set here."""
    return (pin.LETTERS,) if visit.pin_format.letters and not visit.unlocked else ()


class NewPinPage(PinPage, inherit_bindings=False):
    """The rules tick themselves off; the PIN is submitted only when all are kept."""

    state: NewPin

    def __init__(self, context: PageContext, state: NewPin) -> None:
        cells = Cells(state.rules.min_length, state.rules.max_length, context.look.glyphs.dot)
        super().__init__(context, state, pin.NEW_TITLE, cells)
        self._rules = Rules(state.rules, context.look.glyphs, typed_pin(state.current))

    def beside(self) -> Iterator[Widget]:
        fault = self.state.fault
        yield from self.lead(Note(pin.FAULTS[fault] if fault else None))
        yield self.cells
        yield self._rules

    def missing(self) -> str:
        return pin.KEEP_RULES

    def ready(self) -> bool:
        return self._rules.all_kept

    def entered(self) -> None:
        self._rules.judge(self.cells.digits)
        super().entered()

    def refused(self) -> None:
        """Empty the cells, as after a wrong PIN; the rules show what was broken until a digit."""
        if self.cells.complete:
            self.cells.clear()


class RepeatPinPage(PinPage, inherit_bindings=False):
    """The same cells again; the station checks that it is the same PIN."""

    state: RepeatPin

    def __init__(self, context: PageContext, state: RepeatPin) -> None:
        cells = Cells(state.rules.min_length, state.rules.max_length, context.look.glyphs.dot)
        super().__init__(context, state, pin.REPEAT_TITLE, cells)

    def beside(self) -> Iterator[Widget]:
        yield from self.lead(Prose(pin.REPEAT_TEXT))
        yield self.cells

    def others(self) -> Iterator[BigButton]:
        yield self.stop_button()
        yield self.back_button()


_ABOUT_THE_PIN = (PadNotice.LENGTH, *PinFault)
"""Another PIN is needed after these, so its rules are shown before the reader asks."""


class PadPage(Page, inherit_bindings=False):
    state: Working

    def content(self) -> Iterator[Widget]:
        title, asks = waiting.WORKS[self.state.work]
        leave = pad.WHEN if self.state.work is Work.PIN_ON_PAD else pad.LEAVE_IN
        visit = self.state.visit
        letters = _about_letters(visit) if self.state.work is Work.PIN_ON_PAD else ()
        unlocked = (pin.UNLOCKED_TEXT,) if visit.unlocked else ()
        lines = (*unlocked, *_rules(self.state.command), asks, leave, *letters, pad.CANCEL)
        prose = (Prose(line, "text paragraph") for line in lines)
        left = Vertical(*prose, ActivityIndicator(self.context.look), classes="beside")
        yield Prose(title, "title")
        yield Horizontal(left, PadDrawing(self.context.look.glyphs))


class PadPausedPage(Page, inherit_bindings=False):
    state: PadPaused

    def content(self) -> Iterator[Widget]:
        typed = self.state.why is PadNotice.NOT_TAKEN
        title, text = pad.paused(self.state.why, self.state.tries_left)
        yield Prose(title, "title")
        yield Prose(text, "text paragraph")
        if self.state.why in _ABOUT_THE_PIN:
            yield from (Prose(line, "text paragraph") for line in _rules(self.state.command))
        if self.state.why is PadNotice.WRONG:
            yield Prose(pin.forgotten(self.state.visit.purpose), "text paragraph")
        yield Prose(pad.TYPED if typed else pad.AGAIN)
        on = self.try_again_button(frame.CONTINUE if typed else frame.TRY_AGAIN)
        yield self.actions(self.stop_button(), primary=on)


def _rules(command: Command) -> Iterator[str]:
    match command:
        case UnblockPin(new=OnPad() as new) | ChangePin(new=OnPad() as new):
            yield pad.rule(new)


_MARGIN, _DISPLAY = 2, 13
_WIDTH = _DISPLAY + 2 * _MARGIN
_CASE, _KEY, _CARD = "$paper on $ink", "bold $ink on $well", "$on-brand on $brand"
_GAP = (" " * _MARGIN, _CASE)
_BLANK = Content.assemble((" " * _WIDTH, _CASE))

Run = tuple[str, str]
"""A piece of one row, and its style."""


class PadDrawing(Static, inherit_bindings=False):
    """A reader's display with hidden digits, its twelve keys, and the card below them.

    A touch has no effect: the keys to press are there, not here.
    """

    def __init__(self, signs: Glyphs) -> None:
        rows = [_row((f" {signs.dot} {signs.dot} {signs.dot} _".ljust(_DISPLAY), _KEY))]
        last = (signs.wrong, "0", signs.tick)
        for labels in ("123", "456", "789", last):
            one, two, three = ((f" {label} ", _KEY) for label in labels)
            rows.append(_row(one, _GAP, two, _GAP, three))
        lines = [line for row in rows for line in (_BLANK, row)]
        card = Content.assemble(" " * _MARGIN, (" " * _DISPLAY, _CARD))
        super().__init__(Content("\n").join([*lines, _BLANK, card]), markup=False)


def _row(*runs: Run) -> Content:
    return Content.assemble(_GAP, *runs, _GAP)


class Rules(Widget, inherit_bindings=False):
    """One line a rule: not yet known, kept, or broken, shown by a sign as well as a colour."""

    def __init__(self, rules: PinRules, glyphs: Glyphs, current: Sensitive | None) -> None:
        super().__init__()
        self._rules = rules
        self._current = current
        self._glyphs = glyphs
        self.judge("")

    @property
    def all_kept(self) -> bool:
        return all(self._verdicts.values())

    def judge(self, pin: str) -> None:
        self._verdicts = pin_verdicts(pin, self._rules, self._current)
        self.refresh()

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return len(self._verdicts)

    def render(self) -> Content:
        lines = []
        for rule, kept in self._verdicts.items():
            if kept and self._verdicts[PinRule.LENGTH]:  # others count once the PIN is long enough
                sign, style = self._glyphs.tick, "$done"
            elif kept or rule is PinRule.LENGTH:
                sign, style = self._glyphs.pending, "$quiet"
            else:
                sign, style = self._glyphs.wrong, "$alarm"
            words = str(pin.rule(rule, self._rules))
            lines.append(Content.assemble((f"{sign} ", f"bold {style}"), (words, style)))
        return Content("\n").join(lines)
