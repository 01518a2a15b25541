"""Before: an answer that came a byte at a time held a station until somebody restarted it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from time import monotonic

import pytest

from kiosk.contract.errors import AuthorityError, AuthorityUnavailable, ReplyUnknown
from kiosk.contract.messages import (
    CardId,
    CardReport,
    Heartbeat,
    PinState,
    StationStanding,
    VisitId,
)
from kiosk.station.client import HttpAuthority

OK = b"HTTP/1.1 200 OK\r\n"
NEVER_S = 60.0
"""Longer than any deadline here."""


def answered(body: bytes, headers: bytes = b"", length: int | None = None) -> bytes:
    return OK + headers + b"Content-Length: %d\r\n\r\n" % (length or len(body)) + body


IN_USE = answered(f'"{StationStanding.IN_USE}"'.encode())


class Sender:
    """Takes a request on each connection, and sends what ``answers`` gives for it."""

    def __init__(self, path: Path, answers: Iterator[Callable[[socket.socket], None]]) -> None:
        self._answers = answers
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(path))
        self._listening.listen()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        with suppress(OSError):
            while True:
                asking, _ = self._listening.accept()
                with asking, suppress(OSError), asking.makefile("rb") as asked:
                    length = 0
                    while (line := asked.readline()) not in (b"\r\n", b""):
                        name, _, value = line.partition(b":")
                        length = int(value) if name.lower() == b"content-length" else length
                    asked.read(length)
                    next(self._answers)(asking)

    def close(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join()


def sends(what: bytes) -> Callable[[socket.socket], None]:
    return lambda asking: asking.sendall(what)


class Endless:
    """Sends more within each wait of its client, until that has gone: ``was_left``."""

    def __init__(self, begin: bytes, more: bytes) -> None:
        self._begin, self._more = begin, more
        self.was_left = threading.Event()

    def __call__(self, asking: socket.socket) -> None:
        ends = monotonic() + NEVER_S
        asking.settimeout(0.02)
        try:
            asking.sendall(self._begin)
            while monotonic() < ends:
                with suppress(TimeoutError):
                    if not asking.recv(1):
                        raise ConnectionResetError
                asking.sendall(self._more)
        except OSError:
            self.was_left.set()


@contextmanager
def station_of(folder: Path, *answers: Callable[[socket.socket], None]) -> Iterator[HttpAuthority]:
    with ExitStack() as ended:
        sender = Sender(folder / "s", iter(answers))
        ended.callback(sender.close)
        client = HttpAuthority([str(folder / "s")])
        ended.callback(client.close)
        yield client


ENDLESS = {
    "headers": (OK, b"x"),
    "interim answers": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "body": (OK + b"Content-Length: 100000\r\n\r\n", b" "),
    "chunks": (OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    "trailers": (OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"a: b\r\n"),
}


@pytest.mark.parametrize("part", ENDLESS)
def test_a_call_ends_at_its_deadline(
    tmp_path: Path, part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The visit never ended, nor the process that served it, and the next card was not served."""
    monkeypatch.setattr("kiosk.station.client.CALL_S", 0.5)
    endless = Endless(*ENDLESS[part])
    with station_of(tmp_path, endless) as station:
        with pytest.raises(AuthorityUnavailable):
            station.port.station_standing()
        assert endless.was_left.wait(NEVER_S)


def test_officers_look_at_an_address_ends_at_its_deadline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kiosk.station.client.CONNECT_S", 0.5)
    endless = Endless(*ENDLESS["headers"])
    with station_of(tmp_path, endless) as station:
        assert [trouble for _, trouble in station.reach()] == ["timed out"]
        assert endless.was_left.wait(NEVER_S)


@pytest.mark.parametrize("sent", [0, 1, 7])
def test_an_answer_that_was_cut_off_is_a_lost_one(tmp_path: Path, sent: int) -> None:
    """It was no answer that is asked for again: the visit ended, also where a secret was in it."""
    cut = IN_USE[: IN_USE.index(b"\r\n\r\n") + 4 + sent]
    with station_of(tmp_path, sends(cut), sends(IN_USE)) as station:
        with pytest.raises(AuthorityUnavailable):
            station.port.station_standing()
        assert station.port.station_standing() is StationStanding.IN_USE


MALFORMED = {
    "no text": answered(b'"\xff"'),
    "nested": answered(b"[" * 60_000),
    "chunk of a negative size": OK + b"Transfer-Encoding: chunked\r\n\r\n-5\r\nabc",
    "superscript": b"HTTP/1.1 503 \r\nRetry-After: \xb2\r\nContent-Length: 0\r\n\r\n",
    "longer than any": answered(b" " * 300_000),
}


@pytest.mark.parametrize("answer", MALFORMED)
def test_a_malformed_answer_is_an_error_of_the_authority(tmp_path: Path, answer: str) -> None:
    """It was a fault of the station: after a card was unlocked its holder saw one."""
    with (
        station_of(tmp_path, sends(MALFORMED[answer])) as station,
        pytest.raises(AuthorityError) as raised,
    ):
        station.port.heartbeat(Heartbeat())
    error = raised.value
    assert error.__context__ is None or error.__suppress_context__, "it may repeat the answer"


@pytest.mark.parametrize("offers", ["[1]", "[{}]", '[{"purpose": []}]', '[{"purpose": {}}]'])
def test_malformed_offers_are_an_error_of_the_authority(tmp_path: Path, offers: str) -> None:
    report = CardReport(CardId("piv", "11" * 16), PinState(blocked=False))
    reply = answered(f'{{"is": "VisitOpened", "offers": {offers}}}'.encode())
    with station_of(tmp_path, sends(reply)) as station, pytest.raises(ReplyUnknown):
        station.port.begin(VisitId("a" * 32), report)
