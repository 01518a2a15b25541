from __future__ import annotations

import random
import re
import tracemalloc
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from screens.terminal.decoder import (
    PASTE,
    Decoder,
    DeskDecoder,
    Input,
    Paste,
    Press,
    RunEnded,
    Scan,
    SmoothOffered,
    Touch,
)

KNOWN = frozenset(
    "enter tab shift+tab backspace delete escape space up down left right home end pageup "
    "pagedown ctrl+u f1 f2 f3 f4 f5 f6 f7 f8 f9 f10 f11 f12".split()
)


MATTER = b"\x02\x02\r\r\x1b[0123456789aZ\x7f"


def _ascii(body: bytes) -> bytes:
    """Return the body as the decoder sees it: bytes that are no UTF-8 are not there."""
    return body.decode(errors="ignore").encode()


def decoded(*pieces: bytes) -> list[Input]:
    decoder = Decoder()
    inputs = [item for piece in pieces for item in decoder.feed(piece)]
    return inputs + list(decoder.expire())


def keys(inputs: Iterable[Input]) -> list[str]:
    return [item.key for item in inputs if isinstance(item, Press)]


@pytest.mark.parametrize(
    ("data", "key"),
    [
        (b"\r", "enter"),
        (b"\n", "enter"),
        (b"\t", "tab"),
        (b"\x7f", "backspace"),
        (b"\x08", "backspace"),
        (b" ", "space"),
        (b"\x1b", "escape"),
        (b"\x1b[A", "up"),
        (b"\x1bOB", "down"),
        (b"\x1b[Z", "shift+tab"),
        (b"\x1b\t", "shift+tab"),
        (b"\x1b[3~", "delete"),
        (b"\x1b[5~", "pageup"),
        (b"\x1bOQ", "f2"),
        (b"\x1b[12~", "f2"),
        (b"\x1b[[B", "f2"),
        (b"\x1b[24~", "f12"),
        ("é".encode(), "é"),
    ],
)
def test_keys_of_several_terminals(data: bytes, key: str) -> None:
    assert keys(decoded(data)) == [key]


def test_a_sequence_in_pieces_is_the_same_key() -> None:
    assert keys(decoded(b"\x1b", b"[", b"1", b"2", b"~")) == ["f2"]


def test_an_escape_that_is_held_down_is_one_key() -> None:
    """Before: its first repetition, a quarter of a second later, ended the visit.

    The first Escape chooses "Stop", the second presses it.
    """
    decoder = Decoder()
    assert not list(decoder.feed(b"\x1b"))
    assert list(decoder.expire()) == [Press("escape")]
    for _ in range(40):
        assert not list(decoder.feed(b"\x1b"))
        assert decoder.timeout_s is not None
        assert decoder.timeout_s > 2 * 1 / 25, "a keyboard repeats 25 times a second"
    assert not list(decoder.expire())
    assert not list(decoder.feed(b"\x1b"))
    assert list(decoder.expire()) == [Press("escape")]


def test_a_key_right_after_an_escape_is_one_too() -> None:
    assert keys(decoded(b"\x1b\x1b[A")) == ["escape", "up"]
    assert keys(decoded(b"\x1b\x1b\x1b[A7")) == ["up", "7"]


def test_two_escapes_of_staff_are_two_keys() -> None:
    decoder = DeskDecoder()
    assert keys([*decoder.feed(b"\x1b\x1b"), *decoder.expire()]) == ["escape", "escape"]


def test_touches() -> None:
    assert decoded(b"\x1b[<0;12;7M\x1b[<0;12;7m") == [Touch(11, 6, True), Touch(11, 6, False)]


