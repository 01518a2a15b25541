"""Which numbers a text message can be sent to."""

from __future__ import annotations

import pytest

from kiosk.authority.texts.numbers import NotANumber, NumberAbroad, read_number


@pytest.mark.parametrize(
    "typed", ["07400 123456", "+44 7400 123456", "(07400) 123-456", "0044 7400 123456"]
)
def test_number_is_read_however_it_is_written(typed: str) -> None:
    assert read_number(typed, ("GB",)) == "+447400123456"


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "asha@nhs.net",
        "020 7946 0018",  # a landline
        "070 1234 5678",  # a personal number, at the price of its owner
        "07700 900123",  # Ofcom's, for films
        "ext 4400",
        "07400 123456 ext 4",
        "999",
        "+44 7400 1234567890",
        "07400123456" + " " * 40,
    ],
)
def test_what_takes_no_text_message_is_refused(typed: str) -> None:
    with pytest.raises(NotANumber):
        read_number(typed, ("GB",))


def test_numbers_of_other_countries_are_taken_where_these_are_named() -> None:
    for abroad in ("+49 1512 3456789", "07911 123456"):  # the latter is of Guernsey
        with pytest.raises(NumberAbroad):
            read_number(abroad, ("GB",))
    assert read_number("+49 1512 3456789", ("GB", "DE")) == "+4915123456789"
    assert read_number("07911 123456", ("GB", "GG")) == "+447911123456"
    assert read_number("01512 3456789", ("DE", "GB")) == "+4915123456789"
    assert read_number("+1 201 555 0123", ("US",)) == "+12015550123"
