"""The driver against the habits of OpenPGP cards, each answered from a table."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from hardware.driver import load_driver
from hardware.drivers.openpgp import OpenPgpSession, Secret
from kiosk.contract.errors import (
    CardError,
    CardProtocolError,
    CardUnknown,
    NotAllowed,
    OutcomeUnknown,
    PinBlocked,
    PinRefused,
    PinWrong,
)
from kiosk.contract.messages import PinFormat, PinState
from kiosk.contract.sensitive import Sensitive
from tests.hardware import certificates
from tests.hardware.drivers.openpgp_cards import KDF, Passwords
from tests.hardware.fakes import Card, Script

PIN, NEW = Sensitive("123456"), Sensitive("87654321")
CODE, ADMIN, NEW_ADMIN = (Sensitive(text) for text in ("24681357", "13572468", "50283746"))
AID = "d27600012401030400060123456700009000"
SELECT = "00a4040006d2760001240100"


def session(
    card: Passwords, secret: Secret = Secret.RESETTING_CODE
) -> tuple[OpenPgpSession, Passwords]:
    return OpenPgpSession(card, secret), card


def test_a_card_is_selected_by_what_all_names_share() -> None:
    card = Script("9000")
    assert load_driver("openpgp", Secret.RESETTING_CODE).open(card) is not None
    assert card.sent == [SELECT]


@pytest.mark.parametrize("absent", ["6a82", "6285", "6d00", "6999"])
def test_an_absent_or_terminated_application_is_none(absent: str) -> None:
    assert load_driver("openpgp", Secret.RESETTING_CODE).open(Script(absent)) is None


@pytest.mark.parametrize("content", [AID, "4f10" + AID])
def test_a_card_is_known_by_maker_and_serial_number(content: str) -> None:
    assert (
        OpenPgpSession(Card({"00ca004f": content}), Secret.ADMIN_PIN).identifier() == "000601234567"
    )


@pytest.mark.parametrize(
    "content", ["d27600012401030400060000000000009000", "6a88", "9000", "d276000124019000"]
)
def test_a_card_without_a_serial_number_is_unknown(content: str) -> None:
    with pytest.raises(CardUnknown):
        OpenPgpSession(Card({"00ca004f": content}), Secret.ADMIN_PIN).identifier()


@pytest.mark.parametrize("left", [0, 1, 3, 15])
def test_the_state_of_the_pin_is_the_cards_own_account(left: int) -> None:
    pgp, card = session(Passwords(left=[left, 3, 3]))
    assert pgp.pin_state() == PinState(blocked=left == 0, tries_left=left)
    assert card.spent == []


@pytest.mark.parametrize(
    ("secret", "left", "tries"),
    [
        (Secret.RESETTING_CODE, [3, 2, 1], 2),
        (Secret.RESETTING_CODE, [3, 0, 3], 0),
        (Secret.ADMIN_PIN, [0, 2, 1], 1),
        (Secret.ADMIN_PIN, [3, 0, 10], 10),
    ],
)
def test_the_tries_of_the_stored_secret_are_reported(
    secret: Secret, left: list[int], tries: int
) -> None:
    pgp, card = session(Passwords(left=left), secret)
    assert pgp.secret_tries() == tries
    assert card.spent == []


@pytest.mark.parametrize("content", ["6a88", "009000", "00ff7f7f0303039000"])
def test_a_card_that_reports_no_tries_is_sent_no_password(content: str) -> None:
    """Neither is one that wants it as a PIN block."""
    card = Card({"00ca00c4": content})
    pgp = OpenPgpSession(card, Secret.ADMIN_PIN)
    attempts: list[Callable[[], object]] = [
        pgp.pin_state,
        pgp.secret_tries,
        lambda: pgp.verify_pin(PIN),
        lambda: pgp.change_pin(PIN, NEW),
        lambda: pgp.unblock(ADMIN, NEW),
        lambda: pgp.change_secret(ADMIN, NEW_ADMIN),
    ]
    for attempt in attempts:
        with pytest.raises(CardProtocolError):
            attempt()
    assert {apdu[:4] for apdu in card.sent} == {"00ca"}


def test_the_commands_with_passwords() -> None:
    pgp, card = session(Passwords())
    pgp.verify_pin(PIN)
    pgp.change_pin(PIN, NEW)
    pgp.unblock(CODE, PIN)
    assert card.spent == [
        "0020008206313233343536",
        "0020008206313233343536",
        "002400810e3132333435363837363534333231",
        "002c00810e3234363831333537313233343536",
    ]


def test_the_commands_with_the_admin_pin() -> None:
    pgp, card = session(Passwords(), Secret.ADMIN_PIN)
    pgp.unblock(ADMIN, NEW)
    pgp.change_secret(ADMIN, NEW_ADMIN)
    assert card.spent == [
        "00200083083133353732343638",
        "002c0281083837363534333231",
        "00200083083133353732343638",
        "002400831031333537323436383530323833373436",
    ]


def test_a_resetting_code_is_not_changed_by_who_knows_it() -> None:
    pgp, card = session(Passwords())
    with pytest.raises(NotAllowed):
        pgp.change_secret(CODE, NEW_ADMIN)
    assert card.spent == []


ACTS: dict[str, tuple[Secret, int, Callable[[OpenPgpSession], None]]] = {
    "verify": (Secret.ADMIN_PIN, 0, lambda pgp: pgp.verify_pin(PIN)),
    "change": (Secret.ADMIN_PIN, 0, lambda pgp: pgp.change_pin(PIN, NEW)),
    "by code": (Secret.RESETTING_CODE, 1, lambda pgp: pgp.unblock(CODE, NEW)),
    "by admin PIN": (Secret.ADMIN_PIN, 2, lambda pgp: pgp.unblock(ADMIN, NEW)),
    "change admin PIN": (Secret.ADMIN_PIN, 2, lambda pgp: pgp.change_secret(ADMIN, NEW_ADMIN)),
}


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("status", ["6982", "63c7", "6983", "6300"])
def test_a_wrong_password_costs_one_try_and_the_card_reports_the_rest(
    act: str, status: str
) -> None:
    """With any status word: one that answers 6983 may have counted, not blocked."""
    secret, which, do = ACTS[act]
    pgp, card = session(Passwords(answer=status), secret)
    with pytest.raises(PinWrong) as wrong:
        do(pgp)
    assert wrong.value.tries_left == 2
    assert card.left[which] == 2
    assert len(card.spent) == 1
    assert card.counted[-1], "a card that hangs in its account has counted the password"
    assert not any(card.counted[:-1])


@pytest.mark.parametrize(
    ("status", "error", "left"),
    [("6982", PinWrong, None), ("63c2", PinWrong, 2), ("6983", PinBlocked, None)],
)
def test_where_the_account_is_lost_the_status_word_has_to_do(
    status: str, error: type[CardError], left: int | None
) -> None:
    pgp, _ = session(Passwords(answer=status, silent_after=1))
    with pytest.raises(error) as raised:
        pgp.verify_pin(PIN)
    assert getattr(raised.value, "tries_left", None) == left


@pytest.mark.parametrize("act", ["verify", "change"])
def test_a_pin_without_tries_is_blocked(act: str) -> None:
    secret, which, do = ACTS[act]
    card = Passwords(answer="6982")
    card.left[which] = 1
    with pytest.raises(PinBlocked):
        do(OpenPgpSession(card, secret))


@pytest.mark.parametrize("act", ["by code", "by admin PIN", "change admin PIN"])
@pytest.mark.parametrize("left", [0, 1])
def test_the_last_try_of_a_secret_is_never_spent(act: str, left: int) -> None:
    secret, which, do = ACTS[act]
    card = Passwords(answer="9000")
    card.left[which] = left
    with pytest.raises(PinBlocked):
        do(OpenPgpSession(card, secret))
    assert card.spent == []


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize(
    ("status", "error"),
    [
        ("6a80", PinRefused),
        ("6700", PinRefused),
        ("6984", PinRefused),
        ("6985", PinRefused),
        ("6d00", CardProtocolError),
        ("6581", OutcomeUnknown),
        ("6f00", OutcomeUnknown),
    ],
)
def test_other_refusals(act: str, status: str, error: type[CardError]) -> None:
    secret, _, do = ACTS[act]
    pgp, card = session(Passwords(answer=status), secret)
    with pytest.raises(error):
        do(pgp)
    assert len(card.spent) == 1


@pytest.mark.parametrize("act", ["by admin PIN", "change", "change admin PIN"])
def test_the_second_command_can_fail_too(act: str) -> None:
    """Security status not satisfied, after the password was just verified, is no verdict on it."""
    secret, which, do = ACTS[act]
    card = Passwords(then="6982" if act == "by admin PIN" else "6985")
    with pytest.raises(NotAllowed if act == "by admin PIN" else PinRefused):
        do(OpenPgpSession(card, secret))
    assert card.left[which] == 3
    assert len(card.spent) == 2


@pytest.mark.parametrize("text", ["", "12345", "1234567a", "１２３４５６", "1" * 128])
def test_a_new_pin_that_does_not_fit_is_not_sent(text: str) -> None:
    for secret in Secret:
        pgp, card = session(Passwords(), secret)
        with pytest.raises(PinRefused):
            pgp.unblock(CODE, Sensitive(text))
        with pytest.raises(PinRefused):
            pgp.change_pin(PIN, Sensitive(text))
        assert card.spent == []


def test_a_new_pin_as_long_as_the_card_takes_is_sent() -> None:
    pgp, card = session(Passwords(), Secret.ADMIN_PIN)
    pgp.unblock(CODE, Sensitive("1" * 127))
    assert card.spent[-1] == "002c02817f" + "31" * 127


@pytest.mark.parametrize("text", ["", "1234567", "1" * 128, "１２３４５６７８"])
def test_a_secret_that_cannot_be_right_is_not_sent(text: str) -> None:
    for secret in Secret:
        pgp, card = session(Passwords(), secret)
        with pytest.raises(PinWrong) as wrong:
            pgp.unblock(Sensitive(text), NEW)
        assert wrong.value.tries_left is None
        assert card.spent == []


def test_a_derived_password_is_sent_as_the_card_wants_it() -> None:
    """The example of the standard, annex on the KDF object: 100000 bytes, SHA-256."""
    pgp, card = session(Passwords(objects={"00f9": KDF + "9000"}), Secret.ADMIN_PIN)
    pgp.verify_pin(PIN)
    pgp.unblock(Sensitive("12345678"), PIN)
    user = "773784a602b6c81e3f092f4d7d00e17cc822d88f7360fcf2d2ef2d9d901f44b6"
    admin = "2675d6164a0d4827d1d00c7eea620d015c00030a1cab38b4d0dd600b27dc9630"
    assert card.spent == ["0020008220" + user, "0020008320" + admin, "002c028120" + user]


@pytest.mark.parametrize(
    ("status", "kdf", "most"),
    [
        ("00207f7f030303", "", 32),
        ("007f7f7f030303", "", 127),
        ("00047f7f030303", "", 6),
        ("00207f7f030303", KDF, 127),
        ("00207f7f030303", "810102", 32),
    ],
    ids=["the card's", "the longest", "less than the least", "derived", "not understood"],
)
def test_the_lengths_of_a_pin_are_the_cards_own(status: str, kdf: str, most: int) -> None:
    pgp, card = session(Passwords(objects={"00c4": status + "9000", "00f9": kdf + "9000"}))
    assert pgp.pin_format() == PinFormat(6, most, 6, letters=True)
    assert card.spent == []


@pytest.mark.parametrize("content", ["810100", "f903810100", "", "f900"])
def test_a_card_may_report_that_nothing_is_derived(content: str) -> None:
    pgp, card = session(Passwords(objects={"00f9": content + "9000"}))
    pgp.verify_pin(PIN)
    assert card.spent == ["0020008206313233343536"]


@pytest.mark.parametrize(
    "content",
    [
        "810102",
        KDF.replace("810103", "810104"),
        KDF.replace("820108", "820103"),
        KDF.replace("8304000186a0", "8304ffffffff"),
        KDF.replace("8304000186a0", "830400000000"),
        KDF.replace("84083031323334353637", "8407303132333435"),
        KDF.replace("86084142434445464748", "860741424344454647"),
        "810103820108",
    ],
)
def test_a_derivation_that_is_not_understood_lets_no_password_out(content: str) -> None:
    pgp, card = session(Passwords(objects={"00f9": content + "9000"}))
    with pytest.raises(CardProtocolError):
        pgp.verify_pin(PIN)
    with pytest.raises(CardProtocolError):
        pgp.unblock(CODE, NEW)
    assert card.spent == []


@pytest.mark.parametrize(
    ("content", "expires"),
    [
        (certificates.der().hex() + "9000", certificates.EXPIRES),
        ("9000", None),
        ("30009000", None),
        ("6a88", None),
    ],
    ids=["certificate", "nothing", "an empty one", "no object"],
)
def test_when_a_card_expires(content: str, expires: datetime | None) -> None:
    pgp = OpenPgpSession(Card({"00ca7f21": content}), Secret.ADMIN_PIN)
    assert pgp.expires_at() == expires
    assert expires is None or expires.tzinfo is UTC
