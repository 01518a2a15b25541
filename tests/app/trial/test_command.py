"""``kiosk cards try`` as it is typed, with somebody who takes the card out when asked to."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from hardware.virtual.piv import VirtualCard, new_card, padded
from kiosk.__main__ import main
from kiosk.app.trial.journal import NAME
from kiosk.app.trial.transcript import from_json
from tests.app.trial.test_faults import PIN, PUK, Watched, is_as_before, well
from tests.hardware.failing import await_service_poll
from tests.support.hotplug import HotplugPcscd
from tests.support.pcsc import Insert, Seat
from tests.transcripts.replay import replay

pytestmark = pytest.mark.hardware

HOLDER = "Canary Holder"


def card() -> VirtualCard:
    return new_card(holder_name=HOLDER, pin=PIN, puk=PUK)


class Typed:
    """The command in its own process; the card goes out and in as it asks."""

    def __init__(self, seat: Seat, folder: Path, *words: str, **environ: str) -> None:
        self.seat = seat
        self.printed: list[str] = []
        self._program = subprocess.Popen(
            [sys.executable,
                "-m",
                "kiosk", "cards", "try", "--reader", seat.reader, "--into", str(folder),
             *words],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env={**os.environ, **environ},
        )  # fmt: skip
        self.pid = self._program.pid

    def run(self, typed: str = f"{PIN}\n{PUK}\n") -> int:
        assert self._program.stdin is not None
        assert self._program.stdout is not None
        self._program.stdin.write(typed)
        self._program.stdin.close()
        for line in self._program.stdout:
            self.printed.append(line)
            if "Take the card out" in line:
                self.seat.remove()
            if "Put the card in again" in line:
                await_service_poll(self.seat.reader)
                self.seat.insert()
        return self._program.wait()


def test_command_tries_a_card_and_writes_what_can_be_given_away(
    insert: Insert, pcscd: HotplugPcscd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    pem = tmp_path / "station.pem"
    form = Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    pem.write_bytes(key.private_bytes(*form))
    tried = card()
    into = tmp_path / "reports"
    into.mkdir()
    typed = Typed(
        insert(tried), into, "--sure", "--make", "Example Card 3",
        KIOSK_AUTHORITY__CERTIFICATE=str(pem),
    )  # fmt: skip
    assert typed.run() == 0, "".join(typed.printed)
    assert is_as_before(tried)
    assert tried.state.pin.left == 3
    (report,) = into.glob("*.md")
    data = report.with_suffix(".json").read_bytes()
    key.public_key().verify(report.with_suffix(".sig").read_bytes(), data, ec.ECDSA(SHA256()))
    with pytest.raises(InvalidSignature):
        key.public_key().verify(
            report.with_suffix(".sig").read_bytes(), data + b" ", ec.ECDSA(SHA256())
        )
    transcript = from_json(data)
    assert transcript.card == "Example Card 3"
    assert transcript.verdict == "served"
    everything = report.read_text() + data.decode() + "".join(typed.printed)
    for canary in (PIN, PUK, HOLDER, HOLDER.encode().hex(), tried.state.guid.hex()):
        assert canary not in everything
    assert not (into / NAME).exists()
    assert replay(transcript, monkeypatch) > 20


def test_read_only_sends_no_pin(insert: Insert, pcscd: HotplugPcscd, tmp_path: Path) -> None:
    chip = Watched(card(), well)
    typed = Typed(insert(chip), tmp_path, "--read-only")
    assert typed.run("") == 0, "".join(typed.printed)
    assert chip.changes == 0
    (report,) = tmp_path.glob("*.md")
    assert "nothing was changed" in report.read_text()


@pytest.mark.parametrize("number", [3, 4, 6, 9, 11])
def test_card_whose_trial_was_killed_is_put_back(
    insert: Insert, pcscd: HotplugPcscd, tmp_path: Path, number: int
) -> None:
    pids: list[int] = []
    chip = Watched(card(), killing_at(number, pids))
    seat = insert(chip)
    killed = Typed(seat, tmp_path, "--sure")
    pids.append(killed.pid)
    assert killed.run() == -signal.SIGKILL
    assert (tmp_path / NAME).exists()
    again = Typed(seat, tmp_path, "--resume")
    assert again.run() == 0, "".join(again.printed)
    assert "was cut short" in "".join(again.printed)
    assert is_as_before(chip.card)
    assert not chip.card.state.pin.blocked
    assert chip.fewest >= 2
    assert not (tmp_path / NAME).exists()


def killing_at(number: int, pids: list[int]) -> Callable[..., bytes]:
    def fail(chip: VirtualCard, command: bytes, change: int) -> bytes:
        answer = chip.transmit(command)
        if change == number and pids:
            os.kill(pids.pop(), signal.SIGKILL)
        return answer

    return fail


def test_nothing_is_done_before_it_was_said_and_agreed(
    insert: Insert, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    tried = card()
    seat = insert(tried)
    tried.received.clear()
    monkeypatch.setattr("kiosk.app.trial.command.ask", lambda _: "no")
    assert main(["cards", "try", "--reader", seat.reader, "--into", str(tmp_path)]) == 1
    said = capsys.readouterr()
    assert "73518264" in said.out
    assert "nothing was done" in said.err
    assert not tried.received
    assert tried.state.pin.body == padded(PIN)


def test_without_a_journal_there_is_nothing_to_resume(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["cards", "try", "--resume", "--into", str(tmp_path)]) == 1
    assert "no trial was cut short" in capsys.readouterr().err