def test_the_one_report_that_is_asked_for() -> None:
    assert decoded(b"\x1b[?2026;2$y") == [SmoothOffered()]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"\x03\x1a\x1c\x11\x10\x13\x04\x00", id="control-keys"),
        pytest.param(b"\x1b[1:u", id="kitty-that-ends-badly"),
        pytest.param(b"\x1b[99999999999;5u", id="kitty-beyond-unicode"),
        pytest.param(b"\x1b[113;5u\x1b[99;5u", id="kitty-ctrl-q-and-c"),
        pytest.param(b"\x1b[48;0;0;0;0t", id="resize-to-nothing"),
        pytest.param(b"\x1b[48;99999;99999;1;1t", id="resize-to-everything"),
        pytest.param(b"\x1b[?2048;2$y", id="resize-offer"),
        pytest.param(b"\x1b[200~\x1b[201~", id="paste-markers"),
        pytest.param(b"\x1b[12;40R", id="cursor-report"),
        pytest.param(b"\x1b[?62;c\x1b[>0;276;0c", id="device-report"),
        pytest.param(b"\x1b[I\x1b[O", id="focus-reports"),
        pytest.param(b"\x1b[<35;5;5M\x1b[<64;5;5M\x1b[<2;5;5M", id="moves-wheel-right-button"),
        pytest.param(b"\x1b[<0;0;5M\x1b[<0;-3;5M\x1b[<0;99999;5M", id="touches-nowhere"),
        pytest.param(b"\x1bq\x1bc\x1b]", id="alt-chords"),
        pytest.param(b"\x1b[1;5A\x1b[1;3P", id="chords-of-arrows-and-function-keys"),
        pytest.param(b"\xff\xfe\xc3\xed\xa0\x80\x9b", id="not-utf-8"),
        pytest.param(b"\x1b[", id="alt-bracket-alone"),
        pytest.param("\u202e\u200b\x9b".encode(), id="marks-that-cannot-be-seen"),
    ],
)
def test_what_does_nothing(data: bytes) -> None:
    assert decoded(data) == []


def test_a_paste_is_only_typing() -> None:
    assert keys(decoded(b"\x1b[200~12\r")) == ["1", "2", "enter"]


def test_typing_goes_on_after_a_sequence_that_never_ends() -> None:
    decoder = Decoder()
    list(decoder.feed(b"\x1b[" + b"1;" * 40))
    list(decoder.expire())
    assert keys(decoder.feed(b"7")) == ["7"]


def test_a_sequence_that_never_ends_is_given_up_in_a_flood_too() -> None:
    """Otherwise each byte costs what came before it, and no key is heard."""
    heard = keys(Decoder().feed(b"\x1b[" + b"1" * 100 + b"\r5"))
    assert heard[-2:] == ["enter", "5"]
    assert len(heard) > 60


def test_a_paste_of_staff_that_never_ends_is_not_kept() -> None:
    decoder = DeskDecoder()
    list(decoder.feed(b"\x1b[200~"))
    tracemalloc.start()
    for _ in range(50):
        list(decoder.feed(b"x" * 4096))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 500_000
    assert [len(paste.text) for paste in decoder.expire() if isinstance(paste, Paste)] == [PASTE]


def test_a_demo_may_have_a_key_more_and_no_other() -> None:
    demo = Decoder({"\x11": "ctrl+q"})
    assert keys(demo.feed(b"\x11\x03\x10\r")) == ["ctrl+q", "enter"]


def test_a_press_does_not_show_its_key() -> None:
    assert "7" not in repr(Press("7", "7"))


def runs(inputs: Iterable[Input]) -> list[tuple[str, int, int]]:
    return [(item.key, item.run, item.digits) for item in inputs if isinstance(item, Press)]


def test_a_run_counts_characters_and_the_digits_at_its_end() -> None:
    assert runs(Decoder().feed(b"a12 3\r4\x7f\r")) == [
        ("a", 1, 0), ("1", 2, 1), ("2", 3, 2), ("space", 4, 0), ("3", 5, 1), ("enter", 0, 0),
        ("4", 1, 1), ("backspace", 0, 0), ("enter", 0, 0),
    ]  # fmt: skip


def test_silence_ends_a_run_and_nothing_else_that_a_slow_machine_does() -> None:
    decoder = Decoder()
    assert decoder.timeout_s is None
    assert runs([*decoder.feed(b"1"), *decoder.feed(b"2")]) == [("1", 1, 1), ("2", 2, 2)]
    assert decoder.timeout_s is not None
    assert decoder.timeout_s < 0.1, "a hand leaves more between two keys"
    assert list(decoder.expire()) == [RunEnded()]
    assert decoder.timeout_s is None
    assert not list(decoder.expire())
    assert runs(decoder.feed(b"3")) == [("3", 1, 1)]


