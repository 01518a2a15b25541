"""Texts of the authority and of the machine: what steers a terminal is left out of them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from msgspec import structs

from kiosk.contract.messages import (
    AnswerQuestions,
    ChooseQuestions,
    GiveEmail,
    Maintain,
    MaintenanceAct,
    MaintenanceReason,
    Question,
    Route,
    RouteId,
    SendCode,
)
from kiosk.station.machine import AuthorityAddress, NetworkState
from kiosk.station.states import (
    ActDone,
    AskQuestion,
    CodeEntry,
    CodeLack,
    CodeNeeded,
    ConfirmOwner,
    EnterEmail,
    GiveAnswer,
    Maintenance,
    Menu,
    NetworkReport,
    NotDone,
    PickQuestion,
    ReaderTest,
    State,
)
from tests.screens.kiosk.pictures import app_for
from tests.screens.kiosk.samples import CODE, UNLOCK, Sample
from tests.screens.pilots import settled
from tests.screens.shown import screen_lines
from tests.support.steps import STEP, offers

TEXT = "Jo\x1b]0;x\x07\x9b2J\u202eSmith"
SHOWN = "Jo]0;x2JSmith"

VISIT = structs.replace(UNLOCK, holder_name=TEXT)
QUESTION = Question(1, TEXT)
CHOOSE = ChooseQuestions((QUESTION,), 1, position=STEP)
ASK = AnswerQuestions((QUESTION,), 2, position=STEP)
ACTS = Maintenance(
    VISIT, Maintain(TEXT, datetime(2026, 7, 14, tzinfo=UTC)), MaintenanceReason.CHECK
)
NETWORK = NetworkReport(
    NetworkState((AuthorityAddress(TEXT, TEXT),)), datetime(2026, 7, 14, tzinfo=UTC), 0.0
)

ROUTE = Route(RouteId("a" * 32), TEXT)


@pytest.mark.parametrize(
    "state",
    [
        Menu(VISIT, offers()),
        ConfirmOwner(VISIT),
        PickQuestion(VISIT, CHOOSE),
        GiveAnswer(VISIT, CHOOSE, (), QUESTION),
        AskQuestion(VISIT, ASK),
        EnterEmail(VISIT, GiveEmail(TEXT, (), position=STEP)),
        CodeEntry(VISIT, structs.replace(CODE, sent_to=ROUTE, routes=(ROUTE,))),
        CodeNeeded(VISIT, SendCode((ROUTE,), position=STEP), CodeLack.EXPIRED),
        ACTS,
        ActDone(VISIT, ACTS, ReaderTest(TEXT, TEXT, None)),
        ActDone(VISIT, ACTS, NotDone(MaintenanceAct.SWITCH_OFF, TEXT)),
        ActDone(VISIT, ACTS, NETWORK),
    ],
    ids=lambda state: type(state).__name__,
)
async def test_nothing_in_a_text_steers_the_terminal(state: State) -> None:
    app = app_for(Sample(state))
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        lines = screen_lines(app)
    assert any(SHOWN in line for line in lines)
    assert all(line.isprintable() for line in lines)
