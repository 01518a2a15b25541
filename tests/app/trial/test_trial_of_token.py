"""A trial of a token behind its maker's module: SoftHSM, which locks no PIN."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TypeVar

from hardware.pkcs11.cards import Pkcs11Cards
from kiosk.app.trial.journal import Journal
from kiosk.app.trial.recording import Names, Recorder
from kiosk.app.trial.report import transcript_of
from kiosk.app.trial.transcript import to_json
from kiosk.app.trial.trial import Card, Outcome, Trial
from kiosk.contract.errors import CardGone
from kiosk.contract.messages import CardReport, PinChallenge, PinEntry, PinProof
from kiosk.contract.ports import CardAddress, CardHold
from kiosk.contract.sensitive import Sensitive
from tests.hardware.pkcs11.tokens import PIN, new_token

T = TypeVar("T")
SO_PIN = Sensitive("73918265")


@dataclass
class InAndOut:
    """SoftHSM has no reader that a token could be taken out of: its bench says that it is out."""

    cards: Pkcs11Cards
    is_out: bool = False

    def say(self, text: str) -> None:
        """Nobody reads it."""

    def take_out(self, moment: str) -> bool:
        self.is_out = True
        return True

    def put_in(self) -> bool:
        self.is_out = False
        return True

    def beside_another(self, reader: str, work: Callable[[], object]) -> None:
        raise AssertionError("no module keeps other programs out")

    def another_gets_in(self, reader: str) -> bool:
        raise AssertionError("no module keeps other programs out")

    def read(self, reader: str) -> CardReport:
        if self.is_out:
            raise CardGone("there is no card in the reader")
        return self.cards.read(reader)

    def verify_pin(
        self, at: CardAddress, pin: PinEntry, challenge: PinChallenge | None = None
    ) -> PinProof | None:
        return self.cards.verify_pin(at, pin, challenge)

    def change_pin(self, at: CardAddress, current: PinEntry, new: PinEntry) -> None:
        self.cards.change_pin(at, current, new)

    def hold(self, at: CardAddress, use: Callable[[CardHold], T]) -> T:
        return self.cards.hold(at, use)


def test_token_is_as_before_and_its_pin_is_not_blocked(tmp_path: Path) -> None:
    token = new_token(tmp_path / "token", so_pin=SO_PIN)
    bench, recorder, names = InAndOut(token.cards()), Recorder(), Names()
    trial = Trial(bench, recorder, bench, Card(token.reader, PIN, SO_PIN), names)
    report = trial.look()
    trial.live(Journal.begin(tmp_path, report.card))
    steps = {done.name: done for done in trial.steps}
    assert steps["block the PIN"].outcome is Outcome.NOT_TRIED
    token.cards().verify_pin(token.at, PIN)
    token.cards().hold(token.at, lambda held: held.unblock(SO_PIN, PIN))
    transcript = transcript_of(
        trial.steps, trial.report, None, names,
        card="SoftHSM", program="test", day=date(2026, 12, 3), looked_only=False,
    )  # fmt: skip
    everything = to_json(transcript).decode()
    for canary in (PIN.reveal(), SO_PIN.reveal(), token.serial):
        assert canary not in everything
