"""What is kept with the audit is no secret, and can be read."""

from __future__ import annotations

import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from kiosk.authority.administration.fields import cleaned, read_reason
from kiosk.authority.errors import NotTaken
from kiosk.contract.text import looks_secret
from screens.words.staff.refusals import refusal_words
from tests.support.refusals import refused

ADMIN_KEY = "0123456789abcdef" * 3


@pytest.mark.parametrize(
    "text",
    [
        "1234",
        "87654321",
        "8765 4321",
        "8765-4321",
        "12345678!",
        "123456",
        "1234567890",
        ADMIN_KEY,
        ADMIN_KEY.upper(),
        " ".join(ADMIN_KEY[at : at + 2] for at in range(0, 48, 2)),
        f"the key is {ADMIN_KEY}",
        "Adm1nPin",
        "hunter2",
        "PUK 87654321",
        "puk: 8765 4321",
        "new PIN is 4711",
        "the code was 12345678, he said",
        "SO-PIN=87654321",
        "٨٧٦٥٤٣٢١",
        "ab 12345678",
        "new card 87654321",
        "new card, 8765 4321.",
        "she has 8765-4321 now",
        "given 87 65 43 21 by telephone",
        "card came with (4711472)",
        "he typed 604918",
        "he typed 604 918",
        "sent PUK87654321 by post",
        "sent PUK-87654321 by post",
        "ticket 4711234, new card 87654321",
        "ticket 4711234 87654321",
        "INC0012345 87654321",
        "ticket 001234 604918",
        "new card-87654321",
        "new card ٨٧٦٥٤٣٢١",
        "Replaces card 12345678 of 2024",
    ],
)
def test_what_has_the_form_of_a_secret_is_refused_without_repeating_it(text: str) -> None:
    with refused(NotTaken, match="looks like") as caught:
        read_reason("reason", text)
    assert caught.value.field == "reason"
    assert text not in refusal_words(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "Called from 01632 960123",
        "Called from (01632) 960123",
        "Called from +44 1632 960123",
        "tel. 960123",
        "tel. 01632 960123",
        "ticket INC0012345",
        "INC0012345 by the service desk",
        "as CHG-0012345 asks for",
        "ticket 4711234",
        "Ticket no. 87654321: lost card",
        "case number 8765 4321",
        "incident #604918",
        "request: 604918",
        "known here since 2019-2020",
        "left on 2026-12-31",
        "left on 31-12-2026",
        "holder number 900123456789 is right",
        "room 4711, desk 12",
        "on 3 May 2026 at 14 o'clock",
        "Lost her card",
        "verloren",
        "Photo ID, in person",
        "known to me since 2019",
        "電話での依頼",
        "PIN blocked after 3 tries at station 2",
        "PUK from the issuer's letter of 3 May 2026",
    ],
)
def test_words_are_a_reason(text: str) -> None:
    assert read_reason("reason", text) == text


_WORDS = st.lists(
    st.sampled_from(["new", "card", "for", "her", "it", "is", "now", "blocked", "lost", "the"]),
    min_size=1,
    max_size=6,
).map(lambda words: " ".join(("the", "card", *words)))
_NUMBERS = st.integers(6, 8).flatmap(lambda n: st.text("0123456789", min_size=n, max_size=n))


@given(_WORDS, _NUMBERS, st.sets(st.integers(1, 7)), st.sampled_from(" -"), _WORDS)
def test_six_to_eight_digits_among_ordinary_words_are_no_reason(
    before: str, number: str, cuts: set[int], between: str, after: str
) -> None:
    """However they are grouped; but not where that makes them a date or a span of years."""
    grouped = "".join(
        sign + (between if at in cuts and at < len(number) else "")
        for at, sign in enumerate(number, 1)
    )
    assume(not re.search(r"(19|20)\d\d-|-(19|20)\d\d", grouped))
    assert looks_secret(f"{before} {grouped} {after}")


@given(_WORDS, st.sampled_from(["ticket", "Case", "incident no.", "request #"]), _NUMBERS, _WORDS)
def test_six_to_eight_digits_with_a_name_are_a_reason(
    before: str, name: str, number: str, after: str
) -> None:
    assert not looks_secret(f"{before} {name} {number} {after}")
    assert not looks_secret(f"{before} INC{number} {after}")


@given(_WORDS, st.sampled_from(["ticket", "INC0012345,"]), _NUMBERS, _NUMBERS)
def test_a_name_is_for_one_number(before: str, name: str, first: str, second: str) -> None:
    assert looks_secret(f"{before} {name} {first} {before} {second}")


@given(_WORDS, st.integers(1, 5).map("7".__mul__) | st.integers(9, 20).map("7".__mul__), _WORDS)
def test_shorter_and_longer_numbers_are_a_reason(before: str, number: str, after: str) -> None:
    assert not looks_secret(f"{before} {number} {after}")


def test_an_address_is_no_reason() -> None:
    with refused(NotTaken, match="address"):
        read_reason("reason", "jo.smith@nhs.net")
    read_reason("reason", "She wrote from jo.smith@nhs.net")


def test_a_name_is_bounded_and_can_be_read() -> None:
    assert cleaned("people\x1b[2J.csv") == "people?[2J.csv"
    assert len(cleaned("x" * 500)) == 100
