"""A PIV card that takes another PUK and answers 6A80: its PUK must not be lost."""

from __future__ import annotations

import pytest

from hardware.virtual.piv import new_card
from kiosk.authority.crypto.sealing import SealKind, SealLabel
from kiosk.contract.messages import CardId, Finished, Purpose, VisitOpened
from kiosk.contract.sensitive import Sensitive
from tests.authority.card_in_reader import ENDS
from tests.authority.headless_station import Desk
from tests.authority.world import PUK, World
from tests.support.pcsc import Insert

pytestmark = pytest.mark.hardware

CHANGE, WRONG_DATA = 0x24, b"\x6a\x80"


class RefusingAfterwards:
    """Carries out CHANGE REFERENCE DATA as it should, and says that it did not."""

    def __init__(self) -> None:
        self.card = new_card(holder_name="Asha Okafor", puk=PUK, expires=ENDS, blocked=True)
        self.lies = True

    @property
    def atr(self) -> bytes:
        return self.card.atr

    def reset(self) -> None:
        self.card.reset()

    def transmit(self, command: bytes) -> bytes:
        answer = self.card.transmit(command)
        return WRONG_DATA if self.lies and command[1] == CHANGE else answer

    @property
    def puk(self) -> str:
        return self.card.state.puk.body.rstrip(b"\xff").decode()


def test_puk_that_was_changed_and_refused_is_found_by_one_wrong_try(
    world: World, insert: Insert
) -> None:
    chip = RefusingAfterwards()
    card = world.registered_card(identifier=chip.card.state.guid.hex(), secret_limit=3)
    reader = insert(chip).reader
    assert _unlock(world, reader) == Finished(Purpose.UNLOCK)
    taken = chip.puk
    assert taken != PUK
    with world.store.read() as uow:
        [kept] = uow.kept_secrets.former(card.id)
    assert kept.refused

    chip.card.state.pin.left, chip.lies = 0, False
    world.clock.forward(hours=1)
    assert _unlock(world, reader) == Finished(Purpose.UNLOCK)
    refused = [event.detail for event in world.events() if event.kind == "unblock-refused"]
    assert [one["tries_left"] for one in refused] == [2], "one wrong try, never the last"
    assert chip.card.state.puk.left == 3
    sealed = world.card(card).sealed_secret
    assert sealed is not None
    label = SealLabel(CardId(card.driver, card.identifier), SealKind.UNBLOCK, sealed.revision)
    assert world.parts.sealer.open(sealed, label) == Sensitive(chip.puk)


def _unlock(world: World, reader: str) -> object:
    desk = Desk(world)
    opened = desk.open(reader)
    assert isinstance(opened.reply, VisitOpened), opened.reply
    desk.pass_every_factor()
    return desk.unblock(desk.at)
