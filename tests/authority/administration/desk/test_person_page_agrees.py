"""A person's page says what the authority will do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from kiosk.authority.administration.people import PeopleDesk
from kiosk.authority.administration.views import Standing
from kiosk.authority.records import Card, CardStatus, Verdict
from kiosk.authority.roles import Role
from tests.authority.administration.desk.estate import means_beside, unlocks
from tests.authority.administration.desk.offices import office_of
from tests.authority.station_visit import StationVisit
from tests.authority.store import samples
from tests.authority.store.samples import NOW, put_registered, registered_address
from tests.authority.world import World
from tests.support import staff_words

MINUTE = timedelta(minutes=1)

State = Callable[[World, Card], object]


def _change(**changes: object) -> State:
    def apply(world: World, card: Card) -> None:
        changed: Card = replace(card, **changes)  # type: ignore[arg-type]
        world.put_card(changed)

    return apply


def _write(write: Callable[[Any, Card], object]) -> State:
    def apply(world: World, card: Card) -> None:
        with world.store.begin() as uow:
            write(uow, card)
            uow.commit()

    return apply


def _leave(uow: Any, card: Card) -> None:
    uow.holders.save(replace(uow.holders.get(card.holder_id), left_at=uow.now))


def _use_up(uow: Any, card: Card) -> None:
    for attempt in ("a", "b", "c"):
        uow.registrations.attempts(card.holder_id, 3).charge(attempt)
        uow.registrations.attempts(card.holder_id, 3).conclude(attempt, Verdict.WRONG)


def _expose(world: World, card: Card) -> None:
    _write(
        lambda uow, card: [uow.cards.charge_secret_try(card.id, assumed_limit=3) for _ in "1234"]
    )(world, card)


def _without_questions(uow: Any, card: Card) -> None:
    registration = uow.registrations.of_holder(card.holder_id)
    uow.registrations.put(replace(registration, hashes=(), question_ids=()))


def _unconfirmed(uow: Any, card: Card) -> None:
    registration = uow.registrations.of_holder(card.holder_id)
    set_by_staff = replace(registered_address(card.holder_id, at=uow.now), confirmed_at=None)
    put_registered(uow, registration, set_by_staff)


def _many_codes(world: World, card: Card) -> None:
    for _ in range(world.policy.codes_an_hour):
        station_visit = world.insert(card, blocked=True)
        station_visit.to_code()
        world.clock.forward(seconds=61)
        _write(lambda uow, card: uow.codes.revoke_live(card.id))(world, card)


STATES: dict[str, tuple[State, bool]] = {
    "ready": (lambda world, card: None, True),
    "left": (_write(_leave), False),
    "blocked": (_write(lambda uow, card: uow.registrations.block(card.holder_id)), False),
    "used up": (_write(_use_up), False),
    "not registered": (_write(lambda uow, card: uow.registrations.delete(card.holder_id)), False),
    "without questions": (_write(_without_questions), False),
    "unconfirmed": (_write(_unconfirmed), True),
    "revoked": (_change(status=CardStatus.REVOKED), False),
    "expired": (_change(expires_at=NOW), False),
    "without a secret": (_change(sealed_secret=None), False),
    "of an unknown family": (_change(driver="fido"), False),
    "exposed": (_expose, False),
    "too many codes": (_many_codes, False),
}


@pytest.mark.parametrize("name", STATES)
def test_the_page_says_what_the_authority_will_do(world: World, tmp_path: Path, name: str) -> None:
    desk = PeopleDesk(office_of(means_beside(world, tmp_path), Role.AGENT))
    card = world.registered_card()
    put, expected = STATES[name]
    put(world, card)
    person = desk.person(card.holder_id)
    assert person.can_unlock is expected, staff_words.headline(person)
    assert unlocks(world, card) is expected, staff_words.headline(person)


def test_page_shows_a_secret_that_did_not_open(world: World, tmp_path: Path) -> None:
    desk = PeopleDesk(office_of(means_beside(world, tmp_path), Role.AGENT))
    card = world.registered_card()
    another = samples.card(card.holder_id).sealed_secret
    assert another is not None
    key_id = card.sealed_secret.key_id if card.sealed_secret else ""
    world.put_card(replace(card, sealed_secret=replace(another, key_id=key_id)))
    assert not unlocks(world, card)
    person = desk.person(card.holder_id)
    assert (person.standing, person.can_unlock) == (Standing.CARD_TROUBLE, False)
    assert staff_words.headline(person) == "Their card's unblock secret cannot be opened any more."


def test_an_unlock_without_an_outcome_does_not_stand_in_the_way(
    world: World, tmp_path: Path
) -> None:
    desk = PeopleDesk(office_of(means_beside(world, tmp_path), Role.AGENT))
    card = world.registered_card()
    station_visit: StationVisit = world.insert(card, blocked=True)
    station_visit.to_new_pin()
    station_visit.grant()
    person = desk.person(card.holder_id)
    assert person.can_unlock
    assert "What became of the unlock of 09:30 today is not known." in staff_words.headline(person)
    world.clock.forward(minutes=2)
    assert unlocks(world, card)
