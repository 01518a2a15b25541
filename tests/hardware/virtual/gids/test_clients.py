"""The card held against OpenSC, which was not written for it: its driver, and its admin tool.

OpenSC knows GIDS cards from the side of the host. Nobody else's card is at hand, so this is
what shows that both sides of the protocol here are the ones that others speak.
"""

from __future__ import annotations

import pytest

from tests.hardware.virtual.gids.forged import AcceptsAnyKey
from tests.support.clients import Clients, Finished
from tests.support.gids_card import ADMIN_KEY, GidsProfile, new_gids_card
from tests.support.pcsc import Insert

pytestmark = pytest.mark.hardware

PIN, OTHER, WRONG = "482915", "60514273", "11111111"
WRONG_KEY = bytes(range(24))


def pkcs15(clients: Clients, reader: str, *arguments: str) -> Finished:
    return clients.opensc("pkcs15-tool", reader, *arguments)


def verifies(clients: Clients, reader: str, pin: str) -> bool:
    done = pkcs15(clients, reader, "--verify-pin", "--pin", pin)
    refused = "PIN code or key incorrect" in done.stderr or "blocked" in done.stderr
    assert (done.returncode == 0) is not refused, f"no verdict: {done.stderr}"
    return not refused


def unblock(clients: Clients, reader: str, key: bytes, new: str) -> str:
    key_and_pin = ("--admin-key", key.hex(), "--pin", new)
    done = clients.opensc("gids-tool", reader, "--unblock", *key_and_pin)
    return done.stdout + done.stderr


def test_virtual_gids_card_is_recognised_and_read_by_opensc(
    insert: Insert, clients: Clients
) -> None:
    card = new_gids_card()
    reader = insert(card).reader
    assert "GIDS Smart Card" in clients.opensc("opensc-tool", reader, "--name").stdout
    shown = pkcs15(clients, reader, "--dump")
    assert shown.returncode == 0, shown.stderr
    assert card.state.card_id.hex() in shown.stdout.lower()
    assert "Tries left     : 3" in shown.stdout
    files = clients.opensc("gids-tool", reader).stdout
    assert "Found 5 entries in the masterfile" in files
    assert "unable to read" not in files


@pytest.mark.parametrize("t0", [False, True])
def test_virtual_gids_card_verifies_and_counts_for_opensc(
    insert: Insert, clients: Clients, t0: bool
) -> None:
    card = new_gids_card(pin=PIN, profile=GidsProfile(t0=t0))
    reader = insert(card).reader
    assert verifies(clients, reader, PIN)
    assert not verifies(clients, reader, WRONG)
    assert card.state.pin.left == 2
    assert "Tries left     : 2" in pkcs15(clients, reader, "--list-pins").stdout


def test_pin_of_a_virtual_gids_card_is_changed_by_opensc(insert: Insert, clients: Clients) -> None:
    card = new_gids_card(pin=PIN)
    reader = insert(card).reader
    done = pkcs15(clients, reader, "--change-pin", "--pin", PIN, "--new-pin", OTHER)
    assert done.returncode == 0, done.stderr
    assert card.state.pin.body == OTHER.encode()


@pytest.mark.parametrize(
    "profile", [GidsProfile(), GidsProfile(key_tries=None), GidsProfile(t0=True)]
)
def test_the_admin_key_unblocks_it(insert: Insert, clients: Clients, profile: GidsProfile) -> None:
    card = new_gids_card(blocked=True, profile=profile)
    reader = insert(card).reader
    assert not verifies(clients, reader, PIN)
    status_word = unblock(clients, reader, ADMIN_KEY, OTHER)
    assert "Administrator authentication successful" in status_word
    assert "Unblock PIN done successfully" in status_word
    assert verifies(clients, reader, OTHER)


def test_a_wrong_admin_key_does_not(insert: Insert, clients: Clients) -> None:
    card = new_gids_card(blocked=True)
    reader = insert(card).reader
    status_word = unblock(clients, reader, WRONG_KEY, OTHER)
    assert "successful" not in status_word
    assert (card.state.key.left, card.state.pin.left) == (4, 0)


def test_a_card_that_does_not_know_the_key_is_found_out(insert: Insert, clients: Clients) -> None:
    """OpenSC judges what the card made, as the authority does."""
    card = AcceptsAnyKey(new_gids_card(admin_key=WRONG_KEY, blocked=True).state)
    status_word = unblock(clients, insert(card).reader, ADMIN_KEY, OTHER)
    assert "successful" not in status_word
    assert [command.ins for command in card.received][-3:] == [0x22, 0x87, 0x87]
