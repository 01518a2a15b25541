"""The common parts of pages for digits, text, or one choice of several."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import ClassVar

from textual import events
from textual.containers import Horizontal, Vertical
from textual.widget import Widget

from kiosk.contract.sensitive import Sensitive
from kiosk.station.events import HolderSide
from kiosk.station.states import State
from screens.kiosk.page import Page, PageContext
from screens.terminal.driver import Key
from screens.widgets.fields import Cells, Field, is_digit
from screens.widgets.keys import CLEAR, ERASE, BigButton, Choice, Keyboard, Keypad, Row
from screens.widgets.prose import Note, Prose
from screens.words import frame

_MOST_DIGITS = 15
"""A text may have as many in a row, as a telephone number has (ITU-T E.164, 6.1)."""

_SIDEWAYS = frozenset({"left", "right"})
_ERASES = {"backspace": ERASE, "delete": ERASE, "ctrl+u": CLEAR}
_WITHOUT_NUM_LOCK = frozenset({"home", "end", "pageup", "pagedown"})
"""What 7, 1, 9 and 3 of a numeric keypad are without Num Lock; no digits page has another use."""


def heading(text: Widget, right: str) -> Horizontal:
    return Horizontal(text, Prose(right, "lead where"), classes="heading")


class EntryPage(Page, inherit_bindings=False):
    """Until a button is chosen, Left and Right belong to the entry, and move nothing.

    Without an entry the first enabled button is Stop, so that Enter would end the visit. Enter and
    a touch of the primary button therefore say what is missing, in place of the text of ``lead``,
    unless that says what was wrong with the last entry and nothing is entered since.
    """

    go_label: ClassVar[str] = frame.CONTINUE

    def __init__(self, context: PageContext, state: State) -> None:
        super().__init__(context, state)
        self._lead: Widget | None = None
        self._says_fault = False
        self._missing = Note(None)
        self._instead: Widget = self._missing

    def missing(self) -> str:
        raise NotImplementedError

    def nothing_entered(self) -> bool:
        raise NotImplementedError

    def lead(self, text: Widget, beside: str = "", where: str = "") -> Iterator[Widget]:
        """Yield a text and one ``beside`` it, and the note beside ``where`` that replaces both."""
        self._says_fault = isinstance(text, Note) and text.display
        self._lead = heading(text, beside) if beside else text
        yield self._lead
        if where:
            self._instead = heading(self._missing, where)
            self._instead.display = False
        yield self._instead

    def others(self) -> Iterator[BigButton]:
        yield self.stop_button()

    def buttons(self) -> Horizontal:
        go = self.button(self.go_label, self.submit, primary=True)
        return self.actions(*self.others(), primary=go)

    def submit(self) -> None:
        raise NotImplementedError

    def enter(self) -> None:
        if (self.focus_order.chosen or self.primary) is self.primary:
            self._press_primary()
        else:
            super().enter()

    def on_click(self, event: events.Click) -> None:
        if event.widget is self.primary:
            self._press_primary()

    def _press_primary(self) -> None:
        if self.primary is not None and self.primary.enabled:
            self.primary.press()
        elif not (self._says_fault and self.nothing_entered()):
            self._say_missing(self.missing())
            self.refused()

    def keys_lost(self) -> None:
        self._say_missing(frame.KEYS_LOST)

    def drop_run(self) -> None:
        self.take_back()
        self.entered()
        self._say_missing(frame.SCANNED)

    def take_back(self) -> None:
        """Remove what came of the present run from the entry."""
        raise NotImplementedError

    def refused(self) -> None:
        """React to an entry that cannot be submitted."""

    def ready(self) -> bool:
        """Return whether the entry is complete."""
        raise NotImplementedError

    def entered(self) -> None:
        """React to another entry: the missing part may be there now."""
        self._say_missing("")
        if self.primary is not None:
            self.primary.relabel(self.primary.label, enabled=self.ready())

    def _say_missing(self, what: str) -> None:
        self._missing.say(what)
        if self._lead is not None:
            self._lead.display = not what
            self._instead.display = bool(what)

    def typed(self, key: str) -> object:
        """Handle a key of the page, or what a key of the keyboard stands for."""
        raise NotImplementedError

    def handles(self, event: events.Key) -> bool:
        """Keep the sideways arrows; erase and clear whatever button is chosen."""
        if event.key in _ERASES:
            self.typed(_ERASES[event.key])
            return True
        return event.key in _SIDEWAYS and self.focus_order.chosen is None


class DigitsPage(EntryPage, inherit_bindings=False):
    """Cells and a keypad; subclasses give the texts."""

    def __init__(self, context: PageContext, state: State, title: str, cells: Cells) -> None:
        super().__init__(context, state)
        self.cells = cells
        self._title = title
        self._over = 0
        self._before_run = 0

    def content(self) -> Iterator[Widget]:
        keypad = (Keypad(self.typed),) if self.context.look.touch else ()
        left = Vertical(Prose(self._title, "title"), *self.beside(), classes="beside")
        yield Horizontal(left, *keypad)
        yield self.buttons()
        self.entered()

    def beside(self) -> Iterator[Widget]:
        yield self.cells

    def ready(self) -> bool:
        return self.cells.complete

    def handles(self, event: events.Key) -> bool:
        """Say what to do about a key that no digit comes from."""
        if self._digit(event.character or "") or super().handles(event):
            return True
        if event.key in _WITHOUT_NUM_LOCK:
            self.focus_order.choose(None)  # 8 and 2 are arrows then, and may have chosen Stop
            self._say_missing(frame.NUM_LOCK)
        elif event.is_printable and not is_digit(event.character or "") and event.key != "space":
            self._say_missing(frame.ONLY_DIGITS)
        return False

    def typed(self, key: str) -> None:
        if key not in (CLEAR, ERASE):
            self._digit(key)
            return
        self.cells.clear() if key == CLEAR else self.cells.erase()
        self._over = 0
        self.entered()

    def is_too_much(self, run: Key) -> bool:
        return run.run > self.cells.most

    def run_begins(self) -> None:
        self._before_run = len(self.cells.digits)

    def take_back(self) -> None:
        self.cells.keep(self._before_run)
        self._over = 0

    def _digit(self, char: str) -> bool:
        taken = self.cells.type(char)
        if taken:
            self._over = 0
            self.focus_order.choose(None)
            self.entered()
        elif self.cells.full and is_digit(char):
            self._over += 1
            self.entered()
            self._say_missing(self.missing())
        return taken

    @property
    def is_longer(self) -> bool:
        """Whether something longer was typed: a digit or two too many can be a slip."""
        return self._over > 2

    def missing(self) -> str:
        if self._over:
            return frame.no_more_digits(self.cells.most)
        return frame.enter_digits(self.cells.least, self.cells.most)

    def nothing_entered(self) -> bool:
        return not self.cells.digits

    def submit(self) -> None:
        if self.ready():
            self.report(self.made(self.cells.take()))
            self.entered()

    def made(self, digits: Sensitive) -> HolderSide:
        """Return the event that reports the digits."""
        raise NotImplementedError


class TextPage(EntryPage, inherit_bindings=False):
    """A field, and letters for touch below it; subclasses give what stands above."""

    def __init__(
        self, context: PageContext, state: State, field: Field, keys: tuple[Row, ...]
    ) -> None:
        super().__init__(context, state)
        self.field = field
        self._keys = keys
        self._before_run = field.length

    def content(self) -> Iterator[Widget]:
        touch = self.context.look.touch
        self.set_class(not touch, "-keys-only")
        yield from self.head()
        yield self.field
        if touch:
            yield Keyboard(self._keys, self.typed)
        yield self.buttons()
        self.entered()

    def head(self) -> Iterator[Widget]:
        raise NotImplementedError

    def submitted(self, text: str) -> None:
        """Report the text; the page no longer holds it."""
        raise NotImplementedError

    def handles(self, event: events.Key) -> bool:
        if event.character and event.is_printable:
            return self.typed(event.character)
        return super().handles(event)

    def typed(self, key: str) -> bool:
        if key == CLEAR:
            self.field.take()
        elif key == ERASE:
            self.field.erase()
        elif not self.field.type(key):
            return False
        self.focus_order.choose(None)
        self.entered()
        return True

    def is_too_much(self, run: Key) -> bool:
        return run.digits > _MOST_DIGITS or run.run > self.field.longest

    def run_begins(self) -> None:
        self._before_run = self.field.length

    def take_back(self) -> None:
        self.field.keep(self._before_run)

    def missing(self) -> str:
        return frame.ENTER_TEXT

    def nothing_entered(self) -> bool:
        return self.field.empty

    def ready(self) -> bool:
        return not self.field.empty

    def submit(self) -> None:
        if self.ready():
            self.submitted(self.field.take())
            self.entered()


class ChooseFirstPage(Page, inherit_bindings=False):
    """No button is primary: a second Enter on the page before must not answer this one.

    A page puts ``hint`` and ``choose_first`` where the one may give way to the other.
    """

    def __init__(self, context: PageContext, state: State, hint: Prose, choose: str) -> None:
        super().__init__(context, state)
        self.hint, self.choose_first = hint, Note(None)
        self._choose = choose

    def handles(self, event: events.Key) -> bool:
        """Remove the message that a choice is needed: this may be it."""
        self.hint.display = True
        self.choose_first.say("")
        return super().handles(event)

    def enter(self) -> None:
        if self.focus_order.chosen is None:
            self.hint.display = False
            self.choose_first.say(self._choose)
        else:
            super().enter()


class ChoicesPage(Page, inherit_bindings=False):
    """Subclasses give their choices to ``listed``."""

    choices: Sequence[Choice] = ()
    _typed: Choice | None = None
    """The one whose number was typed, until no further digit follows."""

    def listed(self, rows: Iterable[tuple[str, Callable[[], object], str]]) -> Vertical:
        """Return the list of labels, acts, and words on the right; it comes before the buttons."""
        pointer = self.context.look.glyphs.pointer
        self.choices = [Choice(number, *row, pointer) for number, row in enumerate(rows, 1)]
        self.focus_order.add(*self.choices)
        return Vertical(*self.choices)

    def handles(self, event: events.Key) -> bool:
        if event.key in "123456789" and len(event.key) == 1:
            place = int(event.key) - 1
            if place < len(self.choices):
                self._typed = self.choices[place]
                if not isinstance(event, Key):
                    self.run_over()
            return True
        return False

    def run_over(self) -> None:
        typed, self._typed = self._typed, None
        if typed is not None:
            typed.press()

    def drop_run(self) -> None:
        self._typed = None
        super().drop_run()

    def enter(self) -> None:
        """Press the chosen button, or choose the first: an earlier Enter starts nothing."""
        if self.focus_order.chosen is None and self.choices:
            self.focus_order.choose(self.choices[0])
        else:
            super().enter()
