"""Whatever a card sends, reading it ends, stays within the data, and raises nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware import tlv
from hardware.tlv import Element

TAGS = st.one_of(
    st.integers(0, 0xFF).filter(lambda tag: tag & 0x1F != 0x1F),
    st.integers(0, 0x7F).map(lambda low: 0x5F00 | low),
    st.integers(0, 0x7F).map(lambda low: 0x5F8000 | low),
)


def written(element: Element) -> bytes:
    return tlv.make(element.tag, element.value)


@given(st.lists(st.builds(Element, TAGS, st.binary(max_size=300)), max_size=8))
def test_what_was_written_is_read(items: list[Element]) -> None:
    data = b"".join(map(written, items))
    assert list(tlv.elements(data)) == items


@given(st.binary(max_size=400))
def test_anything_can_be_read(data: bytes) -> None:
    found = list(tlv.elements(data))
    assert sum(len(item.value) + 2 for item in found) <= len(data)
    for item in found:
        assert item.value in data
        tlv.find(data, item.tag)


@given(st.builds(Element, TAGS, st.binary(max_size=300)), st.integers(1, 20))
def test_a_torn_element_is_not_read(item: Element, torn: int) -> None:
    data = written(item)[:-torn]
    assert item not in list(tlv.elements(data)) or not data


@pytest.mark.parametrize(
    "data",
    ["", "34", "3402aa", "3480aabb", "3484000000 01aa", "3481", "5f", "5fff", "5fffffff01aa"],
)
def test_what_does_not_fit_is_absent(data: str) -> None:
    assert list(tlv.elements(bytes.fromhex(data))) == []


def test_what_follows_the_find_need_not_be_readable() -> None:
    data = bytes.fromhex("3001aa 3402bbcc 35ff")
    assert tlv.find(data, 0x34) == b"\xbb\xcc"
    assert tlv.find(data, 0x35) is None


@pytest.mark.parametrize(
    ("length", "head"), [(0, "00"), (127, "7f"), (128, "8180"), (255, "81ff"), (256, "820100")]
)
def test_a_length_is_written_as_short_as_it_can_be(length: int, head: str) -> None:
    assert tlv.make(0x7C, bytes(length)) == bytes.fromhex("7c" + head) + bytes(length)
