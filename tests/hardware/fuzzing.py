"""Cards that answer as they should, until they do not."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from hypothesis import strategies as st

from hardware.apdu import CHANGE_REFERENCE_DATA as CHANGE
from hardware.apdu import (
    GENERAL_AUTHENTICATE,
    GET_RESPONSE,
    VERIFY,
    CommandApdu,
    ResponseApdu,
    StatusWord,
)
from hardware.apdu import RESET_RETRY_COUNTER as RESET
from hardware.connection import Link, response_from

MOST_COMMANDS = 3000
"""No act sends as many, however its card answers: an endless answer is given up before."""

Answer = Callable[[CommandApdu], bytes]

_SPENDING = (VERIFY, CHANGE, RESET, GENERAL_AUTHENTICATE)

_WORDS = [0x9000, 0x6100, 0x61FF, 0x6101, 0x6C00, 0x6C05, 0x6CFF, 0x63C0, 0x63C1, 0x63CF, 0x6300]
_WORDS += [0x6983, 0x6982, 0x6984, 0x6985, 0x6A80, 0x6A82, 0x6700, 0x6581, 0x6F00, 0x6D00, 0x6285]
_TAGS = ["4f", "34", "35", "53", "70", "71", "7c", "81", "82", "83", "84", "97", "c4", "f9", "7f21"]
_TAGS += ["7f71", "df20"]
_LENGTHS = ["80", "81ff", "82ffff", "83ffffff", "84ffffffff", "ff", "00", "7f", "8180"]

status_words = st.sampled_from(_WORDS) | st.integers(0, 0xFFFF)
headers = st.tuples(st.sampled_from(_TAGS), st.sampled_from(_LENGTHS))


def _ending(body: bytes, word: int) -> bytes:
    return body + word.to_bytes(2)


def _template(parts: list[tuple[str, str]], body: bytes) -> bytes:
    return b"".join(bytes.fromhex(tag + length) for tag, length in parts) + body


bodies = (
    st.binary(max_size=40)
    | st.builds(_template, st.lists(headers, min_size=1, max_size=4), st.binary(max_size=40))
    | st.integers(0, 255).map(lambda byte: bytes([byte]) * 256)
)
answers = (
    status_words.map(lambda word: _ending(b"", word))
    | st.builds(_ending, bodies, st.just(0x9000))
    | st.builds(_ending, bodies, status_words)
    | st.binary(max_size=3)
)
"""Random status words, truncated and huge TLVs, answers without an end, and torn ones."""


@dataclass
class Plan:
    """From its ``start``-th command on a card gives these answers, once or for ever.

    With ``seed`` it gives its right answers there, cut and with a byte changed.
    """

    start: int
    answers: list[bytes]
    forever: bool
    seed: int | None = None

    def answer(self, number: int, right: Callable[[], bytes]) -> bytes | None:
        """Return the wrong answer to the ``number``-th command; None where it is the right one."""
        step = number - self.start
        if step < 0 or (step >= len(self.answers) and not self.forever):
            return None
        if self.seed is not None:
            return _damaged(right(), random.Random(self.seed + step))
        return self.answers[step % len(self.answers)]


plans = st.builds(
    Plan,
    st.integers(0, 7),
    st.lists(answers, min_size=1, max_size=5),
    st.booleans(),
    st.none() | st.integers(0, 2**16),
)


def _damaged(right: bytes, chance: random.Random) -> bytes:
    body = bytearray(right[:-2])
    if body and chance.random() < 0.5:
        body[chance.randrange(len(body))] = chance.randrange(256)
    elif body:
        del body[chance.randrange(len(body)) :]
    return bytes(body) + right[-2:]


@dataclass
class FuzzLink(Link):
    """The bottom of a connection, with a card that goes wrong; counts what it is sent."""

    card: Answer
    plan: Plan
    commands: list[tuple[CommandApdu, bytes]] = field(default_factory=list)
    wrong: int = 0

    def send(self, command: CommandApdu) -> ResponseApdu:
        assert len(self.commands) < MOST_COMMANDS, "it hangs"
        raw = self.plan.answer(len(self.commands), lambda: self.card(command))
        self.wrong += raw is not None
        raw = self.card(command) if raw is None else raw
        self.commands.append((command, raw))
        return response_from(command, raw)

    def spent(self) -> list[tuple[int, int, StatusWord]]:
        """What carried a PIN, a secret or what a key made: instruction, reference, the answer."""
        spent: list[tuple[int, int, StatusWord]] = []
        for command, raw in self.commands:
            ins, reference = command.header.ins, command.header.p2
            status = StatusWord(int.from_bytes(raw[-2:]))
            if ins in _SPENDING and command.changes_card:
                spent.append((ins, reference, status))
            elif ins == GET_RESPONSE and command.within_change:
                spent[-1] = (*spent[-1][:2], status)
        return spent
