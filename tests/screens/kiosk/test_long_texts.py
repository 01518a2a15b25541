"""The longest texts that are promised to fit, on every page and at every size."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from msgspec import structs
from msgspec.structs import replace

from kiosk.contract.messages import (
    LONGEST_STATION_NAME,
    AnswerProblem,
    AnswerQuestions,
    ChooseQuestions,
    GiveEmail,
    Maintain,
    MaintenanceReason,
    Purpose,
    Question,
    ReadFault,
    Route,
    RouteId,
    SendCode,
)
from kiosk.station.states import (
    ActDone,
    AskQuestion,
    CodeEntry,
    CodeLack,
    CodeNeeded,
    CodeNotice,
    ConfirmOwner,
    EmailFault,
    EnterEmail,
    GiveAnswer,
    Maintenance,
    Menu,
    PickQuestion,
    PickReason,
    ReaderTest,
    State,
)
from screens.theme import Appearance
from tests.screens.geometry import layout_faults
from tests.screens.kiosk.pictures import SIZES, STILL, app_for
from tests.screens.kiosk.samples import CODE, EMAIL, UNLOCK, Sample, one_of_each
from tests.screens.pilots import settled
from tests.screens.shown import screen_lines
from tests.support.steps import STEP, offers

LONG_LOOK = replace(
    STILL,
    service="Smartcard self-service desk."[:28],
    trust="The University Hospitals of North and South Wexbridge Foundation Trust",
    contact="Registration Authority, Level 1, West Wing, Building 12, extension 4400 or 4401."[:80],
    hours="Monday to Friday, 8 am to 6 pm, not on 1"[:40],
)
NAME = "Anneliese Wilhelmina Featherstonehaugh-Cholmondeley Patel-Llanfairpwllgwyngyll"
MAINTAIN = Maintain("x" * LONGEST_STATION_NAME, datetime(2026, 7, 14, tzinfo=UTC))
READER = "HID Global OMNIKEY 3x21 Smart Card Reader [OMNIKEY 3x21 Smart Card Reader] 00 00"
TEXT = "In which town or village did your grandparents live when you were small, and until when?"
WIDE_TEXT = "あなたが初めて通った学校で一番よく覚えている先生の名前は何ですか"
"""Each sign takes two columns: no longer one is taken."""
MASKED = "a•••@community-services.north.wexbridge.nhs.uk"


def _pages() -> list[State]:
    visit = structs.replace(UNLOCK, holder_name=NAME)
    question = Question(1, TEXT)
    bank = tuple(Question(number, TEXT) for number in range(20))
    choose, ask = (
        ChooseQuestions(bank, 4, position=STEP),
        AnswerQuestions((question, question), 2, position=STEP),
    )
    route = Route(RouteId("a" * 32), MASKED)
    code = structs.replace(CODE, sent_to=route, routes=(route,))
    send = SendCode((route,), position=STEP)
    acts = Maintenance(visit, MAINTAIN, MaintenanceReason.OTHER, "words " * 16)
    not_offered = Purpose.REGISTER, Purpose.FIRST_UNLOCK, Purpose.REPORT_MISUSE
    registered = tuple(each for each in Purpose if each not in not_offered)
    waits = structs.replace(visit, instead=offers(*registered[1:]))
    return [
        Menu(visit, offers(*registered)),
        Menu(visit, offers(*registered[:-1])),
        Menu(visit, offers(Purpose.CHANGE_PIN, Purpose.MAINTENANCE), blocked=True),
        Menu(visit, offers(Purpose.FIRST_UNLOCK, Purpose.REGISTER, Purpose.CHANGE_PIN)),
        PickReason(visit, MAINTAIN),
        acts,
        ActDone(visit, acts, ReaderTest(READER, "piv", ReadFault.NO_ANSWER)),
        ConfirmOwner(visit),
        ConfirmOwner(visit, locked=True),
        PickQuestion(visit, choose),
        *(GiveAnswer(visit, choose, (), question, problem) for problem in AnswerProblem),
        AskQuestion(visit, ask),
        AskQuestion(visit, ask, (), wrong=True),
        *(CodeEntry(visit, code, notice) for notice in (None, *CodeNotice)),
        CodeEntry(visit, code, wrong=True),
        CodeEntry(visit, structs.replace(code, expires_in_s=0)),
        Menu(waits, waits.instead, waiting=Purpose.UNLOCK),
        Menu(waits, offers(*registered), waiting=Purpose.CHANGE_EMAIL),
        *(CodeEntry(waits, code, notice) for notice in CodeNotice),
        CodeEntry(waits, code, wrong=True),
        CodeEntry(waits, code, resumed=True),
        CodeEntry(waits, structs.replace(code, expires_in_s=0), resumed=True),
        CodeEntry(waits, structs.replace(code, expires_in_s=0), wrong=True),
        *(CodeNeeded(waits, send, lack, 1800) for lack in CodeLack),
        *(CodeNeeded(visit, send, lack, 1800) for lack in CodeLack),
        EnterEmail(
            visit, GiveEmail("a" * 254, EMAIL.domains, position=STEP), None, EmailFault.DOMAIN
        ),
    ]


async def _faults(look: Appearance, states: list[State], size: tuple[int, int]) -> list[str]:
    faults: list[str] = []
    app = app_for(Sample(states[0]), look)
    async with app.run_test(size=size) as pilot:
        for state in states:
            await app.show(state)
            await settled(pilot)
            faults += [f"{type(state).__name__}: {fault}" for fault in layout_faults(app)]
    return faults


@pytest.mark.parametrize("size", SIZES)
async def test_long_data_fits(size: tuple[int, int]) -> None:
    assert not await _faults(STILL, _pages(), size)


@pytest.mark.parametrize("size", SIZES)
async def test_a_long_question_in_wide_signs_without_spaces_fits(size: tuple[int, int]) -> None:
    question = Question(1, WIDE_TEXT)
    choose = ChooseQuestions((question,) * 20, 4, position=STEP)
    ask = AnswerQuestions((question, question), 2, position=STEP)
    states: list[State] = [
        PickQuestion(UNLOCK, choose),
        GiveAnswer(UNLOCK, choose, (), question, AnswerProblem.REPEATS_QUESTION),
        AskQuestion(UNLOCK, ask, (), wrong=True),
    ]
    assert not await _faults(STILL, states, size)


@pytest.mark.parametrize("size", SIZES)
async def test_long_settings_fit(size: tuple[int, int]) -> None:
    assert not await _faults(LONG_LOOK, one_of_each(), size)


@pytest.mark.parametrize("size", [(59, 20), (60, 19), (40, 12), (20, 5), (1, 1), (300, 100)])
async def test_any_other_size_is_shown_without_a_fault(size: tuple[int, int]) -> None:
    app = app_for(Sample(CodeEntry(UNLOCK, CODE)))
    async with app.run_test(size=size) as pilot:
        for state in one_of_each():
            await app.show(state)
        await settled(pilot)
        assert app.return_code is None
        wanting = size[0] < 60 or size[1] < 20
        assert ("Too small" in "".join(screen_lines(app))) is (wanting and size[0] >= 20)
