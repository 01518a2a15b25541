"""The driver against each habit of PIV cards that is known, and a few that are not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from hardware.driver import load_driver
from hardware.drivers.piv import PivSession
from kiosk.contract.errors import (
    CardError,
    CardProtocolError,
    CardUnknown,
    GlobalPinInUse,
    NotAllowed,
    OutcomeUnknown,
    PinBlocked,
    PinRefused,
    PinWrong,
)
from kiosk.contract.messages import PinState
from kiosk.contract.sensitive import Sensitive
from tests.hardware import certificates
from tests.hardware.certificates import certificate_object, tlv
from tests.hardware.fakes import Card, Script

GUID = "00112233445566778899aabbccddeeff"
CHUID = tlv(0x53, tlv(0x34, bytes.fromhex(GUID)) + tlv(0x35, b"20300101")).hex() + "9000"
ASK_CHUID, ASK_PIV_AUTH, ASK_CARD_AUTH = (f"00cb3fff055c035fc1{n}" for n in ("02", "05", "01"))
PIN, NEW, PUK = Sensitive("123456"), Sensitive("87654321"), Sensitive("00000000")


def session(*answers: str) -> tuple[PivSession, Script]:
    card = Script(*answers)
    return PivSession(card), card


@pytest.mark.parametrize("absent", ["6a82", "6d00", "6999", "6e00", "6283"])
def test_the_short_name_is_tried_after_the_long_one(absent: str) -> None:
    card = Script(absent, "9000")
    assert load_driver("piv", "puk").open(card) is not None
    assert card.sent == ["00a4040009a0000003080000100000", "00a4040005a00000030800"]
    assert load_driver("piv", "puk").open(Script(absent, absent)) is None


def test_a_template_of_any_shape_will_do() -> None:
    card = Script("4f0611223344556 69000".replace(" ", ""))
    assert load_driver("piv", "puk").open(card) is not None


def test_a_card_is_known_by_its_guid() -> None:
    assert PivSession(Card({ASK_CHUID: CHUID})).identifier() == GUID


@pytest.mark.parametrize("chuid", ["6a82", tlv(0x53, tlv(0x34, bytes(16))).hex() + "9000"])
def test_a_card_without_a_guid_is_known_by_its_key(chuid: str) -> None:
    own = certificate_object(certificates.der(), packed=True).hex() + "9000"
    name = PivSession(Card({ASK_CHUID: chuid, ASK_CARD_AUTH: own})).identifier()
    assert len(name) == 66
    assert name.startswith("ca")
    assert int(name, 16)


def test_a_card_with_neither_is_unknown() -> None:
    with pytest.raises(CardUnknown):
        PivSession(Card({}, otherwise="9000")).identifier()


@pytest.mark.parametrize(
    ("answers", "state"),
    [
        (["63c3"], PinState(blocked=False, tries_left=3)),
        (["63ca"], PinState(blocked=False, tries_left=10)),
        (["63ff"], PinState(blocked=False, tries_left=255)),
        (["63f3"], PinState(blocked=False, tries_left=None)),
        (["6302"], PinState(blocked=False, tries_left=2)),
        (["6983"], PinState(blocked=True, tries_left=0)),
        (["63c0"], PinState(blocked=True, tries_left=0)),
        (["9000", "9000", "63c5"], PinState(blocked=False, tries_left=5)),
        (["9000", "6a86", "9000"], PinState(blocked=False, tries_left=None)),
        (["6700", "63c3"], PinState(blocked=False, tries_left=3)),
    ],
)
def test_the_state_of_the_pin_costs_no_try(answers: list[str], state: PinState) -> None:
    piv, card = session("6a82", *answers)
    assert piv.pin_state() == state
    assert set(card.sent[1:]) <= {"00200080", "0020ff80", "0020008000"}
    assert all(command.only_reads for command in card.commands)


@pytest.mark.parametrize(("status", "error"), [("6982", NotAllowed), ("6a88", CardProtocolError)])
def test_a_state_that_is_not_reported(status: str, error: type[CardError]) -> None:
    with pytest.raises(error):
        session("6a82", status)[0].pin_state()


DISCOVERY = tlv(0x4F, bytes.fromhex("a000000308000010000100"))


@pytest.mark.parametrize("outer", [0x7E, None])
@pytest.mark.parametrize("policy", ["6020", "6000", "60", "7820", "2020"])
def test_global_pin_in_use_is_refused_before_its_state_is_asked_for(
    policy: str, outer: int | None
) -> None:
    content = DISCOVERY + tlv(0x5F2F, bytes.fromhex(policy))
    found = content if outer is None else tlv(outer, content)
    piv, card = session(found.hex() + "9000")
    with pytest.raises(GlobalPinInUse):
        piv.pin_state()
    assert card.sent == ["00cb3fff035c017e00"]


@pytest.mark.parametrize(
    "answer",
    [
        "6a82",
        "6a88",
        "6d00",
        "9000",
        *(
            (tlv(0x7E, DISCOVERY + tlv(0x5F2F, bytes.fromhex(policy))) + b"\x90\x00").hex()
            for policy in ("4000", "4020", "6010", "7010", "")
        ),
        tlv(0x7E, DISCOVERY).hex() + "9000",
        "7e145f2f9000",
    ],
)
def test_global_pin_that_is_not_in_use_bars_nothing(answer: str) -> None:
    assert session(answer, "63c3")[0].pin_state() == PinState(blocked=False, tries_left=3)


@pytest.mark.parametrize(
    ("answer", "tries"),
    [
        ("0101ff050101060203039000", 3),
        ("0602ff009000", 0),
        ("0602ffff9000", 255),
        ("050100060205019000", 1),
        ("0602030263c2", None),
        ("6d00", None),
        ("6a81", None),
        ("6a86", None),
        ("6a88", None),
        ("6982", None),
        ("6700", None),
        ("9000", None),
        ("0101ff0501009000", None),
        ("06009000", None),
        ("0601039000", None),
        ("06030303039000", None),
        ("0602039000", None),
        ("060203049000", None),
        ("060200009000", None),
        ("7f7f9000", None),
        ("7f04060203039000", None),
    ],
)
def test_the_tries_of_the_puk_are_asked_for_and_cost_none(answer: str, tries: int | None) -> None:
    piv, card = session(answer)
    assert piv.secret_tries() == tries
    assert card.sent == ["00f7008100"]
    assert all(command.only_reads for command in card.commands)


def test_the_commands_with_secrets() -> None:
    piv, card = session("9000", "9000", "9000", "9000")
    piv.verify_pin(PIN)
    piv.change_pin(PIN, NEW)
    piv.unblock(PUK, NEW)
    piv.change_secret(PUK, NEW)
    assert card.sent == [
        "0020008008313233343536ffff",
        "0024008010313233343536ffff3837363534333231",
        "002c00801030303030303030303837363534333231",
        "002400811030303030303030303837363534333231",
    ]
    assert all(command.changes_card for command in card.commands)


@pytest.mark.parametrize(
    ("status", "error", "tries"),
    [
        ("63c2", PinWrong, 2),
        ("6301", PinWrong, 1),
        ("6300", PinWrong, None),
        ("63fe", PinWrong, None),
        ("6a80", PinWrong, None),
        ("6700", PinWrong, None),
        ("63c0", PinBlocked, None),
        ("6983", PinBlocked, None),
        ("6982", NotAllowed, None),
        ("6d00", CardProtocolError, None),
        ("6f00", OutcomeUnknown, None),
        ("6581", OutcomeUnknown, None),
    ],
)
def test_why_verify_fails(status: str, error: type[CardError], tries: int | None) -> None:
    piv, card = session(status)
    with pytest.raises(error) as raised:
        piv.verify_pin(PIN)
    assert getattr(raised.value, "tries_left", None) == tries
    assert len(card.sent) == 1


OPERATIONS: dict[str, Callable[[PivSession], None]] = {
    "change": lambda piv: piv.change_pin(PIN, NEW),
    "unblock": lambda piv: piv.unblock(PUK, NEW),
    "change-secret": lambda piv: piv.change_secret(PUK, NEW),
}


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize(
    ("status", "error", "detail"),
    [
        ("63c2", PinWrong, 2),
        ("63c0", PinBlocked, None),
        ("6983", PinBlocked, None),
        ("6982", NotAllowed, None),
        ("6984", PinRefused, "history"),
        ("6985", PinRefused, "complexity"),
        ("6a80", PinRefused, "format"),
        ("6700", PinRefused, "format"),
        ("6a86", CardProtocolError, 0x6A86),
        ("6f00", OutcomeUnknown, None),
    ],
)
def test_why_a_change_fails(
    operation: str, status: str, error: type[CardError], detail: object
) -> None:
    piv, card = session(status)
    with pytest.raises(error) as raised:
        OPERATIONS[operation](piv)
    details = [getattr(raised.value, name, None) for name in ("tries_left", "reason", "status")]
    assert detail is None or detail in details
    assert len(card.sent) == 1


@pytest.mark.parametrize("text", ["", "12345", "123456789", "12345a", "１２３４５６", "12 456"])
def test_a_new_pin_that_the_standard_forbids_is_not_sent(text: str) -> None:
    piv, card = session()
    with pytest.raises(PinRefused):
        piv.unblock(PUK, Sensitive(text))
    with pytest.raises(PinRefused):
        piv.change_pin(PIN, Sensitive(text))
    assert card.sent == []


@pytest.mark.parametrize("text", ["", "1234567", "123456789", "1234567a", "１２３４５６７８"])
def test_a_new_secret_that_some_card_would_not_take_is_not_sent(text: str) -> None:
    piv, card = session()
    with pytest.raises(PinRefused):
        piv.change_secret(PUK, Sensitive(text))
    assert card.sent == []


@pytest.mark.parametrize("text", ["", "123456789", "１２３４５６"])
def test_a_secret_that_cannot_be_right_is_not_sent(text: str) -> None:
    piv, card = session()
    attempts: list[Callable[[], None]] = [
        lambda: piv.verify_pin(Sensitive(text)),
        lambda: piv.change_pin(Sensitive(text), NEW),
        lambda: piv.unblock(Sensitive(text), NEW),
        lambda: piv.change_secret(Sensitive(text), NEW),
    ]
    for attempt in attempts:
        with pytest.raises(PinWrong) as raised:
            attempt()
        assert raised.value.tries_left is None
        assert raised.value.__context__ is None
    assert card.sent == []


OTHER = datetime(2029, 1, 1, tzinfo=UTC)
AUTH = certificate_object(certificates.der()).hex() + "9000"
OWN = certificate_object(certificates.der(expires=OTHER), packed=True, info=1).hex() + "9000"
BROKEN = certificate_object(b"\x30\x00").hex() + "9000"


@pytest.mark.parametrize(
    ("table", "expires"),
    [
        ({ASK_PIV_AUTH: AUTH, ASK_CARD_AUTH: OWN, ASK_CHUID: CHUID}, certificates.EXPIRES),
        ({ASK_CARD_AUTH: OWN, ASK_CHUID: CHUID}, OTHER),
        ({ASK_PIV_AUTH: BROKEN, ASK_CARD_AUTH: OWN}, OTHER),
        ({ASK_PIV_AUTH: BROKEN, ASK_CHUID: CHUID}, datetime(2030, 1, 2, tzinfo=UTC)),
        ({ASK_PIV_AUTH: BROKEN}, None),
        ({}, None),
    ],
)
def test_when_a_card_expires(table: dict[str, str], expires: datetime | None) -> None:
    assert PivSession(Card(table, otherwise="6a82")).expires_at() == expires


def test_nothing_is_read_twice() -> None:
    own = certificate_object(certificates.der()).hex() + "9000"
    card = Card({ASK_CARD_AUTH: own}, otherwise="6a82")
    piv = PivSession(card)
    piv.identifier()
    piv.expires_at()
    assert len(card.sent) == len(set(card.sent)) == 3
