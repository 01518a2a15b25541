"""The paths, gate by gate, and that no gate can be jumped."""

from __future__ import annotations

from itertools import chain, combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.authority.visit.rules import (
    OWNER_IS_ASKED,
    UNLOCKS,
    Gate,
    Progress,
    Step,
    counted_steps,
    next_step,
    path,
    position,
    reaches,
)
from kiosk.contract.messages import Factor, Position, Purpose
from kiosk.contract.policy import Policy

QUESTIONS_FIRST = Policy()
CODE_FIRST = Policy(verification=((Factor.EMAIL_CODE, Factor.QUESTIONS),))
CODE_ONLY = Policy(verification=((Factor.EMAIL_CODE,),))
STEPS: tuple[Step, ...] = (*Gate, *Factor)
POLICIES = (QUESTIONS_FIRST, CODE_FIRST, CODE_ONLY)


@pytest.mark.parametrize(
    ("policy", "purpose", "gates"),
    [
        (QUESTIONS_FIRST, Purpose.REGISTER, "pin new-questions email code"),
        (CODE_FIRST, Purpose.REGISTER, "pin new-questions email code"),
        (CODE_ONLY, Purpose.REGISTER, "pin email code"),
        (QUESTIONS_FIRST, Purpose.UNLOCK, "questions email-code new-pin"),
        (CODE_FIRST, Purpose.UNLOCK, "email-code questions new-pin"),
        (CODE_ONLY, Purpose.UNLOCK, "email-code new-pin"),
        (QUESTIONS_FIRST, Purpose.CHANGE_PIN, "pin new-pin"),
        (QUESTIONS_FIRST, Purpose.CHANGE_QUESTIONS, "pin new-questions"),
        (QUESTIONS_FIRST, Purpose.CHANGE_EMAIL, "pin email code"),
    ],
)
def test_the_paths(policy: Policy, purpose: Purpose, gates: str) -> None:
    assert " ".join(path(policy, purpose)) == gates


def test_gate_has_the_name_of_no_factor() -> None:
    """They stand in one path, and a word is equal to a word."""
    assert not {gate.value for gate in Gate} & {factor.value for factor in Factor}


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("purpose", Purpose)
def test_row_by_row(policy: Policy, purpose: Purpose) -> None:
    gates = path(policy, purpose)
    for passed_count, gate in enumerate((*gates, None)):
        progress = Progress(purpose, frozenset(gates[:passed_count]))
        assert next_step(policy, progress) is gate
        for place, other in enumerate(gates):
            assert reaches(policy, progress, other) is (place <= passed_count)


@given(
    policy=st.sampled_from(POLICIES),
    purpose=st.sampled_from(Purpose),
    passed=st.frozensets(st.sampled_from(STEPS)),
    finished=st.booleans(),
)
def test_no_gate_is_reached_past_one_that_is_not_passed(
    policy: Policy, purpose: Purpose, passed: frozenset[Step], *, finished: bool
) -> None:
    progress = Progress(purpose, passed, finished)
    gates = path(policy, purpose)
    for gate in STEPS:
        if reaches(policy, progress, gate):
            assert not finished
            assert set(gates[: gates.index(gate)]) <= passed
    due = next_step(policy, progress)
    if due is not None:
        assert reaches(policy, progress, due)


def test_a_new_pin_needs_every_factor_of_the_policy() -> None:
    sets = chain.from_iterable(combinations(STEPS, size) for size in range(len(STEPS) + 1))
    for passed in map(frozenset, sets):
        for policy in POLICIES:
            (needed,) = map(set, policy.verification)
            progress = Progress(Purpose.UNLOCK, passed)
            assert reaches(policy, progress, Gate.NEW_PIN) is (needed <= passed)


# How far a holder is, for the page that shows it.


@pytest.mark.parametrize(
    ("policy", "purpose", "count"),
    [
        (QUESTIONS_FIRST, Purpose.REGISTER, 4),
        (CODE_ONLY, Purpose.REGISTER, 3),
        (QUESTIONS_FIRST, Purpose.UNLOCK, 4),
        (CODE_FIRST, Purpose.UNLOCK, 4),
        (CODE_ONLY, Purpose.UNLOCK, 3),
        (QUESTIONS_FIRST, Purpose.FIRST_UNLOCK, 8),
        (CODE_ONLY, Purpose.FIRST_UNLOCK, 7),
        (QUESTIONS_FIRST, Purpose.CHANGE_PIN, 2),
        (QUESTIONS_FIRST, Purpose.CHANGE_QUESTIONS, 2),
        (QUESTIONS_FIRST, Purpose.CHANGE_EMAIL, 3),
    ],
)
def test_how_many_steps_there_are(policy: Policy, purpose: Purpose, count: int) -> None:
    assert len(counted_steps(policy, purpose)) == count
    more = 1 if purpose in OWNER_IS_ASKED else 0
    assert len(counted_steps(policy, purpose, claimed=True)) == count + more


@pytest.mark.parametrize("claimed", [False, True])
@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("purpose", Purpose)
def test_gate_is_the_next_step(policy: Policy, purpose: Purpose, *, claimed: bool) -> None:
    progress = Progress(purpose, claimed=claimed)
    shown = [position(policy, progress, gate) for gate in path(policy, purpose, claimed=claimed)]
    # An unlock begins with the page on which the holder says that the card is theirs.
    first = 2 if purpose in UNLOCKS else 1
    assert [one.index for one in shown] == list(range(first, first + len(shown)))
    count = len(counted_steps(policy, purpose, claimed=claimed))
    assert {one.count for one in shown} == {count}
    if purpose is not Purpose.FIRST_UNLOCK:
        assert shown[-1].index == count


@pytest.mark.parametrize("policy", POLICIES)
def test_a_registration_goes_on_where_the_first_unlock_ended(policy: Policy) -> None:
    progress = Progress(Purpose.REGISTER, claimed=True)
    gates = path(policy, Purpose.REGISTER, claimed=True)
    shown = [position(policy, progress, gate, after_first_unlock=True) for gate in gates]
    last = position(policy, Progress(Purpose.FIRST_UNLOCK), Gate.NEW_PIN)
    assert [one.index for one in shown] == list(range(last.index + 1, last.index + 1 + len(gates)))
    assert shown[-1].index == shown[-1].count


def test_a_gate_that_left_the_path_is_shown_as_the_last_step() -> None:
    proven = Progress(Purpose.CHANGE_QUESTIONS)
    assert position(QUESTIONS_FIRST, proven, Gate.OWNER) == Position(2, 2)
