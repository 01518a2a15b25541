"""The counters under every order of commands."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.virtual.piv import VirtualCard
from tests.hardware.virtual.apdus import PIN, PUK, WRONG, ask_pin, card, change, unblock, verify

_COMMANDS = st.lists(
    st.tuples(st.sampled_from(["verify", "change", "unblock", "ask"]), st.booleans()), max_size=25
)


@pytest.fixture(scope="module")
def made() -> VirtualCard:
    return card()


@given(steps=_COMMANDS)
def test_no_order_of_commands_gives_a_try_away(
    made: VirtualCard, steps: list[tuple[str, bool]]
) -> None:
    made.state.pin.left, made.state.puk.left = 3, 3
    for name, right in steps:
        before = (made.state.pin.left, made.state.puk.left)
        status_word = _do(made, name, right)
        _check(name, right, before, (made.state.pin.left, made.state.puk.left), status_word)


def _do(made: VirtualCard, name: str, right: bool) -> int:
    if name == "verify":
        return verify(made, PIN if right else WRONG)
    if name == "change":
        return change(made, PIN if right else WRONG, PIN)
    if name == "unblock":
        return unblock(made, PUK if right else WRONG, PIN)
    return ask_pin(made)


def _check(
    name: str, right: bool, before: tuple[int, int], after: tuple[int, int], status_word: int
) -> None:
    which = 1 if name == "unblock" else 0
    if name == "ask":
        assert after == before
    elif before[which] == 0:
        assert after == before
        assert status_word == 0x6983
    elif right:
        assert after[which] == 3
        assert status_word == 0x9000
    else:
        assert after[which] == before[which] - 1
        assert status_word == 0x63C0 | after[which]
