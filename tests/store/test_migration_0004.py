from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from kiosk.store.database import Store
from kiosk.store.engine import parse_url
from tests.store.older import DATABASES, older_database
from tests.support.database import SetClock

MANY = 1203
"""More than two batches."""

PEOPLE = "INSERT INTO cardholder (id, number, name, email) VALUES (:id, :number, :name, :email)"
CARDS = """
INSERT INTO card (id, holder_id, driver, identifier, status, secret_exposure)
VALUES (:id, :holder, 'piv', :identifier, 'active', 0)
"""
REGISTERED = """
INSERT INTO registration (holder_id, email, email_verified_at, question_ids, hashes,
                          registered_at, updated_at, failures)
VALUES (:holder, 'home@mail.org', :at, '[]', '[]', :at, :at, 0)
"""

VISIT = """
INSERT INTO visit (id, reference, station, opened_at, holder_id, pin_was_blocked)
VALUES ('v1', 'R1', 'station-1', :at, :holder, :no)
"""
NOTICE = """
INSERT INTO outbox_message (id, "to", template, params, created_at, next_at, attempts, last_error)
VALUES (:id, 'home@mail.org', 'unlocked', :params, :at, :at, 0, '')
"""


@pytest.fixture(params=DATABASES)
def older(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database of the release before, with people in it."""
    with older_database(request, tmp_path, "0003") as url:
        _fill(url)
        yield url


def _fill(url: str) -> None:
    engine = sa.create_engine(parse_url(url), poolclass=sa.NullPool)
    with engine.begin() as connection:
        people = [
            {"id": f"{n:032x}", "number": f"{n:012d}", "name": f"Asha N{n}", "email": None}
            for n in range(MANY)
        ]
        people[7] |= {"name": "Zoë O'Brien", "email": "zoe@trust.nhs.uk"}
        connection.execute(sa.text(PEOPLE), people)
        cards = [
            {"id": f"c{n}", "holder": f"{7:032x}", "identifier": f"{n:032x}"} for n in (0xAB, 0xCD)
        ]
        connection.execute(sa.text(CARDS), cards)
        at = "2030-05-17 09:30:00.000000"
        connection.execute(sa.text(REGISTERED), {"holder": f"{7:032x}", "at": at})
        connection.execute(sa.text(VISIT), {"holder": f"{7:032x}", "at": at, "no": False})
        notices = [
            {"id": "n1", "params": '{"holder_name":"Zoë","reference":"R1"}', "at": at},
            {"id": "n2", "params": '{"reference":"R2"}', "at": at},
            {"id": "n3", "params": "{}", "at": at},
        ]
        connection.execute(sa.text(NOTICE), notices)


def test_whoever_was_there_before_is_found_after_migrating(older: str) -> None:
    store = Store(older, SetClock())
    store.migrate()
    someone = f"{7:032x}"
    with store.read() as uow:
        for text in (
            "zoe obr",
            "zoe@tru",
            "home@mail",
            f"{0xAB:032x}",
            f"{0xCD:032x}",
            f"{7:012d}",
        ):
            assert uow.search.find(text, 5) == (someone,), text
        assert uow.search.find(f"n{MANY - 1}", 5) == (f"{MANY - 1:032x}",)
        assert len(uow.search.find("asha", 2000)) == MANY - 1
    store.close()


def test_notices_that_wait_name_whom_they_are_about(older: str) -> None:
    store = Store(older, SetClock())
    store.migrate()
    with store.read() as uow:
        named = {id_: uow.outbox.get(id_) for id_ in ("n1", "n2", "n3")}
    assert {id_: one and one.holder_id for id_, one in named.items()} == {
        "n1": f"{7:032x}",
        "n2": None,
        "n3": None,
    }
    store.close()


def test_what_the_migration_wrote_is_what_a_refresh_would_write(older: str) -> None:
    store = Store(older, SetClock())
    store.migrate()
    engine = sa.create_engine(parse_url(older), poolclass=sa.NullPool)
    with engine.connect() as connection:
        terms = sa.text("SELECT term, holder_id FROM search_term ORDER BY term, holder_id")
        before = connection.execute(terms).all()
        connection.rollback()
        with store.begin() as uow:
            uow.search.refresh(f"{n:032x}" for n in range(MANY))
            uow.commit()
        assert connection.execute(terms).all() == before
    store.close()