def test_end_of_a_run_is_said_before_the_key_that_ends_it() -> None:
    for key in (b"\r", b"\t", b"\x7f", b"\x1b[A"):
        decoder = Decoder()
        inputs = [*decoder.feed(b"1" + key)]
        assert [type(item) for item in inputs] == [Press, RunEnded, Press]


def test_a_separator_of_a_barcode_ends_no_run() -> None:
    assert runs(Decoder().feed(b"1\x1d2")) == [("1", 1, 1), ("2", 2, 2)]


def test_frame_is_a_scan_in_one_piece_and_in_many() -> None:
    assert decoded(b"1\x02140718263\r2") == [
        Press("1", "1", 1, 1), RunEnded(), Scan("140718263"), Press("2", "2", 1, 1), RunEnded(),
    ]  # fmt: skip
    assert decoded(b"\x02", b"14", b"07", b"\r") == [Scan("1407")]


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param(b"\x02" + b"7" * 65 + b"\r", id="too long"),
        pytest.param(b"\x0212\x1b[A34\r", id="an Escape in it"),
        pytest.param(b"\x0212\x0234\r", id="another begins in it"),
        pytest.param(b"\x0212\n34\x7f\r", id="keys in it"),
        pytest.param("\x021é2\r".encode(), id="not ASCII"),
        pytest.param(b"\x02\r", id="nothing in it"),
    ],
)
def test_bad_frame_is_dropped_up_to_its_end(frame: bytes) -> None:
    assert decoded(frame) == []
    assert keys(decoded(frame + b"7\r")) == ["7", "enter"]


def test_frame_without_an_end_is_dropped_up_to_half_a_second_of_silence() -> None:
    decoder = Decoder()
    assert not [*decoder.feed(b"\x02140718263"), *decoder.feed(b"7" * 9999)]
    assert decoder.timeout_s == 0.5
    assert not list(decoder.expire())
    assert keys(decoder.feed(b"7\r")) == ["7", "enter"]


def test_staff_have_ctrl_b_and_no_scans() -> None:
    assert keys(DeskDecoder().feed(b"\x0212\r")) == ["ctrl+b", "1", "2", "enter"]


def test_a_scan_does_not_show_its_text() -> None:
    assert "7" not in repr(Scan("7"))


def test_random_bytes_are_a_scan_from_a_frame_alone_and_nothing_in_a_frame_is_a_key() -> None:
    """20,000 inputs, with the bytes that matter more often than by chance; the seed is fixed."""
    chance = random.Random(20261202)
    frame = re.compile(rb"\x02([ -~]{1,64})\r")
    found = 0
    for _ in range(20_000):
        data = bytes(chance.choices(range(256), k=6)) + bytes(chance.choices(MATTER, k=34))
        pieces = [data[:17], data[17:]] if chance.random() < 0.5 else [data]
        inputs = decoded(*pieces)
        scans = [item.text for item in inputs if isinstance(item, Scan)]
        outside, within = [], []
        while data:
            before, stx, data = data.partition(b"\x02")
            body, _end, data = data.partition(b"\r") if stx else (b"", b"", b"")
            outside.append(before)
            if stx and _end and (whole := frame.fullmatch(b"\x02" + _ascii(body) + b"\r")):
                within.append(whole[1].decode())
        assert scans == within
        typed = sum(char.isprintable() for char in b"".join(outside).decode(errors="ignore"))
        assert sum(isinstance(item, Press) and item.run > 0 for item in inputs) <= typed
        found += len(scans)
    assert found > 1000


@given(st.lists(st.binary(max_size=40), max_size=8))
def test_anything_at_all_gives_only_known_inputs(pieces: list[bytes]) -> None:
    for item in decoded(*pieces):
        match item:
            case Press(key, character):
                assert key in KNOWN or (key == character and len(key) == 1 and key.isprintable())
            case Scan(text):
                assert text.isascii()
                assert text.isprintable()
            case Touch(x, y):
                assert 0 <= x < 9999
                assert 0 <= y < 9999


@given(st.binary(max_size=400))
def test_little_is_held_back(data: bytes) -> None:
    decoder = Decoder()
    list(decoder.feed(b"\x1b[" + data))
    list(decoder.expire())
    assert decoder.timeout_s is None
    assert keys(decoder.feed(b"\r5")) == ["enter", "5"]
