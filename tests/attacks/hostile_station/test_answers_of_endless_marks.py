"""Before: one call of a stolen station stopped the authority, for all stations, for many seconds.

Unicode's normal forms sort the marks on a letter, in a time that grows with the square of their
number, and CPython lets no other thread run meanwhile.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from kiosk.contract.messages import LONGEST_SECRET
from kiosk.contract.routes import LONGEST_REQUEST
from tests.attacks.certified import Estate
from tests.attacks.hostile_station.test_stolen_live_station import begun

ABOVE, BELOW = "\u0301", "\u0316"
"""Each of the second kind goes before all of the first."""

ENDLESS = "a" + ABOVE * (LONGEST_REQUEST // 5) + BELOW * (LONGEST_REQUEST // 5)


@pytest.fixture
def estate(folder: Path) -> Iterator[Estate]:
    made = Estate(folder)
    yield made
    made.close()


@pytest.mark.parametrize("entering", ["answers", "code", "stop number"])
def test_a_text_longer_than_any_is_not_looked_at(estate: Estate, entering: str) -> None:
    card = estate.registered_card()
    thief = estate.client(estate.certificate("B"))
    visit, _ = begun(estate, thief, card)
    _, task = thief.ask("choose", visit=visit, purpose="unlock")
    numbers = [each["id"] for each in task["questions"]]
    for text in (ENDLESS, "a" * (LONGEST_SECRET + 1)):
        texts = [text, *["?"] * (len(numbers) - 1)]
        answers = [
            {"question": each, "text": given} for each, given in zip(numbers, texts, strict=True)
        ]
        entered: dict[str, tuple[str, dict[str, object]]] = {
            "answers": ("submit", {"entry": {"is": "Answers", "answers": answers}}),
            "code": ("submit", {"entry": {"is": "Code", "digits": text}}),
            "stop number": ("enter_stop_number", {"number": text}),
        }
        call, more = entered[entering]
        fields = {"visit": visit, "attempt": "1", **more}
        body = json.dumps(fields, ensure_ascii=False).encode()
        assert len(body) < LONGEST_REQUEST
        assert thief.replay(call, body) == (400, None)
    assert estate.registration(card).failures == 0


def test_a_text_as_long_as_any_is(estate: Estate) -> None:
    card = estate.registered_card()
    thief = estate.client(estate.certificate("B"))
    visit, _ = begun(estate, thief, card)
    _, task = thief.ask("choose", visit=visit, purpose="unlock")
    text = "a" * (LONGEST_SECRET - 2) + ABOVE + BELOW
    answers = [{"question": each["id"], "text": text} for each in task["questions"]]
    entry = {"is": "Answers", "answers": answers}
    _, reply = thief.ask("submit", visit=visit, attempt="1", entry=entry)
    assert reply["is"] == "FactorWrong"
