"""A whole story through two processes, and each line of what they logged of it."""

from __future__ import annotations

import json
import os
import pwd
from pathlib import Path
from typing import Any

import pytest

from kiosk.contract.messages import Purpose, reference_of
from screens.words import pin as pin_words
from screens.words import questions as question_words
from tests.e2e.canaries import found
from tests.e2e.conftest import MakeWorld
from tests.e2e.processes import Authority, StationAlone
from tests.e2e.visitor import Visitor
from tests.e2e.world import World

pytestmark = [pytest.mark.hardware, pytest.mark.terminal]

ANSWERS = ("Ptarmigan", "Zoë Qvist", "gooseberry-ink", "Wyvern & Co")
WRONG_PIN, NEW_PIN, WRONG_ANSWER = "20958173", "40971635", "Basilisk"


@pytest.fixture
def world(make_world: MakeWorld, tmp_path: Path) -> World:
    me = pwd.getpwuid(os.getuid()).pw_name
    return make_world(authority={"socket": str(tmp_path / "a.sock"), "station_user": me})


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_line_is_json_and_names_no_person_and_no_secret(world: World) -> None:
    world.more_environ["KIOSK_PCSC__TRACE"] = "true"
    authority = Authority(world, forked=True)
    socket = world.folder.parent / "a.sock"
    machine = StationAlone(world, f'[authority]\nsocket = "{socket}"\n')
    ada = world.ada
    codes = []
    try:
        visitor = Visitor(world, ada, machine.start())
        visitor.comes().chooses(Purpose.REGISTER).proves_pin(WRONG_PIN)
        visitor.station.see(pin_words.wrong(2))
        visitor.proves_pin().registers_answers(ANSWERS, hidden=True).confirms_email()
        codes.append(world.read_code(ada.email))
        wrong = codes[0][:-1] + str((int(codes[0][-1]) + 1) % 10)
        visitor.awaits_code(Purpose.REGISTER).enters_code(wrong)
        visitor.station.see("That code is not right.")
        visitor.enters_code(codes[0]).finishes(Purpose.REGISTER)
        visitor.goes()
        world.block(ada)
        visitor.comes().unlocks().answers(wrong={1: WRONG_ANSWER})
        visitor.station.see(question_words.wrong(2))
        visitor.answers()
        visitor.awaits_code(Purpose.UNLOCK)
        codes.append(world.read_code(ada.email))
        visitor.enters_code(codes[1]).sets_pin(NEW_PIN).finishes(Purpose.UNLOCK)
        visitor.goes()
    finally:
        assert authority.end() == 0
    logs = authority.log, machine.log
    secrets = {
        **{f"answer {n}": text for n, text in enumerate(ANSWERS)},
        **{f"code {n}": text for n, text in enumerate(codes)},
        "name": ada.name,
        "number": ada.number,
        "address": ada.email,
        "wrong answer": WRONG_ANSWER,
        "PIN": ada.pin,
        "PUK": ada.puk,
        "wrong PIN": WRONG_PIN,
        "new PIN": NEW_PIN,
    }
    assert found(secrets, {each.name: each.read_bytes() for each in logs}) == []
    decided, acted = (lines(each) for each in logs)
    calls = {line["call"]: line for line in decided if "reply" in line}
    assert {"begin", "submit_code", "release", "record_outcome", "end"} <= set(calls)
    for line in calls.values():
        assert line["reference"] == reference_of(line["visit"])
        assert line["station"] == "Main entrance"
    assert calls["release"]["reply"] == "Grant"
    replies = [line["reply"] for line in decided if line.get("call") == "submit_code"]
    assert replies[0] == "FactorWrong"
    traced = [line for line in acted if line.get("call") == "UnblockPin"]
    assert {line["visit"] for line in traced} == {calls["release"]["visit"]}
