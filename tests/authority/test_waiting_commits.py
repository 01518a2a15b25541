"""A COMMIT that waits for a standby that is not there, and takes place after it was given up."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest

from kiosk.authority.errors import StoreError
from kiosk.authority.records import UnblockState
from kiosk.authority.store import database
from kiosk.authority.store.database import Store
from kiosk.authority.store.postgresql import PipelinedConnection
from kiosk.contract.errors import AuthorityUnavailable
from kiosk.contract.messages import (
    AnswerQuestions,
    CardChallenge,
    Finished,
    Grant,
    Purpose,
    SendCode,
    UnblockDone,
)
from kiosk.contract.ports import SystemClock
from tests.authority.station_visit import is_wrong
from tests.authority.world import World
from tests.support.database import MACS, PostgresServer

pytestmark = pytest.mark.postgresql


@pytest.fixture
def world(postgresql_world: World) -> World:
    return postgresql_world


@contextmanager
def standby_away(server: PostgresServer) -> Iterator[Callable[[str], int]]:
    """Let each COMMIT wait in the block; yields what counts those of an application that do."""
    is_over = threading.Event()

    def probe() -> None:
        with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
            while not is_over.wait(0.05):
                connection.execute("SELECT pg_logical_emit_message(true, '', '')")

    probing = threading.Thread(target=probe)
    with psycopg.connect(server.url("postgres"), autocommit=True) as owner:

        def waiting(application: str) -> int:
            query = (
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE wait_event = 'SyncRep' AND application_name = %s"
            )
            found = owner.execute(query, (application,)).fetchone()
            assert found
            return int(found[0])

        server.execute("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
        try:
            owner.execute("SELECT pg_reload_conf()")
            probing.start()
            while not waiting(""):
                pass
            yield waiting
        finally:
            is_over.set()
            server.execute("ALTER SYSTEM RESET synchronous_standby_names")
            owner.execute("SELECT pg_reload_conf()")
            while waiting("kiosk"):
                pass
            probing.join()


def test_what_waits_for_a_standby_counts_once_whether_or_not_the_station_calls_again(
    world: World, postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = world.registered_card()
    visit = world.insert(card, blocked=True)
    at, task = visit.authority, visit.questions()

    def given_up(call: Callable[[], object]) -> None:
        with standby_away(postgres_server) as waiting, monkeypatch.context() as impatient:
            impatient.setattr(PipelinedConnection, "silent_limit_s", 1.0)
            while not waiting("kiosk"):
                with pytest.raises(AuthorityUnavailable):
                    call()
            with pytest.raises(AuthorityUnavailable):
                call()  # while the server holds what the first call has locked

    def answers_wrongly() -> object:
        return visit.answer(task, wrong=True, attempt="wrong")

    given_up(answers_wrongly)
    assert world.registration(card).failures == 1
    assert is_wrong(answers_wrongly(), AnswerQuestions)
    assert world.registration(card).failures == 1

    assert isinstance(visit.answer(task), SendCode)
    visit.send()
    visit.enter(world.relay.code)
    challenge = at.challenge(visit.visit)
    assert isinstance(challenge, CardChallenge)
    proof = visit.reader_card.answer(challenge)
    given_up(lambda: at.release(visit.visit, "one", proof))
    assert world.card(card).secret_exposure == 1
    grant = at.release(visit.visit, "one", proof)
    assert isinstance(grant, Grant)
    assert world.card(card).secret_exposure == 1
    assert world.kinds().count("secret-released") == 1

    def reports() -> object:
        return at.record_outcome(visit.visit, grant.journal, UnblockDone())

    given_up(reports)
    with world.store.read() as uow:
        assert [each.state for each in uow.journal.of_visit(visit.visit)] == [UnblockState.DONE]
    assert reports() == Finished(Purpose.UNLOCK)
    assert world.kinds().count("unblock-done") == 1
    assert [each.template for each in world.outbox()].count("unlocked") == 1
    with world.store.read() as uow:
        assert uow.audit.verify().intact


def test_stations_are_out_of_service_while_commits_wait_for_a_standby(
    postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before: cards were asked for, and each holder waited in vain.

    By an account of an authority, to whom the server shows its own sessions alone.
    """
    url = postgres_server.fresh().replace("//kiosk@", "//authority1@")
    postgres_server.execute("CREATE ROLE authority1 LOGIN")
    store = Store(url, SystemClock(), MACS)

    def commit() -> None:
        with psycopg.connect(f"{url}&application_name=commit", autocommit=True) as connection:
            connection.execute("SELECT pg_logical_emit_message(true, '', '')")

    committing = threading.Thread(target=commit)
    try:
        with standby_away(postgres_server) as waiting:
            committing.start()
            while not waiting("commit"):
                pass
            monkeypatch.setattr(database, "COMMIT_WAITS_S", 3600.0)
            store.check_writable()
            monkeypatch.setattr(database, "COMMIT_WAITS_S", 0.0)
            with pytest.raises(StoreError, match="commits wait for a synchronous standby") as away:
                store.check_writable()
            assert away.value.code == "standby"
        committing.join()
        store.check_writable()
    finally:
        store.close()
        postgres_server.execute("DROP ROLE authority1")
