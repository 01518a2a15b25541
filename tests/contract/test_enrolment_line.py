"""The line that staff hand out: it is read however it is typed, and an error in it is noticed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.contract.enrolment import (
    EnrolmentLine,
    ca_fingerprint,
    draw_number,
    draw_secret,
    read_line,
)
from kiosk.contract.sensitive import Sensitive

LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


ADDRESSES = ("authority.example:8444", "[2001:db8::1]:8444")
LINE = EnrolmentLine(ADDRESSES, "7Q0X", Sensitive("3M2P10ZYTB5W"), ca_fingerprint(b"a key"))
TYPED = LINE.text().reveal()
CODE = TYPED.split()[1]


def said_by(typed: str) -> str:
    with pytest.raises(ValueError, match=r".+") as wrong:
        read_line(typed)
    return str(wrong.value)


@pytest.mark.parametrize(
    "typed",
    [
        TYPED,
        TYPED.lower(),
        TYPED.replace("-", " "),
        TYPED.replace("-", ""),
        f"  {TYPED}  ",
        f"kiosk enrol {TYPED}",
        f'kiosk setup station --enrol "{TYPED}"',
        f'"{TYPED}"',
        TYPED.replace(",", ", "),
        TYPED.split()[0] + " " + CODE.replace("0", "O").replace("1", "l"),
    ],
)
def test_enrolment_line_is_read_however_it_is_typed(typed: str) -> None:
    assert read_line(typed) == LINE


def test_enrolment_line_is_short_enough_to_be_typed() -> None:
    assert len(CODE) == 49
    assert len(CODE.split("-")) == 10


@given(at=st.integers(0, 39), letter=st.sampled_from(LETTERS))
def test_wrong_character_in_an_enrolment_line_is_noticed(at: int, letter: str) -> None:
    code = CODE.replace("-", "")
    if code[at] != letter:
        typed = f"{TYPED.split()[0]} {code[:at]}{letter}{code[at + 1 :]}"
        assert "typed wrongly" in said_by(typed)


@given(at=st.integers(0, 38))
def test_two_characters_that_changed_places_are_noticed(at: int) -> None:
    code = CODE.replace("-", "")
    if code[at] != code[at + 1]:
        typed = f"{TYPED.split()[0]} {code[:at]}{code[at + 1]}{code[at]}{code[at + 2 :]}"
        assert "typed wrongly" in said_by(typed)


def test_a_wrong_address_is_noticed() -> None:
    assert "typed wrongly" in said_by(TYPED.replace("authority", "autority"))
    assert "typed wrongly" in said_by(TYPED.replace("8444,", "8443,"))


def test_what_is_wrong_is_said() -> None:
    assert "begins with an address" in said_by(CODE)
    assert "10 groups of 4: 36 characters came" in said_by(TYPED[:-5])
    assert "there is no U" in said_by(TYPED[:-1] + "U")
    assert ":8444 is no address" in said_by(f":8444 {CODE}")
    assert "begins with an address" in said_by("")


def test_the_secret_shows_nowhere_but_in_the_line() -> None:
    secret = LINE.secret.reveal()
    assert secret not in repr(LINE)
    assert secret not in f"{LINE.text()}"
    assert secret not in said_by(TYPED[:-1] + ("0" if TYPED[-1] != "0" else "1"))


def test_line_is_another_one() -> None:
    assert len({draw_secret().reveal() for _ in range(100)}) == 100
    assert {len(draw_number()), len(draw_secret())} == {4, 12}
