"""The station with the demo's strip below it; here, and only here, Ctrl+Q ends it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Protocol

from msgspec.structs import replace
from textual import events
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.reactive import reactive
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Static

from kiosk.station.loop import StationPort
from kiosk.station.states import State
from screens.kiosk.app import KioskApp
from screens.terminal.driver import StationDriver
from screens.terminal.lockdown import OnFault
from screens.theme import Appearance


@dataclass(frozen=True, slots=True)
class DemoCard:
    """One card on the table; ``hint`` is what its holder knows."""

    label: str
    hint: str


class DemoControls(Protocol):
    """The demo's table; calls come from the screen's loop and return at once."""

    @property
    def cards(self) -> tuple[DemoCard, ...]: ...

    @property
    def inserted(self) -> int | None:
        """Which card is in, by its place in ``cards``."""

    def insert(self, index: int) -> None:
        """Insert a card, in place of the one that is in."""

    def remove(self) -> None: ...

    @property
    def unread(self) -> int:
        """How many messages ``read_mail`` has not returned yet."""

    def read_mail(self) -> tuple[str, ...]:
        """What has arrived, oldest first: each mail with its head."""


class DemoDriver(StationDriver):
    """Lets Ctrl+Q through, which ends the demo and no station."""

    more_keys = {"\x11": "ctrl+q"}  # noqa: RUF012 - the base class declares it


class Overlay(ModalScreen[None], inherit_bindings=False):
    """A text over the present page, with its keys on the last line; other keys do nothing."""

    BINDINGS: ClassVar[list[object]] = []  # type: ignore[assignment]
    DEFAULT_CSS = """
    Overlay { align: center middle; background: $ink 60%; }
    Overlay > VerticalScroll {
        width: 80; max-width: 100%; height: 1fr; background: $paper; color: $ink; padding: 1 2;
    }
    Overlay > .keys {
        width: 80; max-width: 100%; height: auto; background: $paper; color: $quiet; padding: 0 2;
    }
    """
    KEYS = ""

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text

    def compose(self) -> ComposeResult:
        with VerticalScroll(can_focus=False):
            yield Static(self._text, id="message", markup=False)
        yield Static(self.KEYS, classes="keys", markup=False)

    def on_key(self, event: events.Key) -> None:
        event.stop()
        if event.key == "escape":
            self.dismiss()
        else:
            self.handle(event.key)

    def handle(self, key: str) -> None:
        """Do the act of ``key``, if it has one."""

    def on_click(self, event: events.Click) -> None:
        event.stop()
        self.dismiss()


class MailPage(Overlay):
    """Shows one message at a time, the newest first."""

    KEYS = "← older  → newer  Page Up, Page Down read  Esc, F9 back"

    def __init__(self, mail: tuple[str, ...]) -> None:
        self._mail = mail
        self._at = len(mail) - 1
        super().__init__(self._message())

    def handle(self, key: str) -> None:
        if key in ("left", "up"):
            self._turn(-1)
        elif key in ("right", "down"):
            self._turn(1)
        elif key == "pageup":
            self.query_one(VerticalScroll).scroll_page_up()
        elif key == "pagedown":
            self.query_one(VerticalScroll).scroll_page_down()
        elif key == "f9":
            self.dismiss()

    def _turn(self, by: int) -> None:
        self._at = min(max(self._at + by, 0), max(len(self._mail) - 1, 0))
        self.query_one("#message", Static).update(self._message())
        self.query_one(VerticalScroll).scroll_home(animate=False)

    def _message(self) -> str:
        if not self._mail:
            return "No mail yet.\n\nA code arrives here when the station sends one."
        return f"Message {self._at + 1} of {len(self._mail)}\n{self._mail[self._at]}"


_WITH_SSH = """\
From another terminal, as staff do, while the visit goes on:

{ssh}

