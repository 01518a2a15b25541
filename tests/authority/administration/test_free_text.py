"""What is kept with the audit is no secret, and can be read."""

from __future__ import annotations

import pytest

from kiosk.authority.administration.fields import cleaned, read_reason
from kiosk.authority.errors import NotTaken

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
    ],
)
def test_what_has_the_form_of_a_secret_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(NotTaken, match="looks like") as refused:
        read_reason("reason", text)
    assert refused.value.field == "reason"
    assert text not in str(refused.value)


@pytest.mark.parametrize(
    "text",
    [
        "Called from 01632 960123",
        "ticket INC0012345",
        "Lost her card",
        "verloren",
        "Photo ID, in person",
        "known to me since 2019",
        "電話での依頼",
        "PIN blocked after 3 tries at station 2",
        "PUK from the issuer's letter of 3 May 2026",
        "Replaces card 12345678 of 2024",
    ],
)
def test_words_are_a_reason(text: str) -> None:
    assert read_reason("reason", text) == text


def test_an_address_is_no_reason() -> None:
    with pytest.raises(NotTaken, match="address"):
        read_reason("reason", "jo.smith@nhs.net")
    read_reason("reason", "She wrote from jo.smith@nhs.net")


def test_a_name_is_bounded_and_can_be_read() -> None:
    assert cleaned("people\x1b[2J.csv") == "people?[2J.csv"
    assert len(cleaned("x" * 500)) == 100
