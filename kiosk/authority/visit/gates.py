"""Which gate comes next: pure, and recomputed from the records for every call.

Each purpose is a path of gates in a fixed order. The holder's next step is the first gate that is
not passed; a call for a later gate is refused. A station can therefore skip no step, whatever it
sends or omits.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from kiosk.contract.messages import Position, Purpose
from kiosk.contract.policy import Factor, Policy


class Gate(StrEnum):
    """One thing that has to be done, or proven."""

    PIN = "pin"
    OWNER = "owner"
    QUESTIONS = "questions"
    EMAIL = "email"
    ANSWERS = "answers"
    CODE = "code"
    NEW_PIN = "new-pin"
    STOP_NUMBER = "stop-number"
    MAINTENANCE = "maintenance"


OWNER_IS_ASKED = frozenset({Purpose.REGISTER, Purpose.CHANGE_QUESTIONS, Purpose.CHANGE_EMAIL})
"""Purposes that change recovery data: after a claimed PIN, a code to a recorded address is due."""

UNLOCKS = frozenset({Purpose.UNLOCK, Purpose.FIRST_UNLOCK})
"""Purposes that end in a release of the unblock secret."""

_GATE_OF = {Factor.QUESTIONS: Gate.ANSWERS, Factor.EMAIL_CODE: Gate.CODE}


@dataclass(frozen=True, slots=True)
class Progress:
    """The recorded state of a visit: its purpose, and the gates that it has passed.

    ``claimed``: only a status word shows the PIN.
    """

    purpose: Purpose
    passed: frozenset[Gate] = frozenset()
    finished: bool = False
    claimed: bool = False


def path(policy: Policy, purpose: Purpose, *, claimed: bool = False) -> tuple[Gate, ...]:
    """Return the gates of ``purpose``, in order."""
    gates = _path(policy, purpose)
    if claimed and purpose in OWNER_IS_ASKED:
        return (Gate.PIN, Gate.OWNER, *gates[1:])
    return gates


def _path(policy: Policy, purpose: Purpose) -> tuple[Gate, ...]:
    match purpose:
        case Purpose.REGISTER:
            questions = (Gate.QUESTIONS,) if policy.asks_questions else ()
            return (Gate.PIN, *questions, Gate.EMAIL, Gate.CODE)
        case Purpose.UNLOCK:
            return (*(_GATE_OF[factor] for factor in policy.verification), Gate.NEW_PIN)
        case Purpose.FIRST_UNLOCK:
            return (Gate.CODE, Gate.NEW_PIN)
        case Purpose.CHANGE_PIN:
            return (Gate.PIN, Gate.NEW_PIN)
        case Purpose.CHANGE_QUESTIONS:
            return (Gate.PIN, Gate.QUESTIONS)
        case Purpose.CHANGE_EMAIL:
            return (Gate.PIN, Gate.EMAIL, Gate.CODE)
        case Purpose.REPORT_MISUSE:
            return (Gate.STOP_NUMBER,)
        case Purpose.MAINTENANCE:
            return (Gate.PIN, Gate.MAINTENANCE)
        case _:
            assert_never(purpose)


CountedStep = tuple[Purpose, Gate | None]
"""What a holder counts as one step. None: the page on which they confirm that it is their card."""


def counted_steps(
    policy: Policy, purpose: Purpose, *, claimed: bool = False, registers: bool = True
) -> tuple[CountedStep, ...]:
    """Return the steps that a holder sees.

    ``registers``: a first unlock continues as a registration.
    """
    own = tuple((purpose, gate) for gate in path(policy, purpose, claimed=claimed))
    if purpose not in UNLOCKS:
        return own
    goes_on = purpose is Purpose.FIRST_UNLOCK and registers
    after = counted_steps(policy, Purpose.REGISTER, claimed=claimed) if goes_on else ()
    return ((purpose, None), *own, *after)


def position(
    policy: Policy,
    progress: Progress,
    gate: Gate,
    *,
    after_first_unlock: bool = False,
    registers: bool = True,
) -> Position:
    """Return how far a holder is at ``gate``; ``registers`` as for ``counted_steps``.

    A gate that is no longer on the path (another call has proven the PIN since) is shown as the
    last step: a number on a screen is no reason to refuse a call.
    """
    begun_as = Purpose.FIRST_UNLOCK if after_first_unlock else progress.purpose
    steps = counted_steps(policy, begun_as, claimed=progress.claimed, registers=registers)
    step = (progress.purpose, gate)
    return Position(steps.index(step) + 1 if step in steps else len(steps), len(steps))


def next_gate(policy: Policy, progress: Progress) -> Gate | None:
    """Return the first gate that is not passed; None when all are passed."""
    if progress.finished:
        return None
    gates = path(policy, progress.purpose, claimed=progress.claimed)
    return next((gate for gate in gates if gate not in progress.passed), None)


def reaches(policy: Policy, progress: Progress, gate: Gate) -> bool:
    """Return whether every gate before ``gate`` is passed; a passed gate can be repeated."""
    gates = path(policy, progress.purpose, claimed=progress.claimed)
    if progress.finished or gate not in gates:
        return False
    return progress.passed.issuperset(gates[: gates.index(gate)])


def answers_come_before_code(policy: Policy) -> bool:
    """Return whether a code may only be asked for once the questions are answered."""
    gates = path(policy, Purpose.UNLOCK)
    return Gate.ANSWERS in gates[: gates.index(Gate.CODE)]
