"""Two people who swap their cards much too fast, at a station on a real reader.

``Crowd`` is the authority: slow, by chance, and it knows whose card is whose. ``Reactor``
stands at the display and does what the person of the page that is up would do, with their
own PINs.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from textual.widgets import Static

from hardware.virtual.piv import VirtualCard, new_card, padded
from kiosk.contract.messages import (
    CardProof,
    CardReport,
    Finished,
    Grant,
    JournalId,
    KeyNonce,
    PinChallenge,
    PinProof,
    PinRules,
    ProvePin,
    Purpose,
    SetPin,
    UnblockOutcome,
    VisitEnd,
    VisitId,
    VisitOpened,
)
from kiosk.contract.sensitive import Sensitive
from kiosk.station import events as e
from kiosk.station import states as s
from tests.e2e.in_process_station import WatchedApp
from tests.station.fakes import FakeAuthority
from tests.support.steps import STEP, offers

SLOWNESS_S = (0.0, 0.03, 0.2)
"""Up to one of these an answer takes: some are still under way two pages into the next visit."""

_SECRET_COMMANDS = (0x20, 0x24, 0x2C)
_BODY = 8


@dataclass
class Holder:
    """One person; their card always knows one of the two ``pins``."""

    name: str
    pins: tuple[str, str]
    puk: str
    card: VirtualCard = field(init=False)

    def __post_init__(self) -> None:
        self.card = new_card(holder_name=self.name, pin=self.pins[0], puk=self.puk)

    @property
    def identifier(self) -> str:
        """What the card is known by."""
        return self.card.state.guid.hex()

    def present_pin(self) -> Sensitive:
        """Return the PIN that the card knows now."""
        knows_first = self.card.state.pin.body == padded(self.pins[0])
        return Sensitive(self.pins[not knows_first])

    def other_pin(self) -> Sensitive:
        """Return the one that it is changed to next."""
        return Sensitive(next(pin for pin in self.pins if pin != self.present_pin().reveal()))

    def strangers(self) -> list[bytes]:
        """Return what the card was sent that is neither a PIN nor the PUK of its holder's."""
        own = {padded(text) for text in (*self.pins, self.puk)}
        sent = [one.data for one in self.card.received if one.ins in _SECRET_COMMANDS]
        bodies = [data[at : at + _BODY] for data in sent for at in range(0, len(data), _BODY)]
        return [body for body in bodies if body not in own]


class Crowd(FakeAuthority):
    """Answers each visit about its own holder, after a while; counts answers that came late.

    What is chosen is answered after ``gate`` opens.
    """

    def __init__(self, holders: tuple[Holder, ...], chance: random.Random) -> None:
        super().__init__()
        self._by_card = {holder.identifier: holder for holder in holders}
        self._chance = chance
        self.holder: dict[VisitId, Holder] = {}
        self.late = 0

    def begin(self, visit: VisitId, report: CardReport) -> VisitOpened:
        self.holder[visit] = self._by_card[report.card.identifier]
        self._dawdle(visit)
        both = offers(Purpose.UNLOCK, Purpose.CHANGE_PIN)
        return VisitOpened(visit, self.holder[visit].name, both)

    def choose(  # type: ignore[override]
        self, visit: VisitId, purpose: Purpose, anew: bool = False
    ) -> ProvePin | SetPin:
        self.waiting.set()
        self.gate.wait(60)
        self._dawdle(visit)
        return (
            ProvePin(position=STEP)
            if purpose is Purpose.CHANGE_PIN
            else SetPin(PinRules(), position=STEP)
        )

    def pin_challenge(self, visit: VisitId) -> PinChallenge:
        return PinChallenge(b"sign this")

    def pin_verified(self, visit: VisitId, proof: PinProof | None) -> SetPin:
        self._dawdle(visit)
        return SetPin(PinRules(), position=STEP)

    def release(
        self, visit: VisitId, attempt: str, proof: CardProof | KeyNonce | None = None
    ) -> Grant:
        self._dawdle(visit)
        return Grant(JournalId(visit), Sensitive(self.holder[visit].puk))

    def record_outcome(
        self, visit: VisitId, journal: JournalId, outcome: UnblockOutcome
    ) -> Finished:
        assert str(journal) == str(visit)
        self.outcomes.append(outcome)
        return Finished(Purpose.UNLOCK)

    def _dawdle(self, visit: VisitId) -> None:
        slowest = self._chance.choice(SLOWNESS_S)
        time.sleep(self._chance.uniform(0, slowest))  # the slow answer itself
        self.late += any(ended == visit for ended, _ in self.ended)

    def ended_how(self) -> set[VisitEnd]:
        """Return how visits ended."""
        return {how for _, how in self.ended}


class SlowChip:
    """A card that takes its time for every answer."""

    def __init__(self, card: VirtualCard, chance: random.Random) -> None:
        self._card = card
        self._chance = chance

    @property
    def atr(self) -> bytes:
        """The card's own."""
        return self._card.atr

    def reset(self) -> None:
        """Reset the card."""
        self._card.reset()

    def transmit(self, command: bytes) -> bytes:
        """Answer after up to four milliseconds."""
        time.sleep(self._chance.uniform(0, 0.004))  # the slow answer itself
        return self._card.transmit(command)


class Reactor(WatchedApp):
    """Looks at each page, and does at once what its holder would do next."""

    crowd: Crowd
    chance: random.Random
    submit: Callable[[e.HolderSide], None]

    def __init__(self, *args: object, **options: object) -> None:
        super().__init__(*args, **options)
        self.mixed: list[str] = []
        self.acts: set[type] = set()

    async def serves(self, holder: Holder) -> bool:
        """Wait for a page of a visit of ``holder``'s; False where they are sent away instead."""

        def is_theirs(state: s.State) -> bool:
            visit = s.visit_of(state)
            return visit is not None and self.crowd.holder.get(visit) is holder

        shown = await self.await_state(
            lambda state: is_theirs(state) or isinstance(state, s.Refused),
            f"a page for {holder.name}",
        )
        return is_theirs(shown)

    async def reads(self) -> bool:
        """Wait until a card is being read; False where its holder is sent away instead."""
        return isinstance(await self.until(s.Reading, s.Refused), s.Reading)

    async def show(self, state: s.State) -> None:
        """Show it, read it, and act."""
        await super().show(state)
        visit = s.visit_of(state)
        self._read(state, self.crowd.holder.get(visit) if visit else None)
        act = self._next_act(state)
        if act is not None:
            self.acts.add(type(state))
            self.submit(act)

    def _read(self, state: s.State, owner: Holder | None) -> None:
        """Note each name on the display that is not the owner's of the visit."""
        texts = [w.render() for w in self.widgets() if isinstance(w, Static)]
        names = {holder.name for holder in self.crowd.holder.values()}
        for name in names - ({owner.name} if owner else set()):
            if any(name in str(text) for text in texts) or name in repr(state):
                self.mixed.append(f"{name} on {type(state).__name__}")

    def _next_act(self, state: s.State) -> e.HolderSide | None:
        match state:
            case s.Menu(visit=visit, offers=offered):
                return e.Chose(visit.id, self.chance.choice(offered).purpose)
            case s.ConfirmOwner(visit=visit):
                return e.Confirmed(visit.id)
            case s.EnterPin(visit=visit):
                return e.PinEntered(visit.id, self.crowd.holder[visit.id].present_pin())
            case s.NewPin(visit=visit):
                return e.PinEntered(visit.id, self.crowd.holder[visit.id].other_pin())
            case s.RepeatPin(visit=visit, pin=chosen):
                return e.PinEntered(visit.id, chosen)
            case _:
                return None
