"""Before: with ``issuers`` set, a colleague's own card proved the PIN of a stolen one, where the
issuer's certificates name the holder by a mailbox that both have: a ward's."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID
from msgspec import structs

from kiosk.authority.administration.desk import AdminDesk
from kiosk.authority.crypto.card_keys import Issuers
from kiosk.authority.records import Card, PinEvidence, PinPolicy
from kiosk.authority.service import LocalAuthority
from kiosk.contract.messages import PinChallenge, ProvePin, Purpose
from tests.attacks.database_writer import found_put_back, keep, put_back
from tests.authority.administration.desk.offices import GROUNDS
from tests.authority.assisting import as_seen, office_beside
from tests.authority.card_in_reader import Authorities, ReaderCard
from tests.authority.world import World

WARD = "ward7@trust.nhs.uk"
HERS, THEIRS = "900123456789", "900123456790"


@pytest.fixture
def issuer(world: World) -> Authorities:
    issuer = Authorities()
    world.parts = replace(world.parts, issuers=Issuers((issuer.own,)))
    world.authority = LocalAuthority(world.parts)
    return issuer


@pytest.fixture
def stolen(world: World, issuer: Authorities) -> tuple[Card, ReaderCard]:
    """Asha's card, which the issuer certified, and nobody imported a key of."""
    holder = world.add_holder(email=WARD)
    world.register(holder, email="asha@trust.nhs.uk")
    card = world.add_card(holder, pin_policy=PinPolicy.ONCE)
    in_reader = ReaderCard()
    in_reader.shows = issuer.issue(in_reader.key, UUID(card.identifier).urn)
    return card, in_reader


def evidence_of(
    world: World, stolen: tuple[Card, ReaderCard], signer: ReaderCard, certificate: bytes
) -> PinEvidence | None:
    """Return what counts where another card signs for the PIN, behind the same contact."""
    card, in_reader = stolen
    visit = world.insert(card, reader_card=in_reader)
    task = visit.authority.choose(visit.visit, Purpose.CHANGE_EMAIL)
    assert isinstance(task, ProvePin)
    challenge = visit.authority.pin_challenge(visit.visit)
    assert isinstance(challenge, PinChallenge)
    proof = signer.sign_pin(challenge)
    assert proof is not None
    proof = structs.replace(proof, certificate=certificate)
    visit.authority.pin_verified(visit.visit, proof)
    return world.visit(visit).pin_evidence


def colleague(issuer: Authorities, mailbox: str = WARD) -> tuple[ReaderCard, bytes]:
    """A card of somebody else, with a certificate that names them by the mailbox."""
    own = ReaderCard()
    assert own.pin_key is not None
    return own, issuer.issue(own.pin_key, log_in=True, mailbox=mailbox)


@pytest.mark.parametrize("recorded", [WARD, "Ward7@trust.nhs.uk"], ids=["the same", "its capitals"])
def test_a_colleague_with_the_same_mailbox_proves_nothing(
    world: World, issuer: Authorities, stolen: tuple[Card, ReaderCard], recorded: str
) -> None:
    world.add_holder(id="colleague", number=THEIRS, name="Ben Obi", email=recorded)
    own, certificate = colleague(issuer)
    assert evidence_of(world, stolen, own, certificate) is PinEvidence.CLAIMED


def test_the_mailbox_of_one_holder_names_them(
    world: World, issuer: Authorities, stolen: tuple[Card, ReaderCard]
) -> None:
    own, certificate = colleague(issuer)
    assert evidence_of(world, stolen, own, certificate) is PinEvidence.PROVEN


def test_a_mailbox_that_only_an_erased_person_shared_names_its_holder(
    world: World, issuer: Authorities, stolen: tuple[Card, ReaderCard]
) -> None:
    ben = world.add_holder(id="colleague", number=THEIRS, name="Ben Obi", email=WARD)
    with world.store.begin() as uow:
        assert uow.holders.erase(ben.id)
        uow.commit()
    own, certificate = colleague(issuer)
    assert evidence_of(world, stolen, own, certificate) is PinEvidence.PROVEN


def test_a_number_names_the_holder_where_the_mailbox_does_not(
    world: World, issuer: Authorities, stolen: tuple[Card, ReaderCard]
) -> None:
    world.add_holder(id="colleague", number=THEIRS, name="Ben Obi", email=WARD)
    _, in_reader = stolen
    assert in_reader.pin_key is not None
    number = x509.NameAttribute(NameOID.SERIAL_NUMBER, HERS)
    certificate = issuer.issue(in_reader.pin_key, log_in=True, holder=number, mailbox=WARD)
    assert evidence_of(world, stolen, in_reader, certificate) is PinEvidence.PROVEN


def test_a_mailbox_from_before_the_record_named_another_proves_nothing(
    world: World, issuer: Authorities, stolen: tuple[Card, ReaderCard]
) -> None:
    """The row of then was put back in the database; its mailbox may be a colleague's by now."""
    kept = keep(world, "address", "cardholder")
    world.clock.forward(minutes=1)
    agent = office_beside(world)
    AdminDesk(agent).people.correct_email(as_seen(agent, stolen[0]), "asha2@trust.nhs.uk", GROUNDS)
    put_back(world, kept)
    own, certificate = colleague(issuer)
    assert evidence_of(world, stolen, own, certificate) is None
    assert found_put_back(world, "cardholder")
