"""A whole visit at the real loop and the real screens leaves no PIN, answer or code reachable.

What is looked for is reachable from something that lives. CPython does not wipe what was freed;
docs/security.md says what that leaves.
"""

from __future__ import annotations

import asyncio
import weakref
from dataclasses import dataclass, field

from textual.screen import Screen

from kiosk.contract.errors import PinRefused, PinWrong
from kiosk.contract.messages import (
    CardReport,
    Grant,
    Heartbeat,
    JournalId,
    PinChallenge,
    PinEntry,
    PinState,
    Purpose,
)
from kiosk.contract.ports import CardAddress, CardInserted, CardRemoved, PostReaderEvent
from kiosk.contract.sensitive import Sensitive
from kiosk.station.executor import Actions
from kiosk.station.loop import IdleTimes, StationLoop
from screens.kiosk.app import AttractPage
from screens.kiosk.choices import ConfirmOwnerPage, MenuPage
from screens.kiosk.codes import CodeEntryPage
from screens.kiosk.ends import SuccessPage
from screens.kiosk.page import Page
from screens.kiosk.pin import EnterPinPage, NewPinPage, RepeatPinPage
from screens.kiosk.questions import AskQuestionPage
from tests.screens.idle_app import still
from tests.screens.kiosk.clocked import Watch
from tests.screens.kiosk.pictures import STILL, PictureApp
from tests.screens.pilots import settled, type_keys
from tests.station.fakes import FakeAuthority, FakeCards
from tests.station.monitor import FakeMonitor
from tests.support.reachable import digits, fresh_pin, holders_of, letters


@dataclass
class ForgetfulCards(FakeCards):
    """Keeps no PIN; ``at_verify`` and ``at_change`` are raised once each."""

    at_verify: list[Exception] = field(default_factory=list)
    at_change: list[Exception] = field(default_factory=list)
    blocked: bool = True

    def read(self, reader: str) -> CardReport:
        tries = 0 if self.blocked else 3
        return CardReport(self.card, PinState(blocked=self.blocked, tries_left=tries))

    def verify_pin(
        self, at: CardAddress, pin: PinEntry, challenge: PinChallenge | None = None
    ) -> None:
        if self.at_verify:
            raise self.at_verify.pop()

    def change_pin(self, at: CardAddress, current: PinEntry, new: PinEntry) -> None:
        if self.at_change:
            raise self.at_change.pop()

    def _enter(self, pin: PinEntry) -> str:
        return ""

    def change_secret(self, current: Sensitive, new: Sensitive) -> None:
        pass


@dataclass
class ForgetfulAuthority(FakeAuthority):
    """Releases a secret that it does not keep."""

    released_text: list[str] = field(default_factory=list)

    def release(self, *_: object) -> Grant:
        return Grant(JournalId("j1"), Sensitive(self.released_text.pop()))


@dataclass
class Visited:
    """A station that a visit is lived at."""

    app: PictureApp
    loop: StationLoop
    monitors: list[FakeMonitor]
    used: weakref.ref[Screen[object]] | None = None

    async def page(self, kind: type[Page]) -> None:
        """Wait until a new page of this kind is up and drawn."""
        try:
            async with asyncio.timeout(300):
                while not self._is_up(kind):
                    await asyncio.sleep(0.01)
        except TimeoutError:
            raise AssertionError(f"{self.app.screen} is up, not {kind.__name__}") from None
        self.used = weakref.ref(self.app.screen)

    def _is_up(self, kind: type[Page]) -> bool:
        screen = self.app.screen
        is_new = self.used is None or screen is not self.used()
        return is_new and isinstance(screen, kind) and screen.drawn.is_set()

    def card(self, *, inserted: bool) -> None:
        self.monitors[0].post(CardInserted("R", 1) if inserted else CardRemoved("R", 1))


def station(cards: FakeCards, authority: FakeAuthority) -> Visited:
    monitors: list[FakeMonitor] = []

    def monitor(post: PostReaderEvent) -> FakeMonitor:
        monitors.append(FakeMonitor(post))
        return monitors[-1]

    def fault(*_: object) -> None:
        raise AssertionError("the visit ended in a fault")

    actions = Actions(authority, cards, Heartbeat())
    loop = StationLoop(actions, monitor, fault, IdleTimes(3600, 20, 0.05))
    return Visited(PictureApp(loop, STILL, lambda error: None, now=Watch()), loop, monitors)


async def test_an_unlock_leaves_nothing() -> None:
    pin, code, puk, answers = fresh_pin(), digits(8), digits(8), (letters(), letters())
    authority = ForgetfulAuthority(released_text=[puk[:4] + puk[4:]])
    here = station(ForgetfulCards(), authority)
    async with here.app.run_test() as pilot:
        await here.page(AttractPage)
        here.card(inserted=True)
        await here.page(ConfirmOwnerPage)
        await type_keys(pilot, ("right", "enter"))
        for answer in answers:
            await here.page(AskQuestionPage)
            await type_keys(pilot, (*answer, "enter"))
        await here.page(CodeEntryPage)
        await type_keys(pilot, (*code, "enter"))
        for kind in (NewPinPage, RepeatPinPage):
            await here.page(kind)
            await type_keys(pilot, (*pin, "enter"))
        await here.page(SuccessPage)
        here.card(inserted=False)
        await here.page(AttractPage)
        await settled(pilot)
        await nothing_holds(pin, code, puk, *answers)


async def test_a_changed_pin_leaves_nothing_after_a_wrong_and_a_refused_one() -> None:
    old, new, weak = fresh_pin(), fresh_pin(), fresh_pin()
    cards = ForgetfulCards(
        blocked=False, at_verify=[PinWrong(2)], at_change=[PinRefused("history")]
    )
    here = station(cards, ForgetfulAuthority(offers=(Purpose.CHANGE_PIN,)))
    async with here.app.run_test() as pilot:
        await here.page(AttractPage)
        here.card(inserted=True)
        await here.page(MenuPage)
        await type_keys(pilot, ("1",))
        for entered in (old, old):
            await here.page(EnterPinPage)
            await type_keys(pilot, (*entered, "enter"))
        for entered in (weak, new):
            for kind in (NewPinPage, RepeatPinPage):
                await here.page(kind)
                await type_keys(pilot, (*entered, "enter"))
        await here.page(SuccessPage)
        here.card(inserted=False)
        await here.page(AttractPage)
        await settled(pilot)
        await nothing_holds(old, new, weak)


async def nothing_holds(*secrets: str) -> None:
    """Wait until nothing holds any of them.

    asyncio keeps a cancelled timer, with the context in which a page made it, until its time has
    come: for a page that has just gone that is a second, the longest that its timers have. By the
    loop's clock, that is, which stands still while the memory is searched. So that passes first: to
    go through the memory is most of the work.
    """
    loop = asyncio.get_running_loop()
    await still(1.5)
    end = loop.time() + 20
    while holders := holders_of(*secrets):
        assert loop.time() < end, holders
        await asyncio.sleep(0.5)


def test_the_search_finds_what_is_kept() -> None:
    """All at once: to go through the memory is most of the work."""
    texts = sensitive, text, raw = letters(), letters(), letters()
    kept = [
        Sensitive(sensitive[:5] + sensitive[5:]),
        f"<{text}>",
        raw.encode(),
    ]
    assert set(holders_of(*texts)) == {0, 1, 2}
    kept.clear()
    assert not holders_of(*texts)
