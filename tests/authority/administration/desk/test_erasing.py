"""An erased person is in no table and no file any more, and the audit still verifies."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from kiosk.authority.administration.cards import CardsDesk
from kiosk.authority.administration.codes import CodesDesk
from kiosk.authority.administration.office import Office, StaffDependencies
from kiosk.authority.administration.people import PeopleDesk
from kiosk.authority.administration.views import Grounds, NewCard, Seen
from kiosk.authority.crypto.sealing import SealKind, SealLabel
from kiosk.authority.errors import NotFound, NotTaken
from kiosk.authority.records import (
    AuditQuery,
    Card,
    Cardholder,
    ProposedAct,
    StaffCard,
    StaffMember,
    new_id,
)
from kiosk.authority.roles import Role
from kiosk.authority.store.engine import parse_url
from kiosk.authority.store.tables import TableRow
from kiosk.contract.errors import StepRefused
from kiosk.contract.messages import (
    CardId,
    EnterCode,
    Finished,
    Purpose,
    UnblockDone,
    UnblockUnknown,
)
from kiosk.contract.sensitive import Sensitive
from tests.authority.administration.desk.estate import means_beside
from tests.authority.administration.desk.offices import GROUNDS, office_of
from tests.authority.registering import start
from tests.authority.station_visit import StationVisit, ready
from tests.authority.store.erasure import OF_PEOPLE
from tests.authority.store.samples import waiting_address
from tests.authority.world import PUK, World
from tests.support.database import TestDatabase
from tests.support.refusals import refused

NUMBER, NAME, EMAIL, NEXT = (
    "900555000777",
    "Zwezdana Quillfeather",
    "quillwort7@nhs.net",
    "quillwort8@nhs.uk",
)
IDENTIFIER, OTHER = "7f" * 16, "6e" * 16
WHY = Grounds("Asked for in writing, case 4711")


@pytest.fixture
def means(world: World, tmp_path: Path) -> StaffDependencies:
    return means_beside(world, tmp_path)


@pytest.fixture
def office(means: StaffDependencies) -> Office:
    return office_of(means, Role.MANAGER)


@pytest.fixture
def desk(office: Office) -> PeopleDesk:
    return PeopleDesk(office)


@pytest.fixture
def holder(world: World) -> Cardholder:
    return world.add_holder(number=NUMBER, name=NAME, email=EMAIL)


@pytest.fixture
def card(world: World, holder: Cardholder) -> Card:
    label = SealLabel(CardId("piv", IDENTIFIER), SealKind.UNBLOCK, 1)
    sealed = world.parts.sealer.seal(Sensitive(PUK), label)
    return world.add_card(holder, identifier=IDENTIFIER, sealed_secret=sealed)


def test_nothing_names_them_afterwards(
    database: TestDatabase, world: World, office: Office, desk: PeopleDesk, card: Card
) -> None:
    live_through_everything(world, office, desk, card)
    before = everything(database)
    for trace in (NUMBER, NAME, EMAIL, NEXT, IDENTIFIER, OTHER, "quillfeather", "Photo ID"):
        assert trace in before, trace
    assert {name for name, rows in counted(database).items() if rows} >= OF_PEOPLE

    done = desk.erase(now(desk), WHY)

    after = everything(database)
    for trace in (
        NUMBER,
        *NAME.split(),
        EMAIL,
        NEXT,
        IDENTIFIER,
        OTHER,
        "quillfeather",
        "quillwort",
    ):
        assert trace.lower() not in after.lower(), trace
    assert "Photo ID" not in after
    left = {name: rows for name, rows in counted(database).items() if rows and name in OF_PEOPLE}
    assert left == {"action_note": 1}
    with world.store.read() as uow:
        assert uow.audit.verify().intact
        (event,) = uow.trail.oldest(AuditQuery(reference=done.reference))
        assert (event.kind, event.holder_id) == ("person-erased", card.holder_id)
        assert event.detail["cards"] == 2
        kept = uow.notes.by_ids((str(event.detail["note"]),))
        ((_, note),) = kept.items()
        assert (note.holder_id, note.reason) == (None, WHY.reason)
        assert len(uow.trail.newest(AuditQuery(holder_id=card.holder_id))) > 20
    with pytest.raises(NotFound):
        desk.person(card.holder_id)


def test_neither_are_they_in_the_files(
    database: TestDatabase, world: World, office: Office, desk: PeopleDesk, card: Card
) -> None:
    live_through_everything(world, office, desk, card)
    desk.erase(now(desk), WHY)
    if database.dialect != "sqlite":
        # A server's files are its own affair; what it gives to whoever asks was seen above.
        assert NUMBER not in everything(database)
        return
    path = Path(str(parse_url(database.url).database))
    held = b"".join(each.read_bytes() for each in path.parent.glob(f"{path.name}*")).lower()
    for trace in (NUMBER, *NAME.split(), EMAIL, NEXT, IDENTIFIER, OTHER):
        assert trace.lower().encode() not in held, trace


def test_somebody_else_with_the_number_is_somebody_else(desk: PeopleDesk, card: Card) -> None:
    desk.erase(now(desk), WHY)
    desk.add(NUMBER, "Bo Chen", "", GROUNDS)
    person = desk.find_one(NUMBER)
    assert person.seen.holder_id != card.holder_id
    assert len(person.story) == 1


def test_an_unlock_under_way_is_waited_for(
    world: World, desk: PeopleDesk, holder: Cardholder, card: Card
) -> None:
    world.register(holder)
    station_visit = ready(world, card)
    grant = station_visit.grant()
    for _ in range(2):
        with refused(NotTaken, match="began at 09:30 today is under way"):
            desk.erase(now(desk), WHY)
        station_visit.authority.record_outcome(station_visit.visit, grant.journal, UnblockUnknown())
    assert desk.find_one(NUMBER).name == NAME


def test_an_unlock_without_an_outcome_is_settled_first_or_its_card_revoked(
    world: World, office: Office, desk: PeopleDesk, holder: Cardholder, card: Card
) -> None:
    world.register(holder)
    station_visit = ready(world, card)
    station_visit.authority.record_outcome(
        station_visit.visit, station_visit.grant().journal, UnblockUnknown()
    )
    world.clock.forward(hours=2)
    with refused(NotTaken, match="Have the card put into any station"):
        desk.erase(now(desk), WHY)
    CardsDesk(office).revoke(now(desk), card.id, GROUNDS)
    desk.erase(now(desk), WHY)
    with pytest.raises(NotFound):
        desk.find_one(NUMBER)


def test_a_card_that_is_seen_again_settles_it(
    world: World, desk: PeopleDesk, holder: Cardholder, card: Card
) -> None:
    world.register(holder)
    station_visit = ready(world, card)
    station_visit.authority.record_outcome(
        station_visit.visit, station_visit.grant().journal, UnblockUnknown()
    )
    world.insert(card)
    desk.erase(now(desk), WHY)
    with pytest.raises(NotFound):
        desk.find_one(NUMBER)


@pytest.mark.parametrize(
    "reason",
    [
        "Zwezdana Quillfeather asked for it",
        "asked for by QUILLFEATHER, Zwezdana",
        f"number {NUMBER} asked",
        f"mail from {EMAIL}",
    ],
)
def test_the_reason_that_is_kept_names_nobody(desk: PeopleDesk, card: Card, reason: str) -> None:
    for field, grounds in (
        ("reason", Grounds(reason)),
        ("identified_by", replace(WHY, identified_by=reason)),
    ):
        with refused(NotTaken, match="without naming the person") as caught:
            desk.erase(now(desk), grounds)
        assert caught.value.field == field
    assert desk.find_one(NUMBER).name == NAME


@pytest.mark.parametrize("field", ["reason", "identified_by"])
def test_an_identifier_in_the_reason_is_taken_for_a_secret(
    desk: PeopleDesk, card: Card, field: str
) -> None:
    with refused(NotTaken, match="looks like a PIN, a PUK, a code or a key"):
        desk.erase(now(desk), replace(WHY, **{field: f"card {IDENTIFIER}"}))
    assert desk.find_one(NUMBER).name == NAME


def test_a_visit_that_was_open_leads_nowhere(
    world: World, desk: PeopleDesk, holder: Cardholder, card: Card
) -> None:
    world.register(holder)
    station_visit = ready(world, card)
    desk.erase(now(desk), WHY)
    with pytest.raises(StepRefused, match="no such visit"):
        station_visit.authority.release(station_visit.visit, station_visit.attempt())
    with world.store.read() as uow:
        assert uow.audit.verify().intact


# --- a life ----------------------------------------------------------------------------


def live_through_everything(world: World, office: Office, desk: PeopleDesk, card: Card) -> None:
    """Leave something in every table: at stations, by mail, and by what staff did."""
    world.register(_holder(world, card), email=EMAIL)
    station_visit = ready(world, card)
    grant = station_visit.grant()
    settled = station_visit.authority.record_outcome(
        station_visit.visit, grant.journal, UnblockDone()
    )
    assert settled == Finished(Purpose.UNLOCK)
    assert station_visit.authority.rotate_secret(station_visit.visit, grant.journal) is not None
    CardsDesk(office).add(now(desk), NewCard(OTHER), about("a second card for quillfeather"))
    desk.correct_name(now(desk), f"{NAME} the Younger", about("married"))
    desk.correct_name(now(desk), NAME, about("a slip"))
    desk.correct_email(now(desk), NEXT, about("moved"))
    block(world, card)
    desk.lift_block(now(desk), about("came to the desk"))
    send_half_of_the_mail(world)
    answer_and_leave(world, card)
    change_address_half_way(world, card)
    ask_for_another_address(world, card, station_visit)
    CodesDesk(office).issue(now(desk), card.id, about("no mail on the ward"))
    propose(world, card)
    member = StaffMember(new_id(), "Sam Reed", Role.TECHNICIAN, world.now)
    with world.store.begin() as uow:
        uow.staff.add(member)
        uow.staff.add_card(StaffCard(card.id, member.id, b"key", world.now))
        uow.commit()


def propose(world: World, card: Card) -> None:
    """Let an act about the person wait for a second member."""
    nobody = new_id()
    proposed = ProposedAct(
        new_id(), "people.lift_block", "lift-block", card.holder_id, card.id, None, 0, b"sealed",
        "key", nobody, "SHA256:x", world.now, world.now, nobody, "0000-0000",
    )  # fmt: skip
    with world.store.begin() as uow:
        uow.proposals.add(proposed)
        uow.commit()


def block(world: World, card: Card) -> None:
    station_visit = world.insert(card, blocked=True)
    task = station_visit.questions()
    for _ in range(world.policy.max_failures):
        station_visit.answer(task, wrong=True)
    assert world.registration(card).blocked_at is not None


def answer_and_leave(world: World, card: Card) -> None:
    station_visit = world.insert(card, blocked=True)
    station_visit.answer(station_visit.questions())
    station_visit.pull()
    assert world.proofs(station_visit)


def change_address_half_way(world: World, card: Card) -> None:
    """Leave a change of address that waits for its code."""
    world.clock.forward(minutes=5)
    station_visit = start(world, card, Purpose.CHANGE_EMAIL)
    assert isinstance(
        station_visit.authority.give_email(station_visit.visit, EMAIL, station_visit.attempt()),
        EnterCode,
    )


def ask_for_another_address(world: World, card: Card, station_visit: StationVisit) -> None:
    """Leave a change of address that waits for its cooling-off."""
    tomorrow = world.now + timedelta(days=1)
    waits = waiting_address(world.registration(card), EMAIL, tomorrow, station_visit.visit)
    with world.store.begin() as uow:
        uow.addresses.add(waits)
        uow.commit()


def send_half_of_the_mail(world: World) -> None:
    with world.store.begin() as uow:
        waiting = uow.outbox.claim_due(100, timedelta(0))
        assert len(waiting) > 5
        for message in waiting[::2]:
            uow.outbox.mark_sent(message.id)
        uow.commit()


def about(reason: str) -> Grounds:
    return Grounds(reason, f"Photo ID of {NAME}")


def now(desk: PeopleDesk) -> Seen:
    """The person as a screen shows them now."""
    return desk.find_one(NUMBER).seen


def everything(database: TestDatabase) -> str:
    """Return every column of every row of every table that the database has."""
    engine = sa.create_engine(parse_url(database.url), poolclass=sa.NullPool)
    with engine.connect() as connection:
        names = sa.inspect(connection).get_table_names()
        assert set(names) >= set(TableRow.metadata.tables)
        rows = [
            str(tuple(row))
            for name in names
            for row in connection.execute(sa.text(f"SELECT * FROM {name}"))
        ]
    return "\n".join(rows)


def counted(database: TestDatabase) -> dict[str, int]:
    """Return how many rows each table has."""
    engine = sa.create_engine(parse_url(database.url), poolclass=sa.NullPool)
    with engine.connect() as connection:
        return {
            name: connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
            for name, table in TableRow.metadata.tables.items()
        }


def _holder(world: World, card: Card) -> Cardholder:
    with world.store.read() as uow:
        found = uow.holders.get(card.holder_id)
    assert found is not None
    return found
