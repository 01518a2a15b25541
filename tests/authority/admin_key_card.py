"""A card with an admin key, as the authority sees it: two numbers, and what a key makes of them."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes

from kiosk.authority.crypto.sealing import SealKind, SealLabel
from kiosk.authority.records import Card, Visit, new_id
from kiosk.contract.messages import (
    CardId,
    JournalId,
    KeyAnswer,
    KeyChallenge,
    KeyGrant,
    KeyNonce,
    Refusal,
    UnblockDone,
    UnblockOutcome,
)
from kiosk.contract.sensitive import Sensitive
from tests.authority.station_visit import StationVisit, ready
from tests.authority.world import World

KEY = "8f3b10d95d7a43e61c85b6049e2fc26bf1618c375ba84c13"
OTHER_KEY = KEY[16:] + KEY[:16]


def registered(world: World, key: str = KEY, identifier: str = "", **changes: object) -> Card:
    """A registered card of the family; it takes three wrong keys as far as anybody knows."""
    identifier = identifier or new_id()
    label = SealLabel(CardId("gids", identifier), SealKind.UNBLOCK, 1)
    sealed = world.parts.sealer.seal(Sensitive(key), label)
    plain = {"driver": "gids", "identifier": identifier, "secret_limit": None}
    return world.registered_card(**{**plain, "sealed_secret": sealed, **changes})


@dataclass
class Chip:
    """Draws a number, looks at what comes back, and answers; one with another key is a copy."""

    key: str = KEY
    theirs: bytes = b""
    own: bytes = field(default_factory=lambda: secrets.token_bytes(16))

    def meet(self, challenge: KeyChallenge) -> KeyNonce:
        """Draw a number."""
        self.theirs, self.own = challenge.nonce, secrets.token_bytes(16)
        return KeyNonce(self.own)

    def takes(self, cryptogram: bytes) -> bool:
        """Tell whether the card would take it."""
        step = _cipher(self.key).decryptor()
        plain = step.update(cryptogram) + step.finalize()
        return plain[:32] == self.own + self.theirs and plain[39] == 0x80

    def answer(self) -> KeyAnswer:
        """Say what its key makes of both numbers."""
        return KeyAnswer(encrypted(self.key, self.theirs + self.own + bytes(7) + b"\x80"))


def encrypted(key: str, text: bytes) -> bytes:
    """Encrypt as a card does."""
    step = _cipher(key).encryptor()
    return step.update(text) + step.finalize()


def _cipher(key: str) -> Cipher[modes.CBC]:
    return Cipher(TripleDES(bytes.fromhex(key)), modes.CBC(bytes(8)))


def drawn(station_visit: StationVisit) -> KeyChallenge:
    """Have the authority draw its number."""
    challenge = station_visit.authority.challenge(station_visit.visit)
    assert isinstance(challenge, KeyChallenge), challenge
    return challenge


def granted(station_visit: StationVisit, chip: Chip) -> KeyGrant:
    """Let both draw a number, and have the key used."""
    grant = station_visit.authority.release(
        station_visit.visit, station_visit.attempt(), chip.meet(drawn(station_visit))
    )
    assert isinstance(grant, KeyGrant), grant
    return grant


def admitted(station_visit: StationVisit, journal: JournalId, chip: Chip) -> Refusal | None:
    """Let the authority judge the card's answer."""
    return station_visit.authority.admit(station_visit.visit, journal, chip.answer())


def visit_of(world: World, station_visit: StationVisit) -> Visit:
    """Return what is recorded of a visit."""
    with world.store.read() as uow:
        visit = uow.visits.get(station_visit.visit)
    assert visit is not None
    return visit


def settled(station_visit: StationVisit, journal: JournalId, outcome: UnblockOutcome) -> object:
    """Tell the authority what the card did."""
    return station_visit.authority.record_outcome(station_visit.visit, journal, outcome)


def unlocked(world: World, card: Card) -> bytes:
    """Let the genuine card be unlocked, and return what it answered."""
    station_visit, chip = ready(world, card), Chip()
    grant = granted(station_visit, chip)
    answer = chip.answer()
    assert station_visit.authority.admit(station_visit.visit, grant.journal, answer) is None
    settled(station_visit, grant.journal, UnblockDone())
    station_visit.pull()
    world.clock.forward(minutes=5)
    return answer.cryptogram
