"""Every code for staff has its words: of findings, of advice, and of a card's trouble."""

from __future__ import annotations

from datetime import UTC
from types import UnionType
from typing import Any, get_args, get_type_hints

import pytest

from kiosk.authority.administration.standing import SEEN_AT_STATIONS
from kiosk.authority.administration.views import UnknownCard
from kiosk.authority.facts import (
    Advice,
    AfterRefusal,
    AlarmFact,
    CardTrouble,
    Do,
    Fact,
    Finding,
    NearCard,
    Noticed,
    NoticedAlarm,
    ReadAt,
    SeenRefused,
)
from screens.words.staff import standing
from screens.words.staff.alarms import alarm_words
from screens.words.staff.found import near_lines
from screens.words.staff.standing import advice_words, finding_words, trouble_words
from tests.authority.store.samples import NOW

CLOCK = ReadAt(NOW, UTC)
VALUES: dict[Any, Any] = {str: "x", int: 2, bool: True, type(NOW): NOW}


def value_for(hint: Any) -> Any:
    """Return any value of a field's type."""
    if hint in VALUES:
        return VALUES[hint]
    if isinstance(hint, UnionType):
        return value_for(get_args(hint)[0])
    if getattr(hint, "__origin__", None) is tuple:
        return (value_for(get_args(hint)[0]),)
    if getattr(hint, "__origin__", None) is dict:
        return {}
    return fact_of(hint) if issubclass(hint, Fact) else next(iter(hint))


def fact_of(code: type[Fact]) -> Any:
    if code in (AfterRefusal, SeenRefused):  # they are of refusals that stations see
        return _of(code, reason=sorted(SEEN_AT_STATIONS)[0])
    return _of(code)


def _of(code: type[Fact], **given: Any) -> Any:
    hints = {name: hint for name, hint in get_type_hints(code).items() if name[0] != "_"}
    return code(**{name: given.get(name) or value_for(hint) for name, hint in hints.items()})


@pytest.mark.parametrize("code", get_args(Finding))
def test_finding_has_its_sentence(code: type[Fact]) -> None:
    assert finding_words(fact_of(code), CLOCK).endswith(".")


@pytest.mark.parametrize("code", [code for code in get_args(Advice) if code is not Do])
def test_advice_with_values_has_its_sentence(code: type[Fact]) -> None:
    assert advice_words(fact_of(code), CLOCK).endswith(".")


@pytest.mark.parametrize("advice", Do)
def test_advice_without_a_value_has_its_sentence(advice: Do) -> None:
    assert advice_words(advice, CLOCK).endswith(".")


@pytest.mark.parametrize("code", get_args(CardTrouble))
def test_trouble_of_a_card_has_its_sentence(code: type[Fact]) -> None:
    assert trouble_words(fact_of(code)).endswith(".")


@pytest.mark.parametrize("code", get_args(NearCard))
def test_card_that_resembles_an_unknown_one_has_its_sentence(code: type[Fact]) -> None:
    card = UnknownCard("R", NOW, "Ward 7", "piv", "01", (fact_of(code),), None)
    (said,) = near_lines(card)
    assert said.endswith((".", "?"))


@pytest.mark.parametrize("code", [*get_args(NoticedAlarm), *get_args(AlarmFact)])
def test_alarm_has_its_sentence(code: type[Fact]) -> None:
    alarm = fact_of(code)
    if code in get_args(NoticedAlarm):
        alarm = Noticed(NOW, alarm)
    assert alarm_words(alarm, CLOCK).endswith(".")


def test_refusal_that_stations_see_again_has_its_sentence_and_advice() -> None:
    assert set(standing.SEEN_AT_STATIONS) == SEEN_AT_STATIONS
