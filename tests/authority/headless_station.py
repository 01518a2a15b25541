"""A station without a screen, on cards in a real reader."""

from __future__ import annotations

from typing import Final

from hardware.card_access import PcscCards
from hardware.driver import Driver, load_driver
from kiosk.authority.records import new_id
from kiosk.contract.messages import (
    AnswerQuestions,
    Answers,
    Code,
    Factor,
    Heartbeat,
    Purpose,
    SetPin,
    VisitId,
)
from kiosk.contract.ports import CardAddress
from kiosk.contract.sensitive import Sensitive
from kiosk.station.commands import (
    Choose,
    OpenVisit,
    Prepare,
    SubmitEntry,
    UnblockPin,
)
from kiosk.station.events import CardRead, GaveUp, Replied
from kiosk.station.executor import Actions
from tests.authority.station_visit import answers_to
from tests.authority.world import World
from tests.support.routes import route_of

NEW: Final = Sensitive("60514273")
PIV: Final = load_driver("piv", "puk")


class Desk:
    """A station without a screen: each command is carried out, and answered."""

    def __init__(self, world: World, driver: Driver = PIV) -> None:
        self._world = world
        cards = PcscCards([driver])
        self._actions = Actions(world.authority, cards, Heartbeat())
        self.visit = VisitId(new_id())

    def open(self, reader: str) -> CardRead:
        """Read a card, and open the visit; ``at`` is where that card is."""
        read = self._actions.perform(OpenVisit(self.visit, reader))
        assert isinstance(read, CardRead), read
        self.at = CardAddress(reader, read.report.card)
        return read

    def pass_every_factor(self) -> None:
        """Answer, have a code sent, enter it."""
        task = self._reply(Choose(self.visit, Purpose.UNLOCK))
        assert isinstance(task, AnswerQuestions), task
        asked = self._reply(SubmitEntry(self.visit, f"{self.visit}-1", Answers(answers_to(task))))
        self._reply(Prepare(self.visit, "1", Factor.EMAIL_CODE, route_of(asked)))
        task = self._reply(SubmitEntry(self.visit, f"{self.visit}-2", Code(self._world.relay.code)))
        assert isinstance(task, SetPin), task

    def unblock(self, at: CardAddress) -> object:
        """Have the secret released and the PIN set; return the reply, or why it gave up."""
        done = self._actions.perform(UnblockPin(self.visit, at, NEW, "unblock"))
        if isinstance(done, GaveUp):
            return done.reason
        assert isinstance(done, Replied), done
        return done.reply

    def _reply(self, command: Choose | SubmitEntry | Prepare | SubmitEntry) -> object:
        replied = self._actions.perform(command)
        assert isinstance(replied, Replied), replied
        return replied.reply
