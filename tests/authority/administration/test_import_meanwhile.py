"""What staff change while a file is compared is not overwritten, where they need not wait for it.

On SQLite an import locks out other writers from its beginning.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa

from kiosk.authority.crypto.derivation import Derivation
from kiosk.authority.crypto.keys import KeyRing
from kiosk.authority.crypto.sealing import Sealer, SealKind, SealLabel
from kiosk.authority.records import AuditQuery, SealedSecret
from kiosk.authority.store.database import Store, UnitOfWork
from kiosk.authority.store.engine import parse_url
from kiosk.authority.unblock.stored_secrets import open_kept
from kiosk.contract.sensitive import Sensitive
from tests.authority.administration.importing import HEADER, Importer, csv_of, line
from tests.authority.store import samples
from tests.authority.store.samples import recorded_addresses
from tests.support.database import TestDatabase

pytestmark = pytest.mark.postgresql

WAITERS = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock'
"""

SEALS = line(7)
"""A line whose secret is sealed while its batch is compared, after the rows were read."""


class Meanwhile(Sealer):
    """A sealer before whose next sealing staff do something, and are done."""

    act: Callable[[UnitOfWork], object] | None = None
    store: Store

    def seal(self, secret: Sensitive | Derivation, label: SealLabel) -> SealedSecret:
        act, self.act = self.act, None
        if act is not None:
            with self.store.begin() as uow:
                act(uow)
                uow.commit()
        return super().seal(secret, label)


@pytest.fixture
def database(postgres_database: TestDatabase) -> TestDatabase:
    return postgres_database


@pytest.fixture
def sealer(ring: KeyRing, store: Store) -> Meanwhile:
    sealer = Meanwhile(ring)
    sealer.store = store
    return sealer


def test_an_address_that_staff_correct_meanwhile_stays(
    importer: Importer, sealer: Meanwhile, tmp_path: Path
) -> None:
    importer.run(csv_of(tmp_path, line(0)))
    known = importer.holder(0)

    def correct(uow: UnitOfWork) -> None:
        assert uow.holders.touch(known.id, known.revision)
        uow.holders.save(known, recorded_addresses(known, "corrected@nhs.net")[0])

    sealer.act = correct
    importer.run(csv_of(tmp_path, f"{known.number},Jo Smythe,,,", SEALS))
    now = importer.holder(0)
    assert (now.name, importer.email(0)) == ("Jo Smythe", "corrected@nhs.net")
    assert now.revision == known.revision + 2


def test_address_that_staff_correct_between_the_reading_of_two_tables_is_known(
    importer: Importer, store: Store, tmp_path: Path
) -> None:
    """The record that was read names an address that is gone by then: nobody has altered a row."""
    importer.run(csv_of(tmp_path, line(0)))
    known = importer.holder(0)
    acts = [recorded_addresses(known, "corrected@nhs.net")[0]]

    def correct(*statement: object) -> None:
        if acts and "FROM address" in str(statement[2]):
            with store.begin() as uow:
                assert uow.holders.touch(known.id, known.revision)
                uow.holders.save(known, acts.pop())
                uow.commit()

    sa.event.listen(store._engine, "before_cursor_execute", correct)
    summary = importer.run(csv_of(tmp_path, line(0, name="Jo Smythe")))
    assert not acts
    assert summary.changes == (
        (2, "900000000000 name Jo Smith → Jo Smythe; email corrected@nhs.net → p0@nhs.net"),
    )


def test_a_key_that_is_forgotten_meanwhile_stays_forgotten(
    importer: Importer, sealer: Meanwhile, tmp_path: Path
) -> None:
    importer.run(csv_of(tmp_path, line(0)))
    card = importer.card(0)
    with importer.store.begin() as uow:
        assert uow.cards.record_key(card.id, b"of a copy")
        assert uow.cards.record_pin_key(card.id, b"of the copy's PIN")
        uow.commit()
    sealer.act = lambda uow: uow.cards.forget_keys(card.holder_id)
    with_end = f"{line(0, secret='')},2031-01-31", f"{SEALS},"
    importer.run(csv_of(tmp_path, *with_end, header=f"{HEADER},expires"))
    now = importer.card(0)
    assert now.expires_at is not None
    assert (now.auth_key, now.pin_key) == (None, None)


