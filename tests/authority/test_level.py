"""What a newer program writes while older ones may serve, and what an older one does with the rest.

A column or a word of a newer program is played by one of this: it is declared to be of the next
migration, or taken out of what this program knows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
import sqlalchemy as sa

from kiosk.authority.administration.caretaker import Caretaker
from kiosk.authority.audit.anchors import AnchorSigner
from kiosk.authority.audit.events import AuditKind, ServiceKind
from kiosk.authority.errors import ProgramTooOld, StoreError
from kiosk.authority.records import Card
from kiosk.authority.store import database
from kiosk.authority.store.database import SchemaFit
from kiosk.authority.store.engine import parse_url
from kiosk.authority.store.tables import REVISION, VisitRow
from kiosk.config.settings import NoticeSettings
from kiosk.contract.errors import AuthorityUnavailable, ConfigError
from kiosk.contract.messages import AnswerQuestions, Reason, Refusal, VisitEnd
from tests.authority.station_visit import StationVisit, resumed_by
from tests.authority.world import World

ENDED = ServiceKind.OLDER_ENDED.value
NEXT = f"{int(REVISION) + 1:04d}"


@pytest.fixture
def world(each_world: World) -> World:
    return each_world


@pytest.fixture
def card(world: World) -> Card:
    return world.registered_card()


def past_the_program(world: World, statement: str, **values: object) -> None:
    engine = sa.create_engine(parse_url(world.url), poolclass=sa.NullPool)
    with engine.begin() as connection:
        assert connection.execute(sa.text(statement), values).rowcount >= 1


def upgraded_by_the_next(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this program be the next one, whose migration was run beside this one."""
    past_the_program(world, f"UPDATE alembic_version SET version_num = '{NEXT}'")
    monkeypatch.setattr(database, "REVISION", NEXT)


def save_way(world: World, visit: StationVisit, way: str | None) -> None:
    with world.store.begin() as uow:
        found = uow.visits.lock(visit.visit)
        assert found is not None
        uow.visits.save(replace(found, way=way))
        uow.commit()


NEWER: tuple[Mapping[str, str], ...] = ({"way": NEXT}, {"way=questions": NEXT})


@pytest.mark.parametrize("since", NEWER)
def test_newer_column_or_word_is_not_written_while_an_older_program_may_serve(
    world: World, card: Card, monkeypatch: pytest.MonkeyPatch, since: Mapping[str, str]
) -> None:
    upgraded_by_the_next(world, monkeypatch)
    monkeypatch.setattr(VisitRow, "since", since)
    visit = world.insert(card, blocked=True)
    with pytest.raises(StoreError) as refused:
        save_way(world, visit, "questions")
    assert refused.value.code == "older-programs"
    save_way(world, visit, None)  # what every program knows
    with world.store.read() as uow:
        assert uow.level == REVISION
    assert world.store.end_older_programs(ENDED, "admin")
    save_way(world, visit, "questions")
    with world.store.read() as uow:
        assert uow.level == NEXT


def test_level_of_a_new_database_is_that_of_its_program(world: World) -> None:
    assert world.store.schema() == (SchemaFit.CURRENT, REVISION)
    with world.store.read() as uow:
        assert uow.level == REVISION
    assert not world.store.end_older_programs(ENDED, "admin")
    assert ServiceKind.OLDER_ENDED not in world.kinds()


