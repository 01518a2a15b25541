"""From a key to its paint."""

from __future__ import annotations

import time
from collections.abc import Iterator

from campaigns.benchmarks.estate import Installation
from campaigns.benchmarks.one_word import WORDS
from campaigns.benchmarks.sampling import interleave
from campaigns.benchmarks.table import Row
from campaigns.benchmarks.timed_terminal import TimedTerminal
from kiosk.contract.messages import Purpose
from screens.theme import RICH
from screens.words.choices import MENU_TITLE, OFFERS
from screens.words.pin import ENTER_TITLE
from screens.words.waiting import ATTRACT_TITLE

ROUNDS = 120
_MOST_DIGITS = 8
_PAUSE_S = 0.04
"""Between two keys: faster than a person, slower than the station's input filter."""

_BACKSPACE = "\x7f"

_HOW = (
    "Both run in pseudo-terminals of the same size; keys are typed in turns. Ours: a digit "
    "typed on the PIN page, until an emulator shows one dot more. The peer: a key that makes "
    "the one-word program show its other word. From the write of the key to the read of the "
    "paint."
)


def rows(installation: Installation) -> Iterator[Row]:
    """Type on both in turns."""
    ours, peer = (
        TimedTerminal(installation.station, installation.environ),
        TimedTerminal(installation.peer, installation.environ),
    )
    try:
        _go_to_pin_page(installation, ours)
        peer.painted(WORDS[0])
        pin, word = _PinPage(ours), _Word(peer)
        taken = interleave(ROUNDS, {"ours": pin.digit, "peer": word.other}, warm_up=4)
    finally:
        ours.end()
        peer.end()
        installation.card.remove()
    yield Row("key to repaint", taken["ours"], "one-word program", taken["peer"], _HOW, aim=1.2)


def _go_to_pin_page(installation: Installation, terminal: TimedTerminal) -> None:
    terminal.painted(ATTRACT_TITLE)
    installation.card.push_in()
    terminal.painted(MENU_TITLE, OFFERS[Purpose.CHANGE_PIN][0])
    line = next(
        line for line in terminal.text.splitlines() if OFFERS[Purpose.CHANGE_PIN][0] in line
    )
    terminal.type(next(char for char in line if char.isdigit()))
    terminal.painted(ENTER_TITLE)


class _PinPage:
    def __init__(self, terminal: TimedTerminal) -> None:
        self._glass = terminal
        self._dots = 0

    def digit(self) -> float:
        """Type one digit, after making room where there is none."""
        while self._dots == _MOST_DIGITS or (self._dots and self._dots % _MOST_DIGITS == 0):
            self._empty()
        self._dots += 1
        return self._typed("7")

    def _empty(self) -> None:
        while self._dots:
            self._dots -= 1
            self._typed(_BACKSPACE)

    def _typed(self, key: str) -> float:
        time.sleep(_PAUSE_S)
        wanted = self._dots
        at = self._glass.type(key)
        return self._glass.when(lambda shown: shown.count(RICH.dot) == wanted) - at


class _Word:
    def __init__(self, terminal: TimedTerminal) -> None:
        self._glass = terminal
        self._shown = 1

    def other(self) -> float:
        """Ask for the other word."""
        time.sleep(_PAUSE_S)
        self._shown = 3 - self._shown
        at = self._glass.type(str(self._shown))
        return self._glass.painted(WORDS[self._shown]) - at