With “second” for “ra” you are the second manager, for what two have to agree to."""
_WITHOUT_SSH = """\
On a machine with openssh-server the demo also shows here how to log in by ssh, as staff do."""


class RaPage(Overlay):
    """Asks before the RA application takes the terminal: the open visit ends then."""

    KEYS = "F10 end the visit, open it here  Esc back"

    def __init__(self, ssh: str, open_ra: Callable[[], None]) -> None:
        self._open_ra = open_ra
        super().__init__(
            "The application of the Registration Authority (RA)\n\n"
            "Here it takes the station's place: the card comes out, and the visit ends.\n\n"
            f"{_WITH_SSH.format(ssh=ssh) if ssh else _WITHOUT_SSH}"
        )

    def handle(self, key: str) -> None:
        if key == "f10":
            self._open_ra()


ROWS = 3
POLL_S = 0.25
"""Seconds between refreshes: mail arrives on another thread."""

_WELCOME = "Demo, nothing is real. F5 to F7: a card. Ctrl+Q ends it.\nThe RA: F10"


class DemoBar:
    """Implements ``ExtraBar``; ``read_mail`` opens the mail, ``open_ra`` the RA's side.

    ``ssh`` is the line that opens it from another terminal; empty where there is no sshd.
    """

    rows = ROWS

    def __init__(
        self,
        bench: DemoControls,
        read_mail: Callable[[], None],
        open_ra: Callable[[], None],
        ssh: str = "",
    ) -> None:
        self._bench = bench
        self._read_mail = read_mail
        self._open_ra = open_ra
        beside = f", or {ssh}" if ssh else ". To log in by ssh, install openssh-server"
        self._welcome = _WELCOME + beside

    def widget(self) -> Widget:
        return StripWidget(self)

    def key(self, key: str) -> bool:
        keys = {f"f{5 + i}": i for i in range(len(self._bench.cards))}
        if key in keys:
            self._bench.insert(keys[key])
        elif key == "f8":
            self._bench.remove()
        elif key == "f9":
            self._read_mail()
        elif key == "f10":
            self._open_ra()
        else:
            return False
        return True

    def items(self, *, short: bool = False) -> list[tuple[str, str, bool]]:
        """The strip's buttons: key, label and whether it stands out."""
        inserted, fresh = self._bench.inserted, self._bench.unread
        labels = [card.label for card in self._bench.cards]
        if short:
            labels = [label.partition(",")[0] for label in labels]
        cards = [(f"f{5 + i}", label, inserted == i) for i, label in enumerate(labels)]
        mail = f"Mail ({fresh})" if fresh > 0 else "Mail"
        out = "Out" if short else "Take out"
        return [*cards, ("f8", out, False), ("f9", mail, fresh > 0), ("f10", "RA", False)]

    @property
    def hint(self) -> str:
        inserted = self._bench.inserted
        return self._welcome if inserted is None else self._bench.cards[inserted].hint


class StripWidget(Widget, inherit_bindings=False):
    _shown: reactive[object] = reactive(None)

    DEFAULT_CSS = """
    StripWidget { dock: bottom; background: $ink; color: $paper; padding: 0 1; }
    """

    def __init__(self, extra_bar: DemoBar) -> None:
        super().__init__()
        self._bar = extra_bar
        self._zones: list[tuple[int, int, str]] = []

    def on_mount(self) -> None:
        self.set_interval(POLL_S, self._look)

    def _look(self) -> None:
        self._shown = self._bar.items(), self._bar.hint

    def render(self) -> Content:
        """One line of buttons and two of hint: a hint that is cut off would hide a PIN."""
        items, hint = self._bar.items(), self._bar.hint
        if sum(len(_button(key, label)) for key, label, _ in items) > self.size.width:
            items = self._bar.items(short=True)
        if any(len(line) > self.size.width for line in hint.split("\n")):
            hint = hint.replace("\n", " ")
        line, self._zones = Content(""), []
        for key, label, strong in items:
            button = Content.styled(_button(key, label), "reverse bold" if strong else "bold")
            self._zones.append((len(line), len(line) + len(button), key))
            line += button
        return line + f"\n{hint}"

    def on_click(self, event: events.Click) -> None:
        event.stop()
        if event.y == 0:
            for start, end, key in self._zones:
                if start <= event.x - 1 < end:
                    self._bar.key(key)


def _button(key: str, label: str) -> str:
    return f" {key.upper()} {label} "


class DemoApp(KioskApp, inherit_bindings=False):
    """Shows the same pages as a station, with the strip."""

    def __init__(
        self,
        station: StationPort,
        look: Appearance,
        on_fault: OnFault,
        bench: DemoControls,
        ssh: str = "",
    ) -> None:
        self._bench = bench
        self.ra_wanted = False
        """Whether it ended to show the RA application in its place."""
        self._ssh = ssh
        extra_bar = DemoBar(bench, self._read_mail, self._ask_for_the_ra, ssh)
        look = replace(look, extra_bar=extra_bar)
        super().__init__(station, look, on_fault, driver_class=DemoDriver)

    async def show(self, state: State) -> None:
        """Show the state; an overlay gives way to it."""
        if isinstance(self.screen, Overlay):
            await self.pop_screen()
        await super().show(state)

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, events.Key) and event.key == "ctrl+q":
            self._close_soon()
            return
        await super().on_event(event)

    def _ask_for_the_ra(self) -> None:
        if self._bench.inserted is None:
            self._leave_for_the_ra()
        else:
            self.push_screen(RaPage(self._ssh, self._leave_for_the_ra))

    def _leave_for_the_ra(self) -> None:
        self.ra_wanted = True
        self._close_soon()

    def _read_mail(self) -> None:
        self.push_screen(MailPage(self._bench.read_mail()))
