"""An estate with one card whose unblock is cut, and what is found in it afterwards."""

from __future__ import annotations

import copy
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from hardware.cards import PcscCards
from hardware.virtual.making import blocked_card
from hardware.virtual.profile import CardProfile
from hardware.virtual.state import CardState, padded
from kiosk.dialogue import (
    CardChallenge,
    CardId,
    Finished,
    Heartbeat,
    Refusal,
    VisitId,
    VisitOpened,
)
from kiosk.ports import CardAddress
from kiosk.secrets.kept import open_current, open_kept
from kiosk.secrets.sealing import SealKind, SealLabel
from kiosk.sensitive import Sensitive
from kiosk.station.actions import Actions
from kiosk.station.commands import UnblockPin
from kiosk.station.events import Replied
from kiosk.store.records import Card, new_id
from tests.authority.plastic import Quiet
from tests.authority.sitting import Sitting
from tests.authority.world import PUK, World
from tests.cuts.cutter import Cut, Cutter
from tests.cuts.reader import READER, CardServer, CountingCard, Reader
from tests.cuts.stations import NEW_PIN, SOCKET, STEPS, real_cards

LATER_PIN = "518402"
KILLED = -9


@dataclass(frozen=True)
class Prepared:
    """A folder in which a visit at station A has passed every factor, and its card."""

    folder: Path
    visit: VisitId
    card: Card
    state: CardState


def prepare(folder: Path) -> Prepared:
    """Bring a holder with a blocked card of three tries to the page for a new PIN."""
    world = World(folder)
    state = blocked_card(
        holder_name="Asha Okafor",
        puk=PUK,
        expires=world.now + timedelta(days=365),
        profile=CardProfile(puk_tries=3),
    ).state
    named = state.guid.hex()
    label = SealLabel(CardId("piv", named), SealKind.UNBLOCK, 1)
    sealed = world.parts.sealer.seal(Sensitive(PUK), label)
    card = world.registered_card(identifier=named, sealed_secret=sealed, secret_limit=3)
    cards = real_cards(Reader(CountingCard(state), Cutter()))
    sitting = sit_down(world, cards, "A")
    sitting.to_new_pin()
    world.store.close()
    return Prepared(folder, sitting.visit, world.card(card), state)


def sit_down(world: World, cards: PcscCards, station: str) -> Sitting:
    """Put the card in at a station, where it proves itself."""
    report, visit = cards.read(READER), VisitId(new_id())
    opened = world.authority.begin(visit, station, report)
    if isinstance(opened, CardChallenge):
        asked, at = opened, CardAddress(READER, report.card)
        proof = cards.hold(at, lambda held: held.prove(asked))
        opened = world.authority.prove(visit, proof)
    return Sitting(world, visit, opened, Quiet())


class Stations:
    """Starts stations, each a process of its own."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "tests.cuts.stations"]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)

    def run(self, estate: Estate, cut: Cut | None) -> int:
        """Let one unblock the card; return how it ended."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        asked = {
            "folder": str(estate.world.folder),
            "visit": estate.visit,
            "card": estate.card.identifier,
            "cut": (cut.step, cut.side, cut.fault) if cut else None,
        }
        print(json.dumps(asked), file=self._process.stdin, flush=True)
        return int(self._process.stdout.readline())

    def close(self) -> None:
        """Start no more."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(30)


class Estate:
    """A copy of what was prepared, for one cut."""

    def __init__(self, prepared: Prepared, folder: Path) -> None:
        shutil.copytree(prepared.folder, folder)
        self.world = World(folder)
        self.visit, self.card = prepared.visit, prepared.card
        self.plastic = CountingCard(copy.deepcopy(prepared.state))
        self._cards = real_cards(Reader(self.plastic, Cutter()))

    @contextmanager
    def served(self) -> Iterator[None]:
        """Let a station in another process reach the card."""
        server = CardServer(self.world.folder / SOCKET, self.plastic)
        try:
            yield
        finally:
            server.close()

    @property
    def steps(self) -> list[str]:
        """What a station that was not killed did."""
        steps: list[str] = json.loads((self.world.folder / STEPS).read_text())["steps"]
        return steps

    @property
    def has_new_pin(self) -> bool:
        """Whether the card was unblocked at station A."""
        return self.plastic.state.pin.body == padded(NEW_PIN)

    def unlock_elsewhere(self) -> Finished | Refusal | VisitOpened:
        """Bring the card, blocked, to station B, and go through all of it again."""
        world = self.world
        world.clock.forward(minutes=20)
        sitting = sit_down(world, self._cards, "B")
        if isinstance(sitting.opened, Refusal):
            return sitting.opened
        self.plastic.state.pin.left = 0
        sitting = sit_down(world, self._cards, "B")
        if isinstance(sitting.opened, Refusal):
            return sitting.opened
        sitting.to_new_pin()
        at = CardAddress(READER, CardId("piv", self.card.identifier))
        actions = Actions(world.authority, self._cards, Heartbeat("B"))
        told = actions.perform(UnblockPin(sitting.visit, at, Sensitive(LATER_PIN)))
        assert isinstance(told, Replied), told
        assert isinstance(told.reply, Finished | Refusal), told
        return told.reply

    def secrets(self) -> dict[str, str]:
        """Return every secret that the database holds for the card, opened."""
        world = self.world
        with world.store.read() as uow:
            card = uow.cards.get(self.card.id)
            assert card is not None
            assert card.sealed_secret is not None
            sealer = world.parts.sealer
            found = {"current": open_current(sealer, card, card.sealed_secret).reveal()}
            pending = uow.kept.pending(card.id)
            if pending is not None:
                found["pending"] = open_kept(sealer, card, pending).reveal()
            for number, kept in enumerate(uow.kept.former(card.id)):
                found[f"former {number}"] = open_kept(sealer, card, kept).reveal()
            return found

    def close(self) -> None:
        """Leave nothing behind."""
        self.world.store.close()
        shutil.rmtree(self.world.folder)
