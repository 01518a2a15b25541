"""Before: who put back the older row of what was barred since, with its older MAC, had it count
again: a block was lifted, a revoked card was unlocked, a removed manager logged in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from kiosk.authority.administration.caretaker import Caretaker
from kiosk.authority.administration.login import admit
from kiosk.authority.administration.verification import accept, check_rows
from kiosk.authority.audit.anchors import AnchorSigner
from kiosk.authority.errors import NotPermitted, RecordAltered
from kiosk.authority.policy import LivePolicy
from kiosk.authority.records import Card, Station
from kiosk.authority.roles import Role
from kiosk.authority.service import LocalAuthority
from kiosk.config.settings import NoticeSettings, PolicySettings
from kiosk.contract.findings import Condition
from kiosk.contract.messages import Grant, Reason, Refusal
from tests.attacks.database_writer import (
    found_put_back,
    keep,
    put_back,
    refused_as_put_back,
    run,
)
from tests.attacks.four_eyes import Colleague
from tests.authority.administration.desk.offices import GROUNDS
from tests.authority.assisting import as_seen
from tests.authority.world import EMAIL, STAFF, World


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
