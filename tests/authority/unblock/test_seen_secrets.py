"""A secret that left the authority counts as seen, whatever the station says of it."""

from __future__ import annotations

import pytest

from kiosk.authority.records import Card
from kiosk.authority.unblock.stored_secrets import archive_secrets
from kiosk.contract.messages import (
    Grant,
    Reason,
    Refusal,
    SetPin,
    UnblockDone,
    UnblockNotSent,
    UnblockOutcome,
    UnblockRefused,
    UnblockUnknown,
)
from kiosk.contract.policy import Policy
from tests.authority.station_visit import ready
from tests.authority.world import World


@pytest.mark.parametrize(
    "said", [None, UnblockNotSent(), UnblockUnknown(), UnblockRefused(None, "history")]
)
def test_secret_said_to_be_unused_is_seen_until_changed(
    world: World, card: Card, said: UnblockOutcome | None
) -> None:
    station_visit = ready(world, card)
    assert world.card(card).secret_seen_at is None
    grant, left_at = station_visit.grant(), world.now
    if said is not None:
        station_visit.authority.record_outcome(station_visit.visit, grant.journal, said)
    station_visit.pull()
    assert world.card(card).secret_seen_at == left_at
    world.clock.forward(hours=30)
    with world.store.read() as uow:
        assert uow.cards.count_seen(world.now) == 1
    back = ready(world, card)
    grant = back.grant()
    back.authority.record_outcome(back.visit, grant.journal, UnblockDone())
    assert world.card(card).secret_seen_at == left_at, "the card still has it"
    assert back.authority.rotate_secret(back.visit, grant.journal) is not None
    back.authority.confirm_rotation(back.visit, grant.journal, UnblockDone())
    assert world.card(card).secret_seen_at is None


def test_where_none_is_changed_one_that_was_used_is_no_news(world: World, card: Card) -> None:
    world.policy = Policy(rotate_secret=False)
    station_visit = ready(world, card)
    station_visit.authority.record_outcome(
        station_visit.visit, station_visit.grant().journal, UnblockDone()
    )
    assert world.card(card).secret_seen_at is None


def test_secret_that_staff_set_has_not_been_seen(world: World, card: Card) -> None:
    ready(world, card).grant()
    with world.store.begin() as uow:
        archive_secrets(uow, world.parts.sealer, world.card(card))
        uow.commit()
    assert world.card(card).secret_seen_at is None


def test_a_station_that_always_says_not_sent_is_given_it_ten_times_in_a_visit(
    world: World, card: Card
) -> None:
    station_visit = ready(world, card)
    for _ in range(10):
        grant = station_visit.release()
        assert isinstance(grant, Grant)
        reply = station_visit.authority.record_outcome(
            station_visit.visit, grant.journal, UnblockNotSent()
        )
        assert isinstance(reply, SetPin)
    refused = station_visit.release()
    assert isinstance(refused, Refusal)
    assert refused.reason is Reason.CARD_REFUSED
    assert world.card(card).secret_exposure == 0, "nothing bars the card"
