"""The pages on which the holder has nothing to enter: busy, refused, done."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widget import Widget

from kiosk.contract.messages import Purpose, reference_of
from kiosk.contract.sensitive import Sensitive
from kiosk.contract.text import shown_saved_code
from kiosk.station.events import Stayed
from kiosk.station.states import (
    NotReached,
    Reading,
    Refused,
    RemoveCard,
    StillThere,
    Success,
    Working,
)
from screens.kiosk.page import HelpBox, Page, PageContext
from screens.widgets.pictures import ActivityIndicator, CountdownBar, Direction, Drawing, Tick
from screens.widgets.prose import Prose
from screens.words import choices, frame, pad, reasons, saved, waiting


class RefusedPage(Page, inherit_bindings=False):
    panel_class = "-refused"

    state: Refused

    def content(self) -> Iterator[Widget]:
        again, look = "", self.context.look
        if self.state.retry_at:
            now = self.context.wall_clock()
            again = frame.time_of_day(self.state.retry_at, now, look.zone)
        words = reasons.refusal(self.state.reason, again)
        yield Prose(words.title, "title")
        yield Prose(words.happened, "text paragraph")
        todo = Content.assemble((f"{reasons.TODO_LABEL}\n", "bold"), words.todo)
        yield Prose(todo, "text paragraph todo")
        if words.ends_without_menu:
            yield Prose(reasons.NOT_ME, "text paragraph todo")
        yield HelpBox(look, reference_of(self.visit))
        yield self.actions(primary=self.finish_button())


class SuccessPage(Page, inherit_bindings=False):
    panel_class = "-done"

    state: Success

    def content(self) -> Iterator[Widget]:
        title, text = choices.success(self.state.purpose, self.state.counts_in_s)
        sentences = tuple(self._about_the_card(text))
        has_more = self.state.saved_code is not None or self.state.saved_codes
        self.set_class(has_more or len(sentences) > 1, "-with-more")
        yield Tick(roomy=self.shape.is_roomy)
        yield Prose(title, "title")
        yield Prose(" ".join(f"{each}" for each in sentences), "text paragraph")
        if self.state.saved_code is not None:
            yield Prose(saved.FRESH)
            code = shown_saved_code(self.state.saved_code.reveal())
            yield Prose(code, "strong paragraph codes")
        if self.state.saved_codes:
            yield Prose(saved.offer(), "text paragraph")
        yield Prose(choices.SUCCESS_NEXT, "strong")
        yield self.actions(primary=self.finish_button())

    def _about_the_card(self, text: str) -> Iterator[str]:
        """Yield ``text``, or what it says in more detail of a card that was tried out."""
        check = self.state.visit.check
        signs = check.signs if check is not None else None
        if signs is None or self.state.purpose is not Purpose.UNLOCK:
            yield text
        if signs is not None:
            yield choices.CARD_SIGNED if signs else choices.CARD_DID_NOT_SIGN
        if check is not None and check.expires_at is not None:
            soon = timedelta(days=self.state.expires_soon_days)
            is_soon = check.expires_at - self.context.wall_clock() <= soon
            yield choices.card_expires(check.expires_at, is_soon=is_soon)


class RemoveCardPage(Page, inherit_bindings=False):
    state: RemoveCard

    def content(self) -> Iterator[Widget]:
        yield Prose(waiting.REMOVE_TITLE, "title")
        yield Prose(waiting.REMOVALS[self.state.reason], "text paragraph")
        yield Drawing(Direction.OUT, self.context.look)
        yield Prose(waiting.REMOVE_AGAIN)


class NotReachedPage(Page, inherit_bindings=False):
    state: NotReached

    def content(self) -> Iterator[Widget]:
        yield Prose(choices.NOT_REACHED_TITLE, "title")
        text = pad.AWAY if self.state.work.on_pad else choices.NOT_REACHED_TEXT
        yield Prose(text, "text paragraph")
        yield Prose(choices.NOT_REACHED_HELP)
        yield self.actions(self.stop_button(), primary=self.try_again_button())


class WaitingPage(Page, inherit_bindings=False):
    state: Reading | Working

    def content(self) -> Iterator[Widget]:
        title: str = waiting.READING_TITLE
        text: str = waiting.READING_TEXT
        if isinstance(self.state, Working):
            title, text = waiting.WORKS[self.state.work]
        yield Prose(title, "title")
        yield Prose(waiting.BUSY_TEXT if self.state.repeats else text, "text paragraph")
        yield ActivityIndicator(self.context.look)
        yield Drawing(Direction.REST, self.context.look)


_TICK_S = 0.5


class StillTherePage(Page, ModalScreen[None], inherit_bindings=False):
    """Any key and any touch says yes, and does nothing else."""

    state: StillThere

    def __init__(self, context: PageContext, state: StillThere) -> None:
        super().__init__(context, state)
        self._since = context.now()
        self._left = Prose("", "strong")
        self._countdown = CountdownBar()

    def compose(self) -> ComposeResult:
        yield Vertical(*self.content(), classes="box")

    def content(self) -> Iterator[Widget]:
        yield Prose(waiting.STILL_THERE_TITLE, "title")
        yield Prose(waiting.STILL_THERE_TEXT, "text paragraph")
        yield self._left
        yield self._countdown
        self._count_down()

    def on_mount(self) -> None:
        self.set_interval(_TICK_S, self._count_down)

    def on_key(self, event: events.Key) -> None:
        event.stop()
        event.prevent_default()
        self.is_held(event)  # the page below must not take its repetitions
        self._stay()

    def on_mouse_down(self, event: events.MouseDown) -> None:
        event.stop()
        self._stay()

    def scanned(self, text: Sensitive) -> None:
        self._stay()

    def _stay(self) -> None:
        self.report(Stayed(self.visit))

    def _count_down(self) -> None:
        whole = self.context.look.still_s
        left = max(0.0, whole - (self.context.now() - self._since))
        self._left.say(waiting.still_there_end(round(left)))
        self._countdown.left = left / whole
