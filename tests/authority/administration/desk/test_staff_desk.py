"""Members of staff: who lets in whom, and why one manager always stays."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from kiosk.authority.administration.login import admit, read_public_key
from kiosk.authority.administration.office import Office, StaffDependencies
from kiosk.authority.administration.staff import StaffDesk
from kiosk.authority.administration.views import Actor, Done, Grounds, StaffLine
from kiosk.authority.errors import ConcurrentChange, NotFound, NotPermitted, NotTaken
from kiosk.authority.records import AuditQuery
from kiosk.authority.roles import Role
from kiosk.authority.store.database import Store
from screens.words.staff.deeds import deed_words
from screens.words.staff.refusals import change_lines
from tests.authority.administration.desk.keys import new_key
from tests.authority.administration.desk.offices import GROUNDS, office_of
from tests.support.database import SetClock
from tests.support.refusals import refused


@pytest.fixture
def desk(manager: Office) -> StaffDesk:
    return StaffDesk(manager)


def line(desk: StaffDesk, name: str) -> StaffLine:
    return next(each for each in desk.every() if each.name == name)


def fingerprint(key: str) -> str:
    return read_public_key(key).fingerprint


def test_a_new_member_can_log_in_and_is_shown(
    desk: StaffDesk, store: Store, clock: SetClock
) -> None:
    key = new_key("asha@ward-7")
    done = desk.add("  Asha   Okafor ", Role.AGENT, key, Grounds("New at the desk"))
    assert deed_words(done.deed) == "Asha Okafor can log in as an agent."
    added = line(desk, "Asha Okafor")
    (shown,) = added.keys
    assert (shown.fingerprint, shown.kind) == (fingerprint(key), "ssh-ed25519")
    assert (shown.label, added.role, added.last_login_at) == ("asha@ward-7", Role.AGENT, None)
    clock.forward(hours=1)
    assert admit(store, fingerprint(key)).staff_id == added.staff_id
    assert line(desk, "Asha Okafor").last_login_at == clock.now()
    with store.read() as uow:
        (event,) = uow.trail.oldest(AuditQuery(reference=done.reference))
    assert (event.kind, event.detail["staff"]) == ("staff-added", added.staff_id)
    assert "Asha" not in str(event)


def test_the_first_manager_comes_from_the_command_line(
    means: StaffDependencies, store: Store
) -> None:
    desk = StaffDesk(Office(means, Actor("command line: root", Role.MANAGER)))
    key = new_key()
    desk.add("Asha Okafor", Role.MANAGER, key, GROUNDS)
    with store.read() as uow:
        assert uow.trail.newest(AuditQuery())[0].actor == "command line: root"
    assert admit(store, fingerprint(key)).role is Role.MANAGER


def test_a_name_that_somebody_has_is_refused_by_that_name(desk: StaffDesk) -> None:
    with refused(NotTaken, match=r"^Somebody is called manager mbeki already\."):
        desk.add("manager mbeki", Role.AGENT, new_key(), GROUNDS)


@pytest.mark.parametrize(
    ("name", "key", "field"),
    [
        ("A", new_key(), "name"),
        ("A" * 61, new_key(), "name"),
        ("Asha\x07Okafor", new_key(), "name"),
        ("manager mbeki", new_key(), "name"),
        ("Asha Okafor", "ssh-ed25519", "public_key"),
    ],
    ids=["short", "long", "control", "taken", "no key"],
)
def test_what_is_entered_wrongly_adds_nobody(
    desk: StaffDesk, name: str, key: str, field: str
) -> None:
    with pytest.raises(NotTaken) as caught:
        desk.add(name, Role.AGENT, key, GROUNDS)
    assert caught.value.field == field
    assert len(desk.every()) == 1


def test_a_key_lets_one_member_in(desk: StaffDesk) -> None:
    key = new_key()
    desk.add("Asha Okafor", Role.AGENT, key, GROUNDS)
    with refused(NotTaken, match="Asha Okafor logs in with this key already"):
        desk.add("Bo Banks", Role.AGENT, key, GROUNDS)
    assert [each.name for each in desk.every()] == ["Asha Okafor", "Manager Mbeki"]


def test_a_role_that_was_changed_counts_at_once(
    desk: StaffDesk, agent: Office, store: Store
) -> None:
    seen = line(desk, agent.actor.name)
    desk.change_role(seen.staff_id, Role.MANAGER, seen.revision, GROUNDS)
    assert len(StaffDesk(agent).every()) == 2
    seen = line(desk, agent.actor.name)
    desk.change_role(seen.staff_id, Role.AUDITOR, seen.revision, GROUNDS)
    with pytest.raises(NotPermitted):
        StaffDesk(agent).add("Bo Banks", Role.AGENT, new_key(), GROUNDS)
    with store.read() as uow:
        event = uow.trail.newest(AuditQuery())[1]
    assert (event.detail["role"], event.detail["was"]) == ("auditor", "manager")


def test_nobody_changes_or_removes_themselves(
    desk: StaffDesk, means: StaffDependencies, manager: Office
) -> None:
    office_of(means, Role.MANAGER, "Bo Banks")
    own = manager.actor.staff_id
    with refused(NotTaken, match="their own role"):
        desk.change_role(own, Role.AUDITOR, 0, GROUNDS)
    with refused(NotTaken, match="themselves"):
        desk.remove(own, 0, GROUNDS)
    with refused(NotTaken, match="your only key"):
        desk.remove_key(own, manager.actor.key, 0, GROUNDS)
    assert line(desk, manager.actor.name).revision == 0


def test_the_last_manager_stays(means: StaffDependencies, manager: Office) -> None:
    """Even the command line, which is nobody of them, does not take the last one away."""
    desk = StaffDesk(Office(means, Actor("command line: root", Role.MANAGER)))
    last = manager.actor
    attempts: tuple[Callable[[], Done], ...] = (
        lambda: desk.change_role(last.staff_id, Role.AGENT, 0, GROUNDS),
        lambda: desk.remove(last.staff_id, 0, GROUNDS),
        lambda: desk.remove_key(last.staff_id, last.key, 0, GROUNDS),
    )
    for attempt in attempts:
        with refused(NotTaken, match="the last manager who can log in"):
            attempt()
    (only,) = desk.every()
    assert (only.role, only.revision, len(only.keys)) == (Role.MANAGER, 0, 1)


def test_a_manager_without_a_key_is_no_manager_to_stay(
    means: StaffDependencies, manager: Office
) -> None:
    desk = StaffDesk(Office(means, Actor("command line: root", Role.MANAGER)))
    second = office_of(means, Role.MANAGER, "Bo Banks").actor
    desk.remove_key(second.staff_id, second.key, 0, GROUNDS)
    with refused(NotTaken, match="the last manager"):
        desk.remove(manager.actor.staff_id, 0, GROUNDS)
    desk.remove(second.staff_id, 1, GROUNDS)


def test_who_was_removed_is_out_and_leaves_the_key_to_others(
    desk: StaffDesk, agent: Office, store: Store, clock: SetClock
) -> None:
    key = new_key()
    seen = line(desk, agent.actor.name)
    desk.add_key(seen.staff_id, key, seen.revision, GROUNDS)
    desk.remove(seen.staff_id, seen.revision + 1, GROUNDS)
    with pytest.raises(NotPermitted):
        admit(store, fingerprint(key))
    gone = desk.every()[-1]
    assert (gone.name, gone.removed_at, gone.keys) == (agent.actor.name, clock.now(), ())
    desk.add(agent.actor.name, Role.AGENT, key, GROUNDS)
    assert admit(store, fingerprint(key)).staff_id != seen.staff_id


def test_keys_come_and_go(desk: StaffDesk, agent: Office) -> None:
    who, key = agent.actor.staff_id, new_key("spare")
    desk.add_key(who, key, 0, GROUNDS)
    assert [each.label for each in line(desk, agent.actor.name).keys] == ["laptop", "spare"]
    desk.remove_key(who, agent.actor.key, 1, GROUNDS)
    assert [each.label for each in line(desk, agent.actor.name).keys] == ["spare"]
    with refused(NotFound, match="no such key"):
        desk.remove_key(who, agent.actor.key, 2, GROUNDS)
    with refused(NotFound, match="no such member"):
        desk.remove_key("nobody", agent.actor.key, 0, GROUNDS)


def test_second_change_of_a_member_names_what_the_first_did(
    desk: StaffDesk, means: StaffDependencies, manager: Office, agent: Office
) -> None:
    other = StaffDesk(office_of(means, Role.MANAGER, "Bo Banks"))
    first = desk.change_role(agent.actor.staff_id, Role.AUDITOR, 0, GROUNDS)
    with pytest.raises(ConcurrentChange) as caught:
        other.remove(agent.actor.staff_id, 0, GROUNDS)
    told = f"{manager.actor.name} changed the role of a member of staff"
    assert change_lines(caught.value) == (f"{told} (reference {first.reference}).",)
    last = other.remove(agent.actor.staff_id, 1, GROUNDS)
    with pytest.raises(ConcurrentChange) as caught:
        desk.add_key(agent.actor.staff_id, new_key(), 1, GROUNDS)
    assert change_lines(caught.value) == (
        f"Bo Banks removed a member of staff (reference {last.reference}).",
    )


@pytest.mark.parametrize("others", [0, 1])
@pytest.mark.parametrize("repetition", range(5))
def test_two_managers_who_demote_each_other_at_once(
    means: StaffDependencies, others: int, repetition: int
) -> None:
    """One wins: the other is no manager any more when it comes to their turn."""
    gate = threading.Barrier(2)
    one, two = (office_of(means, Role.MANAGER, name) for name in ("Asha Okafor", "Bo Banks"))
    for number in range(others):
        office_of(means, Role.MANAGER, f"Onlooker {number}")

    def demote(by: Office, whom: Office) -> bool:
        gate.wait()
        try:
            StaffDesk(by).change_role(whom.actor.staff_id, Role.AGENT, 0, GROUNDS)
        except NotPermitted:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.submit(demote, one, two), pool.submit(demote, two, one)
        assert sorted((first.result(), second.result())) == [False, True]
    with means.store.read() as uow:
        able = [each.role for each, _ in uow.staff.logins(verified=False)]
        assert able.count(Role.MANAGER) == 1 + others
        assert uow.audit.verify().intact


def test_an_agent_sees_no_staff_and_an_auditor_changes_none(
    agent: Office, auditor: Office, desk: StaffDesk
) -> None:
    with pytest.raises(NotPermitted):
        StaffDesk(agent).every()
    assert StaffDesk(auditor).every() == desk.every()
    with pytest.raises(NotPermitted):
        StaffDesk(auditor).change_role(auditor.actor.staff_id, Role.MANAGER, 0, GROUNDS)
