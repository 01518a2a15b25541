"""What stands around every page: who is logged in, the bar of pages, what was done, the keys."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from rich.cells import cell_len
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding
from textual.content import Content
from textual.dom import DOMNode
from textual.fuzzy import Matcher
from textual.geometry import Size
from textual.screen import Screen
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Input

from kiosk.authority.administration.views import Actor
from screens.admin.dialogs.dialog import Box, Dialog
from screens.admin.page import Page
from screens.admin.table import STEPS, Column, LedTable, Table, TableLine, Zone, Zones
from screens.widgets.prose import Prose, printable, spread

# The keys that count now, as the footer and the list of actions show them.

_NAMES = {
    "enter": "Enter",
    "escape": "Esc",
    "delete": "Del",
    "pageup": "PgUp",
    "pagedown": "PgDn",
    "space": "Space",
    "tab": "Tab",
    "plus": "+",
    "minus": "-",
    "slash": "/",
    "question_mark": "?",
}


@dataclass(frozen=True, slots=True)
class KeyHint:
    """A key, what it does, and a way to do it without the key."""

    key: str
    does: str
    press: Callable[[], None]
    enabled: bool = True


def label_of(key: str) -> str:
    """Write a key as it is printed on a keyboard: ``Ctrl+P``, ``Enter``, ``r``."""
    *held, last = key.split("+")
    name = _NAMES.get(last) or (last.upper() if held or _is_function(last) else last)
    return "+".join([*(part.capitalize() for part in held), name])


def keys_of(screen: Screen[Any]) -> Iterator[KeyHint]:
    """Yield the keys of the page that shows which count now, without the application's own."""
    for active in screen.active_bindings.values():
        node, binding = active.node, active.binding
        if binding.show and binding.description and _is_of_page(node):
            yield KeyHint(
                binding.key, binding.description, _press(screen, node, binding), active.enabled
            )


def actions_of(page: Page) -> Iterator[KeyHint]:
    """Yield all that the page can do now, whether its key counts where the focus is or not."""
    for _key, binding in page._bindings:  # noqa: SLF001 - Textual gives no other way to list them
        if not binding.description:
            continue
        state = page.app._check_action_state(binding.action, page)  # noqa: SLF001
        if state:
            yield KeyHint(binding.key, binding.description, _press(page.screen, page, binding))


def _is_of_page(node: DOMNode) -> bool:
    return any(isinstance(above, Page) for above in node.ancestors_with_self)


def _press(screen: Screen[Any], node: DOMNode, binding: Binding) -> Callable[[], None]:
    def press() -> None:
        screen.call_later(screen.app.run_action, binding.action, node)

    return press


def _is_function(key: str) -> bool:
    return key[:1] == "f" and key[1:].isdigit()


# The list of actions (Ctrl+P): what the page that shows can do, the pages, and the way out.

_TITLE = "What do you want to do?"
_NOTHING = "There is nothing like this here. Escape goes back."
_KEYS = "Type a part    Up, Down  choose    Enter  do it    Esc  back"


@dataclass(frozen=True, slots=True)
class PaletteCommand:
    """What it says, its key (empty: it has none), and what it does."""

    does: str
    key: str
    run: Callable[[], None]


class Palette(Dialog[PaletteCommand]):
    """Closes with the command that was picked; what is typed narrows the list."""

    def __init__(self, commands: Sequence[PaletteCommand], title: str = _TITLE) -> None:
        super().__init__()
        self._heading = title
        self._commands = {str(at): command for at, command in enumerate(commands)}
        self._field = Input(compact=True, max_length=60)
        self._field.cursor_blink = False
        self._table = LedTable(Column("", 30, 1), Column("", 8), empty=_NOTHING)
        self._table.add_class("fields")

    def compose(self) -> ComposeResult:
        """A field, and the list below it."""
        with Box():
            yield Prose(self._heading, classes="title")
            yield self._field
            yield self._table
            yield Prose(_KEYS, classes="keys")

    def on_mount(self) -> None:
        """Show all."""
        self._narrow("")

    def on_input_changed(self, event: Input.Changed) -> None:
        """Show what fits."""
        event.stop()
        self._narrow(event.value.strip())

    def _narrow(self, text: str) -> None:
        self._table.show([_row(key, self._commands[key]) for key in self._fitting(text)])
        self._table.mark_first()

    def _fitting(self, text: str) -> list[str]:
        """Return the keys of what fits ``text``, the best first; all where there is none."""
        if not text:
            return list(self._commands)
        matcher = Matcher(text)
        scores = {key: matcher.match(command.does) for key, command in self._commands.items()}
        fitting = [key for key, score in scores.items() if score > 0]
        return sorted(fitting, key=scores.__getitem__, reverse=True)

    def on_key(self, event: events.Key) -> None:
        """Move the mark."""
        if event.key in STEPS:
            event.stop()
            self._table.move(STEPS[event.key])

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Do the marked one."""
        event.stop()
        self._table.pick()

    def on_table_picked(self, event: Table.Picked) -> None:
        """Do this one."""
        event.stop()
        self.dismiss(self._commands[event.key])


def _row(key: str, command: PaletteCommand) -> TableLine:
    return TableLine(key, (command.does, command.key))


TOLD_S = 12.0
"""Seconds that it stays said what was done; what is wrong stays until it is right again."""

_IN_A_ROW = 5
_GAP = 2


class Heading(Widget, inherit_bindings=False):
    """The service's name at the left, who is logged in at the right."""

    def __init__(self, service: str, me: Actor) -> None:
        super().__init__()
        self._service = printable(service)
        self._who = f"{printable(me.name)} · {me.role.value}"

    def render(self) -> Content:
        """Cut the service's name where both are too long."""
        width = self.content_size.width
        room = max(0, width - cell_len(self._who) - 2)
        line = spread(_cut(self._service, room), self._who, width)
        return Content(line).stylize("bold", 0, len(line) - len(self._who))


