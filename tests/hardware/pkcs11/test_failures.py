"""Modules that sleep for ever, and that abort: the caller goes on within the time-out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from hardware.pkcs11.cards import WORKER, Pkcs11Cards
from kiosk.contract.errors import CardError, CardHung, CardProtocolError, OutcomeUnknown
from tests.hardware.pkcs11.tokens import (
    NEW,
    PIN,
    SO_PIN,
    Token,
    faulty_module,
    refusing_module,
    running,
)

ANSWER_S = 2.5
LONG_S = 60.0
"""The time-out for a module that aborts, which is not waited for."""

Act = Callable[[Pkcs11Cards, Token], object]
ACTS: dict[str, Act] = {
    "read": lambda cards, token: cards.read(token.reader),
    "verify": lambda cards, token: cards.verify_pin(token.at, PIN),
    "change": lambda cards, token: cards.change_pin(token.at, PIN, NEW),
    "unblock": lambda cards, token: cards.hold(token.at, lambda held: held.unblock(SO_PIN, NEW)),
}
BEFORE = [
    ("read", "C_Initialize"),
    ("read", "C_GetTokenInfo"),
    ("unblock", "C_GetSlotList"),
]
WITHIN = [
    ("verify", "C_Login"),
    ("change", "C_SetPIN"),
    ("unblock", "C_Login"),
    ("unblock", "C_InitPIN"),
]


def fails(token: Token, act: str, module: Path, *, aborts: bool) -> CardError:
    """Return what the act raised, after which the real module serves the token."""
    cards = token.cards(module, answer_s=LONG_S if aborts else ANSWER_S)
    with pytest.raises(CardError, match="crashed" if aborts else "gave no answer") as raised:
        ACTS[act](cards, token)
    assert not running(WORKER)
    assert token.cards().read(token.reader).card == token.at.card
    return raised.value


@pytest.mark.parametrize(("act", "function"), BEFORE)
@pytest.mark.parametrize("aborts", [False, True], ids=["sleeps", "aborts"])
def test_a_module_that_fails_before_a_change(
    token: Token, tmp_path: Path, act: str, function: str, aborts: bool
) -> None:
    module = faulty_module(tmp_path, function, aborts=aborts)
    error = fails(token, act, module, aborts=aborts)
    assert isinstance(error, CardProtocolError if aborts else CardHung)
    token.cards().verify_pin(token.at, PIN)


@pytest.mark.parametrize(("act", "function"), WITHIN)
@pytest.mark.parametrize("aborts", [False, True], ids=["sleeps", "aborts"])
@pytest.mark.parametrize("after", [False, True], ids=["before its work", "after it"])
def test_a_module_that_fails_within_a_change(
    token: Token, tmp_path: Path, act: str, function: str, aborts: bool, after: bool
) -> None:
    """Nobody knows then whether it was done: the PIN is the old one or the new one."""
    module = faulty_module(tmp_path, function, aborts=aborts, after=after)
    error = fails(token, act, module, aborts=aborts)
    assert isinstance(error, OutcomeUnknown)
    changed = after and function in ("C_SetPIN", "C_InitPIN")
    token.cards().verify_pin(token.at, NEW if changed else PIN)


def test_a_hold_whose_module_died_stays_dead(token: Token, tmp_path: Path) -> None:
    cards = token.cards(faulty_module(tmp_path, "C_Login", aborts=True))

    def use(held: object) -> None:
        for _ in range(2):
            with pytest.raises(CardError):
                held.unblock(SO_PIN, NEW)  # type: ignore[attr-defined]

    cards.hold(token.at, use)
    token.cards().verify_pin(token.at, PIN)


@pytest.mark.parametrize("act", ["verify", "change", "unblock"])
def test_a_module_without_a_logout_has_done_what_it_did(
    token: Token, tmp_path: Path, act: str
) -> None:
    ACTS[act](token.cards(refusing_module(tmp_path, "C_Logout")), token)
    token.cards().verify_pin(token.at, PIN if act == "verify" else NEW)
