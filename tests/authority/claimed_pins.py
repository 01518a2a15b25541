"""What stands in for the signature that proves a PIN, where nobody entered one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from msgspec import structs

from kiosk.contract.messages import PinChallenge, PinProof
from tests.authority.card_in_reader import ReaderCard
from tests.authority.station_visit import StationVisit
from tests.authority.world import KNOWN, KNOWN_PIN_KEY, World

Proof = Callable[[World, StationVisit, PinChallenge, PinProof], PinProof | None]


def no_proof(_world: World, _: StationVisit, __: PinChallenge, ___: PinProof) -> None:
    """A device answers 9000 to VERIFY, or a station only says that the PIN was verified."""


def by_another_key(
    _world: World, _: StationVisit, asked: PinChallenge, __: PinProof
) -> PinProof | None:
    return ReaderCard().sign_pin(asked)


def forged(_world: World, _: StationVisit, asked: PinChallenge, __: PinProof) -> PinProof:
    """A signature by a key of the thief's, under the name of the recorded one."""
    proof = ReaderCard().sign_pin(asked)
    assert proof is not None
    return structs.replace(proof, public_key=KNOWN_PIN_KEY)


def replayed(_world: World, _: StationVisit, __: PinChallenge, earlier: PinProof) -> PinProof:
    """What the holder's card signed in another visit of theirs."""
    return earlier


def by_the_key_without_a_pin(
    _world: World, _: StationVisit, asked: PinChallenge, __: PinProof
) -> PinProof | None:
    """The stolen card signs with its card-authentication key (9E) instead."""
    return replace(KNOWN, pin_key=KNOWN.key).sign_pin(asked)
