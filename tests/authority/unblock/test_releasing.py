"""The unblock secret: released once, after everything, and journaled first."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kiosk.authority.administration.resealing import reseal_all
from kiosk.authority.crypto.keys import KeyPurpose, KeyRing
from kiosk.authority.crypto.sealing import Sealer
from kiosk.authority.records import Card, CardStatus, SealedSecret, UnblockState
from kiosk.contract.errors import AuthorityUnavailable, StepRefused
from kiosk.contract.messages import Reason, VisitOpened
from tests.authority.refused import reason_of
from tests.authority.station_visit import StationVisit
from tests.authority.world import PUK, World
from tests.support.stored import live_code


def test_a_grant_is_journaled_charged_and_costs_the_code(
    world: World, card: Card, station_visit: StationVisit
) -> None:
    grant = station_visit.grant()
    assert grant.secret.reveal() == PUK
    entry = world.entry(grant.journal)
    assert (entry.state, entry.was_blocked) == (UnblockState.INTENT, True)
    assert (entry.visit_id, entry.card_id) == (station_visit.visit, card.id)
    assert world.card(card).secret_exposure == 1
    with world.store.read() as uow:
        assert live_code(uow, card.id) is None
    assert world.kinds()[-1] == "secret-released"


def test_secret_is_released_once_a_visit(
    world: World, card: Card, station_visit: StationVisit
) -> None:
    station_visit.grant()
    with pytest.raises(StepRefused):
        station_visit.grant()
    assert world.card(card).secret_exposure == 1


def test_the_code_never_works_again(world: World, card: Card, station_visit: StationVisit) -> None:
    code = world.relay.code
    station_visit.grant()
    with pytest.raises(StepRefused):
        station_visit.enter(code)
    station_visit.pull()
    back = world.insert(card, blocked=True)
    assert isinstance(back.opened, VisitOpened)
    assert back.opened.resumed is None
    with pytest.raises(StepRefused):
        back.enter(code)
    with pytest.raises(StepRefused):
        back.grant()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"status": CardStatus.REVOKED}, Reason.CARD_REVOKED),
        ({"sealed_secret": None}, Reason.SECRET_MISSING),
        ({"secret_limit": 1}, Reason.SECRET_BLOCKED),
    ],
)
def test_what_was_barred_on_the_way_is_not_released(
    world: World,
    card: Card,
    station_visit: StationVisit,
    changes: dict[str, object],
    reason: Reason,
) -> None:
    world.put_card(replace(card, **changes))  # type: ignore[arg-type]
    assert (
        reason_of(station_visit.authority.release(station_visit.visit, station_visit.attempt()))
        is reason
    )
    assert world.card(card).secret_exposure == 0
    with world.store.read() as uow:
        assert uow.journal.open_for(card.id) is None
        assert live_code(uow, card.id) is not None


def test_a_block_on_the_way_stops_the_release(
    world: World, card: Card, station_visit: StationVisit
) -> None:
    with world.store.begin() as uow:
        uow.registrations.block(card.holder_id)
        uow.commit()
    assert (
        reason_of(station_visit.authority.release(station_visit.visit, station_visit.attempt()))
        is Reason.REGISTRATION_BLOCKED
    )


def test_a_leaver_on_the_way_gets_nothing(
    world: World, card: Card, station_visit: StationVisit
) -> None:
    with world.store.begin() as uow:
        holder = uow.holders.get(card.holder_id)
        assert holder is not None
        uow.holders.save(replace(holder, left_at=world.now))
        uow.commit()
    assert (
        reason_of(station_visit.authority.release(station_visit.visit, station_visit.attempt()))
        is Reason.LEAVER
    )


def test_a_secret_moved_from_another_card_is_not_released(
    world: World, card: Card, station_visit: StationVisit
) -> None:
    other = world.add_card(world.add_holder(number="2"))
    world.put_card(replace(card, sealed_secret=other.sealed_secret))
    assert reason_of(station_visit.release()) is Reason.SECRET_MISSING
    assert "secret-broken" in world.kinds()
    assert world.kinds().count("refused") == 1
    assert world.card(card).secret_exposure == 0


def test_a_row_pointed_at_another_card_does_not_release_its_secret_to_it(world: World) -> None:
    card = world.registered_card()
    forged = replace(card, identifier="f0f0")
    world.put_card(forged)
    station_visit = world.insert(forged, blocked=True)
    station_visit.to_new_pin()
    assert reason_of(station_visit.release()) is Reason.SECRET_MISSING


def test_an_older_revision_is_not_released(
    world: World, card: Card, station_visit: StationVisit
) -> None:
    sealed = card.sealed_secret
    assert sealed is not None
    later = SealedSecret(sealed.ciphertext, sealed.key_id, 2)
    world.put_card(replace(card, sealed_secret=later))
    assert reason_of(station_visit.release()) is Reason.SECRET_MISSING


def test_a_key_that_is_gone_costs_nothing(
    world: World, card: Card, station_visit: StationVisit
) -> None:
    object.__setattr__(world.parts, "sealer", Sealer(KeyRing.fresh()))
    with pytest.raises(AuthorityUnavailable):
        station_visit.release()
    object.__setattr__(world.parts, "sealer", Sealer(world.ring))
    assert world.card(card).secret_exposure == 0
    assert station_visit.grant().secret.reveal() == PUK


def test_a_rotation_in_the_middle_of_a_visit_changes_nothing_for_the_holder(
    world: World, card: Card, station_visit: StationVisit
) -> None:
    rotated = world.ring.with_new(KeyPurpose.SEAL)
    assert reseal_all(world.store, Sealer(rotated), "test").resealed == 1
    object.__setattr__(world.parts, "sealer", Sealer(rotated))
    assert station_visit.grant().secret.reveal() == PUK
