"""Frames: what goes in comes out, and what is none is told apart."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.system import module_process

Pipe = tuple[int, int]


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    ends = os.pipe()
    yield ends
    for end in ends:
        if os.path.exists(f"/proc/self/fd/{end}"):  # noqa: PTH110  a number, no path
            os.close(end)


@given(st.dictionaries(st.text(), st.text() | st.integers() | st.none()))
def test_a_message_comes_out_as_it_went_in(message: module_process.Message) -> None:
    reads, writes = os.pipe()
    module_process.write(writes, message)
    os.close(writes)
    assert module_process.read(reads, 1.0) == message
    assert module_process.read(reads, 1.0) is None
    os.close(reads)


@pytest.mark.parametrize(
    "raw",
    [b"\0", b"\0\0\0\5{}", b"\0\0\0\2[]", b"\0\0\0\3{\xff}", b"\xff\xff\xff\xff{}", b"\0\0\0\0"],
)
def test_what_is_no_frame_is_broken(pipe: Pipe, raw: bytes) -> None:
    reads, writes = pipe
    os.write(writes, raw)
    os.close(writes)
    with pytest.raises(module_process.BrokenFrame):
        module_process.read(reads, 1.0)


@pytest.mark.parametrize("begun", [b"", b"\0\0", b"\0\0\0\5{"])
def test_a_frame_that_does_not_come_is_not_waited_for(pipe: Pipe, begun: bytes) -> None:
    os.write(pipe[1], begun)
    with pytest.raises(TimeoutError):
        module_process.read(pipe[0], 0.05)
