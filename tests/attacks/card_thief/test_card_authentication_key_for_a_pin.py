"""Before: nothing; no attack was a test that signs by slot 9E where no other key is recorded.

A thief has a card whose PIN they do not know, and a device that has it sign with its
card-authentication key in place of the key that it uses only after VERIFY.
"""

from __future__ import annotations

from dataclasses import replace

from msgspec import structs

from kiosk.authority.crypto.card_keys import Issuers
from kiosk.authority.records import Card, PinEvidence
from kiosk.authority.service import LocalAuthority
from kiosk.contract.messages import Finished, PinChallenge, ProvePin, Purpose, SendCode
from tests.authority.card_in_reader import Authorities, ReaderCard, private_key
from tests.authority.registering import given
from tests.authority.world import EMAIL, World


def by_slot_9e() -> ReaderCard:
    """Return a card behind a device that signs with the one key, whatever is asked for."""
    key = private_key()
    return ReaderCard(key=key, pin_key=key)


def claims_its_pin(world: World, card: Card, behind: ReaderCard, certificate: bytes) -> bool:
    """Have the card sign by 9E before a change of questions; return whether a code comes first."""
    station_visit = world.insert(card, reader_card=behind)
    authority, visit = station_visit.authority, station_visit.visit
    assert isinstance(authority.choose(visit, Purpose.CHANGE_QUESTIONS), ProvePin)
    asked = authority.pin_challenge(visit)
    assert isinstance(asked, PinChallenge)
    proof = behind.sign_pin(asked)
    assert proof is not None
    task = authority.pin_verified(visit, structs.replace(proof, certificate=certificate))
    is_claimed = world.visit(station_visit).pin_evidence is PinEvidence.CLAIMED
    assert isinstance(task, SendCode) == is_claimed
    return is_claimed


def test_key_without_a_pin_is_not_recorded_as_the_pin_key(world: World) -> None:
    """The holder registered at such a device: from then on 9E proved a PIN to each station."""
    card, behind = world.add_card(world.add_holder()), by_slot_9e()
    registers = world.insert(card, reader_card=behind)
    registers.authority.choose(registers.visit, Purpose.REGISTER)
    registers.verify_pin()
    registers.send()
    registers.enter(world.relay.code)
    registers.authority.save_questions(registers.visit, given())
    assert registers.email(EMAIL) == Finished(Purpose.REGISTER)
    registers.pull()
    recorded = world.card(card)
    assert recorded.auth_key == behind.public
    assert recorded.pin_key is None
    assert claims_its_pin(world, card, behind, b"")


def test_log_in_certificate_makes_no_pin_key_of_the_key_without_a_pin(world: World) -> None:
    """An issuer certified the key of slot 9E for log-in, as it does those that want a PIN."""
    issuer, behind = Authorities(), by_slot_9e()
    world.parts = replace(world.parts, issuers=Issuers((issuer.own,)))
    world.authority = LocalAuthority(world.parts)
    card = world.registered_card()
    number = card.identifier
    urn = "-".join((number[:8], number[8:12], number[12:16], number[16:20], number[20:]))
    assert behind.key is not None
    behind.shows = issuer.issue(behind.key, f"urn:uuid:{urn}")
    certified = issuer.issue(behind.key, f"urn:uuid:{urn}", log_in=True)
    assert claims_its_pin(world, card, behind, certified)
