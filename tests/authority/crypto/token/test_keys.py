"""What the token's own process does with a token that SoftHSM cannot play."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from pkcs11 import AttributeTypeInvalid, TokenFlag

from kiosk.authority.crypto.token_keys import LAST_TRY, TokenKeys


@dataclass
class Locking:
    """A token, and the module that shows it: it remembers the PINs that it was given."""

    flags: TokenFlag
    given: list[str] = field(default_factory=list)

    def get_token(self, token_label: str) -> Locking:
        assert token_label == "kiosk"
        return self

    def open(self, *, user_pin: str) -> object:
        self.given.append(user_pin)
        return object()


@pytest.mark.parametrize("flag", [TokenFlag.USER_PIN_FINAL_TRY, TokenFlag.USER_PIN_LOCKED])
def test_the_last_try_of_a_pin_is_left_to_people(flag: TokenFlag) -> None:
    token: Any = Locking(TokenFlag.TOKEN_INITIALIZED | flag)
    assert TokenKeys(token, "kiosk").answer({"act": "open", "pin": "1"}) == {"error": LAST_TRY}
    assert token.given == []


def test_a_token_with_tries_is_opened() -> None:
    token: Any = Locking(TokenFlag.TOKEN_INITIALIZED | TokenFlag.USER_PIN_COUNT_LOW)
    assert TokenKeys(token, "kiosk").answer({"act": "open", "pin": "1"}) == {}
    assert token.given == ["1"]


@dataclass
class Shared:
    """A token that others use, too: their keys have names that are no text, or none."""

    flags: TokenFlag = TokenFlag.TOKEN_INITIALIZED

    def get_token(self, token_label: str) -> Shared:
        return self

    def open(self, *, user_pin: str) -> Shared:
        return self

    def get_objects(self, _wanted: object) -> list[Key]:
        names = (AttributeTypeInvalid(), undecodable(b"caf\xe9"), "unlock-kiosk-derive-0001-a")
        return [Key(name) for name in names]


@dataclass
class Key:
    named: str | Exception

    @property
    def label(self) -> str:
        if isinstance(self.named, Exception):
            raise self.named
        return self.named


def undecodable(name: bytes) -> Exception:
    try:
        name.decode()
    except UnicodeDecodeError as error:
        return error
    raise AssertionError(name)


def test_keys_of_others_are_passed_over() -> None:
    token: Any = Shared()
    keys = TokenKeys(token, "kiosk")
    assert keys.answer({"act": "open", "pin": "1"}) == {}
    assert keys.answer({"act": "labels"}) == {"labels": ["unlock-kiosk-derive-0001-a"]}
