"""What a terminal sends, and what keys the RA application makes of it."""

from __future__ import annotations

import pytest
from textual import events
from textual._xterm_parser import XTermParser

from screens.admin.driver import messages_of


def keys(*chunks: str) -> list[str]:
    parser = XTermParser()
    found = (message for chunk in chunks for message in messages_of(parser, chunk))
    return [message.key for message in found if isinstance(message, events.Key)]


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
    ],
)
def test_keys(sent: str, pressed: list[str]) -> None:
    assert keys(sent) == pressed


def test_a_sequence_may_come_in_pieces() -> None:
    assert keys("\x1b", "O", "S") == ["f4"]
    assert keys("\x1b[2", "1~") == ["f10"]


def test_a_paste_is_one_text_whatever_is_in_it() -> None:
    parser = XTermParser()
    (paste,) = messages_of(parser, "\x1b[200~one\rtwo\x03\x1b[201~")
    assert isinstance(paste, events.Paste)
    assert paste.text == "one\rtwo\x03"
