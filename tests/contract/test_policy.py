"""The pure verdicts, by example and by property."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.contract.messages import AnswerProblem, Factor, PinRules
from kiosk.contract.policy import (
    EmailProblem,
    PinRule,
    Policy,
    answer_problem,
    broken_pin_rules,
    email_problem,
    mask_email,
    may_send_code,
    pin_verdicts,
    tidy_email,
)
from kiosk.contract.sensitive import Sensitive

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
RULES = PinRules(6, 8, ("900123456789",))


@pytest.mark.parametrize(
    ("pin", "rule"),
    [
        ("12345", PinRule.LENGTH),
        ("123456789", PinRule.LENGTH),
        ("48a291", PinRule.LENGTH),
        ("٤٨٢٩١٠", PinRule.LENGTH),
        ("111111", PinRule.REPEATS),
        ("481111", PinRule.REPEATS),
        ("121212", PinRule.REPEATS),
        ("4814814", PinRule.REPEATS),
        ("12345678", PinRule.RUNS),
        ("987654", PinRule.RUNS),
        ("890123", PinRule.RUNS),
        ("456784", PinRule.RUNS),
        ("250386", PinRule.DATES),
        ("032586", PinRule.DATES),
        ("860325", PinRule.DATES),
        ("25031986", PinRule.DATES),
        ("19860325", PinRule.DATES),
        ("001234", PinRule.PERSONAL),
        ("90012388", PinRule.PERSONAL),
        ("159753", PinRule.MOST_USED),
        ("31415926", PinRule.MOST_USED),
    ],
)
def test_a_weak_pin_breaks_the_rule_that_says_why(pin: str, rule: PinRule) -> None:
    if pin == "001234":
        assert rule in broken_pin_rules(pin, PinRules(6, 8, ("900012345678",)))
        return
    assert rule in broken_pin_rules(pin, RULES)


@pytest.mark.parametrize("pin", ["482916", "7391846", "60482917", "993871"])
def test_a_good_pin_breaks_no_rule(pin: str) -> None:
    assert broken_pin_rules(pin, RULES) == ()


@pytest.mark.parametrize("pin", ["123456", "654321", "111111", "121212", "12345678", "00000000"])
def test_what_another_rule_catches_is_said_to_be_used_most_where_it_is(pin: str) -> None:
    assert not pin_verdicts(pin, RULES)[PinRule.MOST_USED]


@given(st.text(max_size=12))
def test_every_rule_has_a_verdict_on_anything_typed(text: str) -> None:
    assert set(pin_verdicts(text, RULES)) == set(PinRule) - {PinRule.CURRENT}
    assert set(pin_verdicts(text, RULES, Sensitive("604918"))) == set(PinRule)


def test_the_present_pin_is_no_new_one() -> None:
    assert broken_pin_rules("604918", RULES, Sensitive("604918")) == (PinRule.CURRENT,)
    assert broken_pin_rules("604919", RULES, Sensitive("604918")) == ()


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ("Li", None),
        ("  ...  ", AnswerProblem.EMPTY),
        ("first teacher", AnswerProblem.REPEATS_QUESTION),
        ("MRS. Vane", AnswerProblem.SAME_AS_ANOTHER),
        ("x" * 81, AnswerProblem.TOO_LONG),
        ("5", AnswerProblem.TOO_SHORT),
        ("É.", AnswerProblem.TOO_SHORT),
        ("teacherFirst", AnswerProblem.REPEATS_QUESTION),
        ("your first-teacher", AnswerProblem.REPEATS_QUESTION),
        ("M\u0155svan\u00eb", AnswerProblem.SAME_AS_ANOTHER),
        ("Siân O'Brien", None),
        ("Łódź", None),
        ("李小龍", AnswerProblem.NOT_TYPABLE),
        ("Room 李", AnswerProblem.NOT_TYPABLE),
        ("Ελένη", AnswerProblem.NOT_TYPABLE),
        ("😀", AnswerProblem.EMPTY),
    ],
)
def test_registration_answers(answer: str, problem: AnswerProblem | None) -> None:
    assert answer_problem(answer, "Who was your first teacher?", ["mrs vane"]) == problem


def test_a_name_that_short_words_of_a_question_spell_by_chance_is_taken() -> None:
    assert answer_problem("Ana", "What is a thing that an owner lent you?", []) is None


@pytest.mark.parametrize(
    ("address", "problem"),
    [
        ("a.b@trust.nhs.uk", None),
        ("a@nhs.uk", None),
        ("a@evilnhs.uk", EmailProblem.DOMAIN),
        ("a@nhs.uk.evil.example", EmailProblem.DOMAIN),
        ("a@uk", EmailProblem.MALFORMED),
        ("a b@nhs.uk", EmailProblem.MALFORMED),
        ("å@nhs.uk", EmailProblem.MALFORMED),
        ("a@nhs.uk\r\nBcc: b@nhs.uk", EmailProblem.MALFORMED),
        ("a@-nhs.nhs.uk", EmailProblem.MALFORMED),
        (".a@nhs.uk", EmailProblem.MALFORMED),
        ("@nhs.uk", EmailProblem.MALFORMED),
        ("x" * 65 + "@nhs.uk", EmailProblem.MALFORMED),
    ],
)
def test_addresses(address: str, problem: EmailProblem | None) -> None:
    assert email_problem(tidy_email(address), Policy().email_domains) == problem


def test_a_masked_address_shows_one_letter() -> None:
    assert mask_email("jane.doe@trust.nhs.uk") == "j•••@trust.nhs.uk"


def test_codes_wait_for_the_gap_and_the_hour() -> None:
    policy = Policy()
    assert may_send_code([], NOW, policy).wait == timedelta(0)
    gap = may_send_code([NOW - timedelta(seconds=20)], NOW, policy)
    assert (gap.wait, gap.too_many) == (timedelta(seconds=40), False)
    full = may_send_code([NOW - timedelta(minutes=m) for m in (50, 20, 10)], NOW, policy)
    assert (full.wait, full.too_many) == (timedelta(minutes=10), True)
    assert may_send_code([NOW - timedelta(minutes=m) for m in (61, 20, 10)], NOW, policy).wait == (
        timedelta(0)
    )


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"verification": ()}, "verification"),
        ({"verification": ((Factor.QUESTIONS,),)}, "verification"),
        ({"questions_asked": 4, "questions_registered": 3}, "questions_asked"),
        ({"pin_min_length": 8, "pin_max_length": 6}, "pin_min_length"),
    ],
)
def test_a_policy_that_does_not_fit_names_its_setting(wrong: dict[str, object], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        Policy(**wrong)  # type: ignore[arg-type]
