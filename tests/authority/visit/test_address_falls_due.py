"""A new address falls due while somebody stops it, corrects it or changes something beside it.

On PostgreSQL the two transactions run side by side. The rival acts before each statement of the
caretaker's transaction in turn, until it is done or waits for a lock, and what is recorded in
the end is what one after the other would have left. So with the visits of two cards of one holder,
which no lock of a card keeps apart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import get_ident

import psycopg
import pytest
import sqlalchemy as sa

from kiosk.authority.administration.people import PeopleDesk
from kiosk.authority.records import AuditQuery, Card
from kiosk.authority.roles import Role
from kiosk.authority.visit.misuse import stop_holder
from kiosk.authority.visit.registration import apply_due_changes
from kiosk.contract.errors import StepRefused
from kiosk.contract.messages import EnterCode, Finished, Purpose
from kiosk.contract.sensitive import Sensitive
from tests.authority.administration.desk.offices import GROUNDS
from tests.authority.assisting import as_seen, office_beside
from tests.authority.card_in_reader import ReaderCard
from tests.authority.registering import CHOSEN, given, start, to_code
from tests.authority.station_visit import StationVisit
from tests.authority.store.samples import waiting_address
from tests.authority.world import EMAIL, World
from tests.support.database import PostgresServer

pytestmark = pytest.mark.postgresql

DUE = "somebody.else@nhs.net"
CORRECTED = "asha.new@nhs.net"
CONFIRMED = "asha.okafor@nhs.net"
WAITERS = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock'
"""

Act = Callable[[], object]


@pytest.fixture
def world(postgres_server: PostgresServer, tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path, url=postgres_server.fresh(), busy_timeout_s=600)
    yield world
    world.store.close()


def stop(world: World, card: Card) -> Act:
    """The old address's reader enters the number of its notice."""

    def act() -> None:
        with world.store.begin() as uow:
            stop_holder(uow, card.holder_id)
            uow.commit()

    return act


def correct(world: World, card: Card) -> Act:
    """Staff put the right address in place of both: they see the one that waits."""
    office = office_beside(world, Role.MANAGER)
    seen = replace(as_seen(office, card), addresses=frozenset({EMAIL, DUE}))
    return lambda: PeopleDesk(office).correct_email(seen, CORRECTED, GROUNDS)


def change_questions(world: World, card: Card) -> Act:
    visit = start(world, card, Purpose.CHANGE_QUESTIONS)
    return lambda: visit.authority.save_questions(visit.visit, given())


def change_address(world: World, card: Card) -> Act:
    """The holder confirms another address with a proven PIN."""
    visit = start(world, card, Purpose.CHANGE_EMAIL)
    assert isinstance(visit.email(CONFIRMED), EnterCode)
    return entering(visit, world.relay.code)


def register_anew(world: World, card: Card, email: str = EMAIL) -> Act:
    """The holder replaces a registration without proof, and gives this address."""
    with world.store.begin() as uow:
        uow.registrations.put(replace(world.registration(card), proven=False))
        uow.commit()
    visit = to_code(world, card, email)
    return entering(visit, world.relay.code)


def register_anew_without_proof(world: World, card: Card) -> Act:
    """So does somebody who shows no PIN by a key: the address that they give has to wait."""
    with world.store.begin() as uow:
        uow.registrations.put(replace(world.registration(card), proven=False))
        uow.commit()
    visit = world.insert(card, reader_card=ReaderCard())
    visit.authority.choose(visit.visit, Purpose.REGISTER)
    visit.authority.pin_verified(visit.visit, None)
    visit.send()
    visit.enter(world.relay.code)
    visit.authority.save_questions(visit.visit, given())
    assert isinstance(visit.email(CONFIRMED), EnterCode)
    return entering(visit, world.relay.code)


def entering(visit: StationVisit, code: Sensitive) -> Act:
    def act() -> object:
        try:
            return visit.enter(code)
        except StepRefused as refused:
            return refused

    return act


def falls_due(world: World, card: Card) -> None:
    with world.store.begin() as uow:
        uow.addresses.add(waiting_address(world.registration(card), DUE, uow.now))
        uow.commit()


@contextmanager
def before_statement(world: World, number: int, act: Callable[[], None]) -> Iterator[None]:
    """Call ``act`` before statement ``number`` that this thread sends from now on."""
    mine, sent = get_ident(), 0

    def note(*_: object) -> None:
        nonlocal sent
        if get_ident() == mine:
            sent += 1
            if sent == number:
                act()

    sa.event.listen(world.store._engine, "before_cursor_execute", note)
    yield
    sa.event.remove(world.store._engine, "before_cursor_execute", note)


