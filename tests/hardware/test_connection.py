"""What a PC/SC code or a torn answer means, for a question and for a change."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import pytest

from hardware import pcsc
from hardware.apdu import CommandApdu, CommandHeader, ResponseApdu, StatusWord, select
from hardware.connection import Connection, Link, response_from
from hardware.pcsc import GET_FEATURE_REQUEST, Handle, PcscError
from hardware.pin_pad import PadEntry, PadOperation
from kiosk.contract.errors import (
    CardBusy,
    CardError,
    CardGone,
    CardMute,
    OutcomeUnknown,
    PadRefused,
    ReaderGone,
    ReaderServiceDown,
)

MEANINGS = {
    0x8010001D: ReaderServiceDown,
    0x8010001E: ReaderServiceDown,
    0x80100013: ReaderServiceDown,
    0x80100003: ReaderServiceDown,
    0x8010006A: ReaderServiceDown,
    0x80100009: ReaderGone,
    0x80100017: ReaderGone,
    0x8010002E: ReaderGone,
    0x8010000C: CardGone,
    0x80100069: CardGone,
    0x8010000B: CardBusy,
    0x80100068: CardBusy,
    0x80100066: CardMute,
    0x80100067: CardMute,
    0x80100016: CardMute,
    0x8010000F: CardMute,
    0x80100001: CardMute,
}
CHANGES = [
    CommandApdu(CommandHeader(0, ins, 0, 0x80), b"31415926" * 2) for ins in (0x20, 0x24, 0x2C, 0x87)
]
KEYED = [
    CommandApdu(CommandHeader(0, 0x20, 0, 0x82), pad=PadEntry(PadOperation.CURRENT, 6, 8)),
    CommandApdu(
        CommandHeader(0, 0x2C, 0, 0x80), b"31415926" * 2, pad=PadEntry(PadOperation.NEW, 6, 8, 8, 8)
    ),
]
QUESTIONS = [select(b"abcde"), CommandApdu(CommandHeader(0, 0xCB, 0x3F, 0xFF), b"x", 256)]


class Service:
    """Transmits by script; counts."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *answers: bytes | int) -> None:
        self._answers = list(answers)
        self.sent: list[bytes] = []
        self.reconnects: list[bool] = []
        monkeypatch.setattr(pcsc, "transmit", self._transmit)
        monkeypatch.setattr(pcsc, "control", self._control)
        monkeypatch.setattr(pcsc, "reconnect", self._reconnect)

    def _transmit(self, _handle: Handle, _protocol: int, apdu: bytes) -> bytes:
        self.sent.append(apdu)
        answer = self._answers.pop(0)
        if isinstance(answer, int):
            raise PcscError("SCardTransmit", answer)
        return answer

    def _control(self, handle: Handle, code: int, body: bytes) -> bytes:
        if code == GET_FEATURE_REQUEST:
            return bytes.fromhex("06 04 42330006 07 04 42330007")
        return self._transmit(handle, code, body)

    def _reconnect(self, _handle: Handle, *, reset: bool) -> int:
        self.reconnects.append(reset)
        return 2


def connection() -> Connection:
    def steps(*, changes_card: bool = False, more_s: float = 0.0) -> AbstractContextManager[None]:
        """Nobody waits."""
        return nullcontext()

    return Connection(Link(Handle(1), 2, steps))


@pytest.mark.parametrize(("code", "kind"), MEANINGS.items())
def test_what_a_code_means(code: int, kind: type[CardError]) -> None:
    error = pcsc.card_error(PcscError("SCardConnect", code))
    assert type(error) is kind
    assert f"{code:08X}" in str(error)


@pytest.mark.parametrize("answer", [*(code for code in MEANINGS), b"", b"\x90"])
@pytest.mark.parametrize("command", [*CHANGES, *KEYED])
def test_a_change_without_an_answer_is_unknown_and_sent_once(
    command: CommandApdu, answer: int | bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = Service(monkeypatch, answer)
    with pytest.raises(OutcomeUnknown) as raised:
        connection().send(command)
    assert len(service.sent) == 1
    assert service.reconnects == []
    assert "31415926" not in str(raised.value)


@pytest.mark.parametrize("code", [0x8010001F, 0x80100004, 0x80100011])
@pytest.mark.parametrize("command", KEYED)
def test_a_driver_that_knows_no_such_request_has_sent_nothing(
    command: CommandApdu, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = Service(monkeypatch, code)
    with pytest.raises(PadRefused) as raised:
        connection().send(command)
    assert len(service.sent) == 1
    assert "31415926" not in str(raised.value)


@pytest.mark.parametrize("command", QUESTIONS)
def test_a_question_without_an_answer_has_no_outcome(
    command: CommandApdu, monkeypatch: pytest.MonkeyPatch
) -> None:
    for torn in (b"", b"\x90"):
        Service(monkeypatch, torn)
        with pytest.raises(CardMute):
            connection().send(command)
    for code, kind in MEANINGS.items():
        Service(monkeypatch, code, code)
        with pytest.raises(kind):
            connection().send(command)


@pytest.mark.parametrize("lost", [0x80100016, 0x80100068, b"", b"\x90"])
def test_the_rest_of_the_answer_to_a_change_is_lost(
    lost: int | bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = Service(monkeypatch, b"\x61\x05", lost)
    with pytest.raises(OutcomeUnknown):
        connection().send(CHANGES[0])
    assert len(service.sent) == 2


def test_after_a_reset_the_application_is_selected_again(monkeypatch: pytest.MonkeyPatch) -> None:
    ok, was_reset = b"\x90\x00", 0x80100068
    service = Service(monkeypatch, ok, was_reset, ok, b"\xaa" + ok)
    link = connection()
    link.send(QUESTIONS[0])
    assert link.send(QUESTIONS[1]) == ResponseApdu(b"\xaa", StatusWord(0x9000))
    assert [apdu[1] for apdu in service.sent] == [0xA4, 0xCB, 0xA4, 0xCB]
    assert service.reconnects == [False]


@pytest.mark.parametrize("raw", ["0000", "1234", "8fff", "a000", "ffff"])
def test_a_status_word_that_no_card_sends_leaves_a_change_unknown(raw: str) -> None:
    for change in CHANGES + KEYED:
        with pytest.raises(OutcomeUnknown):
            response_from(change, bytes.fromhex(raw))
    for question in QUESTIONS:
        assert response_from(question, bytes.fromhex(raw)).status == int(raw, 16)
