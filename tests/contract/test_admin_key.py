"""What an admin key looks like, and which ones are not worth the name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.contract.families import tidy_admin_key

ONE, TWO, THREE = "0123456789abcdef", "fedcba9876543210", "89abcdef01234567"
KEY = ONE + TWO + THREE


@pytest.mark.parametrize(
    "given",
    [
        KEY,
        KEY.upper(),
        f" {ONE} {TWO}\t{THREE}\n",
        ":".join(KEY[at : at + 2] for at in range(0, 48, 2)),
        KEY.replace("23", "22").replace("ef", "ee"),
    ],
)
def test_case_spaces_and_parity_make_no_other_key(given: str) -> None:
    assert tidy_admin_key(given) == KEY


@given(st.binary(min_size=24, max_size=24).filter(lambda key: len(parts(key)) == 3))
def test_byte_has_an_odd_number_of_ones_and_keeps_its_upper_seven_bits(key: bytes) -> None:
    made = bytes.fromhex(tidy_admin_key(key.hex()))
    assert all(byte.bit_count() % 2 for byte in made)
    assert [byte >> 1 for byte in made] == [byte >> 1 for byte in key]
    assert tidy_admin_key(made.hex()) == made.hex()


@pytest.mark.parametrize("given", ["", "12345678", KEY[:-1], KEY + "0", KEY[:-1] + "g", "é" * 48])
def test_admin_key_has_48_digits(given: str) -> None:
    with pytest.raises(ValueError, match="must be an admin key of 48 hexadecimal digits") as error:
        tidy_admin_key(given)
    assert not given or given not in str(error.value)


@pytest.mark.parametrize(
    "weak",
    [
        ONE * 3,
        ONE + ONE + TWO,
        ONE + TWO + TWO,
        ONE + TWO + ONE,
        ONE + TWO + ONE.replace("23", "22"),
    ],
)
def test_no_part_is_like_another(weak: str) -> None:
    with pytest.raises(ValueError, match="two parts of 16 digits that are the same") as error:
        tidy_admin_key(weak)
    assert ONE not in str(error.value)


def parts(key: bytes) -> set[tuple[int, ...]]:
    return {tuple(byte >> 1 for byte in key[at : at + 8]) for at in (0, 8, 16)}
