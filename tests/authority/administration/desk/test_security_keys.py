"""Where staff log in by keys in security keys alone: who may add which, and who is let in."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kiosk.authority.administration import checks
from kiosk.authority.administration.login import admit, read_public_key
from kiosk.authority.administration.office import Office, StaffDependencies
from kiosk.authority.administration.policy import PolicyDesk
from kiosk.authority.administration.staff import StaffDesk
from kiosk.authority.administration.views import StaffLine
from kiosk.authority.errors import NotPermitted, NotTaken
from kiosk.authority.records import AuditQuery
from kiosk.authority.roles import Role
from kiosk.authority.store.database import Store
from kiosk.contract.findings import Condition
from kiosk.contract.policy import Policy
from screens.words.staff.refusals import refusal_words
from tests.authority.administration.desk.keys import new_key, new_security_key
from tests.authority.administration.desk.offices import GROUNDS, office_of
from tests.support.refusals import refused


@pytest.fixture
def office(means: StaffDependencies) -> Office:
    """The office of a manager whose key is from before the setting, and in no security key."""
    return office_of(replace(means, verified_logins=True), Role.MANAGER, "Old Manager")


@pytest.fixture
def desk(office: Office) -> StaffDesk:
    return StaffDesk(office)


def line(desk: StaffDesk, name: str) -> StaffLine:
    return next(each for each in desk.every() if each.name == name)


def fingerprint(key: str) -> str:
    return read_public_key(key).fingerprint


def test_only_keys_in_security_keys_are_taken(desk: StaffDesk, store: Store) -> None:
    with refused(NotTaken, match="ed25519-sk") as caught:
        desk.add("Asha Okafor", Role.AGENT, new_key(), GROUNDS)
    assert caught.value.field == "public_key"
    key = new_security_key()
    desk.add("Asha Okafor", Role.AGENT, key, GROUNDS)
    asha = line(desk, "Asha Okafor")
    with refused(NotTaken, match="ed25519-sk"):
        desk.add_key(asha.staff_id, new_key(), asha.revision, GROUNDS)
    assert admit(store, fingerprint(key), verified=True).name == "Asha Okafor"
    assert [each.lets_in for each in (*asha.keys, *line(desk, "Old Manager").keys)] == [True, False]


def test_a_key_from_before_lets_nobody_in_and_that_is_audited(
    desk: StaffDesk, store: Store
) -> None:
    (old,) = line(desk, "Old Manager").keys
    with refused(NotPermitted, match="not in a security key") as caught:
        admit(store, old.fingerprint, "192.0.2.9", verified=True)
    with store.read() as uow:
        (event,) = uow.trail.newest(AuditQuery(kind="staff-turned-away"))
    assert event.reference in refusal_words(caught.value)
    assert admit(store, old.fingerprint).name == "Old Manager"


def test_the_last_manager_who_can_still_log_in_stays(
    desk: StaffDesk, office: Office, means: StaffDependencies
) -> None:
    desk.add("Asha Okafor", Role.MANAGER, new_security_key(), GROUNDS)
    asha = line(desk, "Asha Okafor")
    (key,) = asha.keys
    with refused(NotTaken, match="last manager who can log in"):
        desk.remove_key(asha.staff_id, key.fingerprint, asha.revision, GROUNDS)
    as_before = StaffDesk(Office(means, office.actor))
    as_before.remove_key(asha.staff_id, key.fingerprint, asha.revision, GROUNDS)


def test_managers_who_cannot_log_in_cannot_agree(
    office: Office, means: StaffDependencies, store: Store
) -> None:
    office_of(means, Role.MANAGER, "Other Old Manager")
    with refused(NotTaken, match="two managers"):
        PolicyDesk(office).change("four_eyes", "true", 0, GROUNDS)
    found = checks.check_four_eyes(store, lambda: Policy(four_eyes=True), verified=True)
    assert found.condition is Condition.WARN
    as_before = Office(means, office.actor)
    PolicyDesk(as_before).change("four_eyes", "true", 0, GROUNDS)


def test_doctor_names_who_cannot_log_in(desk: StaffDesk, store: Store) -> None:
    found = checks.check_login_keys(store)
    assert (found.condition, "Old Manager" in found.found) == (Condition.FAIL, True)
    desk.add("Asha Okafor", Role.MANAGER, new_security_key(), GROUNDS)
    desk.add("Sam Reed", Role.TECHNICIAN, "", GROUNDS)
    found = checks.check_login_keys(store)
    assert found.condition is Condition.WARN
    assert "Old Manager cannot log in" in found.found
    old = line(desk, "Old Manager")
    desk.add_key(old.staff_id, new_security_key(), old.revision, GROUNDS)
    assert checks.check_login_keys(store).condition is Condition.OK
