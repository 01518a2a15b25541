"""PIN and PUK: the counters, and each documented habit of their commands."""

from __future__ import annotations

import pytest

from tests.hardware.virtual.apdus import (
    OTHER,
    PIN,
    PUK,
    WRONG,
    apdu,
    ask_pin,
    card,
    change,
    select,
    status,
    unblock,
    verify,
)


@pytest.mark.parametrize("limit", [3, 5, 6, 10])
def test_wrong_pins_count_down_to_blocked(limit: int) -> None:
    made = card(pin_tries=limit)
    for left in range(limit - 1, 0, -1):
        assert verify(made, WRONG) == 0x63C0 | left
        assert ask_pin(made) == 0x63C0 | left
    assert verify(made, WRONG) == 0x63C0
    assert verify(made, PIN) == 0x6983
    assert ask_pin(made) == 0x6983


def test_asking_costs_nothing() -> None:
    made = card()
    assert {ask_pin(made) for _ in range(20)} == {0x63C3}


def test_a_right_pin_fills_the_counter() -> None:
    made = card()
    verify(made, WRONG)
    assert verify(made, PIN) == 0x9000
    assert made.state.pin.left == 3


def test_blocked_may_be_answered_as_63c0() -> None:
    made = card(blocked_status=0x63C0)
    made.state.pin.left = 0
    assert verify(made, PIN) == 0x63C0
    assert ask_pin(made) == 0x63C0


def test_the_last_try_may_already_answer_blocked() -> None:
    made = card(pin_tries=1, last_try_status=0x6983)
    assert verify(made, WRONG) == 0x6983


def test_a_verified_pin_is_reported_until_it_is_dropped() -> None:
    made = card()
    verify(made, PIN)
    select(made)
    assert ask_pin(made) == 0x9000
    assert status(made, apdu(0, 0x20, 0xFF, 0x80)) == 0x9000
    assert ask_pin(made) == 0x63C3


def test_some_never_report_a_verified_pin() -> None:
    made = card(verified_answers_9000=False)
    verify(made, PIN)
    assert ask_pin(made) == 0x63C3


def test_a_reset_and_a_wrong_pin_end_a_verified_one() -> None:
    made = card()
    verify(made, PIN)
    verify(made, WRONG)
    assert ask_pin(made) == 0x63C2
    verify(made, PIN)
    made.reset()
    select(made)
    assert ask_pin(made) == 0x63C3


def test_change_of_the_pin() -> None:
    made = card()
    assert change(made, WRONG, OTHER) == 0x63C2
    assert change(made, PIN, OTHER) == 0x9000
    assert verify(made, OTHER) == 0x9000
    assert verify(made, PIN) == 0x63C2


def test_change_of_the_puk() -> None:
    made = card()
    assert change(made, WRONG, "12345678", 0x81) == 0x63C2
    assert change(made, PUK, "12345678", 0x81) == 0x9000
    assert unblock(made, PUK, OTHER) == 0x63C2
    assert unblock(made, "12345678", OTHER) == 0x9000


def test_some_demand_a_numeric_puk() -> None:
    assert change(card(), PUK, "ABCDEFGH", 0x81) == 0x9000
    assert change(card(numeric_puk=True), PUK, "ABCDEFGH", 0x81) == 0x6A80


def test_unblock_resets_pin_and_both_counters() -> None:
    made = card()
    for _ in range(3):
        verify(made, WRONG)
    assert unblock(made, WRONG, OTHER) == 0x63C2
    assert unblock(made, PUK, OTHER) == 0x9000
    assert (made.state.pin.left, made.state.puk.left) == (3, 3)
    assert verify(made, OTHER) == 0x9000


def test_unblock_works_on_a_pin_that_is_not_blocked() -> None:
    assert unblock(card(), PUK, OTHER) == 0x9000


