"""The driver against the habits of GIDS cards, each answered from a table."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hardware.driver import CardSession
from hardware.drivers.gids import GidsDriver, GidsSession
from kiosk.dialogue import CardChallenge, KeyChallenge, KeyKind, PinState
from kiosk.errors import (
    CardError,
    CardProtocolError,
    CardUnknown,
    NotAllowed,
    OutcomeUnknown,
    PinBlocked,
    PinRefused,
    PinWrong,
)
from kiosk.sensitive import Sensitive
from tests.hardware.fakes import Answer, Card, Script

ID = "00112233445566778899aabbccddeeff"
ASK_ID, ASK_TRIES, ASK_EMPTY = "00cba012045c02df2000", "00cb3fff045c027f7100", "00200080"
PIN, NEW, KEY = Sensitive("482915"), Sensitive("60514273"), Sensitive("00" * 24)
PIN_HEX, NEW_HEX = "343832393135", "3630353134323733"
HOST, NONCE, CRYPTOGRAM = "aa" * 16, "bb" * 16, "cc" * 40
CHOOSE, CHALLENGE = "0022c1a403830180", f"00870000147c128110{HOST}00"
GIVE, TOLD_NONCE = f"008700002c7c2a8228{CRYPTOGRAM}00", f"7c128110{NONCE}9000"


def session(*answers: Answer) -> tuple[GidsSession, Script]:
    card = Script(*answers)
    return GidsSession(card), card


@pytest.mark.parametrize("absent", ["6a82", "6d00", "6999", "6e00"])
def test_the_shared_name_is_tried_after_the_whole_one(absent: str) -> None:
    card = Script(absent, "9000")
    assert GidsDriver().open(card) is not None
    assert card.sent == [
        "00a404000ba00000039742544659020100",
        "00a4040009a0000003974254465900",
    ]
    assert GidsDriver().open(Script(absent, absent)) is None


def test_a_card_is_known_by_its_identifier() -> None:
    assert GidsSession(Card({ASK_ID: f"df2010{ID}9000"})).identifier() == ID


@pytest.mark.parametrize(
    "told",
    ["6a82", "9000", "df20009000", f"df2010{'00' * 16}9000", f"df200f{ID[2:]}9000", f"{ID}9000"],
)
def test_a_card_without_an_identifier_is_unknown(told: str) -> None:
    with pytest.raises(CardUnknown):
        GidsSession(Card({ASK_ID: told})).identifier()


@pytest.mark.parametrize(
    ("told", "left"),
    [
        ("7f71069701029301039000", 2),
        ("7f71069701009301039000", 0),
        ("7f71079f1701059301059000", 5),
        ("9701019301039000", 1),
    ],
)
def test_the_tries_are_read(told: str, left: int) -> None:
    state = GidsSession(Card({ASK_TRIES: told})).pin_state()
    assert state == PinState(blocked=left == 0, tries_left=left)


@pytest.mark.parametrize("told", ["6a88", "9000", "7f71039301039000", "7f7104970200039000"])
@pytest.mark.parametrize(("answer", "left"), [("63c3", 3), ("63c0", 0), ("6983", 0), ("6301", 1)])
def test_where_they_are_not_told_an_empty_verify_asks(told: str, answer: str, left: int) -> None:
    card = Card({ASK_TRIES: told, ASK_EMPTY: answer})
    assert GidsSession(card).pin_state() == PinState(blocked=left == 0, tries_left=left)
    assert card.sent == [ASK_TRIES, ASK_EMPTY]


@pytest.mark.parametrize(("answer", "kind"), [("6982", NotAllowed), ("6d00", CardProtocolError)])
def test_a_card_that_tells_nothing_of_its_pin(answer: str, kind: type[CardError]) -> None:
    with pytest.raises(kind):
        session("6a88", answer)[0].pin_state()


def test_pins_go_as_they_are() -> None:
    gids, card = session("9000", "9000", "9000", "9000")
    gids.verify_pin(PIN)
    gids.change_pin(PIN, NEW)
    gids.reset_pin(NEW)
    assert card.sent == [
        f"0020008006{PIN_HEX}",
        f"0020008006{PIN_HEX}",
        f"002400800e{PIN_HEX}{NEW_HEX}",
        f"002c028008{NEW_HEX}",
    ]


@pytest.mark.parametrize("pin", ["123", "1" * 17, "", "12345é"])
def test_a_pin_that_cannot_be_right_is_not_sent(pin: str) -> None:
    gids, card = session()
    with pytest.raises(PinWrong) as wrong:
        gids.verify_pin(Sensitive(pin))
    with pytest.raises(PinWrong):
        gids.change_pin(Sensitive(pin), NEW)
    assert wrong.value.tries_left is None
    assert card.sent == []


@pytest.mark.parametrize("pin", ["123", "1" * 17, "", "12345a", "１２３４５６"])
def test_a_new_pin_that_would_not_fit_is_not_sent(pin: str) -> None:
    gids, card = session()
    new = Sensitive(pin)
    sending: list[Callable[[], None]] = [
        lambda: gids.change_pin(PIN, new),
        lambda: gids.reset_pin(new),
    ]
    for act in sending:
        with pytest.raises(PinRefused):
            act()
    assert card.sent == []


def test_an_old_pin_that_is_wrong_is_never_joined() -> None:
    gids, card = session("63c2")
    with pytest.raises(PinWrong) as wrong:
        gids.change_pin(Sensitive("48291560"), Sensitive("514273"))
    assert wrong.value.tries_left == 2
    assert [sent[:4] for sent in card.sent] == ["0020"]


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ("63c1", PinWrong),
        ("6302", PinWrong),
        ("6700", PinWrong),
        ("63c0", PinBlocked),
        ("6983", PinBlocked),
        ("6982", NotAllowed),
        ("6581", OutcomeUnknown),
        ("6d00", CardProtocolError),
        ("6c06", CardProtocolError),
    ],
)
def test_verify_is_answered(answer: str, kind: type[CardError]) -> None:
    gids, card = session(answer)
    with pytest.raises(kind):
        gids.verify_pin(PIN)
    assert len(card.sent) == 1


def test_the_key_is_met_and_proven() -> None:
    gids, card = session("9000", TOLD_NONCE, f"7c2a8228{'dd' * 40}9000")
    assert gids.meet_key(KeyChallenge(bytes.fromhex(HOST))).nonce.hex() == NONCE
    assert all(not command.changes_card for command in card.commands)
    assert gids.prove_key(bytes.fromhex(CRYPTOGRAM)).cryptogram.hex() == "dd" * 40
    assert card.commands[-1].changes_card
    assert card.sent == [CHOOSE, CHALLENGE, GIVE]


@pytest.mark.parametrize("answers", [[], ["9000"]])
@pytest.mark.parametrize(
    ("refusal", "kind"),
    [
        ("6983", PinBlocked),
        ("6982", NotAllowed),
        ("6a88", CardProtocolError),
        ("6985", CardProtocolError),
        ("63c2", CardProtocolError),
    ],
)
def test_a_card_that_does_not_begin(
    answers: list[str], refusal: str, kind: type[CardError]
) -> None:
    gids, card = session(*answers, refusal)
    with pytest.raises(kind):
        gids.meet_key(KeyChallenge(bytes(16)))
    assert len(card.sent) == len(answers) + 1


@pytest.mark.parametrize(
    "told", ["", "7c00", f"7c118110{NONCE[2:]}", f"7c11810f{NONCE[2:]}", f"7c138111{NONCE}00"]
)
def test_a_random_number_of_another_length(told: str) -> None:
    with pytest.raises(CardProtocolError):
        session("9000", told + "9000")[0].meet_key(KeyChallenge(bytes(16)))


@pytest.mark.parametrize(
    ("answer", "kind", "left"),
    [
        ("6982", PinWrong, None),
        ("6300", PinWrong, None),
        ("63c4", PinWrong, 4),
        ("63c0", PinBlocked, None),
        ("6983", PinBlocked, None),
        ("6985", NotAllowed, None),
        ("6f00", OutcomeUnknown, None),
        ("6581", OutcomeUnknown, None),
        ("6a80", CardProtocolError, None),
        ("6984", CardProtocolError, None),
        ("7c2a8227" + "dd" * 40 + "9000", CardProtocolError, None),
        ("7c298227" + "dd" * 39 + "9000", CardProtocolError, None),
        ("9000", CardProtocolError, None),
    ],
)
def test_a_cryptogram_is_refused(answer: str, kind: type[CardError], left: int | None) -> None:
    gids, card = session(answer)
    with pytest.raises(kind) as refused:
        gids.prove_key(bytes.fromhex(CRYPTOGRAM))
    assert getattr(refused.value, "tries_left", None) == left
    assert len(card.sent) == 1


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ("6982", NotAllowed),
        ("6984", PinRefused),
        ("6985", PinRefused),
        ("6700", PinRefused),
        ("6a80", PinRefused),
        ("6581", OutcomeUnknown),
        ("63c2", CardProtocolError),
        ("6983", CardProtocolError),
        ("6a88", CardProtocolError),
    ],
)
def test_a_pin_is_not_reset(answer: str, kind: type[CardError]) -> None:
    """None of it says anything of the key, which was proven before."""
    with pytest.raises(kind):
        session(answer)[0].reset_pin(NEW)


def test_what_a_card_of_this_family_never_does() -> None:
    gids, card = session()
    sending: list[Callable[[], None]] = [
        lambda: gids.unblock(KEY, NEW),
        lambda: gids.change_secret(KEY, KEY),
    ]
    for act in sending:
        with pytest.raises(NotAllowed):
            act()
    as_any: CardSession = gids
    assert as_any.expires_at() is None
    assert as_any.certificate() is None
    assert as_any.prove(CardChallenge(bytes(32), KeyKind.P_256)) is None
    assert card.sent == []
