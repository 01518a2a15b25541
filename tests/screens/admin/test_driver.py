"""What a terminal sends, and what keys the RA application makes of it."""

from __future__ import annotations

import io
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual import events
from textual.app import App
from textual.message import Message

from screens.terminal.decoder import PASTE, DeskDecoder, Input, Paste, Pointer, Press
from screens.terminal.driver import AdminDriver, TokenBucket


def decoded(*chunks: str) -> list[Input]:
    decoder = DeskDecoder()
    found = [item for chunk in chunks for item in decoder.feed(chunk.encode())]
    return found + list(decoder.expire())


def keys(*chunks: str) -> list[str]:
    return [item.key for item in decoded(*chunks) if isinstance(item, Press)]


@pytest.mark.parametrize(
    ("sent", "pressed"),
    [
        ("\x1b2", ["alt+2"]),
        ("a\x1b0\x1b9b", ["a", "alt+0", "alt+9", "b"]),
        ("\r", ["enter"]),
        ("\n", ["enter"]),
        ("x\ny", ["x", "enter", "y"]),
        ("\x1bOS", ["f4"]),  # xterm, tmux
        ("\x1b[14~", ["f4"]),  # PuTTY
        ("\x1b[[D", ["f4"]),  # the Linux console
        ("\x1b[21~", ["f10"]),
        ("\x10\x11", ["ctrl+p", "ctrl+q"]),
        ("\x1b[Z", ["shift+tab"]),
        ("\x1b[1;5D\x1b[1;2C\x1b[1;6H", ["ctrl+left", "shift+right", "ctrl+shift+home"]),
        ("\x1b[3;5~\x1b[15~", ["ctrl+delete", "f5"]),
        ("\x01\x05\x0b\x15\x17\x03", ["ctrl+a", "ctrl+e", "ctrl+k", "ctrl+u", "ctrl+w", "ctrl+c"]),
        ("\x1b\x7f\x7f\x08", ["alt+backspace", "backspace", "backspace"]),
        ("\x1b[48;99999999999;1;1;1t\x1b[?2048;1$y", []),
        ("\x1b[24;80R\x1b[I\x1b[O\x1b[99;5u", []),
    ],
)
def test_keys(sent: str, pressed: list[str]) -> None:
    assert keys(sent) == pressed


def test_a_sequence_may_come_in_pieces() -> None:
    assert keys("\x1b", "O", "S") == ["f4"]
    assert keys("\x1b[2", "1~") == ["f10"]


def test_a_paste_is_one_text_without_what_could_be_a_key() -> None:
    assert decoded("\x1b[200~one\rtwo\x03\x1b[A\x1b\t\x1b2\x1b[201~x") == [
        Paste("one\rtwo[A\t2"),
        Press("x", "x"),
    ]


def test_a_paste_that_never_ends_is_bounded_and_ends_in_silence() -> None:
    decoder = DeskDecoder()
    assert not list(decoder.feed(b"\x1b[200~" + b"5" * 3 * PASTE))
    assert decoder.timeout_s == 0.3
    assert list(decoder.expire()) == [Paste("5" * PASTE)]
    assert list(decoder.feed(b"7")) == [Press("7", "7")]


def test_the_rest_of_a_paste_that_fell_silent_is_no_key() -> None:
    """Before: over a line that lost a packet it was typed, and each line of it was an Enter."""
    decoder = DeskDecoder()
    assert not list(decoder.feed(b"\x1b[200~Left the Trust,\r"))
    assert list(decoder.expire()) == [Paste("Left the Trust,\r")]
    assert not list(decoder.feed(b"as HR said on 3 Nov,\r"))
    assert list(decoder.expire()) == [Paste("as HR said on 3 Nov,\r")]
    assert list(decoder.feed(b"q.\r\x1b[201~x")) == [Paste("q.\r"), Press("x", "x")]


def test_a_key_after_a_paste_that_fell_silent_is_one() -> None:
    decoder = DeskDecoder()
    assert not list(decoder.feed(b"\x1b[200~55"))
    assert list(decoder.expire()) == [Paste("55")]
    assert list(decoder.feed(b"\x1bOS")) == [Press("f4")]
    assert Press("w", "w") in list(decoder.feed(b"a whole line of many keys"))


def test_neither_a_press_nor_a_paste_shows_its_text() -> None:
    assert "7" not in repr([Press("7", "7"), Paste("7")])


@pytest.mark.parametrize(
    ("sent", "kind", "button"),
    [
        ("\x1b[<0;3;4M", events.MouseDown, 1),
        ("\x1b[<2;3;4m", events.MouseUp, 3),
        ("\x1b[<32;3;4M", events.MouseMove, 1),
        ("\x1b[<64;3;4M", events.MouseScrollUp, 0),
        ("\x1b[<65;3;4M", events.MouseScrollDown, 0),
    ],
)
async def test_the_mouse(sent: str, kind: type[events.MouseEvent], button: int) -> None:
    (item,) = decoded(sent)
    assert isinstance(item, Pointer)
    message = WaitingDriver().message_of(item)
    assert type(message) is kind
    assert (message.x, message.y, message.button) == (2, 3, button)


class BusyApp:
    """An application that works nothing off: what is sent to it waits."""

    message_queue_size = 0


class WaitingDriver(AdminDriver):
    """Keeps what it sends."""

    def __init__(self) -> None:
        self.app = BusyApp()
        super().__init__(cast(App[Any], self.app))

    def send_message(self, message: Message) -> None:
        self.app.message_queue_size += 1


async def test_of_a_flood_little_waits() -> None:
    desk, bucket = WaitingDriver(), TokenBucket(lambda: 0.0, AdminDriver.rate, AdminDriver.burst)
    flood = io.BytesIO(b"x" * 100_000)
    while chunk := flood.read(4096):
        desk._pass_on(desk.new_decoder().feed(chunk), bucket)
    assert 0 < desk.app.message_queue_size <= AdminDriver.backlog


async def test_a_short_text_passes_at_once() -> None:
    desk, bucket = WaitingDriver(), TokenBucket(lambda: 0.0, AdminDriver.rate, AdminDriver.burst)
    desk._pass_on(desk.new_decoder().feed(b"x" * 200), bucket)
    assert desk.app.message_queue_size == 200


@given(st.lists(st.binary(max_size=60), max_size=8))
def test_anything_at_all_holds_back_little_and_raises_nothing(pieces: list[bytes]) -> None:
    decoder = DeskDecoder()
    for piece in pieces:
        list(decoder.feed(piece))
    list(decoder.expire())
    list(decoder.expire())
    assert decoder.timeout_s is None
    assert list(decoder.feed(b"5")) == [Press("5", "5")]


def test_a_question_mark_has_the_name_that_bindings_know() -> None:
    (pressed,) = decoded("?")
    message = AdminDriver.message_of(cast(Any, None), pressed)
    assert isinstance(message, events.Key)
    assert (message.key, message.character) == ("question_mark", "?")
