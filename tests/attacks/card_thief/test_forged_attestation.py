"""Before: nothing, no attestation was read. It must not prove the PIN of a key that needs none.

It may be of another key, by another maker, or by a key of the thief's own card of the same maker.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
from cryptography.x509 import load_der_x509_certificate
from msgspec import structs

from kiosk.authority.crypto.card_keys import AttestationRoots
from kiosk.authority.records import PinEvidence
from kiosk.authority.service import LocalAuthority
from kiosk.contract.messages import Attestation, PinChallenge, Purpose, SendCode
from tests.authority.attesting import NEVER, ONCE, Maker
from tests.authority.card_in_reader import Private, ReaderCard, private_key
from tests.authority.world import World


@dataclass
class Thief:
    """Has the stolen card, and a card of their own of the same maker with a key in a slot."""

    maker: Maker
    stolen: Private

    def honest(self) -> Attestation:
        return self.maker.attest(self.stolen, NEVER)

    def of_another_key(self) -> Attestation:
        return self.maker.attest(private_key(), ONCE)

    def by_another_maker(self) -> Attestation:
        return Maker().attest(self.stolen, ONCE)

    def by_a_key_of_theirs(self) -> Attestation:
        own = private_key()
        its = load_der_x509_certificate(self.maker.attest(own, ONCE).attested)
        return self.maker.attest(self.stolen, ONCE, by=own, its=its)

    def by_a_key_for_log_in(self) -> Attestation:
        own = private_key()
        its = self.maker.certify(own, firmware=False)
        return self.maker.attest(self.stolen, ONCE, by=own, its=its)

    def under_a_certificate_that_they_copied(self) -> Attestation:
        return self.maker.attest(self.stolen, ONCE, by=private_key())


FORGERIES = (
    Thief.honest,
    Thief.of_another_key,
    Thief.by_another_maker,
    Thief.by_a_key_of_theirs,
    Thief.by_a_key_for_log_in,
    Thief.under_a_certificate_that_they_copied,
)


@pytest.mark.parametrize("forge", FORGERIES)
def test_no_forged_attestation_makes_a_pin_of_it(
    world: World, forge: Callable[[Thief], Attestation]
) -> None:
    maker, in_reader = Maker(), ReaderCard()
    roots = AttestationRoots((maker.root.own, maker.certify(is_ca=True)))
    world.parts = replace(world.parts, attestation=roots)
    world.authority = LocalAuthority(world.parts)
    known = {"pin_key": in_reader.pin_public, "pin_key_imported": True}
    card = world.registered_card(**known, pin_policy=None)
    visit = world.insert(card, reader_card=in_reader)
    visit.authority.choose(visit.visit, Purpose.CHANGE_EMAIL)
    challenge = visit.authority.pin_challenge(visit.visit)
    assert isinstance(challenge, PinChallenge)
    proof = in_reader.sign_pin(challenge)
    assert proof is not None
    assert in_reader.pin_key is not None
    proof = structs.replace(proof, attestation=forge(Thief(maker, in_reader.pin_key)))
    assert isinstance(visit.authority.pin_verified(visit.visit, proof), SendCode)
    assert world.visit(visit).pin_evidence is PinEvidence.CLAIMED
