"""Before: a station that only said "the PIN was verified" changed questions and address.

It has every call of the port, and a card that signs without its PIN. It has no signature by the
key that the card uses only after VERIFY.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from msgspec import structs

from kiosk.authority.store.records import Card, PinEvidence
from kiosk.contract.errors import StepRefused
from kiosk.contract.messages import PinChallenge, PinProof, ProvePin, Purpose, SendCode
from tests.authority.card_in_reader import Plastic
from tests.authority.registering import given
from tests.authority.station_visit import Sitting
from tests.authority.world import EMAIL, KNOWN, KNOWN_PIN_KEY, World

THIEFS = "mallory@trust.nhs.uk"
Proof = Callable[[World, Sitting, PinChallenge, PinProof], PinProof | None]


def no_proof(_world: World, _: Sitting, __: PinChallenge, ___: PinProof) -> None:
    return None


def forged(_world: World, _: Sitting, asked: PinChallenge, __: PinProof) -> PinProof | None:
    """A signature by a key of the thief's, under the name of the recorded one."""
    proof = Plastic().sign_pin(asked)
    assert proof is not None
    return structs.replace(proof, public_key=KNOWN_PIN_KEY)


def replayed(_world: World, _: Sitting, __: PinChallenge, earlier: PinProof) -> PinProof:
    """What the holder's card signed in another visit of theirs."""
    return earlier


def by_the_key_without_a_pin(
    _world: World, _: Sitting, asked: PinChallenge, __: PinProof
) -> PinProof | None:
    """The stolen card signs with its card-authentication key (9E) instead."""
    return replace(KNOWN, pin_key=KNOWN.key).sign_pin(asked)


@pytest.fixture
def card(world: World) -> Card:
    return world.registered_card()


def proof_of_the_holder(world: World, card: Card) -> PinProof:
    """The holder has entered their PIN at this station, and gone."""
    sitting = world.insert(card)
    sitting.authority.choose(sitting.visit, Purpose.CHANGE_QUESTIONS)
    asked = sitting.authority.pin_challenge(sitting.visit)
    assert isinstance(asked, PinChallenge)
    proof = sitting.plastic.sign_pin(asked)
    assert proof is not None
    sitting.pull()
    return proof


@pytest.mark.parametrize("trick", [no_proof, forged, replayed, by_the_key_without_a_pin])
@pytest.mark.parametrize("purpose", [Purpose.CHANGE_QUESTIONS, Purpose.CHANGE_EMAIL])
def test_nothing_changes_without_a_code_from_the_known_address(
    world: World, card: Card, purpose: Purpose, trick: Proof
) -> None:
    before, earlier = world.registration(card), proof_of_the_holder(world, card)
    sitting = world.insert(card)
    assert isinstance(sitting.authority.choose(sitting.visit, purpose), ProvePin)
    asked = sitting.authority.pin_challenge(sitting.visit)
    assert isinstance(asked, PinChallenge)
    task = sitting.authority.pin_verified(sitting.visit, trick(world, sitting, asked, earlier))
    assert isinstance(task, SendCode)
    assert (task.masked, task.proves_owner) == ("a•••@trust.nhs.uk", True)
    assert world.visit(sitting).pin_evidence is PinEvidence.CLAIMED
    with pytest.raises(StepRefused):
        sitting.authority.save_questions(sitting.visit, given())
    with pytest.raises(StepRefused):
        sitting.email(THIEFS)
    sitting.send()
    assert [mail.to for mail in world.relay.sent] == [EMAIL], "the holder hears of it"
    assert world.registration(card) == before