def fall_due(world: World, card: Card) -> Act:
    falls_due(world, card)

    def act() -> None:
        assert apply_due_changes(world.store) == ()

    return act


def raced(world: World, main: Act, act: Act, number: int) -> Future[object] | None:
    """Do ``main``, with a rival before one statement; None: there are not so many."""
    rival: Future[object] | None = None
    server = sa.make_url(world.url)
    with (
        ThreadPoolExecutor(1) as pool,
        psycopg.connect(
            host=str(server.query["host"]),
            dbname=server.database,
            user=server.username,
            autocommit=True,
        ) as watch,
    ):

        def run_rival() -> None:
            nonlocal rival
            rival = pool.submit(act)
            while not wait([rival], timeout=0.01).done:
                (waiters,) = watch.execute(WAITERS).fetchone() or (0,)
                if waiters:
                    return

        with before_statement(world, number, run_rival):
            main()
    return rival


def races(
    world: World,
    prepare: Callable[[World, Card], Act],
    against: Callable[[World, Card], Act] = fall_due,
) -> Iterator[tuple[Card, object]]:
    """Yield the card and the rival's result, of the rival before each statement in turn."""
    holders = 0
    while True:
        holders += 1
        holder = world.add_holder(number=f"{holders:012}")
        world.register(holder)
        card = world.add_card(holder)
        act = prepare(world, card)
        rival = raced(world, against(world, card), act, holders)
        if rival is None:
            assert holders > 5, "the rival came before too few statements"
            return
        yield card, rival.result()


def recorded(world: World, card: Card) -> list[str]:
    """Return what the audit says of the change that fell due."""
    with world.store.read() as uow:
        events = uow.trail.oldest(AuditQuery(holder_id=card.holder_id))
    due = ("email-changed", "email-change-stopped")
    return [event.kind for event in events if event.kind in due]


def test_a_change_that_was_stopped_does_not_come_into_force(world: World) -> None:
    seen = set()
    for card, _ in races(world, stop):
        kinds, registration = recorded(world, card), world.registration(card)
        expected = {"email-change-stopped": EMAIL, "email-changed": DUE}
        assert len(kinds) == 1
        assert world.registered_email(card) == expected[kinds[0]]
        assert registration.blocked_at is not None
        seen.add(kinds[0])
    assert "email-change-stopped" in seen


def test_the_address_that_staff_put_in_place_stays(world: World) -> None:
    for card, _ in races(world, correct):
        assert world.registered_email(card) == CORRECTED
        assert world.addresses_of(card).unconfirmed is not None, "a code has to confirm it"


def test_questions_and_address_both_change(world: World) -> None:
    for card, reply in races(world, change_questions):
        registration = world.registration(card)
        assert reply == Finished(Purpose.CHANGE_QUESTIONS)
        assert registration.question_ids == tuple(CHOSEN), "the new answers open the card"
        assert world.registered_email(card) == DUE


def test_an_address_that_the_holder_confirms_stays(world: World) -> None:
    """Or they are told that others changed it while their code was looked at."""
    for card, reply in races(world, change_address):
        confirmed = reply == Finished(Purpose.CHANGE_EMAIL)
        assert confirmed or isinstance(reply, StepRefused), reply
        assert world.registered_email(card) == (CONFIRMED if confirmed else DUE)


def test_registration_anew_names_an_address_that_is_there(world: World) -> None:
    """Before: it named the one that was just replaced, and staff heard of an altered row."""
    for card, reply in races(world, register_anew):
        registered = reply == Finished(Purpose.REGISTER)
        assert registered or isinstance(reply, StepRefused), reply
        assert world.registered_email(card) == (EMAIL if registered else DUE)


def test_registration_anew_without_proof_names_an_address_that_is_there(world: World) -> None:
    for card, reply in races(world, register_anew_without_proof):
        registered = isinstance(reply, Finished)
        assert registered or isinstance(reply, StepRefused), reply
        addresses = world.addresses_of(card)
        assert addresses.registered is not None
        assert addresses.registered.value == (EMAIL if registered else DUE)
        assert (addresses.waiting is not None) is registered


def another_cards_registration(world: World, card: Card) -> Act:
    with world.store.read() as uow:
        holder = uow.holders.get(card.holder_id)
    assert holder is not None
    return register_anew(world, world.add_card(holder), CONFIRMED)


@pytest.mark.parametrize("here", [register_anew, register_anew_without_proof])
def test_registrations_with_two_cards_leave_an_address_that_is_there(
    world: World, here: Callable[[World, Card], Act]
) -> None:
    for card, reply in races(world, here, another_cards_registration):
        registered = isinstance(reply, Finished)
        assert registered or isinstance(reply, StepRefused), reply
        assert world.registered_email(card) in (EMAIL, CONFIRMED)