class Bar(Zones, inherit_bindings=False):
    """The pages, each with its key: in one row where there is room, else in two."""

    def __init__(self, pages: Sequence[tuple[int, str]], go_to: Callable[[str], None]) -> None:
        super().__init__()
        self._pages = tuple(pages)
        self._go_to = go_to
        self._current = ""

    def mark(self, name: str) -> None:
        """Mark the page that shows."""
        self._current = name
        self.refresh()

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """One row, or two."""
        return 1 if self._wide(width) else 2

    def zones(self, width: int) -> Sequence[Zone]:
        """Lay the pages out."""
        if self._wide(width):
            widths = self._widths(self._pages)
            gap = _GAP if sum(widths) + _GAP * len(widths) <= width else 0
            return self._row(self._pages, 0, [w + gap for w in widths])
        column = max(1, width // _IN_A_ROW)
        return [
            zone
            for y in range(2)
            for zone in self._row(
                self._pages[y * _IN_A_ROW : (y + 1) * _IN_A_ROW], y, [column] * _IN_A_ROW
            )
        ]

    def _row(self, pages: Sequence[tuple[int, str]], y: int, widths: Sequence[int]) -> list[Zone]:
        return [
            Zone(sum(widths[:i]), y, self._parts(key, name), self._pressed(name))
            for i, (key, name) in enumerate(pages)
        ]

    def _parts(self, key: int, name: str) -> tuple[tuple[str, str], ...]:
        if name == self._current:
            return ((f" F{key} {name} ", "bold $on-brand on $brand"),)
        return ((f" F{key} ", "$brand"), (f"{name} ", "$ink"))

    def _pressed(self, name: str) -> Callable[[], None]:
        return lambda: self._go_to(name)

    def _widths(self, pages: Sequence[tuple[int, str]]) -> list[int]:
        return [len(f" F{key} {name} ") for key, name in pages]

    def _wide(self, width: int) -> bool:
        return sum(self._widths(self._pages)) <= width


class Tidings(Prose, inherit_bindings=False):
    """What was done, or what is wrong, over the last rows of the page; a click takes it away."""

    def __init__(self) -> None:
        super().__init__("", classes="tidings")
        self.display = False
        self._over: Timer | None = None

    def done(self, text: str) -> None:
        """Say what was done."""
        self._put(f"✓ {text}", wrong=False)

    def wrong(self, text: str) -> None:
        """Say what is wrong."""
        self._put(f"! {text}", wrong=True)

    def clear_wrong(self) -> None:
        """Say no more that something is wrong."""
        if self.has_class("-wrong"):
            self.clear()

    def clear(self) -> None:
        """Say nothing."""
        self.display = False

    def on_click(self) -> None:
        """Say nothing more."""
        self.clear()

    def _put(self, text: str, *, wrong: bool) -> None:
        self.set_class(wrong, "-wrong")
        self.say(text)
        self.display = True
        if self._over is not None:
            self._over.stop()
        self._over = None if wrong else self.set_timer(TOLD_S, self.clear)


class Keys(Zones, inherit_bindings=False):
    """The keys of the page that shows; those of the application at the right."""

    def __init__(self, *always: KeyHint) -> None:
        super().__init__()
        self._always = always

    def on_mount(self) -> None:
        """Draw anew whenever other keys count."""
        self.screen.bindings_updated_signal.subscribe(self, self._changed)

    def _changed(self, _screen: Screen[object]) -> None:
        self.refresh()

    def zones(self, width: int) -> Sequence[Zone]:
        """Put as many as there is room for, and those at the right; the first of them gives way."""
        keys = list(keys_of(self.screen))
        always = self._always
        if sum(_length(key) + _GAP for key in (*keys, *always)) > width:
            always = always[1:]
        right = width - sum(_length(key) + _GAP for key in always) + _GAP
        zones: list[Zone] = []
        at = 0
        for key in keys:
            if at + _length(key) + _GAP > right:
                break
            zones.append(_zone(key, at))
            at += _length(key) + _GAP
        for key in always:
            zones.append(_zone(key, right))
            right += _length(key) + _GAP
        return zones


def _zone(key: KeyHint, x: int) -> Zone:
    strong = "bold $brand" if key.enabled else "$quiet"
    return Zone(x, 0, ((label_of(key.key), strong), (f" {key.does}", "$quiet")), key.press)


def _length(key: KeyHint) -> int:
    return cell_len(f"{label_of(key.key)} {key.does}")


def _cut(text: str, room: int) -> str:
    return text if cell_len(text) <= room else f"{text[: max(0, room - 1)]}…"
