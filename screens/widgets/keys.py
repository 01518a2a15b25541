"""Things to press: buttons, rows of a list, letters and digits for touch."""

from __future__ import annotations

import itertools
from collections.abc import Callable

from textual import events
from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from screens.widgets.prose import printable, spread
from screens.words import frame


class Pressable(Widget, inherit_bindings=False):
    """Something that a touch presses, or a key once it is selected, which ``pointer`` shows."""

    selected = reactive(False, toggle_class="-selected")
    """Whether it is the one that Enter presses."""

    def __init__(
        self, label: str, press: Callable[[], object], pointer: str, classes: str = ""
    ) -> None:
        super().__init__(classes=classes)
        self.label = printable(label)
        self._press = press
        self._pointer = pointer
        self.enabled = True

    def press(self) -> None:
        if self.enabled:
            self._press()

    def relabel(self, label: str, enabled: bool = True) -> None:
        label = printable(label)
        if (self.label, self.enabled) != (label, enabled):
            self.label, self.enabled = label, enabled
            self.set_class(not enabled, "-off")
            self.refresh(layout=True)

    def on_click(self, event: events.Click) -> None:
        """Press it by a touch; the page says why a disabled one cannot be pressed."""
        if self.enabled:
            event.stop()
            self.press()

    @property
    def mark(self) -> str:
        return self._pointer if self.selected else " "


class BigButton(Pressable, inherit_bindings=False):
    def __init__(
        self, label: str, press: Callable[[], object], pointer: str, *, primary: bool = False
    ) -> None:
        super().__init__(label, press, pointer, "-primary" if primary else "-secondary")

    def render(self) -> Content:
        """Show the label with room for the mark on both sides, so that nothing moves."""
        return Content(f"{self.mark} {self.label}  ")


class Choice(Pressable, inherit_bindings=False):
    def __init__(
        self, number: int, label: str, press: Callable[[], object], aside: str, pointer: str
    ) -> None:
        super().__init__(label, press, pointer)
        self._number = number
        self._aside = str(aside)

    def say(self, label: str, aside: str) -> None:
        if (self.label, self._aside) != (printable(label), str(aside)):
            self.label, self._aside = printable(label), str(aside)
            self.refresh()

    def render(self) -> Content:
        """Show number, label and what stands at the right; a long label goes on below itself."""
        head = f"{self.mark} {self._number}  "
        width = self.content_size.width
        if self._aside:
            line = spread(head + self.label, self._aside, width)
            return Content(line).stylize("bold", 0, len(head) + len(self.label))
        lines = Content(self.label).wrap(max(1, width - len(head)))
        label = ("\n" + " " * len(head)).join(line.plain.rstrip() for line in lines)
        return Content(head + label).stylize("bold", 0, len(head))


# Keys for touch: a touched key is shown as pressed for a moment.

_FLASH_S = 0.12


class TouchKeys(Widget, inherit_bindings=False):
    """Calls ``press`` with the touched key; subclasses draw their keys and define ``key_at``."""

    def __init__(self, press: Callable[[str], object]) -> None:
        super().__init__()
        self._press = press
        self._down = ""

    def key_at(self, x: int, y: int) -> str:
        """Return the key in this cell, "" where there is none."""
        raise NotImplementedError

    def style_of(self, key: str) -> str:
        return "bold $on-brand on $brand" if key == self._down else "bold $ink"

    def on_mouse_down(self, event: events.MouseDown) -> None:
        event.stop()
        if key := self.key_at(event.x, event.y):
            self._down = key
            self.refresh()
            self.set_timer(_FLASH_S, self._let_go)
            self._press(key)

    def _let_go(self) -> None:
        self._down = ""
        self.refresh()


# Letters for touch: four rows of eleven keys in a grid with shared borders.
#
# There is no Shift: answers and addresses mean the same in capitals.

_COLUMNS, _LETTER_ROWS = 11, 4
_WIDE = 3
CLEAR, ERASE, SPACE = "clear", "backspace", " "
_LETTER_LABELS = {ERASE: frame.ERASE_SIGN, SPACE: frame.SPACE_KEY}
_WALLS = {
    "ud": "│", "lr": "─", "rd": "┌", "ld": "┐", "ru": "└", "lu": "┘", "rud": "├", "lud": "┤",
    "lrd": "┬", "lru": "┴", "lrud": "┼",
}  # fmt: skip

Row = tuple[tuple[str, int], ...]


def _keys(single: str, *more: str) -> Row:
    return tuple((key, 1) for key in (*single, *more))


