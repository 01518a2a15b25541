"""Before: who put back the older row of what was barred since, with its older MAC, had it count
again: a block was lifted, a revoked card was unlocked, a removed manager logged in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from kiosk.authority.administration.caretaker import Caretaker
from kiosk.authority.administration.import_people import PeopleImport
from kiosk.authority.administration.login import admit
from kiosk.authority.administration.verification import accept, check_rows
from kiosk.authority.audit.anchors import AnchorSigner
from kiosk.authority.errors import NotPermitted, RecordAltered, RowPutBack
from kiosk.authority.policy import LivePolicy
from kiosk.authority.records import Card, Station
from kiosk.authority.roles import Role
from kiosk.authority.service import LocalAuthority
from kiosk.authority.visit.registration import apply_due_changes
from kiosk.config.settings import NoticeSettings, PolicySettings
from kiosk.contract.findings import Condition
from kiosk.contract.messages import ChooseQuestions, EnterCode, Grant, Purpose, Reason, Refusal
from tests.attacks.database_writer import (
    found_put_back,
    keep,
    put_back,
    refused_as_put_back,
    run,
)
from tests.attacks.four_eyes import Colleague
from tests.authority.administration.desk.offices import GROUNDS
from tests.authority.administration.importing import csv_of
from tests.authority.assisting import as_seen
from tests.authority.card_in_reader import ReaderCard
from tests.authority.store.samples import waiting_address
from tests.authority.world import EMAIL, STAFF, World

MALLORYS = "mallory@trust.nhs.uk"


@pytest.fixture
def world(each_world: World) -> World:
    return each_world


@pytest.fixture
def manager(world: World) -> Colleague:
    return Colleague(world, Role.MANAGER, "First", PolicySettings())


def unlock_again(world: World, card: Card) -> object:
    """Pass every factor in a new visit, and ask for the secret."""
    world.clock.forward(minutes=2)
    visit = world.insert(card, blocked=True)
    visit.to_new_pin()
    return visit.release()


def stop(staff: Colleague, card: Card) -> None:
    staff.desk.people.report_misuse(as_seen(staff.office, card), GROUNDS)


def correct(staff: Colleague, card: Card) -> None:
    staff.desk.people.correct_email(as_seen(staff.office, card), "asha2@trust.nhs.uk", GROUNDS)


def revoke_registration(staff: Colleague, card: Card) -> None:
    staff.desk.people.revoke_registration(as_seen(staff.office, card), GROUNDS)


def revoke(staff: Colleague, card: Card) -> None:
    staff.desk.cards.revoke(as_seen(staff.office, card), card.id, GROUNDS)


def leave(staff: Colleague, card: Card) -> None:
    staff.desk.people.mark_leaver(as_seen(staff.office, card), GROUNDS)


def retire(staff: Colleague, _: Card) -> None:
    staff.desk.stations.retire("A", GROUNDS)


Barring = Callable[[Colleague, Card], None]


def _with_what_it_names(table: str) -> tuple[str, ...]:
    """A registration without the address that it names would be noticed at once."""
    return ("address", table) if table == "registration" else (table,)


def test_registration_whose_address_is_not_put_back_with_it_is_refused(
    world: World, card: Card, manager: Colleague
) -> None:
    kept = keep(world, "registration")
    world.clock.forward(minutes=1)
    correct(manager, card)
    put_back(world, kept)
    opened = world.insert(card, blocked=True).opened
    assert isinstance(opened, Refusal)
    assert opened.reason is Reason.RECORD_ALTERED


@pytest.mark.parametrize(
    ("table", "bar"),
    [
        ("registration", stop),
        ("registration", correct),
        ("registration", revoke_registration),
        ("card", revoke),
        ("cardholder", leave),
        ("station", retire),
    ],
)
def test_row_from_before_it_was_barred_gets_no_secret(
    world: World, card: Card, manager: Colleague, table: str, bar: Barring
) -> None:
    with world.store.begin() as uow:
        uow.stations.seen(Station("A", world.now))
        uow.commit()
    world.known_reader_card(card)
    kept = keep(world, *_with_what_it_names(table))
    world.clock.forward(minutes=1)
    bar(manager, card)
    put_back(world, kept)
    finding = check_rows(world.store)
    assert finding.condition is Condition.FAIL
    assert f"1 says less than the audit: {table} " in finding.found
    assert refused_as_put_back(world, unlock_again(world, card), table)


def test_row_that_was_accepted_as_it_is_counts_again(
    world: World, card: Card, manager: Colleague
) -> None:
    kept = keep(world, "address", "registration")
    world.clock.forward(minutes=1)
    correct(manager, card)
    put_back(world, kept)
    accept(world.store, "registration", card.holder_id, "command line: root", "It is the right one")
    assert isinstance(unlock_again(world, card), Grant)


def test_what_staff_lifted_and_confirmed_counts(
    world: World, card: Card, manager: Colleague
) -> None:
    """The rows are newer than what barred them."""
    world.clock.forward(minutes=1)
    stop(manager, card)
    world.clock.forward(minutes=1)
    manager.desk.people.lift_block(as_seen(manager.office, card), GROUNDS)
    correct(manager, card)
    leave(manager, card)
    manager.desk.people.take_back_leaver(as_seen(manager.office, card), GROUNDS)
    assert check_rows(world.store).condition is Condition.OK
    assert isinstance(unlock_again(world, card), Grant)
    assert world.registered_email(card) != EMAIL


# --- addresses ---


def stop_by_staff(staff: Colleague, card: Card) -> None:
    staff.desk.people.stop_change(as_seen(staff.office, card), GROUNDS)


def stop_everything(staff: Colleague, card: Card) -> None:
    stop(staff, card)
    staff.desk.people.lift_block(as_seen(staff.office, card), GROUNDS)


@pytest.mark.parametrize("end", [stop_by_staff, stop_everything])
def test_address_that_was_stopped_does_not_come_into_force_when_put_back(
    world: World, card: Card, manager: Colleague, end: Barring
) -> None:
    due = world.now + timedelta(hours=24)
    with world.store.begin() as uow:
        uow.addresses.add(waiting_address(world.registration(card), MALLORYS, due))
        uow.commit()
    kept = keep(world, "address", where="replaces <> ''")
    world.clock.forward(minutes=1)
    end(manager, card)
    put_back(world, kept)
    assert "says less than the audit: address " in check_rows(world.store).found
    world.clock.forward(hours=24)
    assert [type(error) for error in apply_due_changes(world.store)] == [RowPutBack]
    assert world.registered_email(card) == EMAIL
    assert refused_as_put_back(world, world.insert(card, blocked=True).opened, "address")
    stop_by_staff(manager, card)
    assert isinstance(unlock_again(world, card), Grant)


def import_another_address(world: World, card: Card, manager: Colleague) -> None:
    with world.store.read() as uow:
        holder = uow.holders.get(card.holder_id)
    assert holder is not None
    line = f"{holder.number},{holder.name},asha2@trust.nhs.uk,,"
    work = PeopleImport(world.store, world.parts.sealer, 12)
    work.run(csv_of(world.folder, line), "command line: test")


def correct_by_staff(world: World, card: Card, manager: Colleague) -> None:
    correct(manager, card)


@pytest.mark.parametrize("change", [import_another_address, correct_by_staff])
def test_record_from_before_its_address_was_changed_shows_nobody_as_the_owner(
    world: World, manager: Colleague, change: Callable[[World, Card, Colleague], None]
) -> None:
    """The address from before may have another reader since."""
    card = world.add_card(world.add_holder())
    kept = keep(world, "address", "cardholder")
    world.clock.forward(minutes=1)
    change(world, card, manager)
    owner_is_shown(world, card, "asha2@trust.nhs.uk")
    put_back(world, kept)
    assert refused_as_put_back(world, owner_is_shown(world, card, EMAIL), "cardholder")


def owner_is_shown(world: World, card: Card, email: str) -> object:
    """Enter the code that goes to the recorded address, before a registration on a claimed PIN."""
    world.clock.forward(minutes=2)
    visit = world.insert(card, reader_card=ReaderCard())
    visit.authority.choose(visit.visit, Purpose.REGISTER)
    visit.authority.pin_verified(visit.visit, None)
    assert isinstance(visit.send(), EnterCode)
    assert world.relay.sent[-1].to == email
    reply = visit.enter(world.relay.code)
    assert isinstance(reply, ChooseQuestions | Refusal)
    visit.pull()
    return reply


def test_registration_from_before_its_address_was_changed_shows_nobody_as_the_owner(
    world: World, card: Card, manager: Colleague
) -> None:
    kept = keep(world, "address", "registration")
    world.clock.forward(minutes=1)
    correct(manager, card)
    put_back(world, kept)
    visit = world.insert(card, reader_card=ReaderCard())
    visit.authority.choose(visit.visit, Purpose.CHANGE_QUESTIONS)
    visit.authority.pin_verified(visit.visit, None)
    assert isinstance(visit.send(), EnterCode)
    assert world.relay.sent[-1].to == EMAIL
    assert refused_as_put_back(world, visit.enter(world.relay.code), "registration")


def test_clock_that_was_ahead_while_somebody_was_barred_bars_nobody_later(
    world: World, card: Card, manager: Colleague
) -> None:
    """What barred them is dated later than what lifted it, and is as recent as their visit."""
    world.clock.forward(minutes=30)
    for bar in stop, correct, leave:
        bar(manager, card)
    world.clock.forward(minutes=-29)
    manager.desk.people.take_back_leaver(as_seen(manager.office, card), GROUNDS)
    manager.desk.people.lift_block(as_seen(manager.office, card), GROUNDS)
    world.clock.forward(minutes=28)
    assert isinstance(unlock_again(world, card), Grant)
    assert check_rows(world.store).condition is Condition.OK


def test_caretaker_finds_what_was_put_back_within_a_day(
    world: World, card: Card, manager: Colleague
) -> None:
    caretaker = Caretaker(world.store, AnchorSigner(world.ring), NoticeSettings(), STAFF)
    kept = keep(world, "card")
    world.clock.forward(minutes=1)
    revoke(manager, card)
    put_back(world, kept)
    for _ in range(30):
        caretaker.run()
        world.clock.forward(minutes=1)
    assert found_put_back(world, "card")
    with world.store.read() as uow:
        assert f"row-altered:card {card.id}" in {alarm.name for alarm in uow.alarms.standing()}


# --- the policy ---


@pytest.mark.parametrize("is_gone", [False, True])
def test_setting_from_before_its_change_refuses_service(
    world: World, card: Card, manager: Colleague, is_gone: bool
) -> None:
    world.parts = replace(
        world.parts, policy=LivePolicy(world.store, PolicySettings(), world.clock)
    )
    world.authority = LocalAuthority(world.parts)
    manager.desk.policy.change("genuine", "never", 0, GROUNDS)
    kept = keep(world, "policy_setting")
    world.clock.forward(minutes=1)
    manager.desk.policy.change("genuine", "always", 1, GROUNDS)
    if is_gone:
        run(world, "DELETE FROM policy_setting")
    else:
        put_back(world, kept)
    world.clock.forward(minutes=1)
    visit = world.insert(card, blocked=True)
    assert refused_as_put_back(world, visit.opened, "policy_setting")


# --- staff ---


@pytest.fixture
def other(world: World) -> Colleague:
    return Colleague(world, Role.MANAGER, "Second", PolicySettings())


def test_removed_manager_put_back_does_not_log_in(
    world: World, manager: Colleague, other: Colleague
) -> None:
    kept = keep(world, "staff_member", "staff_key")
    world.clock.forward(minutes=1)
    manager.desk.staff.remove(other.office.actor.staff_id, 0, GROUNDS)
    put_back(world, kept)
    with pytest.raises(NotPermitted):
        admit(world.store, other.office.actor.key)
    assert found_put_back(world, "staff_member")
    assert admit(world.store, manager.office.actor.key).role is Role.MANAGER


def test_role_from_before_it_was_taken_changes_nothing(
    world: World, card: Card, manager: Colleague, other: Colleague
) -> None:
    kept = keep(world, "staff_member")
    world.clock.forward(minutes=1)
    manager.desk.staff.change_role(other.office.actor.staff_id, Role.AUDITOR, 0, GROUNDS)
    put_back(world, kept)
    with pytest.raises(RecordAltered):
        stop(other, card)
    assert found_put_back(world, "staff_member")


def test_removed_key_put_back_does_not_log_in(
    world: World, manager: Colleague, other: Colleague
) -> None:
    kept = keep(world, "staff_key")
    world.clock.forward(minutes=1)
    actor = other.office.actor
    manager.desk.staff.remove_key(actor.staff_id, actor.key, 0, GROUNDS)
    put_back(world, kept)
    with pytest.raises(NotPermitted):
        admit(world.store, actor.key)
    assert found_put_back(world, "staff_key")
