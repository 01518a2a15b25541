"""The driver against the habits of GIDS cards, each answered from a table."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hardware.driver import load_driver
from hardware.drivers.gids import GidsSession
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
from kiosk.contract.messages import PinState
from kiosk.contract.sensitive import Sensitive
from tests.hardware.fakes import Answer, Card, Script

ID = "00112233445566778899aabbccddeeff"
ASK_ID, ASK_TRIES, ASK_EMPTY = "00cba012045c02df2000", "00cb3fff045c027f7100", "00200080"
PIN, NEW = Sensitive("482915"), Sensitive("60514273")
PIN_HEX, NEW_HEX = "343832393135", "3630353134323733"


def session(*answers: Answer) -> tuple[GidsSession, Script]:
    card = Script(*answers)
    return GidsSession(card), card


@pytest.mark.parametrize("absent", ["6a82", "6d00", "6999", "6e00"])
def test_the_shared_name_is_tried_after_the_whole_one(absent: str) -> None:
    card = Script(absent, "9000")
    assert load_driver("gids", "admin-key").open(card) is not None
    assert card.sent == [
        "00a404000ba00000039742544659020100",
        "00a4040009a0000003974254465900",
    ]
    assert load_driver("gids", "admin-key").open(Script(absent, absent)) is None


def test_a_card_is_known_by_its_identifier() -> None:
    assert GidsSession(Card({ASK_ID: f"df2010{ID}9000"})).identifier() == ID


@pytest.mark.parametrize(
    "content",
    ["6a82", "9000", "df20009000", f"df2010{'00' * 16}9000", f"df200f{ID[2:]}9000", f"{ID}9000"],
)
def test_a_card_without_an_identifier_is_unknown(content: str) -> None:
    with pytest.raises(CardUnknown) as unknown:
        GidsSession(Card({ASK_ID: content})).identifier()
    assert unknown.value.family == "gids"


@pytest.mark.parametrize(
    ("content", "left"),
    [
        ("7f71069701029301039000", 2),
        ("7f71069701009301039000", 0),
        ("7f71079f1701059301059000", 5),
        ("9701019301039000", 1),
    ],
)
def test_the_tries_are_read(content: str, left: int) -> None:
    state = GidsSession(Card({ASK_TRIES: content})).pin_state()
    assert state == PinState(blocked=left == 0, tries_left=left)


@pytest.mark.parametrize("content", ["6a88", "9000", "7f71039301039000", "7f7104970200039000"])
@pytest.mark.parametrize(("answer", "left"), [("63c3", 3), ("63c0", 0), ("6983", 0), ("6301", 1)])
def test_where_they_are_missing_an_empty_verify_asks(content: str, answer: str, left: int) -> None:
    card = Card({ASK_TRIES: content, ASK_EMPTY: answer})
    assert GidsSession(card).pin_state() == PinState(blocked=left == 0, tries_left=left)
    assert card.sent == [ASK_TRIES, ASK_EMPTY]


@pytest.mark.parametrize(("answer", "kind"), [("6982", NotAllowed), ("6d00", CardProtocolError)])
def test_a_card_that_reports_nothing_of_its_pin(answer: str, kind: type[CardError]) -> None:
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
