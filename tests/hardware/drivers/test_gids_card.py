"""The GIDS driver on real APDUs through pcscd, with the product's own virtual card.

The test stands where the authority stands: it knows the admin key, and the driver does not.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hardware.virtual.link import Chip
from kiosk.contract.errors import (
    CardError,
    CardProtocolError,
    CardSwapped,
    ContactNeeded,
    NotAllowed,
    OutcomeUnknown,
    PinBlocked,
    PinRefused,
    PinWrong,
)
from kiosk.contract.messages import KeyChallenge, PinFormat, PinState
from kiosk.contract.ports import CardAddress, CardHold
from kiosk.contract.sensitive import Sensitive
from tests.hardware.drivers.gids_cards import HOST, seat
from tests.hardware.virtual.gids.forged import CRYPTOGRAM, AcceptsAnyKey
from tests.support import gids_card
from tests.support.faults import Fault, FaultyCard, answering, pulled_out, torn
from tests.support.gids_card import ADMIN_KEY, GidsProfile, new_gids_card
from tests.support.pcsc import Insert

pytestmark = pytest.mark.hardware

PIN, NEW, WRONG = Sensitive("482915"), Sensitive("60514273"), Sensitive("999999")
WRONG_KEY = bytes(range(24))


@pytest.mark.parametrize(
    "profile",
    [
        GidsProfile(),
        GidsProfile(t0=True, full_aid=False),
        GidsProfile(key_tries=None, reports_tries=False, last_try_status=0x6983),
        GidsProfile(first_edition=True, blocked_status=0x63C0, wrong_length_status=0x6700),
    ],
)
def test_a_card_lives_through_it_all(insert: Insert, profile: GidsProfile) -> None:
    here = seat(insert, new_gids_card(profile=profile))
    report = here.cards.read(here.at.reader)
    assert report.card == here.at.card
    assert report.pin == PinState(blocked=False, tries_left=3)
    assert (report.certificate, report.expires_at) == (None, None)
    assert report.pin_format == PinFormat(4, 16, 4, letters=True)
    here.cards.verify_pin(here.at, PIN)
    for left in (2, 1):
        with pytest.raises(PinWrong) as wrong:
            here.cards.verify_pin(here.at, WRONG)
        assert wrong.value.tries_left == left
    for _ in range(2):
        with pytest.raises(PinBlocked):
            here.cards.verify_pin(here.at, WRONG)
    assert here.cards.read(here.at.reader).pin == PinState(blocked=True, tries_left=0)
    assert here.unblock(NEW)
    here.cards.verify_pin(here.at, NEW)
    here.cards.change_pin(here.at, NEW, PIN)
    here.cards.verify_pin(here.at, PIN)
    assert here.cards.read(here.at.reader).pin.tries_left == 3


def test_a_wrong_key_spends_a_try_and_a_right_one_gives_them_back(insert: Insert) -> None:
    here = seat(insert, new_gids_card(blocked=True))
    for left in (4, 3):
        with pytest.raises(PinWrong) as wrong:
            here.unblock(NEW, WRONG_KEY)
        assert wrong.value.tries_left == here.card.state.key.left == left
    assert here.card.state.pin.blocked
    assert here.unblock(NEW)
    assert here.card.state.key.left == 5


@pytest.mark.parametrize("reports", [True, False])
def test_a_key_is_blocked(insert: Insert, reports: bool) -> None:
    profile = GidsProfile(key_tries=2, reports_key_tries=reports)
    here = seat(insert, new_gids_card(blocked=True, profile=profile))
    for kind in (PinWrong, PinBlocked if reports else PinWrong, PinBlocked):
        with pytest.raises(kind):
            here.unblock(NEW, WRONG_KEY)
    with pytest.raises(PinBlocked):
        here.unblock(NEW)
    assert here.card.state.pin.blocked


def test_a_card_that_counts_no_wrong_keys_reports_no_number(insert: Insert) -> None:
    here = seat(insert, new_gids_card(blocked=True, profile=GidsProfile(key_tries=None)))
    for _ in range(7):
        with pytest.raises(PinWrong) as wrong:
            here.unblock(NEW, WRONG_KEY)
        assert wrong.value.tries_left is None
    assert here.unblock(NEW)


def test_the_key_never_crosses_and_no_pin_goes_before_it_is_proven(insert: Insert) -> None:
    here = seat(insert, new_gids_card(blocked=True))
    here.unblock(NEW)
    assert not any(ADMIN_KEY[:8] in command.data for command in here.card.received)
    assert [command.ins for command in here.card.received][-4:] == [0x22, 0x87, 0x87, 0x2C]


def test_a_forged_card_is_handed_over_to_be_judged(insert: Insert) -> None:
    """It takes every cryptogram, and what it makes in its turn is nothing."""
    card = AcceptsAnyKey(new_gids_card(admin_key=WRONG_KEY, blocked=True).state)
    here = seat(insert, card)
    assert not here.unblock(NEW)
    assert 0x2C not in [command.ins for command in card.received]


def test_a_pin_is_not_reset_without_the_key(insert: Insert) -> None:
    here = seat(insert, new_gids_card(blocked=True))
    with pytest.raises(NotAllowed):
        here.cards.hold(here.at, lambda held: held.reset_pin(NEW))
    assert here.card.state.pin.blocked


def test_what_was_proven_does_not_outlive_the_hold(insert: Insert) -> None:
    here = seat(insert, new_gids_card(blocked=True))
    assert here.unblock(NEW)
    with pytest.raises(NotAllowed):
        here.cards.hold(here.at, lambda held: held.reset_pin(PIN))

    def prove(held: CardHold) -> None:
        nonce = held.begin_mutual_authentication(KeyChallenge(HOST)).nonce
        held.complete_mutual_authentication(gids_card.make(ADMIN_KEY, nonce, HOST))

    here.cards.hold(here.at, prove)
    with pytest.raises(NotAllowed):
        here.cards.hold(here.at, lambda held: held.reset_pin(PIN))
    here.cards.verify_pin(here.at, NEW)


def test_a_cryptogram_is_good_for_one_meeting(insert: Insert) -> None:
    here = seat(insert, new_gids_card(blocked=True))
    seen: list[bytes] = []

    def listen(held: CardHold) -> None:
        nonce = held.begin_mutual_authentication(KeyChallenge(HOST)).nonce
        seen.append(gids_card.make(ADMIN_KEY, nonce, HOST))
        held.complete_mutual_authentication(seen[0])

    def replay(held: CardHold) -> None:
        held.begin_mutual_authentication(KeyChallenge(HOST))
        held.complete_mutual_authentication(seen[0])

    here.cards.hold(here.at, listen)
    with pytest.raises(PinWrong):
        here.cards.hold(here.at, replay)


def test_a_former_pin_is_refused_and_the_key_loses_nothing(insert: Insert) -> None:
    card = new_gids_card(pin=PIN.reveal(), blocked=True, profile=GidsProfile(history=2))
    here = seat(insert, card)
    with pytest.raises(PinRefused) as refused:
        here.unblock(PIN)
    assert refused.value.reason == "history"
    assert card.state.key.left == 5
    assert here.unblock(NEW)


def test_over_the_air_contacts_are_asked_for_and_no_try_is_spent(insert: Insert) -> None:
    card = new_gids_card(profile=GidsProfile(contactless=True))
    here = seat(insert, card)
    assert here.cards.read(here.at.reader).pin.tries_left == 3
    acts: list[Callable[[], object]] = [
        lambda: here.cards.verify_pin(here.at, PIN),
        lambda: here.cards.change_pin(here.at, PIN, NEW),
        lambda: here.unblock(NEW),
    ]
    for act in acts:
        with pytest.raises(ContactNeeded):
            act()
    assert (card.state.pin.left, card.state.key.left) == (3, 5)


def test_nothing_reaches_another_card(insert: Insert) -> None:
    here = seat(insert, new_gids_card(blocked=True))
    other = new_gids_card(blocked=True)
    there = CardAddress(insert(other, 1).reader, here.at.card)
    with pytest.raises(CardSwapped):
        here.cards.hold(there, lambda held: held.begin_mutual_authentication(KeyChallenge(HOST)))
    assert {command.ins for command in other.received} <= {0xA4, 0xCB}


def second_step(fault: Fault) -> Fault:
    """Go wrong where a cryptogram is given, and only there."""

    def only_there(card: Chip, command: bytes) -> bytes:
        return fault(card, command) if command.startswith(CRYPTOGRAM) else card.transmit(command)

    return only_there


@pytest.mark.parametrize("done", [False, True])
@pytest.mark.parametrize("torn_after", [None, 0, 1])
def test_a_lost_answer_to_a_cryptogram_is_unknown(
    insert: Insert, done: bool, torn_after: int | None
) -> None:
    card = new_gids_card(blocked=True)
    fault = pulled_out(done=done) if torn_after is None else torn(torn_after, done=done)
    here = seat(insert, card, FaultyCard(card, {0x87: second_step(fault)}, times=None))
    with pytest.raises(OutcomeUnknown):
        here.unblock(NEW)
    assert card.state.pin.blocked


@pytest.mark.parametrize(
    ("instruction", "answer", "kind"),
    [
        (0x22, "6a88", CardProtocolError),
        (0x87, "7c12811000009000", CardProtocolError),
        (0x87, "9000", CardProtocolError),
        (0x87, "6d00", CardProtocolError),
    ],
)
def test_a_card_that_begins_wrongly_is_given_no_cryptogram(
    insert: Insert, instruction: int, answer: str, kind: type[CardError]
) -> None:
    card = new_gids_card(blocked=True)
    faults = {instruction: answering(bytes.fromhex(answer))}
    here = seat(insert, card, FaultyCard(card, faults, times=None))
    with pytest.raises(kind):
        here.unblock(NEW)
    assert card.state.key.left == 5
    assert not any(command.ins == 0x87 and len(command.data) > 20 for command in card.received)
