"""An OpenPGP card that is torn out while its counter is read costs its holder nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from hardware.driver import load_driver
from hardware.drivers.openpgp import Secret
from hardware.virtual.link import Chip, PulledOutError
from kiosk.config.settings import CardSettings, Settings, stored_secrets
from kiosk.contract.messages import Finished, Purpose, Reason
from tests.authority.headless_station import Desk
from tests.authority.world import PUK, World
from tests.hardware.drivers.openpgp_cards import ForeignCard
from tests.support.faults import Fault, FaultyCard
from tests.support.pcsc import Insert

pytestmark = pytest.mark.hardware

GET_DATA, PASSWORD_STATUS = 0xCA, b"\x00\xc4"


def torn_at_the_counter(card: Chip, command: bytes) -> bytes:
    if command[2:4] == PASSWORD_STATUS:
        raise PulledOutError
    return card.transmit(command)


@pytest.mark.parametrize("which", Secret)
def test_a_card_torn_out_at_its_counter_costs_no_code(
    world: World, insert: Insert, tmp_path: Path, which: Secret
) -> None:
    mine = ForeignCard(tmp_path)
    mine.passwords.pin_data.pw1_retry_counter = 0
    if which is Secret.RESETTING_CODE:
        assert mine.passwords.set_reset_code(PUK, admin_verified=True).is_success
    else:
        assert mine.passwords.change_pw3("12345678", PUK).is_success
    world.secret_kinds = stored_secrets(Settings(cards=CardSettings(openpgp_secret=which)))
    world.restart()
    card = world.registered_card(driver="openpgp", identifier="000001234567")
    faults: dict[int, Fault] = {}
    chip = FaultyCard(mine, faults, times=None)
    seat = insert(chip)
    desk = Desk(world, load_driver("openpgp", which))
    desk.open(seat.reader)
    desk.pass_every_factor()
    faults[GET_DATA] = torn_at_the_counter
    assert desk.unblock(desk.at) is Reason.CARD_UNREADABLE
    assert "secret-released" not in world.kinds()
    assert world.card(card).secret_exposure == 0
    faults.clear()
    seat.remove()
    seat.insert()
    assert desk.unblock(desk.at) == Finished(Purpose.UNLOCK)
