"""A short run of ``make bench-estate``: what it counts, and that what it fills is whole."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from campaigns.load.replay import Replay, UseCases
from campaigns.load.service import SERVER_SETTINGS, LoadedEstate, loaded_estate
from campaigns.load.stub_mail import CodeMailbox
from campaigns.load.visits import at_once, on_monday
from kiosk.authority.administration.verification import verify_audit
from kiosk.authority.audit.anchors import AnchorSigner
from kiosk.authority.crypto.keys import KeyRing
from kiosk.authority.crypto.macs import AuditMacs, KeyedRowMacs
from kiosk.authority.store.database import Store
from kiosk.authority.store.repositories.mac_rows import TABLES
from kiosk.contract.ports import SystemClock
from tests.support.database import running_postgres

pytestmark = pytest.mark.postgresql

CALLS = {
    *(
        "begin",
        "prove",
        "choose",
        "submit",
        "prepare",
        "challenge",
        "release",
    ),
    *("record_outcome", "rotate_secret", "confirm_rotation", "end"),
}


@pytest.fixture(scope="module")
def estate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoadedEstate]:
    folder = tmp_path_factory.mktemp("load")
    mailbox = CodeMailbox(folder / "mail")
    with running_postgres(SERVER_SETTINGS) as server:
        server.execute("CREATE EXTENSION pg_stat_statements")
        yield loaded_estate(server, folder, mailbox, 1000, visitors=40)
    mailbox.close()


def rows(estate: LoadedEstate, question: str) -> int:
    with psycopg.connect(estate.url) as connection:
        found = connection.execute(question.encode()).fetchone()
    assert found is not None
    return int(found[0])


def test_statements_of_visits_can_be_sent_again(estate: LoadedEstate) -> None:
    with estate.copied() as copy:
        use_cases = UseCases(estate)
        visits = use_cases.recorded(8)
        together = use_cases.at_once(4, 8)
        use_cases.close()
        replay = Replay(estate, copy, writers=4)
        replayed = replay.run(visits.visits)
        replay.close()
    assert replayed.visits == len(visits.visits) == together.visits == 8
    # A policy that is read anew within them is two more.
    assert 80 <= visits.of_use_cases <= 93
    assert 12 <= visits.round_trips - visits.of_use_cases <= 16
    assert visits.statements > visits.round_trips


def test_visits_are_lived_whole_and_counted(estate: LoadedEstate) -> None:
    before = rows(estate, "SELECT count(*) FROM visit WHERE how = 'card-removed'")
    with estate.serving():
        together = at_once(estate, 4, 8)
        monday = on_monday(estate, seconds=2, most=6, seed=1)
    lived = together.visits + monday.visits
    assert together.visits == 8
    assert monday.visits > 0
    for load in (together, monday):
        assert set(load.calls) == CALLS
        submitted = load.calls["submit"]  # the answers, and the code
        assert len(submitted) == 2 * load.visits
        others = (each for each in load.calls.values() if each is not submitted)
        assert {len(each) for each in others} == {load.visits}
        assert load.spent.statements > 100 * load.visits
        assert load.spent.mails >= load.visits
        assert load.spent.authority_s > 0
        assert load.spent.database_s > 0
    ended = rows(estate, "SELECT count(*) FROM visit WHERE how = 'card-removed'")
    assert ended - before == lived


def test_what_is_filled_is_whole(estate: LoadedEstate) -> None:
    ring = KeyRing.load(Path(estate.settings.keys.file))
    macs = KeyedRowMacs.of(ring)
    store = Store(estate.url, SystemClock(), macs, audit_macs=AuditMacs(lambda: ring))
    verdict = verify_audit(store, AnchorSigner(ring))
    with store.read() as uow:
        checked = {table: uow.mac_rows.check(table, None, 10_000) for table in TABLES}
    store.close()
    assert verdict.intact
    assert {piece.altered for piece in checked.values()} == {()}
    assert checked["registration"].rows == checked["card"].rows == 1000
    assert checked["visit"].rows >= 1000
