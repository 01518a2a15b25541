"""Before: what a colleague had proposed and taken back, or what was done already, was done with
their name by one member alone, once its row in the database was written as it had been.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from kiosk.authority.administration.views import Grounds
from kiosk.authority.errors import RecordAltered
from kiosk.authority.records import Card
from kiosk.authority.roles import Role
from tests.attacks.four_eyes import Colleague
from tests.authority.administration.desk.offices import GROUNDS
from tests.authority.assisting import as_seen
from tests.authority.world import EMAIL, World

WHY = Grounds("Spoke to the colleague", "Saw the badge myself")

pytestmark = pytest.mark.usefixtures("four_eyes")


@pytest.fixture
def colleague(world: World) -> Colleague:
    return Colleague(world, Role.AGENT, "First")


@pytest.fixture
def rogue(world: World) -> Colleague:
    return Colleague(world, Role.AGENT, "Second")


def the_row(world: World) -> tuple[tuple[object, ...], int]:
    """Copy what waits, and the revision of its person, which no MAC covers."""
    with closing(sqlite3.connect(world.folder / "kiosk.db")) as rows:
        row = rows.execute("SELECT * FROM proposed_act WHERE outcome = 'waiting'").fetchone()
        (revision,) = rows.execute("SELECT revision FROM cardholder").fetchone()
    return row, revision


def put_back(world: World, row: tuple[object, ...], revision: int) -> None:
    with closing(sqlite3.connect(world.folder / "kiosk.db")) as rows, rows:
        rows.execute(f"REPLACE INTO proposed_act VALUES ({', '.join('?' * len(row))})", row)
        rows.execute("UPDATE cardholder SET revision = ?", (revision,))


def test_what_was_taken_back_is_not_done(
    world: World, card: Card, colleague: Colleague, rogue: Colleague
) -> None:
    seen = as_seen(colleague.office, card)
    colleague.desk.people.correct_email(seen, "typo@trust.nhs.uk", GROUNDS)
    (line,) = colleague.desk.proposals.waiting()
    kept = the_row(world)
    colleague.desk.proposals.decline(line.proposal_id, GROUNDS)
    put_back(world, *kept)
    with pytest.raises(RecordAltered):
        rogue.desk.proposals.agree(line.proposal_id, WHY)
    assert world.registered_email(card) == EMAIL


def test_what_was_done_is_not_done_again(
    world: World, card: Card, colleague: Colleague, rogue: Colleague
) -> None:
    def leaves() -> None:
        colleague.desk.people.mark_leaver(as_seen(colleague.office, card), GROUNDS)

    leaves()
    colleague.desk.people.take_back_leaver(as_seen(colleague.office, card), GROUNDS)
    (line,) = colleague.desk.proposals.waiting()
    kept = the_row(world)
    rogue.desk.proposals.agree(line.proposal_id, WHY)
    leaves()
    put_back(world, *kept)
    with pytest.raises(RecordAltered):
        rogue.desk.proposals.agree(line.proposal_id, WHY)
    with world.store.read() as uow:
        holder = uow.holders.get(card.holder_id)
    assert holder is not None
    assert holder.left_at is not None
