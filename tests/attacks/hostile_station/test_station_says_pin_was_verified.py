"""Before: a station that only said "the PIN was verified" changed questions and address.

It has every call of the port, and a card that signs without its PIN. It has no signature by the
key that the card uses only after VERIFY.
"""

from __future__ import annotations

import pytest

from kiosk.authority.records import Card, PinEvidence
from kiosk.contract.errors import StepRefused
from kiosk.contract.messages import PinChallenge, PinProof, ProvePin, Purpose, SendCode
from tests.authority.claimed_pins import (
    Proof,
    by_the_key_without_a_pin,
    forged,
    no_proof,
    replayed,
)
from tests.authority.registering import given
from tests.authority.world import EMAIL, World
from tests.support.routes import to

THIEFS = "mallory@trust.nhs.uk"


def proof_of_the_holder(world: World, card: Card) -> PinProof:
    """The holder has entered their PIN at this station, and gone."""
    station_visit = world.insert(card)
    station_visit.authority.choose(station_visit.visit, Purpose.CHANGE_QUESTIONS)
    asked = station_visit.authority.pin_challenge(station_visit.visit)
    assert isinstance(asked, PinChallenge)
    proof = station_visit.reader_card.sign_pin(asked)
    assert proof is not None
    station_visit.pull()
    return proof


@pytest.mark.parametrize("trick", [no_proof, forged, replayed, by_the_key_without_a_pin])
@pytest.mark.parametrize("purpose", [Purpose.CHANGE_QUESTIONS, Purpose.CHANGE_EMAIL])
def test_nothing_changes_without_a_code_from_the_known_address(
    world: World, card: Card, purpose: Purpose, trick: Proof
) -> None:
    before, earlier = world.registration(card), proof_of_the_holder(world, card)
    station_visit = world.insert(card)
    assert isinstance(station_visit.authority.choose(station_visit.visit, purpose), ProvePin)
    asked = station_visit.authority.pin_challenge(station_visit.visit)
    assert isinstance(asked, PinChallenge)
    task = station_visit.authority.pin_verified(
        station_visit.visit, trick(world, station_visit, asked, earlier)
    )
    assert isinstance(task, SendCode)
    assert (task.routes, task.proves_owner) == (to("a•••@trust.nhs.uk"), True)
    assert world.visit(station_visit).pin_evidence is PinEvidence.CLAIMED
    with pytest.raises(StepRefused):
        station_visit.authority.save_questions(station_visit.visit, given())
    with pytest.raises(StepRefused):
        station_visit.email(THIEFS)
    station_visit.send()
    assert [mail.to for mail in world.relay.sent] == [EMAIL], "the holder hears of it"
    assert world.registration(card) == before
