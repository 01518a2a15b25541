"""What a reader is asked, byte by byte, against structures that were made up by hand."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware import pin_pad
from hardware.apdu import CommandApdu, CommandHeader, StatusWord
from hardware.connection import PinPad, check_pad
from hardware.driver import CardSession
from hardware.drivers.gids import GidsSession
from hardware.drivers.openpgp import OpenPgpSession, Secret
from hardware.drivers.piv import PivSession
from hardware.pcsc import PcscError
from hardware.pin_pad import PadEntry, PadOperation, PadProperties
from kiosk.contract.errors import PadLeft, PadRefused, PadTrouble
from kiosk.contract.messages import OnPad
from kiosk.contract.sensitive import Sensitive
from tests.hardware.drivers.openpgp_cards import KDF, Passwords
from tests.hardware.keypad_reader import FEATURES, MODIFY, PROPERTIES, VERIFY, KeypadChannel, Reader

SECRET = Sensitive("73918264")
PAD = OnPad(6, 8)


def _with_code(channel: KeypadChannel) -> CardSession:
    return OpenPgpSession(channel, Secret.RESETTING_CODE)


def _with_admin_pin(channel: KeypadChannel) -> CardSession:
    return OpenPgpSession(channel, Secret.ADMIN_PIN)


Family = Callable[[KeypadChannel], CardSession]
Act = Callable[[CardSession], None]


def verify(session: CardSession) -> None:
    session.verify_pin(PAD)


def change(session: CardSession) -> None:
    session.change_pin(PAD, PAD)


def unblock(session: CardSession) -> None:
    session.unblock(SECRET, PAD)


def reset(session: CardSession) -> None:
    session.reset_pin(PAD)


BLANK, CODE = "ff" * 8, "3733393138323634"

# Time-outs of 60, 45 or 30 s; bytes, left, ASCII; block; no length; 8 and 6 digits; the key that
# confirms; messages; English; their numbers; no prologue; the length and the command.
ASKED: list[tuple[str, Family, Act, int, str]] = [
    ("piv verify", PivSession, verify, VERIFY,
     "3c3c 82 08 00 0806 02 01 0904 00 000000 0d000000 00200080 08" + BLANK),
    ("piv change", PivSession, change, MODIFY,
     "1e1e 82 08 00 00 08 0806 03 02 03 0904 000102 000000 15000000 00240080 10" + BLANK + BLANK),
    ("piv unblock", PivSession, unblock, MODIFY,
     "2d2d 82 08 00 00 08 0806 01 02 02 0904 010202 000000 15000000 002c0080 10" + CODE + BLANK),
    ("openpgp verify", _with_code, verify, VERIFY,
     "3c3c 82 00 00 0806 02 01 0904 00 000000 05000000 00200082 00"),
    ("openpgp unblock, code", _with_code, unblock, MODIFY,
     "2d2d 82 00 00 00 08 0806 01 02 02 0904 010202 000000 0d000000 002c0081 08" + CODE),
    ("openpgp unblock, admin", _with_admin_pin, unblock, MODIFY,
     "2d2d 82 00 00 00 00 0806 01 02 02 0904 010202 000000 05000000 002c0281 00"),
    ("gids verify", GidsSession, verify, VERIFY,
     "3c3c 82 00 00 0806 02 01 0904 00 000000 05000000 00200080 00"),
    ("gids reset", GidsSession, reset, MODIFY,
     "2d2d 82 00 00 00 00 0806 01 02 02 0904 010202 000000 05000000 002c0280 00"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("family", "act", "code", "asked"),
    [row[1:] for row in ASKED],
    ids=[row[0] for row in ASKED],
)
def test_act_of_each_family(family: Family, act: Act, code: int, asked: str) -> None:
    reader = Reader()
    act(family(KeypadChannel(reader, Passwords())))
    assert reader.asked == [(code, asked.replace(" ", ""))]


@pytest.mark.parametrize(("act", "number_of_messages"), [(verify, 8), (change, 11), (unblock, 11)])
def test_a_reader_without_a_display_has_no_messages(act: Act, number_of_messages: int) -> None:
    reader = Reader(properties="0102000006010407010c")
    act(PivSession(KeypadChannel(reader, Passwords())))
    assert bytes.fromhex(reader.asked[0][1])[number_of_messages] == 0


@pytest.mark.parametrize(
    ("properties", "pin", "limits"),
    [
        ("", OnPad(), "0804"),
        ("", OnPad(7, 7), "0707"),
        ("060107", OnPad(), "0807"),
        ("070107", OnPad(), "0704"),
        ("060104070100", OnPad(), "0804"),
    ],
    ids=[
        "the card's limits",
        "the caller's",
        "the reader's least",
        "its most",
        "no most is properties",
    ],
)
def test_the_narrowest_limits_count(properties: str, pin: OnPad, limits: str) -> None:
    reader = Reader(properties)
    PivSession(KeypadChannel(reader, Passwords())).verify_pin(pin)
    assert reader.asked[0][1][10:14] == limits


def test_a_new_pin_of_a_piv_card_has_six_digits_though_the_present_one_may_have_four() -> None:
    reader = Reader("")
    PivSession(KeypadChannel(reader, Passwords())).unblock(SECRET, OnPad(4, 8))
    assert reader.asked[0][1][14:18] == "0806"


def test_a_long_pin_is_asked_for_as_far_as_readers_are_known_to_go() -> None:
    reader = Reader("")
    GidsSession(KeypadChannel(reader, Passwords())).verify_pin(OnPad(4, 16))
    assert reader.asked[0][1][10:14] == "0f04"


def test_a_reader_whose_pins_are_all_too_short_is_not_asked() -> None:
    reader = Reader(properties="070105")
    with pytest.raises(PadRefused):
        verify(PivSession(KeypadChannel(reader, Passwords())))
    assert reader.asked == []


@pytest.mark.parametrize(
    ("family", "new"),
    [
        (GidsSession, OnPad()),
        (_with_code, OnPad()),
        (PivSession, OnPad(7, 8)),
        (PivSession, OnPad(6, 7)),
    ],
    ids=["gids", "openpgp", "an old PIN may be shorter", "an old PIN may be longer"],
)
def test_a_change_in_which_a_slip_could_not_be_noticed_is_not_asked_for(
    family: Family, new: OnPad
) -> None:
    reader, card = Reader(), Passwords()
    with pytest.raises(PadRefused) as refused:
        family(KeypadChannel(reader, card)).change_pin(OnPad(), new)
    assert type(refused.value) is PadRefused, "of the reader it says nothing"
    assert (reader.asked, card.spent) == ([], [])


def test_no_reader_derives_a_password() -> None:
    card = Passwords(objects={"00f9": KDF + "9000"})
    reader = Reader()
    session = _with_code(KeypadChannel(reader, card))
    assert not session.takes_pad()
    for act in (verify, change, unblock):
        with pytest.raises(PadRefused):
            act(session)
    assert reader.asked == []
    assert card.spent == []


def test_a_card_that_asks_for_the_unknown_takes_no_pad() -> None:
    assert not _with_code(
        KeypadChannel(Reader(), Passwords(objects={"00f9": "8101ff9000"}))
    ).takes_pad()
    for family in (PivSession, GidsSession, _with_code):
        assert family(KeypadChannel(Reader(), Passwords())).takes_pad()


def test_two_pins_come_from_the_same_place() -> None:
    reader, card = Reader(), Passwords()
    for family in (PivSession, GidsSession, _with_code):
        for current, new in ((PAD, SECRET), (SECRET, PAD)):
            with pytest.raises(PadRefused):
                family(KeypadChannel(reader, card)).change_pin(current, new)
    assert reader.asked == []
    assert card.spent == []


@pytest.mark.parametrize(
    "features",
    ["", "06 04 42330006", "07 04 42330007", FEATURES + "ff", "06 03 42330006 07 03 42330007"],
    ids=["none", "verify alone", "modify alone", "cut", "of another length"],
)
def test_a_reader_with_half_the_keys_has_none(features: str) -> None:
    assert PinPad.found(Reader(features=features).control) is None


def test_a_reader_that_fails_the_questions() -> None:
    def without_properties(code: int, _body: bytes) -> bytes:
        raise PcscError("SCardControl", code)

    assert PinPad.found(without_properties) is None
    reader = Reader()

    def fails_properties(code: int, body: bytes) -> bytes:
        if code == PROPERTIES:
            raise PcscError("SCardControl", 1)
        return reader.control(code, body)

    keypad = PinPad.found(fails_properties)
    assert keypad is not None
    entry = PadEntry(PadOperation.CURRENT, 6, 8)
    keypad.prepared(CommandApdu(CommandHeader(0x00, 0x20, 0x00, 0x82), pad=entry), entry)()
    assert len(reader.asked) == 1


@pytest.mark.parametrize(
    ("status", "because"),
    [(0x6400, "timeout"), (0x6401, "cancelled"), (0x6402, "different"), (0x6403, "length")],
)
def test_the_readers_own_status_words(status: int, because: PadTrouble) -> None:
    with pytest.raises(PadLeft) as left:
        check_pad(StatusWord(status))
    assert left.value.because == because


def test_the_cards_status_words_stay_the_cards() -> None:
    with pytest.raises(PadRefused):
        check_pad(StatusWord(0x6B80))
    for status in (0x9000, 0x63C2, 0x6983, 0x6404, 0x6A80):
        check_pad(StatusWord(status))


@given(st.binary(max_size=40))
def test_no_answer_of_a_reader_is_too_strange(answer: bytes) -> None:
    assert all(0 <= tag <= 0xFF for tag in pin_pad.features(answer))
    assert isinstance(pin_pad.properties(answer), PadProperties)
