"""What a module's answers mean: the flags decide."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn, cast

import pkcs11
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pkcs11 import TokenFlag

from hardware.pkcs11 import cards
from hardware.pkcs11.cards import NAME, HeldToken, Pin, Style
from hardware.pkcs11.tokens import Tokens
from kiosk.contract.errors import (
    CardError,
    CardProtocolError,
    CardSwapped,
    CardUnknown,
    NotAllowed,
    OutcomeUnknown,
    PinBlocked,
    PinRefused,
    PinWrong,
)
from kiosk.contract.messages import CardId, PinState
from kiosk.contract.ports import CardAddress
from kiosk.system.module_process import Message, ModuleProcess
from tests.hardware.pkcs11.tokens import NEW, NEW_SO, SO_PIN

USER_LOCKED, SO_LOCKED = TokenFlag.USER_PIN_LOCKED, TokenFlag.SO_PIN_LOCKED
USER_LAST, SO_LAST = TokenFlag.USER_PIN_FINAL_TRY, TokenFlag.SO_PIN_FINAL_TRY


@pytest.mark.parametrize(
    ("flags", "state"),
    [
        (0, PinState(blocked=False, tries_left=None)),
        (TokenFlag.USER_PIN_COUNT_LOW, PinState(blocked=False, tries_left=None)),
        (USER_LAST, PinState(blocked=False, tries_left=1)),
        (USER_LOCKED, PinState(blocked=True, tries_left=0)),
        (USER_LOCKED | USER_LAST, PinState(blocked=True, tries_left=0)),
        (SO_LOCKED | SO_LAST, PinState(blocked=False, tries_left=None)),
    ],
)
def test_the_state_of_the_pin(flags: int, state: PinState) -> None:
    assert cards.pin_state(flags) == state


@pytest.mark.parametrize(
    ("error", "flags", "pin", "raised", "left"),
    [
        ("PinIncorrect", 0, Pin.USER, PinWrong, None),
        ("PinIncorrect", USER_LAST, Pin.USER, PinWrong, 1),
        ("PinIncorrect", USER_LOCKED, Pin.USER, PinBlocked, None),
        ("PinIncorrect", SO_LOCKED, Pin.USER, PinWrong, None),
        ("PinIncorrect", 0, Pin.SECURITY_OFFICER, PinWrong, None),
        ("PinIncorrect", SO_LAST, Pin.SECURITY_OFFICER, PinWrong, 1),
        ("PinIncorrect", SO_LOCKED, Pin.SECURITY_OFFICER, PinBlocked, None),
        ("PinIncorrect", USER_LOCKED | USER_LAST, Pin.SECURITY_OFFICER, PinWrong, None),
        ("PinLocked", 0, Pin.SECURITY_OFFICER, PinBlocked, None),
        ("PinLenRange", 0, Pin.SECURITY_OFFICER, PinWrong, None),
        ("PinInvalid", 0, Pin.SECURITY_OFFICER, PinWrong, None),
        ("FunctionNotSupported", 0, Pin.SECURITY_OFFICER, NotAllowed, None),
        ("TokenWriteProtected", 0, Pin.SECURITY_OFFICER, NotAllowed, None),
        ("UserPinNotInitialized", 0, Pin.USER, NotAllowed, None),
        ("PinExpired", 0, Pin.USER, NotAllowed, None),
        ("DeviceError", 0, Pin.SECURITY_OFFICER, OutcomeUnknown, None),
        ("DeviceError", SO_LOCKED, Pin.SECURITY_OFFICER, OutcomeUnknown, None),
        ("TokenNotPresent", 0, Pin.USER, OutcomeUnknown, None),
        ("SomethingNew", 0, Pin.USER, OutcomeUnknown, None),
    ],
)
def test_what_went_wrong_with_a_pin(
    error: str, flags: int, pin: Pin, raised: type[CardError], left: int | None
) -> None:
    with pytest.raises(raised) as told:
        cards.checked({"serial": "1", "flags": int(flags), "error": error}, pin)
    assert getattr(told.value, "tries_left", None) == left


@pytest.mark.parametrize(
    ("error", "reason"),
    [("PinLenRange", "format"), ("PinInvalid", "format"), ("PinTooWeak", "complexity")],
)
def test_a_new_pin_that_is_not_taken(error: str, reason: str) -> None:
    answer = {"serial": "1", "flags": 0, "error": error, "of_new": True}
    with pytest.raises(PinRefused, match=reason):
        cards.checked(answer, Pin.SECURITY_OFFICER)


def test_a_failure_at_a_new_pin_is_no_refusal_of_it() -> None:
    answer = {"serial": "1", "flags": 0, "error": "DeviceError", "of_new": True}
    with pytest.raises(OutcomeUnknown):
        cards.checked(answer, Pin.SECURITY_OFFICER)


def test_nothing_went_wrong() -> None:
    cards.checked({"serial": "1", "flags": int(USER_LOCKED)}, Pin.USER)


@pytest.mark.parametrize(
    ("answer", "raised"),
    [
        ({"missing": "absent"}, CardUnknown),
        ({"missing": "several"}, CardUnknown),
        ({"missing": "other"}, CardSwapped),
        ({"cannot-load": "no file"}, CardProtocolError),
        ({"error": "DeviceError"}, CardProtocolError),
        ({}, CardProtocolError),
    ],
)
def test_no_token_was_asked(answer: Message, raised: type[CardError]) -> None:
    with pytest.raises(raised):
        cards.found(answer)


def test_a_token_is_known_by_its_serial_number() -> None:
    assert cards.identifier({"serial": "AB:12-34 56"}) == "ab123456"
    for told in ("", "0000000000000000", "12\u00e9", "12_34"):
        with pytest.raises(CardUnknown):
            cards.identifier({"serial": told})


class Asked:
    """A module's process that does everything, of a token with these flags."""

    def __init__(self, flags: int) -> None:
        self.flags = flags
        self.acts: list[str] = []

    def ask(self, request: Message, more_s: float = 0.0) -> Message:
        self.acts.append(request["act"])
        return {"serial": "12", "flags": self.flags}


