"""The terminal of a member of staff: their own, at the other end of an SSH connection.

A station's, but with all the keys, the wheel and the paste of a desk. What a station never
asks a terminal for (focus reports, titles, the clipboard) is not asked for here either.
"""

from __future__ import annotations

import codecs
import os
import re
import selectors
from collections.abc import Iterator

from textual import events
from textual._xterm_parser import XTermParser
from textual.drivers.linux_driver import LinuxDriver
from textual.message import Message

from screens.terminal.bucket import TokenBucket
from screens.terminal.driver import StationDriver

_CHUNK = 4096
_WAKE_S = 0.1
_ALT_DIGIT = re.compile("(\x1b[0-9])")


class AdminDriver(StationDriver):
    """See the module."""

    _enable_mouse_support = LinuxDriver._enable_mouse_support  # noqa: SLF001
    _disable_mouse_support = LinuxDriver._disable_mouse_support  # noqa: SLF001
    _enable_bracketed_paste = LinuxDriver._enable_bracketed_paste  # noqa: SLF001
    process_message = LinuxDriver.process_message

    def _read(self, selector: selectors.BaseSelector, _bucket: TokenBucket) -> None:
        """Read until the program ends; bytes that are no UTF-8 become a replacement sign."""
        parser = XTermParser()
        text = codecs.getincrementaldecoder("utf-8")("replace")
        while not self.exit_event.is_set():
            if selector.select(_WAKE_S):
                data = os.read(self.fileno, _CHUNK)
                if not data:
                    raise EOFError
                for message in messages_of(parser, text.decode(data)):
                    self.process_message(message)
            for message in parser.tick():
                self.process_message(message)


def messages_of(parser: XTermParser, text: str) -> Iterator[Message]:
    """Yield what ``text`` completes.

    Alt and a digit is a key, not the sign that a Mac's keyboard makes of it. A line feed is
    Enter: the terminal makes it of one that is pressed before the application is up.
    """
    for part in _ALT_DIGIT.split(text):
        if _ALT_DIGIT.fullmatch(part):
            yield events.Key(f"alt+{part[1]}", None)
        elif part:
            yield from map(_enter, parser.feed(part))


def _enter(message: Message) -> Message:
    is_line_feed = isinstance(message, events.Key) and message.key == "ctrl+j"
    return events.Key("enter", "\r") if is_line_feed else message