def test_a_blocked_puk_stays_blocked() -> None:
    made = card(puk_tries=2)
    assert [unblock(made, WRONG, OTHER) for _ in range(3)] == [0x63C1, 0x63C0, 0x6983]
    assert unblock(made, PUK, OTHER) == 0x6983
    assert change(made, PUK, "12345678", 0x81) == 0x6983
    assert verify(made, PIN) == 0x9000


@pytest.mark.parametrize("new", ["12345", "ABCDEF", ""])
def test_a_new_pin_of_another_form(new: str) -> None:
    assert unblock(card(), PUK, new) == 0x6A80
    assert change(card(), PIN, new) == 0x6A80
    lenient = card(accepts_any_new_pin=True)
    assert unblock(lenient, PUK, new) == 0x9000
    assert verify(lenient, new) == 0x9000


def test_a_refused_new_pin_changes_nothing() -> None:
    made = card()
    assert unblock(made, PUK, "12345") == 0x6A80
    assert verify(made, PIN) == 0x9000
    assert made.state.puk.left == 3


def test_history() -> None:
    made = card(history=2)
    assert change(made, PIN, OTHER) == 0x9000
    assert change(made, OTHER, PIN) == 0x6984
    assert unblock(made, PUK, OTHER) == 0x6984
    for old, new in ((OTHER, "771355"), ("771355", "771366"), ("771366", PIN)):
        assert change(made, old, new) == 0x9000


def test_a_complexity_rule() -> None:
    assert change(card(), PIN, "77777777") == 0x9000
    assert change(card(complexity_rule=True), PIN, "777777") == 0x6985
    assert change(card(complexity_rule=True), PIN, OTHER) == 0x9000


def test_an_old_family_reports_its_tries_in_another_way() -> None:
    made = card(tries_status=0x6300)
    assert verify(made, WRONG) == 0x6302
    assert ask_pin(made) == 0x6302


@pytest.mark.parametrize("length", [1, 7, 9])
def test_wrong_lengths_cost_nothing(length: int) -> None:
    for status_word in (0x6A80, 0x6700):
        made = card(wrong_length_status=status_word)
        for ins in (0x20, 0x24, 0x2C):
            assert status(made, apdu(0, ins, 0, 0x80, bytes(length))) == status_word
        assert (made.state.pin.left, made.state.puk.left) == (3, 3)


def test_an_unknown_reference() -> None:
    made = card()
    assert status(made, apdu(0, 0x20, 0, 0x81)) == 0x6A88
    assert status(made, apdu(0, 0x20, 0, 0x00, bytes(8))) == 0x6A88


def test_contactless_forbids_all_three() -> None:
    made = card(contactless=True)
    assert {ask_pin(made), verify(made, PIN), change(made, PIN, OTHER)} == {0x6982}
    assert unblock(made, PUK, OTHER) == 0x6982


def test_a_success_need_not_prove_the_puk() -> None:
    made = card(holds_puk_validation=True)
    assert unblock(made, PUK, OTHER) == 0x9000
    assert unblock(made, WRONG, PIN) == 0x9000
    assert made.state.puk.left == 3
    made.reset()
    select(made)
    assert unblock(made, WRONG, PIN) == 0x63C2


def test_without_that_habit_each_puk_is_proven() -> None:
    made = card()
    unblock(made, PUK, OTHER)
    assert unblock(made, WRONG, PIN) == 0x63C2


def test_keys_go_when_both_are_blocked() -> None:
    made = card(pin_tries=1, puk_tries=1, erases_keys_when_both_blocked=True)
    verify(made, WRONG)
    assert made.state.keys
    unblock(made, WRONG, PIN)
    assert not made.state.keys


def test_metadata_reports_the_puk_where_it_is_known() -> None:
    made = card(metadata=True, puk_tries=5)
    unblock(made, WRONG, PIN)
    assert bytes.fromhex("06020504") in made.transmit(apdu(0, 0xF7, 0, 0x81, le=256))
    assert status(card(), apdu(0, 0xF7, 0, 0x81, le=256)) == 0x6D00