def asked(flags: int, style: Style, use: Callable[[HeldToken], None]) -> list[str]:
    """Return what was asked of a token beside how it is."""
    process = Asked(flags)
    token = HeldToken(cast(ModuleProcess, process), CardAddress("R", CardId(NAME, "12")), style)
    with suppress(PinBlocked):
        use(token)
    return [act for act in process.acts if act != "look"]


@pytest.mark.parametrize(
    ("flags", "spends"),
    [(0, True), (USER_LOCKED | USER_LAST, True), (SO_LAST, False), (SO_LOCKED, False)],
)
def test_the_last_try_of_a_secret_is_never_spent(flags: int, *, spends: bool) -> None:
    for style in Style:
        sent = asked(int(flags), style, lambda token: token.unblock(SO_PIN, NEW))
        assert sent == [style.value] * spends
    sent = asked(int(flags), Style.INIT_PIN, lambda token: token.change_secret(SO_PIN, NEW_SO))
    assert sent == ["change-so"] * spends


class OddModule:
    """A module that shows one token: any serial number, any flags, any error."""

    def __init__(self, serial: bytes, flags: int, label: str, error: Exception | None) -> None:
        self.slot_description = "Front 00"
        self.serial, self.flags, self.label = serial, TokenFlag(flags), label
        self._error = error

    def get_slots(self, token_present: bool = False) -> list[OddModule]:
        return [self]

    def get_token(self) -> OddModule:
        return self

    def open(self, **_pins: object) -> NoReturn:
        raise self._error or pkcs11.GeneralError


ERRORS = [pkcs11.PinIncorrect, pkcs11.PinLocked, pkcs11.DeviceRemoved, pkcs11.UserAlreadyLoggedIn]


@given(
    st.binary(max_size=16),
    st.integers(0, 2**32 - 1),
    st.text(max_size=32),
    st.sampled_from(ERRORS),
    st.sampled_from(["look", "login", "change", "init-pin", "set-pin-with-puk", "change-so"]),
)
def test_every_answer_of_a_module_is_an_error_that_a_station_knows(
    serial: bytes, flags: int, label: str, error: type[Exception], act: str
) -> None:
    tokens = Tokens(OddModule(serial, flags, label, error()))
    request = {"act": act, "reader": "Front 00", "old": "1234", "new": "5678"}
    answer = json.loads(json.dumps(tokens.answer(request)))
    with suppress(CardError):
        cards.identifier(cards.found(answer))
        cards.checked(answer, Pin.USER)
        assert act == "look", "an act that failed was taken for done"


@pytest.mark.parametrize("act", ["login", "change", "init-pin", "set-pin-with-puk", "change-so"])
def test_no_pin_goes_to_another_token_that_came_into_the_reader(act: str) -> None:
    tokens = Tokens(OddModule(b"34", TokenFlag.TOKEN_INITIALIZED, "", None))
    request = {"act": act, "reader": "Front 00", "old": "1234", "new": "5678"}
    assert tokens.answer({**request, "serial": "12"}) == {"missing": "other"}
    assert tokens.answer({**request, "serial": "34"})["error"] == "GeneralError"


class TwoTokens(OddModule):
    """A module that shows two of them in one reader."""

    def get_slots(self, token_present: bool = False) -> list[OddModule]:
        return [self, self]


def test_of_two_tokens_in_a_reader_none_is_guessed() -> None:
    tokens = Tokens(TwoTokens(b"12", TokenFlag.TOKEN_INITIALIZED, "", None))
    request = {"act": "login", "reader": "Front 00", "serial": "12", "old": "1234", "new": ""}
    assert tokens.answer(request) == {"missing": "several"}
