from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from kiosk.authority.administration.import_people import PeopleImport
from kiosk.authority.administration.office import Office
from kiosk.authority.administration.views import Grounds, Seen
from kiosk.authority.audit.events import AuditKind, StaffKind
from kiosk.authority.errors import ConcurrentChange, NotFound, NotPermitted, NotStaff, NotTaken
from kiosk.authority.records import AuditQuery
from kiosk.authority.roles import Action, Role
from kiosk.authority.store.database import Store
from screens.words.staff.refusals import change_lines
from tests.authority.administration.desk.offices import GROUNDS, move_key
from tests.authority.store import samples


def test_every_action_is_in_the_table() -> None:
    assert all(action.roles for action in Action)


def test_an_auditor_only_reads() -> None:
    allowed = {action for action in Action if Role.AUDITOR in action.roles}
    reading = {action for action in Action if action.value.startswith("see-")}
    assert allowed == reading | {
        Action.VERIFY_AUDIT,
        Action.EXPORT_AUDIT,
        Action.EXPORT_REPORT,
    }


def test_a_sentence_about_staff_reads_on_after_a_name() -> None:
    assert StaffKind.LOGGED_IN.spec.verb_phrase == "logged in"
    said = [kind.spec.sentence for kind in StaffKind]
    assert all(each[0].isupper() and each.endswith(".") for each in said)


def test_an_act_is_audited_with_who_and_why(agent: Office, store: Store) -> None:
    seen = a_person(store)
    with agent.act(Action.LIFT_BLOCK, GROUNDS, seen=seen) as act:
        act.record(StaffKind.BLOCK_LIFTED, failures=3)
    with store.read() as uow:
        (event,) = uow.trail.newest(AuditQuery(holder_id=seen.holder_id))
        assert (event.actor, event.reference) == (agent.actor.staff_id, act.reference)
        assert event.detail["key"] == agent.actor.key
        note_id = str(event.detail["note"])
        note = uow.notes.by_ids((note_id,))[note_id]
        assert (note.reason, note.identified_by) == (GROUNDS.reason, GROUNDS.identified_by)
        assert event.detail["note_sha256"] == note.digest
        assert event.detail["note_sha256"] != replace(note, reason="another").digest
        assert uow.audit.verify().intact


def test_an_act_that_fails_leaves_nothing(agent: Office, store: Store) -> None:
    seen = a_person(store)

    def fail_half_way() -> None:
        with agent.act(Action.LIFT_BLOCK, GROUNDS, seen=seen) as act:
            act.record(StaffKind.BLOCK_LIFTED)
            raise NotFound("gone")

    with pytest.raises(NotFound):
        fail_half_way()
    with store.read() as uow:
        assert uow.trail.newest(AuditQuery()) == ()
        holder = uow.holders.get(seen.holder_id)
        assert holder is not None
        assert holder.revision == seen.revision


def test_second_act_names_what_the_first_did(agent: Office, manager: Office, store: Store) -> None:
    seen = a_person(store)
    with agent.act(Action.LIFT_BLOCK, GROUNDS, seen=seen) as act:
        act.record(StaffKind.BLOCK_LIFTED)
    with (
        pytest.raises(ConcurrentChange) as caught,
        manager.act(Action.CORRECT_NAME, GROUNDS, seen=seen),
    ):
        raise AssertionError("two acts on one state of a person")
    told = f"{agent.actor.name} lifted the block (reference {act.reference})."
    assert change_lines(caught.value) == (told,)


def test_act_after_an_import_names_it_and_no_secret(
    agent: Office, store: Store, tmp_path: Path
) -> None:
    seen = a_person(store)
    with store.begin() as uow:
        holder = uow.holders.get(seen.holder_id)
        uow.audit.append(
            kind=AuditKind.SECRET_BROKEN.value,
            reference="AAAA-0000",
            holder_id=seen.holder_id,
            detail={"revision": 7},
        )
        uow.commit()
    assert holder is not None
    path = tmp_path / "people.csv"
    header = "holder_number,name,email,card_id,unblock_secret"
    path.write_text(f"{header}\n{holder.number},Another Name,,,\n")
    summary = PeopleImport(store, agent.means.sealer, 12).run(path, "command line: jo")
    with (
        pytest.raises(ConcurrentChange) as caught,
        agent.act(Action.LIFT_BLOCK, GROUNDS, seen=seen),
    ):
        raise AssertionError("acted on somebody who was changed")
    told = f"The name was changed by an import. (reference {summary.reference})"
    assert change_lines(caught.value) == (told,)


def test_a_person_who_is_gone_is_not_there(agent: Office) -> None:
    nobody = Seen("0" * 32, 0)
    with pytest.raises(NotFound), agent.act(Action.LIFT_BLOCK, GROUNDS, seen=nobody):
        raise AssertionError("acted on nobody")


def test_what_is_not_permitted_is_audited(auditor: Office, store: Store) -> None:
    seen = a_person(store)
    with pytest.raises(NotPermitted), auditor.act(Action.LIFT_BLOCK, GROUNDS, seen=seen):
        raise AssertionError("an auditor acted")
    with store.read() as uow:
        (event,) = uow.trail.newest(AuditQuery())
        assert (event.kind, event.actor) == ("staff-not-permitted", auditor.actor.staff_id)
        assert event.detail == {"action": "lift-block", "key": auditor.actor.key}


def test_a_role_counts_as_the_store_has_it_now(manager: Office, store: Store) -> None:
    member_id = manager.actor.staff_id
    with store.begin() as uow:
        member = uow.staff.get(member_id)
        assert member is not None
        assert uow.staff.save(replace(member, role=Role.AUDITOR))
        uow.commit()
    with pytest.raises(NotPermitted), manager.act(Action.CHANGE_POLICY, GROUNDS):
        raise AssertionError("a role from before")
    with manager.look(Action.SEE_AUDIT) as reading:
        assert len(reading.trail.newest(AuditQuery())) == 1


def test_a_key_that_was_taken_away_opens_nothing(agent: Office, store: Store) -> None:
    with store.begin() as uow:
        assert uow.staff.remove_key(agent.actor.staff_id, agent.actor.key)
        uow.commit()
    with pytest.raises(NotStaff), agent.look(Action.SEE_TODAY):
        raise AssertionError("a key from before")


def test_a_key_that_somebody_else_was_given_opens_nothing_for_whom_it_was_taken_from(
    agent: Office, manager: Office, store: Store
) -> None:
    move_key(store, agent, manager)
    with pytest.raises(NotStaff), agent.look(Action.SEE_TODAY):
        raise AssertionError("somebody else's key")


@pytest.mark.parametrize(
    ("grounds", "field"),
    [
        (Grounds("  "), "reason"),
        (Grounds("x" * 301, "Photo ID"), "reason"),
        (Grounds("Asked for", " \t"), "identified_by"),
        (Grounds("Asked \x1b[2J for", "Photo ID"), "reason"),
        (Grounds("Asked for", "Photo \u202eID"), "identified_by"),
    ],
)
def test_grounds_have_to_say_something_that_can_be_shown(
    agent: Office, store: Store, grounds: Grounds, field: str
) -> None:
    seen = a_person(store)
    with pytest.raises(NotTaken) as caught, agent.act(Action.LIFT_BLOCK, grounds, seen=seen):
        raise AssertionError("acted without grounds")
    assert caught.value.field == field


def a_person(store: Store) -> Seen:
    holder = samples.holder()
    with store.begin() as uow:
        uow.holders.put([holder])
        uow.commit()
    return Seen(holder.id, 0)
