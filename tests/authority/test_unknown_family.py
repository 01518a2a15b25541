"""A card of a family that only another release knows, which shares the database or did so."""

from __future__ import annotations

from pathlib import Path

import pytest

from kiosk.authority.administration.cards import CardsDesk
from kiosk.authority.administration.codes import CodesDesk
from kiosk.authority.administration.people import PeopleDesk
from kiosk.authority.administration.resealing import seal_derived
from kiosk.authority.administration.views import Standing
from kiosk.authority.audit.events import audit_message
from kiosk.authority.crypto.derivation import Derivation
from kiosk.authority.crypto.keys import KeyPurpose, KeyRing
from kiosk.authority.crypto.sealing import Sealer, SealKind
from kiosk.authority.errors import NotTaken
from kiosk.authority.roles import Role
from kiosk.authority.unblock.stored_secrets import label_of
from kiosk.contract.messages import Reason, Refusal, UnblockDone, UnblockNotSent
from kiosk.contract.sensitive import Sensitive
from tests.authority.admin_key_card import settled
from tests.authority.administration.desk.estate import means_beside
from tests.authority.administration.desk.offices import GROUNDS, office_of
from tests.authority.older_release import older_release
from tests.authority.world import PUK, World
from tests.support import staff_words
from tests.support.refusals import refused


@pytest.mark.parametrize("blocked", [True, False])
def test_visit_of_a_card_of_an_unknown_family_is_refused(world: World, blocked: bool) -> None:
    card = world.registered_card(driver="fido")
    assert world.insert(card, blocked=blocked).opened == Refusal(Reason.SECRET_MISSING)
    (refused,) = world.events()
    assert audit_message(refused) == (
        "Turned away: no usable unblock secret for the card, because this release does not know "
        "its family, fido."
    )


def test_a_visit_that_a_newer_authority_began_gets_no_secret(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    station_visit = world.insert(world.registered_card(), blocked=True)
    station_visit.to_new_pin()
    older_release(world, monkeypatch, without="piv")
    assert station_visit.release() == Refusal(Reason.SECRET_MISSING)


def test_a_card_that_was_unlocked_keeps_its_secret(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    station_visit = world.insert(world.registered_card(), blocked=True)
    station_visit.to_new_pin()
    journal = station_visit.grant().journal
    settled(station_visit, journal, UnblockDone())
    older_release(world, monkeypatch, without="piv")
    assert station_visit.authority.rotate_secret(station_visit.visit, journal) is None


def test_a_try_that_may_be_of_an_admin_key_is_not_given_back(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = world.registered_card()
    station_visit = world.insert(card, blocked=True)
    station_visit.to_new_pin()
    journal = station_visit.grant().journal
    older_release(world, monkeypatch, without="piv")
    settled(station_visit, journal, UnblockNotSent())
    assert world.card(card).secret_exposure == 1


def test_staff_see_why_it_cannot_be_unlocked(world: World, tmp_path: Path) -> None:
    office = office_of(means_beside(world, tmp_path), Role.AGENT)
    card = world.registered_card(driver="fido")
    person = PeopleDesk(office).person(card.holder_id)
    assert (person.standing, person.can_unlock) == (Standing.CARD_TROUBLE, False)
    assert staff_words.headline(person) == "This release does not know their card's family, fido."
    assert staff_words.advice(person).startswith("Tell the service's administrator")
    (line,) = person.cards
    assert staff_words.trouble(line) == "This release does not know its family, fido."
    with refused(NotTaken, match="does not know the family of the card, fido"):
        CardsDesk(office).set_secret(person.seen, card.id, Sensitive(PUK), GROUNDS)
    with refused(NotTaken, match="of no use for this card"):
        CodesDesk(office).issue(person.seen, card.id, GROUNDS)


def test_who_is_not_registered_is_not_given_a_secret_first(world: World, tmp_path: Path) -> None:
    office = office_of(means_beside(world, tmp_path), Role.AGENT)
    card = world.add_card(world.add_holder(), driver="fido")
    person = PeopleDesk(office).person(card.holder_id)
    assert person.standing is Standing.NOT_REGISTERED
    assert "If the PIN is blocked, tell the service's administrator" in staff_words.advice(person)


def test_a_master_key_is_kept_for_it_when_others_are_rotated(world: World) -> None:
    sealer = Sealer(KeyRing.fresh().with_new(KeyPurpose.DERIVE))
    old = Derivation(sealer.masters.current())
    holder = world.add_holder()
    unknown, known = (world.add_card(holder, driver=driver) for driver in ("fido", "piv"))
    for card in (unknown, known):
        with world.store.begin() as uow:
            sealed = sealer.seal(old, label_of(card, SealKind.UNBLOCK, 2))
            uow.cards.replace_secret(card.id, 1, sealed)
            uow.commit()
    done = seal_derived(world.store, sealer, "another", "test", lambda *_: None)
    assert (done.resealed, done.broken) == (1, [unknown.id])
