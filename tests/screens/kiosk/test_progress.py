from __future__ import annotations

import pytest
from msgspec.structs import replace

from kiosk.authority.steps import OWNER_IS_ASKED, Gate, path
from kiosk.contract.messages import Purpose
from kiosk.contract.policy import Factor, Policy
from kiosk.station.commands import RequestCode
from kiosk.station.states import (
    AskQuestion,
    Attract,
    CodeEntry,
    CodeLack,
    CodeNeeded,
    ConfirmOwner,
    EnterEmail,
    EnterPin,
    GiveAnswer,
    Menu,
    NewPin,
    PickQuestion,
    RepeatPin,
    State,
    StillThere,
    Success,
    Trouble,
    VisitState,
    Work,
    Working,
)
from screens.kiosk.progress import Part, parts, position
from tests.screens.kiosk.samples import (
    ASKED,
    BANK,
    CHOOSE,
    CODE,
    EMAIL,
    FIRST_UNLOCK,
    REGISTER,
    RULES,
    SECRET,
    UNLOCK,
    UNLOCKED,
    VISIT,
)

CODE_ALONE = ("email-code",)
TURNED_ROUND = ("email-code", "questions")


def visit(purpose: Purpose, verification: tuple[str, ...] = VISIT.verification) -> VisitState:
    return replace(VISIT, purpose=purpose, verification=verification)


def working(of: VisitState, work: Work) -> Working:
    return Working(of, work, RequestCode(of.id, "1"), None)


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (Attract(), None),
        (ConfirmOwner(FIRST_UNLOCK), (1, 7)),
        (CodeEntry(FIRST_UNLOCK, CODE), (2, 7)),
        (NewPin(FIRST_UNLOCK, RULES), (3, 7)),
        (EnterPin(UNLOCKED), (4, 7)),
        (CodeEntry(replace(UNLOCKED, asks_owner=True, at_owner=True), CODE), (5, 8)),
        (CodeEntry(UNLOCKED, CODE), (7, 7)),
        (Menu(VISIT, (Purpose.UNLOCK,)), None),
        (Success(UNLOCK, Purpose.UNLOCK), None),
        (EnterPin(REGISTER), (1, 4)),
        (PickQuestion(REGISTER, CHOOSE), (2, 4)),
        (GiveAnswer(REGISTER, CHOOSE, (), BANK[0]), (2, 4)),
        (EnterEmail(REGISTER, EMAIL), (3, 4)),
        (CodeEntry(REGISTER, CODE), (4, 4)),
        (ConfirmOwner(UNLOCK), (1, 4)),
        (AskQuestion(UNLOCK, ASKED), (2, 4)),
        (CodeEntry(UNLOCK, CODE), (3, 4)),
        (CodeNeeded(UNLOCK, "a•••@x", CodeLack.EXPIRED), (3, 4)),
        (NewPin(UNLOCK, RULES), (4, 4)),
        (RepeatPin(UNLOCK, RULES, SECRET), (4, 4)),
        (StillThere(NewPin(UNLOCK, RULES)), (4, 4)),
        (EnterPin(visit(Purpose.CHANGE_PIN)), (1, 2)),
        (NewPin(visit(Purpose.CHANGE_PIN), RULES), (2, 2)),
        (PickQuestion(visit(Purpose.CHANGE_QUESTIONS), CHOOSE), (2, 2)),
        (EnterEmail(visit(Purpose.CHANGE_EMAIL), EMAIL), (2, 3)),
        (CodeEntry(visit(Purpose.CHANGE_EMAIL), CODE), (3, 3)),
        (EnterEmail(visit(Purpose.REGISTER, CODE_ALONE), EMAIL), (2, 3)),
        (CodeEntry(visit(Purpose.UNLOCK, CODE_ALONE), CODE), (2, 3)),
        (AskQuestion(visit(Purpose.UNLOCK, TURNED_ROUND), ASKED), (3, 4)),
        (CodeEntry(visit(Purpose.UNLOCK, (*CODE_ALONE, "something-new")), CODE), (2, 3)),
        (working(UNLOCK, Work.PREPARING), (1, 4)),
        (working(REGISTER, Work.CHECKING_PIN), (1, 4)),
        (working(REGISTER, Work.SAVING_ANSWERS), (2, 4)),
        (working(UNLOCK, Work.CHECKING_ANSWERS), (2, 4)),
        (working(UNLOCK, Work.SENDING_CODE), (3, 4)),
        (working(UNLOCK, Work.CHECKING_CODE), (3, 4)),
        (working(UNLOCK, Work.SETTING_PIN), (4, 4)),
        (Trouble(UNLOCK, Work.CHECKING_CODE, RequestCode(VISIT.id, "1"), None), (3, 4)),
    ],
)
def test_how_far_a_visit_is(state: State, expected: tuple[int, int] | None) -> None:
    assert position(state) == expected


STEP_OF = {
    Gate.PIN: Part.PIN,
    Gate.OWNER: Part.OWNER,
    Gate.QUESTIONS: Part.QUESTIONS,
    Gate.ANSWERS: Part.QUESTIONS,
    Gate.EMAIL: Part.EMAIL,
    Gate.CODE: Part.CODE,
    Gate.NEW_PIN: Part.NEW_PIN,
}
ORDERS = (
    (Factor.QUESTIONS, Factor.EMAIL_CODE),
    (Factor.EMAIL_CODE, Factor.QUESTIONS),
    (Factor.EMAIL_CODE,),
)


def decided(policy: Policy, purpose: Purpose, *, claimed: bool) -> list[Part]:
    """Return what the authority asks for, after the page on which the station asks whose it is."""
    gates = [STEP_OF[gate] for gate in path(policy, purpose, claimed=claimed)]
    match purpose:
        case Purpose.UNLOCK:
            return [Part.CONFIRM, *gates]
        case Purpose.FIRST_UNLOCK:
            given = [Part.GIVEN_CODE if step is Part.CODE else step for step in gates]
            return [Part.CONFIRM, *given, *decided(policy, Purpose.REGISTER, claimed=claimed)]
        case _:
            return gates


@pytest.mark.parametrize("claimed", [False, True])
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("purpose", [one for one in Purpose if one is not Purpose.REPORT_MISUSE])
def test_the_steps_counted_are_those_that_the_authority_asks_for(
    purpose: Purpose, order: tuple[Factor, ...], claimed: bool
) -> None:
    shown = visit(purpose, tuple(factor.value for factor in order))
    asks_owner = claimed and purpose in {*OWNER_IS_ASKED, Purpose.FIRST_UNLOCK}
    expected = decided(Policy(verification=order), purpose, claimed=claimed)
    assert list(parts(replace(shown, asks_owner=asks_owner))) == expected