def test_finished_upgrade_is_audited_and_ends_older_programs(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        upgraded_by_the_next(world, patched)
        assert world.store.schema() == (SchemaFit.SHARED, NEXT)
        assert world.store.end_older_programs(ENDED, "admin")
        assert world.store.schema() == (SchemaFit.CURRENT, NEXT)
        assert not world.store.end_older_programs(ENDED, "admin")
    (event,) = (one for one in world.events() if one.kind == ServiceKind.OLDER_ENDED)
    assert (event.actor, event.detail) == ("admin", {"level": NEXT})
    assert world.store.schema() == (SchemaFit.TOO_NEW, NEXT)


def test_older_program_finishes_no_upgrade(world: World) -> None:
    past_the_program(world, f"UPDATE alembic_version SET version_num = '{NEXT}'")
    with pytest.raises(ConfigError, match="this program's is"):
        world.store.end_older_programs(ENDED, "admin")


# An older program, once the newer one writes what it does not know.


def test_program_that_is_too_old_takes_nothing_for_altered(world: World, card: Card) -> None:
    """Another authority may serve: its station asks there."""
    visit = world.insert(card, blocked=True)
    past_the_program(world, "UPDATE visit SET mac = 'of the next'")
    for table, column in (("alembic_version", "version_num"), ("served_program", "least_program")):
        past_the_program(world, f"UPDATE {table} SET {column} = '{NEXT}'")
    with pytest.raises(AuthorityUnavailable, match="no program as old as this one"):
        visit.questions()
    assert AuditKind.ROW_ALTERED not in world.kinds()


def written_by_the_next(world: World, *tables: str) -> None:
    """Let rows be of the next program, after whose upgrade this one still runs."""
    for table in tables:
        past_the_program(world, f"UPDATE {table} SET mac = 'of the next'")
    for table, column in (("alembic_version", "version_num"), ("served_program", "least_program")):
        past_the_program(world, f"UPDATE {table} SET {column} = '{NEXT}'")


def test_caretaker_that_is_too_old_raises_no_alarm_about_newer_rows(
    world: World, card: Card
) -> None:
    world.insert(card).pull()
    written_by_the_next(world, "visit", "card", "cardholder")
    caretaker = Caretaker(world.store, AnchorSigner(world.ring), NoticeSettings(), "ra@nhs.uk")
    for _ in range(2):
        with pytest.raises(ProgramTooOld):
            caretaker.run()
        world.clock.forward(days=1, minutes=1)
    with world.store.read() as uow:
        assert uow.alarms.standing() == ()
    assert AuditKind.ROW_ALTERED not in world.kinds()


@pytest.mark.parametrize("once", [False, True])
def test_row_of_a_newer_program_is_not_altered_for_one_that_is_too_old(
    world: World, card: Card, once: bool
) -> None:
    """A session of staff, and what tells stations apart, read rows as well."""
    written_by_the_next(world, "cardholder")
    with world.store.read(once=once) as uow, pytest.raises(ProgramTooOld):
        uow.holders.get(card.holder_id)


def test_word_that_is_not_known_ends_the_visit_with_a_reason(world: World, card: Card) -> None:
    visit = world.insert(card, blocked=True)
    visit.to_code()
    past_the_program(world, "UPDATE email_code SET purpose = 'borrow' WHERE sent_at IS NOT NULL")
    assert visit.release() == Refusal(Reason.UNLISTED)
    assert world.events()[-1].detail["reason"] == Reason.UNLISTED
    assert "does not know" in str(world.events()[-1].detail["because"])
    visit.pull()
    assert world.visit(visit).how is VisitEnd.CARD_REMOVED


def test_visit_with_a_word_that_is_not_known_is_refused_with_a_reason(
    world: World, card: Card
) -> None:
    visit = world.insert(card, blocked=True)
    past_the_program(world, "UPDATE visit SET purpose = 'borrow'")
    reply = visit.authority.release(visit.visit, "1", None)
    assert reply == Refusal(Reason.UNLISTED)


def test_proof_of_a_factor_that_is_not_known_counts_for_nothing(world: World, card: Card) -> None:
    visit = world.insert(card, blocked=True)
    visit.to_code()
    past_the_program(world, "UPDATE proof SET factor = 'voice'")
    assert world.proofs(visit) == {}
    visit.pull()
    later = world.insert(card, blocked=True, station="B")
    assert resumed_by(later) is None
    assert isinstance(later.questions(), AnswerQuestions)
