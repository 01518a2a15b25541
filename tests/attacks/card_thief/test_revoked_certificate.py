"""Before: a card whose certificates its issuer had revoked was unlocked like any other.

The list of the issuer is a file (`revoked` in [cards]). The thief of a revoked card tries it at a
station, and somebody on the way to that file replaces it by an older list, or by one of their own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from msgspec import structs

from kiosk.authority.crypto.card_keys import Issuers
from kiosk.authority.crypto.revocation import RevocationLists
from kiosk.authority.records import PinPolicy
from kiosk.authority.service import LocalAuthority
from kiosk.contract.messages import (
    PinChallenge,
    ProvePin,
    Purpose,
    Reason,
    Refusal,
    VisitOpened,
)
from tests.authority.card_in_reader import Authorities, ReaderCard, revocation_list
from tests.authority.world import World

DAY = timedelta(days=1)


@dataclass
class RevokedCard:
    """A card of an issuer that publishes a list."""

    world: World
    file: Path

    def __post_init__(self) -> None:
        self.issuer = Authorities()
        self.record = self.world.registered_card(pin_policy=PinPolicy.ONCE)
        self.in_reader = ReaderCard()
        assert self.in_reader.pin_key is not None
        urn = f"urn:uuid:{UUID(self.record.identifier)}"
        self.in_reader.shows = self.issuer.issue(self.in_reader.key, urn)
        self.log_in = self.issuer.issue(self.in_reader.pin_key, urn, log_in=True)

    def publish(
        self, *certificates: bytes | None, age: timedelta = DAY, by: Authorities | None = None
    ) -> None:
        serials = [
            x509.load_der_x509_certificate(each).serial_number for each in certificates if each
        ]
        made = revocation_list(by or self.issuer, serials, self.world.now - age)
        fresh = self.file.with_suffix(".new")
        fresh.write_bytes(made.public_bytes(Encoding.DER))
        fresh.replace(self.file)

    def serve(self, *, past_refuses: bool = False) -> None:
        own = (self.issuer.own,)
        lists = RevocationLists.load([self.file], own)
        issuers = Issuers(own, lists, past_refuses=past_refuses)
        self.world.parts = replace(self.world.parts, issuers=issuers)
        self.world.authority = LocalAuthority(self.world.parts)

    def opened(self, *, blocked: bool = True) -> object:
        return self.world.insert(self.record, blocked=blocked, reader_card=self.in_reader).opened

    def verifies(self, purpose: Purpose) -> object:
        """Return the answer to a right PIN whose key has the certificate for log-in."""
        visit = self.world.insert(self.record, reader_card=self.in_reader)
        assert isinstance(visit.authority.choose(visit.visit, purpose), ProvePin)
        asked = visit.authority.pin_challenge(visit.visit)
        assert isinstance(asked, PinChallenge)
        proof = self.in_reader.sign_pin(asked)
        assert proof is not None
        proof = structs.replace(proof, certificate=self.log_in)
        return visit.authority.pin_verified(visit.visit, proof)


@pytest.fixture
def stolen(world: World, tmp_path: Path) -> RevokedCard:
    return RevokedCard(world, tmp_path / "issuer.crl")


REVOKED = Refusal(Reason.CARD_REVOKED)


def test_revoked_card_is_not_unlocked(world: World, stolen: RevokedCard) -> None:
    stolen.publish()
    stolen.serve()
    assert isinstance(stolen.opened(), VisitOpened)
    stolen.publish(stolen.in_reader.shows, age=timedelta())
    assert stolen.opened() == REVOKED
    unproven, refused = world.events()[-2:]
    assert (unproven.kind, unproven.detail) == ("card-unproven", {"because": "revoked"})
    assert refused.detail == {"reason": "card-revoked", "by": "certificate"}


def test_revoked_card_registers_nobody_and_changes_no_pin(stolen: RevokedCard) -> None:
    stolen.publish(stolen.in_reader.shows)
    stolen.serve()
    assert stolen.opened(blocked=False) == REVOKED


@pytest.mark.parametrize("purpose", [Purpose.CHANGE_PIN, Purpose.CHANGE_EMAIL])
def test_revoked_certificate_for_log_in_proves_no_pin(
    world: World, stolen: RevokedCard, purpose: Purpose
) -> None:
    """The card's other certificate is not in the list: its issuer revokes that for log-in first."""
    stolen.publish(stolen.log_in)
    stolen.serve()
    assert stolen.verifies(purpose) == REVOKED
    assert "pin-verified" not in world.kinds()


def test_replayed_older_list_brings_no_card_back(stolen: RevokedCard) -> None:
    stolen.publish(stolen.in_reader.shows)
    stolen.serve()
    stolen.publish(age=2 * DAY)
    assert stolen.opened() == REVOKED


def test_list_signed_by_a_stranger_brings_no_card_back(stolen: RevokedCard) -> None:
    """The stranger's certificate names itself as the issuer's does."""
    stolen.publish(stolen.in_reader.shows)
    stolen.serve()
    stolen.publish(age=timedelta(), by=Authorities(stolen.issuer.name))
    assert stolen.opened() == REVOKED


def test_withheld_list_is_refused_where_the_settings_say_so(
    world: World, stolen: RevokedCard
) -> None:
    stolen.publish(age=8 * DAY)  # it was good for seven
    stolen.serve()
    assert isinstance(stolen.opened(), VisitOpened)
    stolen.serve(past_refuses=True)
    assert stolen.opened() == Refusal(Reason.NOT_GENUINE)
    assert world.events()[-2].detail == {"because": "no-current-list"}
