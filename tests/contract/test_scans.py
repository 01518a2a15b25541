from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.contract.scans import read_scan, scan_of
from kiosk.contract.sensitive import Sensitive

CODE, TAG = Sensitive("40718263"), "05917264"
SCAN = scan_of(CODE, TAG).reveal()


def digits(count: int) -> st.SearchStrategy[str]:
    return st.text("0123456789", min_size=count, max_size=count)


@given(st.integers(6, 10).flatmap(digits), digits(8))
def test_what_was_written_is_read(code: str, tag: str) -> None:
    scan = scan_of(Sensitive(code), tag)
    found = read_scan(scan, len(code))
    assert found is not None
    assert (found.code.reveal(), found.tag) == (code, tag)
    assert scan.reveal().isdigit()


def test_scan_of_a_usual_code_has_eighteen_digits() -> None:
    assert len(SCAN) == 18
    assert SCAN.startswith("14071826305917264")


@pytest.mark.parametrize("place", range(18))
def test_wrong_digit_of_a_scan_is_noticed(place: int) -> None:
    for other in set("0123456789") - {SCAN[place]}:
        wrong = Sensitive(SCAN[:place] + other + SCAN[place + 1 :])
        assert read_scan(wrong, 8) is None


@pytest.mark.parametrize(
    "text",
    ["", "4006381333931", SCAN[:-1], SCAN + "0", "x" * 18, "²" * 18, SCAN[:8] + " " + SCAN[9:]],
)
def test_anything_else_is_no_code(text: str) -> None:
    assert read_scan(Sensitive(text), 8) is None


def test_code_of_another_length_is_no_code() -> None:
    assert read_scan(Sensitive(SCAN), 6) is None


def test_code_is_not_in_a_repr() -> None:
    assert "4071" not in repr(read_scan(Sensitive(SCAN), 8))
