"""The driver on real APDUs through pcscd, with an OpenPGP card that we did not write."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from hardware.card_access import PcscCards
from hardware.driver import load_driver
from hardware.drivers.openpgp import Secret
from kiosk.contract.errors import CardSwapped, CardUnknown, NotAllowed, PinBlocked, PinWrong
from kiosk.contract.messages import CardId, PinFormat, PinState
from kiosk.contract.ports import CardAddress
from kiosk.contract.sensitive import Sensitive
from tests.hardware.drivers.openpgp_cards import ForeignCard
from tests.hardware.failing import unblock
from tests.support.pcsc import Insert, Seat

pytestmark = pytest.mark.hardware

PIN, NEW, WRONG = Sensitive("123456"), Sensitive("60514273"), Sensitive("999999")
CODE, ADMIN, WRONG_SECRET = Sensitive("73918264"), Sensitive("12345678"), Sensitive("11111111")
NEW_ADMIN = Sensitive("50283746")


@pytest.fixture
def card(tmp_path: Path) -> ForeignCard:
    """A card with its makers' passwords, 123456 and 12345678, and a resetting code."""
    made = ForeignCard(tmp_path)
    assert made.passwords.set_reset_code(CODE.reveal(), admin_verified=True).is_success
    return made


def served_by(secret: Secret) -> PcscCards:
    return PcscCards([load_driver("openpgp", secret)])


def address(seat: Seat, report_of: PcscCards) -> CardAddress:
    return CardAddress(seat.reader, report_of.read(seat.reader).card)


@pytest.mark.parametrize(
    ("secret", "known", "index"),
    [(Secret.RESETTING_CODE, CODE, 1), (Secret.ADMIN_PIN, ADMIN, 2)],
)
def test_a_card_lives_through_it_all(
    insert: Insert, card: ForeignCard, secret: Secret, known: Sensitive, index: int
) -> None:
    cards = served_by(secret)
    seat = insert(card)
    report = cards.read(seat.reader)
    assert report.card.driver == "openpgp"
    assert report.card.identifier.endswith("01234567")
    assert report.pin == PinState(blocked=False, tries_left=3)
    assert report.pin_format == PinFormat(6, 127, 6, letters=True)
    assert report.secret_kind == secret
    at = CardAddress(seat.reader, report.card)
    cards.verify_pin(at, PIN)
    for left in (2, 1):
        with pytest.raises(PinWrong) as wrong:
            cards.verify_pin(at, WRONG)
        assert wrong.value.tries_left == left
    for _ in range(2):
        with pytest.raises(PinBlocked):
            cards.verify_pin(at, WRONG)
    assert cards.read(seat.reader).pin == PinState(blocked=True, tries_left=0)
    with pytest.raises(PinBlocked):
        cards.change_pin(at, PIN, NEW)
    with pytest.raises(PinWrong) as wrong:
        unblock(cards, at, WRONG_SECRET, NEW)
    assert wrong.value.tries_left == card.left[index] == 2
    unblock(cards, at, known, NEW)
    assert card.left[index] == 3
    cards.verify_pin(at, NEW)
    cards.change_pin(at, NEW, PIN)
    cards.verify_pin(at, PIN)
    assert cards.read(seat.reader).pin.tries_left == 3


@pytest.mark.parametrize("length", [6, 7, 8, 12])
def test_an_old_pin_of_any_wrong_length_only_costs_one_try(
    insert: Insert, card: ForeignCard, length: int
) -> None:
    """Joined with the new one it would be cut in the wrong place."""
    cards = served_by(Secret.RESETTING_CODE)
    at = address(insert(card), cards)
    before = card.passwords.pin_data.pw1_hash
    with pytest.raises(PinWrong) as wrong:
        cards.change_pin(at, Sensitive("9" * length), NEW)
    assert wrong.value.tries_left == card.left[0] == 2
    assert card.passwords.pin_data.pw1_hash == before


def test_the_resetting_code_works_where_the_admin_pin_is_blocked(
    insert: Insert, card: ForeignCard
) -> None:
    card.passwords.pin_data.pw3_retry_counter = 0
    cards = served_by(Secret.RESETTING_CODE)
    at = address(insert(card), cards)
    unblock(cards, at, CODE, NEW)
    cards.verify_pin(at, NEW)


@pytest.mark.parametrize(("secret", "index"), [(Secret.RESETTING_CODE, 1), (Secret.ADMIN_PIN, 2)])
def test_wrong_secrets_stop_before_the_last_try(
    insert: Insert, card: ForeignCard, secret: Secret, index: int
) -> None:
    cards = served_by(secret)
    at = address(insert(card), cards)
    for _ in range(2):
        with pytest.raises(PinWrong):
            unblock(cards, at, WRONG_SECRET, NEW)
    for _ in range(3):
        with pytest.raises(PinBlocked):
            unblock(cards, at, WRONG_SECRET, NEW)
    assert card.left[index] == cards.read(at.reader).secret_tries == 1
    assert len(card.spent()) == 2


def test_a_card_without_a_resetting_code_spends_nothing(insert: Insert, tmp_path: Path) -> None:
    card = ForeignCard(tmp_path)
    cards = served_by(Secret.RESETTING_CODE)
    at = address(insert(card), cards)
    assert cards.read(at.reader).secret_tries == 0
    with pytest.raises(PinBlocked):
        unblock(cards, at, CODE, NEW)
    assert card.spent() == []


def test_the_admin_pin_can_be_replaced_and_the_resetting_code_cannot(
    insert: Insert, card: ForeignCard
) -> None:
    cards = served_by(Secret.ADMIN_PIN)
    at = address(insert(card), cards)
    cards.hold(at, lambda held: held.change_secret(ADMIN, NEW_ADMIN))
    with pytest.raises(PinWrong):
        unblock(cards, at, ADMIN, NEW)
    unblock(cards, at, NEW_ADMIN, NEW)
    cards.verify_pin(at, NEW)
    with pytest.raises(NotAllowed):
        served_by(Secret.RESETTING_CODE).hold(at, lambda held: held.change_secret(CODE, NEW_ADMIN))


def test_no_password_reaches_another_card(
    insert: Insert, card: ForeignCard, tmp_path: Path
) -> None:
    other = ForeignCard(tmp_path / "other", serial=7)
    cards = served_by(Secret.ADMIN_PIN)
    at = address(insert(card), cards)
    swapped = CardAddress(insert(other, 1).reader, at.card)
    acts: list[Callable[[], object]] = [
        lambda: cards.verify_pin(swapped, PIN),
        lambda: cards.change_pin(swapped, PIN, NEW),
        lambda: unblock(cards, swapped, ADMIN, NEW),
    ]
    for act in acts:
        with pytest.raises(CardSwapped):
            act()
    assert other.spent() == []


def test_a_card_without_a_serial_number_is_not_served(insert: Insert, tmp_path: Path) -> None:
    seat = insert(ForeignCard(tmp_path, serial=0))
    with pytest.raises(CardUnknown) as unknown:
        served_by(Secret.ADMIN_PIN).read(seat.reader)
    assert unknown.value.family == "openpgp"


def test_the_names_of_families_are_never_mixed(insert: Insert, card: ForeignCard) -> None:
    """The card carries a PIV application as well, which this station was not told to use."""
    seat = insert(card)
    with pytest.raises(CardUnknown):
        served_by(Secret.ADMIN_PIN).verify_pin(CardAddress(seat.reader, CardId("piv", "00")), PIN)
