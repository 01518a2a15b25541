"""A person whose card speaks through a PKCS#11 module, from registration to a new PIN.

The station is the installed program on pcscd, and the token is SoftHSM's: its module does
all the work, under the name of the reader in which the card lies.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hardware.pkcs11.cards import NAME
from kiosk.contract.errors import PinWrong
from kiosk.contract.messages import CardId, Purpose
from tests.e2e import records
from tests.e2e.conftest import MakeWorld
from tests.e2e.people import Person
from tests.e2e.visitor import Visitor
from tests.e2e.world import HASTY
from tests.hardware.pkcs11.tokens import NEW, NEW_SO, PIN, SO_PIN, named_module, new_token
from tests.support.hotplug import HotplugPcscd

pytestmark = [pytest.mark.hardware, pytest.mark.terminal]

SELECT, REFUSED = 0xA4, bytes.fromhex("6a82")
SOFTHSM_CONF = "SOFTHSM2_CONF"


class Stranger:
    """A card of no family: it has no application that anybody asks for."""

    atr = bytes.fromhex("3b80800101")

    def __init__(self) -> None:
        self.received: list[bytes] = []

    def reset(self) -> None:
        """Have nothing to forget."""

    def transmit(self, command: bytes) -> bytes:
        """Refuse one APDU."""
        self.received.append(command)
        return REFUSED


def test_registers_and_unlocks_a_token_of_softhsm(
    make_world: MakeWorld, pcscd: HotplugPcscd, tmp_path: Path
) -> None:
    token = new_token(tmp_path / "softhsm")
    module = named_module(tmp_path, pcscd.reader_names[0])
    world = make_world(pkcs11={"module": str(module)})
    card, named = Stranger(), CardId(NAME, token.serial)
    dee = Person("900100200303", "Dee Lister", PIN.reveal(), SO_PIN.reveal(), card)  # type: ignore[arg-type]
    world.take_in(dee, named)

    station = world.station(program=HASTY, environ={SOFTHSM_CONF: token.environ[SOFTHSM_CONF]})
    visitor = Visitor(world, dee, station)
    visitor.comes().chooses(Purpose.REGISTER).proves_pin().shows_that_it_is_them()
    visitor.registers_answers().confirms_email().finishes(Purpose.REGISTER)
    visitor.goes()
    visitor.comes().chooses(Purpose.UNLOCK).unlocks().answers()  # SoftHSM locks no PIN
    visitor.awaits_code(Purpose.UNLOCK).enters_code(world.read_code(dee.email))
    visitor.sets_pin(NEW.reveal()).finishes(Purpose.UNLOCK)
    visitor.goes()

    cards, secret = token.cards(), records.unblock_secret(world, named)
    cards.verify_pin(token.at, NEW)
    with pytest.raises(PinWrong):
        cards.hold(token.at, lambda held: held.unblock(SO_PIN, PIN))
    cards.hold(token.at, lambda held: held.change_secret(secret, NEW_SO))
    assert {apdu[1] for apdu in card.received} == {SELECT}, "no PIN goes to a stranger"
    verdict = world.kiosk("audit", "verify", check=True)
    assert re.search(r"\d+ rows? and \d+ anchors? fit", verdict.stdout)
