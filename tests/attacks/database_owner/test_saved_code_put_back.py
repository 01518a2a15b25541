"""Before: a saved code that was used or withdrawn was right again with the row of before.

A code that was used leaves the registration's row. An older copy of that row has a MAC that fits:
what the audit says of the code is what stops it.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pytest

from kiosk.authority.administration.people import PeopleDesk
from kiosk.authority.records import Card
from kiosk.authority.roles import Role
from kiosk.contract.messages import Grant, Purpose
from tests.attacks.database_writer import (
    keep,
    put_back,
    refused_as_altered,
    refused_as_put_back,
    write,
)
from tests.authority.administration.desk.offices import GROUNDS
from tests.authority.assisting import as_seen, office_beside
from tests.authority.saving import POLICY, save_codes, to_entry, to_new_pin, unlock
from tests.authority.world import World


@pytest.fixture
def card(world: World) -> Card:
    world.policy = POLICY
    return world.registered_card()


def saved_codes(world: World) -> str:
    with closing(sqlite3.connect(world.folder / "kiosk.db")) as connection:
        ((found,),) = connection.execute("SELECT saved_codes FROM registration").fetchall()
    return str(found)


def test_saved_code_that_is_written_into_the_row_is_refused(world: World, card: Card) -> None:
    """The hash is of a code that the writer knows: only its pepper is missing, or its MAC."""
    save_codes(world, card)
    rows = json.loads(saved_codes(world))
    rows.append({**rows[0], "digit": 9, "id": "0" * 32})
    visit = to_entry(world, card)
    write(world, "UPDATE registration SET saved_codes = ?", json.dumps(rows))
    reply = visit.authority.choose(visit.visit, Purpose.UNLOCK)
    assert refused_as_altered(world, reply, "registration")


def test_saved_code_of_somebody_else_opens_nothing(world: World, card: Card) -> None:
    """Even with a MAC that fits: the hash is bound to its holder."""
    codes = save_codes(world, card)
    kept = world.registration(card).saved_left[0]
    assert world.hasher.check_code(card.holder_id, codes[0], kept)
    assert not world.hasher.check_code("0" * 32, codes[0], kept)


def test_used_saved_code_that_is_put_back_is_refused(world: World, card: Card) -> None:
    codes = save_codes(world, card)
    before = keep(world, "registration")
    unlock(world, card, codes[0])
    put_back(world, before)
    visit = to_new_pin(world, card, codes[0])
    reply = visit.release()
    assert not isinstance(reply, Grant)
    assert refused_as_put_back(world, reply, "registration")


def test_replaced_saved_code_that_is_put_back_is_refused(world: World, card: Card) -> None:
    first = unlock(world, card, save_codes(world, card)[0]).saved_code
    assert first is not None
    before = keep(world, "registration")
    unlock(world, card, first)
    put_back(world, before)
    assert refused_as_put_back(world, to_new_pin(world, card, first).release(), "registration")


def test_older_set_that_is_put_back_is_refused(world: World, card: Card) -> None:
    codes = save_codes(world, card)
    before = keep(world, "registration")
    world.clock.forward(minutes=1)
    save_codes(world, card)
    put_back(world, before)
    assert refused_as_put_back(world, to_new_pin(world, card, codes[0]).release(), "registration")


def test_withdrawn_set_that_is_put_back_is_refused(world: World, card: Card) -> None:
    codes = save_codes(world, card)
    before = keep(world, "registration")
    world.clock.forward(minutes=1)
    staff = office_beside(world, Role.MANAGER)
    PeopleDesk(staff).withdraw_saved_codes(as_seen(staff, card), GROUNDS)
    put_back(world, before)
    assert refused_as_put_back(world, to_new_pin(world, card, codes[0]).release(), "registration")


def test_saved_codes_that_are_in_force_are_taken(world: World, card: Card) -> None:
    """What stops the older ones stops no other, after sets, uses and withdrawals."""
    save_codes(world, card)
    staff = office_beside(world, Role.MANAGER)
    PeopleDesk(staff).withdraw_saved_codes(as_seen(staff, card), GROUNDS)
    world.clock.forward(minutes=1)
    codes = save_codes(world, card)
    fresh = unlock(world, card, codes[4]).saved_code
    assert fresh is not None
    unlock(world, card, codes[0])
    unlock(world, card, fresh)
