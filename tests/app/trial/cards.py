"""Cards for trials, and who takes them out and puts them in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from hardware.card_access import PcscCards
from hardware.driver import load_driver
from kiosk.app.trial.bench import gets_in, hold_beside
from kiosk.app.trial.journal import Journal
from kiosk.app.trial.recording import Names, Recorder
from kiosk.app.trial.report import transcript_of
from kiosk.app.trial.transcript import Transcript
from kiosk.app.trial.trial import Card, Done, Outcome, Stopped, Trial
from kiosk.contract.ports import Cards
from kiosk.contract.sensitive import Sensitive
from tests.hardware.failing import SOON, await_service_poll
from tests.support.pcsc import Seat


@dataclass
class BenchOfTest:
    """Takes the card out of the virtual reader and puts it in."""

    seat: Seat
    said: list[str] = field(default_factory=list)
    swap: Callable[[], None] | None = None

    def say(self, text: str) -> None:
        self.said.append(text)

    def take_out(self, moment: str) -> bool:
        self.said.append(f"out, {moment}")
        self.seat.remove()
        return True

    def put_in(self) -> bool:
        if self.swap is not None:
            self.swap()
        await_service_poll(self.seat.reader)
        self.seat.insert()
        return True

    def beside_another(self, reader: str, work: Callable[[], object]) -> None:
        hold_beside(reader, work)

    def another_gets_in(self, reader: str) -> bool:
        return gets_in(reader)


@dataclass
class Tried:
    """A trial with what it left."""

    trial: Trial
    recorder: Recorder
    names: Names
    stopped: str = ""

    @property
    def steps(self) -> dict[str, Done]:
        return {done.name: done for done in self.trial.steps}

    def outcomes(self, outcome: Outcome) -> list[str]:
        return [done.words for done in self.trial.steps if done.outcome is outcome]

    def transcript(self) -> Transcript:
        return transcript_of(
            self.trial.steps,
            self.trial.report,
            self.recorder.interface,
            self.names,
            card="A card of the tests",
            program="test",
            day=date(2026, 12, 3),
            looked_only=self.trial.journal is None,
        )


def pcsc_cards(family: str, secret_kind: str, recorder: Recorder) -> Cards:
    return PcscCards([load_driver(family, secret_kind)], SOON, record=recorder)


def prepare(
    seat: Seat, family: str, secret_kind: str, pin: str, secret: str
) -> tuple[Tried, BenchOfTest]:
    recorder, names, bench = Recorder(), Names(), BenchOfTest(seat)
    card = Card(seat.reader, Sensitive(pin), Sensitive(secret))
    trial = Trial(pcsc_cards(family, secret_kind, recorder), recorder, bench, card, names)
    return Tried(trial, recorder, names), bench


def live(tried: Tried, folder: Path) -> Tried:
    """Make the whole trial, until it stops."""
    try:
        report = tried.trial.look()
        tried.trial.live(Journal.begin(folder, report.card))
    except Stopped as stopped:
        tried.stopped = str(stopped)
    return tried


def put_back(tried: Tried, folder: Path) -> Tried:
    """Go on after a trial that did not end."""
    journal = Journal.found(folder)
    assert journal is not None
    try:
        tried.trial.put_back(journal)
    except Stopped as stopped:
        tried.stopped = str(stopped)
    return tried
