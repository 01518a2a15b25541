"""The parts of a person's page: who, why they can or cannot unlock, what can be done, facts."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.cells import cell_len
from textual.containers import Vertical
from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget

from kiosk.administration.views.people import Person
from screens.admin.keys import label_of
from screens.admin.people_standing import standing
from screens.admin.person_deeds import Deed
from screens.admin.points import Point, Points
from screens.admin.zones import Zone, Zones
from screens.widgets.prose import Prose, printable

_GAP = 2


class WhoLine(Widget, inherit_bindings=False):
    """Name, number and address, and how they stand at the right end."""

    def __init__(self) -> None:
        super().__init__()
        self._person: Person | None = None

    def show(self, person: Person | None) -> None:
        """Show ``person``."""
        self._person = person
        self.refresh()

    def render(self) -> Content:
        """Cut the address where there is no room for it all."""
        if self._person is None:
            return Content("")
        person, width = self._person, self.content_size.width
        right = standing(person.standing)
        left = Content.assemble(
            (printable(person.name), "bold"),
            f"  {printable(person.number)}",
            (f"  {printable(person.email) or 'no email yet'}", "$quiet"),
        )
        room = max(0, width - right.cell_length - _GAP)
        return left.truncate(room, ellipsis=True, pad=True) + Content(" " * _GAP) + right


class Verdict(Vertical):
    """Why they can or cannot unlock, and what to do next: to be read out as it stands."""

    def __init__(self) -> None:
        self._headline = Prose("", "headline")
        self._advice = Prose("", "advice")
        super().__init__(self._headline, self._advice)

    def show(self, person: Person) -> None:
        """Show both sentences, the first with a sign."""
        self.set_class(not person.can_unlock, "-cannot")
        self._headline.say(f"{'✓' if person.can_unlock else '✗'} {person.headline}")
        self._advice.say(f"→ {person.advice}" if person.advice else "")
        self._advice.display = bool(person.advice)

    def say(self, text: str) -> None:
        """Say something else while there is nobody to show."""
        self.set_class(True, "-cannot")
        self._headline.say(text)
        self._advice.display = False


class Deeds(Zones, inherit_bindings=False):
    """What can be done now, each with its key, in as many columns as there is room for."""

    def __init__(self, press: Callable[[Deed], None]) -> None:
        super().__init__()
        self._press = press
        self._deeds: tuple[Deed, ...] = ()

    def show(self, deeds: Sequence[Deed]) -> None:
        """Offer ``deeds``."""
        self._deeds = tuple(deeds)
        self.display = bool(deeds)
        self.refresh(layout=True)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As many rows as it takes."""
        columns = self._columns(width)
        return -(-len(self._deeds) // columns)

    def zones(self, width: int) -> Sequence[Zone]:
        """Lay them out row by row."""
        columns = self._columns(width)
        column = max(1, width // columns)
        return [
            Zone((i % columns) * column, i // columns, _parts(deed), self._pressed(deed))
            for i, deed in enumerate(self._deeds)
        ]

    def _pressed(self, deed: Deed) -> Callable[[], None]:
        return lambda: self._press(deed)

    def _columns(self, width: int) -> int:
        widest = max((_width(deed) for deed in self._deeds), default=1) + _GAP
        return max(1, (width + _GAP) // widest)


class Facts(Vertical):
    """A heading and lines below it; nothing where there are none."""

    def __init__(self, heading: str) -> None:
        self._points = Points()
        super().__init__(Prose(heading, "heading"), self._points)

    def show(self, points: Sequence[Point]) -> None:
        """Show ``points``."""
        self.display = bool(points)
        self._points.show(points)


def _parts(deed: Deed) -> tuple[tuple[str, str], ...]:
    return ((f" {label_of(deed.key)} ", "bold $brand on $ground"), (f" {deed.label}", "$ink"))


def _width(deed: Deed) -> int:
    return sum(cell_len(text) for text, _style in _parts(deed))