_TOP = _keys("1234567890", ERASE), _keys("qwertyuiop-")
_BOTTOM = _keys("zxcvbnm.")
ANSWER_KEYS = (*_TOP, _keys("asdfghjkl'&"), (*_BOTTOM, (SPACE, _WIDE)))
EMAIL_KEYS = (*_TOP, _keys("asdfghjkl_+"), (*_BOTTOM, ("@", _WIDE)))


class Keyboard(TouchKeys, inherit_bindings=False):
    """Calls ``press`` with the character of a key, or ``backspace``."""

    def __init__(self, rows: tuple[Row, ...], press: Callable[[str], object]) -> None:
        super().__init__(press)
        self._rows = rows

    @property
    def _pitch(self) -> tuple[int, int]:
        width, height = self.content_size
        return max(2, (width - 1) // _COLUMNS), max(2, (height - 1) // _LETTER_ROWS)

    def render(self) -> Content:
        _, high = self._pitch
        lines: list[Content] = []
        for number, row in enumerate(self._rows):
            lines.append(Content(self._wall(number)))
            lines.extend(self._face(row, line) for line in range(high - 1))
        lines.append(Content(self._wall(len(self._rows))))
        return Content("\n").join(lines)

    def _face(self, row: Row, line: int) -> Content:
        wide, high = self._pitch
        parts: list[tuple[str, str]] = [("│", "")]
        for key, span in row:
            label = str(_LETTER_LABELS.get(key, key)) if line == (high - 1) // 2 else ""
            parts += [(label.center(wide * span - 1), self.style_of(key)), ("│", "")]
        return Content.assemble(*parts)

    def _wall(self, number: int) -> str:
        """Draw the border above row ``number``, with a crossing where a key's side meets it."""
        wide, _ = self._pitch
        above = _sides(self._rows[number - 1], wide) if number else set()
        below = _sides(self._rows[number], wide) if number < len(self._rows) else set()
        last = wide * _COLUMNS
        crossings = []
        for x in range(last + 1):
            sides = ("l" if x else "") + ("r" if x < last else "")
            crossings.append(
                _WALLS[sides + ("u" if x in above else "") + ("d" if x in below else "")]
            )
        return "".join(crossings)

    def key_at(self, x: int, y: int) -> str:
        wide, high = self._pitch
        row, column = y // high, x // wide
        if not (0 <= row < len(self._rows) and 0 <= column < _COLUMNS):
            return ""
        return [key for key, span in self._rows[row] for _ in range(span)][column]


def _sides(row: Row, wide: int) -> set[int]:
    return set(itertools.accumulate((span * wide for _, span in row), initial=0))


LEAST_WIDTH, LEAST_HEIGHT = 7, 3
_DIGIT_ROWS = (("1", "2", "3"), ("4", "5", "6"), ("7", "8", "9"), (CLEAR, "0", ERASE))
_DIGIT_LABELS = {CLEAR: frame.CLEAR_KEY, ERASE: frame.ERASE_SIGN}


class Keypad(TouchKeys, inherit_bindings=False):
    """Twelve keys; each calls ``press`` with its digit, ``clear`` or ``backspace``."""

    @property
    def _key_size(self) -> tuple[int, int]:
        width, height = self.content_size
        return max(LEAST_WIDTH, width // 3), max(LEAST_HEIGHT, height // len(_DIGIT_ROWS))

    def render(self) -> Content:
        width, height = self._key_size
        rows = []
        for keys in _DIGIT_ROWS:
            faces = [_face(key, width, height) for key in keys]
            rows += [
                Content.assemble(*zip(face_lines, map(self.style_of, keys), strict=True))
                for face_lines in zip(*faces, strict=True)
            ]
        return Content("\n").join(rows)

    def key_at(self, x: int, y: int) -> str:
        width, height = self._key_size
        row, column = y // height, x // width
        within = 0 <= row < len(_DIGIT_ROWS) and 0 <= column < len(_DIGIT_ROWS[row])
        return _DIGIT_ROWS[row][column] if within else ""


def _face(key: str, width: int, height: int) -> list[str]:
    bar = "─" * (width - 2)
    blank, label = " " * (width - 2), str(_DIGIT_LABELS.get(key, key)).center(width - 2)
    inner = [label if line == (height - 3) // 2 else blank for line in range(height - 2)]
    return [f"┌{bar}┐", *(f"│{line}│" for line in inner), f"└{bar}┘"]