def test_who_is_erased_meanwhile_comes_back_as_somebody_who_was(
    importer: Importer, sealer: Meanwhile, tmp_path: Path
) -> None:
    importer.run(csv_of(tmp_path, line(0)))
    known = importer.holder(0)
    sealer.act = lambda uow: uow.holders.erase(known.id)
    summary = importer.run(csv_of(tmp_path, line(0, name="Jo Smythe"), SEALS))
    assert importer.holder(0).id != known.id
    assert summary.erased_before == ((2, f"{known.number} Jo Smythe"),)
    assert (summary.people_added, summary.people_changed) == (2, 0)
    with importer.store.read() as uow:
        events = uow.trail.oldest(AuditQuery(reference=summary.reference))
    assert [event.kind for event in events] == ["people-imported"]


def test_a_visit_does_not_wait_for_an_import_that_changes_its_person(
    importer: Importer, tmp_path: Path
) -> None:
    """Before: from the line of a person to the end of the file, minutes with a token."""
    importer.run(csv_of(tmp_path, line(0)))
    card = importer.card(0)
    changed = csv_of(tmp_path, line(0, name="Jo Smythe"))
    with importer.store.begin() as uow:
        importer.work.run_in(uow, changed, "command line: test", {})
        with importer.store.begin() as another:
            assert another.visit_records.lock_card(card.identity)
            assert another.visits.add(samples.visit(card.id, card.holder_id))
            another.commit()
        uow.commit()
    assert importer.holder(0).name == "Jo Smythe"


def test_a_visit_and_an_import_that_changes_its_card_do_not_wait_for_each_other(
    importer: Importer, database: TestDatabase, tmp_path: Path
) -> None:
    """Before: the import had locked the person, and one of the two was ended as a deadlock."""
    importer.run(csv_of(tmp_path, line(0)))
    card = importer.card(0)
    changed = f"{line(0, name='Jo Smythe')},2031-01-31"
    path = csv_of(tmp_path, changed, header=f"{HEADER},expires")
    with ThreadPoolExecutor(1) as pool:
        with importer.store.begin() as uow:
            assert uow.visit_records.lock_card(card.identity)
            importing = pool.submit(importer.run, path)
            wait_for_waiters(database)
            assert uow.visits.add(samples.visit(card.id, card.holder_id))
            uow.commit()
        assert importing.result().cards_changed == 1
    assert importer.holder(0).name == "Jo Smythe"
    assert importer.card(0).expires_at is not None


def wait_for_waiters(database: TestDatabase) -> None:
    """Return once a session waits for a row of another."""
    engine = sa.create_engine(parse_url(database.url), poolclass=sa.NullPool)
    while True:
        with engine.connect() as connection:
            if connection.exec_driver_sql(WAITERS).scalar():
                return
        time.sleep(0.01)


def test_a_secret_that_a_card_got_meanwhile_is_kept_beside_the_one_of_the_file(
    importer: Importer, sealer: Meanwhile, tmp_path: Path
) -> None:
    importer.run(csv_of(tmp_path, line(0)))
    card = importer.card(0)
    assert card.sealed_secret is not None
    named = SealLabel(card.identity, SealKind.UNBLOCK, card.sealed_secret.revision + 1)
    other = sealer.seal(Sensitive("55556666"), named)
    sealer.act = lambda uow: uow.cards.replace_secret(card.id, named.revision - 1, other)
    importer.run(csv_of(tmp_path, line(0, secret="11112222")))
    assert importer.secret(importer.card(0)) == "11112222"
    with importer.store.read() as uow:
        former = [
            open_kept(sealer, card, kept).reveal() for kept in uow.kept_secrets.former(card.id)
        ]
    assert former == ["55556666"]
