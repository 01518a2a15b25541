"""PINs on a reader's own keys on cards that take them as long as they are, through pcscd."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from hardware.card_access import PcscCards
from hardware.driver import load_driver
from hardware.drivers.openpgp import Secret
from kiosk.contract.errors import PadLeft, PadRefused, PinWrong
from kiosk.contract.messages import KeyChallenge, OnPad
from kiosk.contract.ports import CardAddress, CardHold
from kiosk.contract.sensitive import Sensitive
from tests.hardware.drivers.openpgp_cards import ForeignCard
from tests.support import gids_card
from tests.support.clients import Clients
from tests.support.gids_card import ADMIN_KEY, new_gids_card
from tests.support.pad import EntryEnd, EntryRequest, Pad
from tests.support.pcsc import Insert

pytestmark = pytest.mark.hardware

PIN, NEW, LONG, WRONG = "123456", "60514273", "482915048291", "999999999999"
CODE, ADMIN = Sensitive("73918264"), Sensitive("12345678")
ON_PAD = OnPad(6, 12)


@dataclass(frozen=True)
class Seated:
    """A card in a reader with keys, who acts on it, and how it is unblocked."""

    cards: PcscCards
    at: CardAddress
    unblock: Callable[[CardHold], None]
    reset_header: str


def openpgp(insert: Insert, directory: Path, secret: Secret) -> Seated:
    card = ForeignCard(directory)
    assert card.passwords.set_reset_code(CODE.reveal(), admin_verified=True).is_success
    cards = PcscCards([load_driver("openpgp", secret)])
    reader = insert(card).reader
    known, header = {
        Secret.RESETTING_CODE: (CODE, "002c0081"),
        Secret.ADMIN_PIN: (ADMIN, "002c0281"),
    }[secret]
    at = CardAddress(reader, cards.read(reader).card)
    return Seated(cards, at, lambda held: held.unblock(known, ON_PAD), header)


def gids(insert: Insert) -> Seated:
    cards = PcscCards([load_driver("gids", "admin-key")])
    reader = insert(new_gids_card(pin=PIN)).reader
    at = CardAddress(reader, cards.read(reader).card)
    return Seated(cards, at, reset_with_key, "002c0280")


def reset_with_key(held: CardHold) -> None:
    host = bytes(range(16))
    nonce = held.begin_mutual_authentication(KeyChallenge(host)).nonce
    held.complete_mutual_authentication(gids_card.make(ADMIN_KEY, nonce, host))
    held.reset_pin(ON_PAD)


@pytest.fixture(params=[*Secret, "gids"])
def seated(request: pytest.FixtureRequest, insert: Insert, pad: Pad, tmp_path: Path) -> Seated:
    assert pad.asked == []
    return gids(insert) if request.param == "gids" else openpgp(insert, tmp_path, request.param)


def test_a_card_lives_through_it_all(seated: Seated, pad: Pad) -> None:
    cards, at = seated.cards, seated.at
    assert cards.read(at.reader).pin_pad
    pad.types(PIN)
    cards.verify_pin(at, ON_PAD)
    pad.types(WRONG)
    with pytest.raises(PinWrong) as wrong:
        cards.verify_pin(at, ON_PAD)
    assert wrong.value.tries_left == cards.read(at.reader).pin.tries_left == 2
    pad.types(LONG, LONG, LONG)
    cards.hold(at, seated.unblock)
    cards.verify_pin(at, ON_PAD)
    assert cards.read(at.reader).pin.tries_left == 3
    resets = [asking for asking in pad.asked if asking.header[2:4] == "2c"]
    assert resets == [EntryRequest(seated.reset_header, 2, 6, 12)]
    assert all(asking.whole for asking in pad.asked)


def test_a_pin_is_changed_at_the_station_for_only_the_card_knows_where_it_ends(
    seated: Seated, pad: Pad
) -> None:
    """A digit too many behind the old one would become the first of the new one."""
    cards, at = seated.cards, seated.at
    pad.types(PIN + "7", NEW, NEW)
    with pytest.raises(PadRefused):
        cards.change_pin(at, ON_PAD, ON_PAD)
    assert pad.asked == []
    report = cards.read(at.reader)
    assert (report.pin_pad, report.pad_changes) == (True, False), "all else is done on the keys"
    cards.change_pin(at, Sensitive(PIN), Sensitive(NEW))
    cards.verify_pin(at, Sensitive(NEW))


def test_a_new_pin_that_never_came_leaves_the_old_one(seated: Seated, pad: Pad) -> None:
    cards, at = seated.cards, seated.at
    pad.types(NEW, EntryEnd.CANCELS)
    with pytest.raises(PadLeft):
        cards.hold(at, seated.unblock)
    pad.types(PIN)
    cards.verify_pin(at, ON_PAD)


def test_the_keys_do_for_opensc_what_they_do_for_us(
    insert: Insert, pad: Pad, clients: Clients, tmp_path: Path
) -> None:
    """It, too, changes the PIN of an OpenPGP card with one command that joins both."""
    seated = openpgp(insert, tmp_path, Secret.RESETTING_CODE)
    pad.types(PIN, PIN, NEW, NEW)
    for act in ("--verify-pin", "--change-pin"):
        done = clients.opensc("pkcs15-tool", seated.at.reader, act, "--auth-id", "02")
        assert done.returncode == 0, done.stderr
    assert pad.asked == [EntryRequest("00200082", 1, 6, 12), EntryRequest("00240081", 3, 6, 12)]
    pad.types(NEW)
    seated.cards.verify_pin(seated.at, ON_PAD)
