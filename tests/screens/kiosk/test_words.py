from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from kiosk.contract.messages import OnPad, PinRules, Purpose, ReadFault, Reason
from kiosk.contract.policy import PinRule
from kiosk.station.machine import NetworkState
from kiosk.station.states import (
    EmailFault,
    NetworkReport,
    PadNotice,
    PinFault,
    PulledFrom,
    ReaderTest,
)
from screens.words import (
    choices,
    email,
    frame,
    maintenance,
    pad,
    pin,
    questions,
    reasons,
    waiting,
)

JARGON = re.compile(
    r"\b(APDU|PUK|CHUID|GUID|hash|token|retry counter|authentication|authenticate|credential|"
    r"server|database|exception|error|invalid|PC/SC|submit|terminal|session|timeout|please note)\b",
    re.IGNORECASE,
)
AMERICAN = re.compile(r"\b(color|center|organization|canceled|recognize|email ID)\b", re.IGNORECASE)
COLUMN = 33
"""Cells beside the keypad on the smallest screen."""


def _sentences() -> Iterator[str]:
    for path in Path(frame.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


def test_no_jargon_and_no_american_spelling() -> None:
    said = "\n".join(_sentences())
    assert not JARGON.findall(said)
    assert not AMERICAN.findall(said)


@pytest.mark.parametrize("reason", Reason)
def test_every_refusal_says_what_happened_and_what_to_do(reason: Reason) -> None:
    said = reasons.refusal(reason)
    assert all((said.title, said.happened, said.todo))
    assert said.happened.endswith(".")
    assert said.todo.endswith(".")
    assert not said.title.endswith(".")


@pytest.mark.parametrize(
    ("moment", "said"),
    [
        (datetime(2026, 7, 14, 16, 24, 30, tzinfo=UTC), "at 17:25"),
        (datetime(2026, 7, 14, 16, 24, tzinfo=UTC), "at 17:24"),
        (datetime(2026, 7, 14, 22, 59, 30, tzinfo=UTC), "tomorrow at 00:00"),
        (datetime(2026, 7, 15, 8, 10, tzinfo=UTC), "tomorrow at 09:10"),
        (datetime(2026, 7, 17, 8, 10, tzinfo=UTC), "on Friday 17 July at 09:10"),
        (datetime(2026, 12, 1, 8, 10, tzinfo=UTC), "on Tuesday 1 December at 08:10"),
    ],
)
def test_a_moment_is_said_by_the_clock_on_the_wall(moment: datetime, said: str) -> None:
    now = datetime(2026, 7, 14, 15, 40, tzinfo=UTC)
    assert frame.time_of_day(moment, now, ZoneInfo("Europe/London")) == said


def test_every_refusal_has_its_own_words() -> None:
    said = [reasons.refusal(reason) for reason in Reason]
    assert len(set(said)) == len(said)


def test_refusal_after_a_failed_proof_tells_nothing() -> None:
    said = reasons.refusal(Reason.NOT_GENUINE)
    told = f"{said.title} {said.happened} {said.todo}".lower()
    assert not re.search(r"genuine|fake|copy|proof|certificate|registered|blocked", told)


@pytest.mark.parametrize("reason", [Reason.ATTEMPTS_PAUSED, Reason.TOO_MANY_CODES])
def test_a_locked_card_that_has_to_wait_tells_who_takes_the_number_of_an_email(
    reason: Reason,
) -> None:
    """It is refused before the menu, on which the number could be entered."""
    assert reasons.refusal(reason).ends_without_menu


def test_an_unknown_outcome_tells_how_to_find_out() -> None:
    said = reasons.refusal(Reason.OUTCOME_UNKNOWN)
    assert "Put your smartcard in again to see whether the new PIN works" in said.todo


def test_an_unexpected_fault_promises_nothing_that_may_be_untrue() -> None:
    said = reasons.refusal(Reason.FAULT)
    assert "counted" not in said.happened
    assert "Registration Authority your reference number" in said.todo


def test_a_wrong_set_does_not_say_which() -> None:
    for left in range(4):
        assert "Not all correct" in questions.wrong(left)


def test_member_of_each_enumeration_has_words() -> None:
    tables = (
        choices.OFFERS,
        choices.FACTORS,
        choices.WAY_OVER,
        email.CODE_NOTICES,
        email.LACKS,
        maintenance.REASONS,
        maintenance.ACTS,
        maintenance.CONSEQUENCES,
        pin.FAULTS,
        questions.PROBLEMS,
        reasons.REFUSALS,
        waiting.OUTAGES,
        waiting.PULLED,
        waiting.REMOVALS,
        waiting.WORKS,
    )
    for table in tables:
        kind = type(next(iter(table)))
        assert set(table) == set(kind), kind
    said = [
        *(word for table in tables for word in table.values()),
        *(word for purpose in Purpose for word in choices.success(purpose)),
        *(email.email_fault(trouble, ("nhs.net",)) for trouble in EmailFault),
        *(email.code_title(purpose, proves_owner=False) for purpose in (*Purpose, None)),
        *(email.code_wrong(1, masked) for masked in ("a***@nhs.net", "")),
        *(maintenance.result(ReaderTest("", "", fault), None)[1][-1] for fault in ReadFault),
        *(word for why in (*PadNotice, *PinFault) for word in pad.paused(why, None)),
        *(pin.enter_text(purpose) for purpose in (*Purpose, None)),
        *(pin.rule(rule, PinRules()) for rule in PinRule),
    ]
    assert all(said)


def test_who_comes_back_to_a_code_reads_how_many_tries_are_left() -> None:
    assert email.life(600, tries_left=3) == "Good for 10:00, three tries left"
    assert email.life(600) == "Good for another 10:00"


def test_who_comes_back_to_a_registration_reads_how_to_correct_the_address() -> None:
    said = email.meanwhile(Purpose.REGISTER, "a***@nhs.net", resumed=True, elsewhere=True)
    assert email.SOMETHING_ELSE in said
    first = email.meanwhile(Purpose.REGISTER, "a***@nhs.net", resumed=False, elsewhere=False)
    assert first == email.WALK_AWAY


@pytest.mark.parametrize("pulled", PulledFrom)
def test_what_is_said_of_the_last_card_names_nobody_and_says_what_to_do(
    pulled: PulledFrom,
) -> None:
    title, text = waiting.PULLED[pulled]
    assert "the last smartcard" in title.lower()
    known = not pulled.in_doubt
    assert title.startswith("The last smartcard was taken out ") is not known
    assert ("There is nothing to do again." in text) is known
    assert ("ut the smartcard back in" in text or "Put it back in" in text) is not known


def test_a_report_claims_no_block_of_somebody_who_is_not_registered() -> None:
    title, text = choices.success(Purpose.REPORT_MISUSE)
    assert "Self-service" not in title
    assert text.startswith("If you are registered, ")


def test_a_first_unlock_says_when_its_holder_can_register() -> None:
    _title, text = choices.success(Purpose.FIRST_UNLOCK, 49 * 60.0)
    assert "To register, come back in 49 minutes" in text
    assert "add your email address" not in text


@pytest.mark.parametrize("rule", PinRule)
def test_rule_fits_beside_the_keypad(rule: PinRule) -> None:
    assert 0 < len(f"✓ {pin.rule(rule, PinRules())}") <= COLUMN


def test_the_length_of_a_pin() -> None:
    assert pin.length(PinRules(6, 8)) == "6 to 8 digits"
    assert pin.length(PinRules(6, 6)) == "6 digits"


def test_keypads_pin_rule_names_the_length_and_advises_the_rest() -> None:
    assert pad.rule(OnPad(7, 12)).startswith("7 to 12 digits. ")
    assert "nobody can guess" in pad.rule(OnPad())


def test_a_wrong_pin_on_the_reader_says_how_many_tries_are_left() -> None:
    assert "One try is left" in pad.paused(PadNotice.WRONG, 1)[1]


def test_tries_and_attempts_count_in_words() -> None:
    assert "One try is left" in pin.wrong(1)
    assert "Two tries are left" in pin.wrong(2)
    assert "12 tries are left" in pin.wrong(12)
    assert "left" not in pin.wrong(None)
    assert questions.attempts(1) == "One attempt left"


def test_times() -> None:
    assert frame.clock(872.0) == "14:32"
    assert frame.clock(0.2) == "0:01"
    assert frame.clock(-5) == "0:00"
    assert email.resend(0) == "New code"
    assert email.resend(61) == "New code in 1:01"
    assert email.resend(61, email.BY_EMAIL) == "By email in 1:01"
    assert waiting.still_there_end(1) == "Otherwise your visit ends in 1 second."


def test_domains_are_listed_as_one_says_them() -> None:
    assert email.domains(("nhs.net", "nhs.uk", "gov.uk")) == "nhs.net, nhs.uk or gov.uk"
    assert email.domains(("nhs.net",)) == "nhs.net"


def test_a_certificate_without_an_end_is_shown_east_of_greenwich_too() -> None:
    """RFC 5280, 4.1.2.5: its date is the calendar's last, and is the next day there."""
    ends = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    report = NetworkReport(NetworkState((), ends), datetime(2026, 7, 14, tzinfo=UTC), ahead_s=0.0)
    _, lines = maintenance.result(report, ZoneInfo("Asia/Tokyo"))
    assert "Certificate of this station: valid until 31 December 9999 23:59" in lines
