"""Channels that answer from a script."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from hardware.apdu import CommandApdu, ResponseApdu, StatusWord, encode

Answer = str | Exception


def response(text: str) -> ResponseApdu:
    raw = bytes.fromhex(text)
    return ResponseApdu(raw[:-2], StatusWord(int.from_bytes(raw[-2:])))


class Script:
    """Answers in order; what it was sent is in ``sent`` (hex) and ``commands``."""

    def __init__(self, *answers: Answer) -> None:
        self._answers: Iterator[Answer] = iter(answers)
        self.commands: list[CommandApdu] = []

    @property
    def sent(self) -> list[str]:
        return [encode(command, t0=False).hex() for command in self.commands]

    def send(self, command: CommandApdu) -> ResponseApdu:
        self.commands.append(command)
        answer = next(self._answers)
        if isinstance(answer, Exception):
            raise answer
        return response(answer)


class Card:
    """Answers by what is asked: a table from the beginning of a command to its answer."""

    def __init__(self, table: dict[str, str], otherwise: str = "6d00") -> None:
        self.table = table
        self._otherwise = otherwise
        self.sent: list[str] = []

    def send(self, command: CommandApdu) -> ResponseApdu:
        apdu = encode(command, t0=False).hex()
        self.sent.append(apdu)
        fitting = [key for key in self.table if apdu.startswith(key)]
        return response(self.table[max(fitting, key=len)] if fitting else self._otherwise)


class Endless:
    """Answers 61xx for ever."""

    def __init__(self, make: Callable[[], str]) -> None:
        self._make = make
        self.asked = 0

    def send(self, _command: CommandApdu) -> ResponseApdu:
        self.asked += 1
        return response(self._make())
