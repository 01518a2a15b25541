"""Acts that wait for a second member of staff: proposed, agreed to, declined, let go of."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, get_args

import pytest
import sqlalchemy as sa
import trustme

from kiosk.authority.addresses import read_addresses
from kiosk.authority.administration import proposals
from kiosk.authority.administration.acts import AnyAct
from kiosk.authority.administration.caretaker import Caretaker
from kiosk.authority.administration.desk import AdminDesk
from kiosk.authority.administration.office import Office, StaffDependencies
from kiosk.authority.administration.views import (
    Actor,
    AuditFilter,
    Done,
    Grounds,
    IssuedFrom,
    NewCard,
    Seen,
    unseen,
)
from kiosk.authority.audit.events import AuditKind, StaffKind, audit_message, record
from kiosk.authority.audit.sentences import ACTS
from kiosk.authority.crypto.sealing import SealKind, SealLabel
from kiosk.authority.errors import (
    AdministrationError,
    ConcurrentChange,
    NotFound,
    NotPermitted,
    NotTaken,
)
from kiosk.authority.records import (
    ActionNote,
    Address,
    AddressSource,
    AuditEvent,
    AuditQuery,
    Outcome,
    ProposedAct,
    Station,
    new_id,
)
from kiosk.authority.roles import ALWAYS_FOUR_EYES, FOUR_EYES, Action, Role
from kiosk.authority.store.database import Store
from kiosk.authority.store.engine import parse_url
from kiosk.authority.store.tables import TableRow
from kiosk.authority.visit.misuse import stop_holder
from kiosk.config.settings import NoticeSettings, PolicySettings
from kiosk.contract.sensitive import Sensitive
from screens.words.staff.deeds import deed_words
from screens.words.staff.events import story_words
from screens.words.staff.proposals import proposal_words, why_not_words
from screens.words.staff.refusals import change_lines
from tests.authority.administration.desk.concurrently import both
from tests.authority.administration.desk.keys import new_key, new_pin_key
from tests.authority.administration.desk.offices import GROUNDS, move_key, office_of
from tests.authority.administration.desk.people import PUK, cards_of, secret_of, seen, told
from tests.authority.card_in_reader import ReaderCard
from tests.authority.store import samples
from tests.support.database import SetClock, TestDatabase
from tests.support.refusals import refused

WHY = Grounds("Spoke to the colleague", "Saw the badge myself")
FILE = PolicySettings(four_eyes=True)
NEW_CARD = "cd" * 16
NEW_PUK = "60482915"
KEY = new_key()
PIN_KEY = new_pin_key()
CERTIFICATE = trustme.CA().issue_cert("level-8.example").cert_chain_pems[0].bytes().decode()
RETIRED = "Old Gatehouse"
PERSON = {"number": "100200300999", "name": "Bo Chen", "email": "bo@nhs.net", "knowingly": False}
SECRET_CALLS = frozenset({"cards.add", "cards.replace", "cards.set_secret"})


@pytest.fixture
def means(means: StaffDependencies, store: Store) -> StaffDependencies:
    """The usual means; ``store`` is named so that pytest sees its database's parameter."""
    addresses = ("authority.example:8444",)
    return replace(
        means,
        policy=FILE.policy,
        file_policy=FILE,
        enrol_addresses=addresses,
        ca_fingerprint="0" * 20,
    )


@pytest.fixture
def first(means: StaffDependencies) -> Office:
    return office_of(means, Role.MANAGER, "Manager One")


@pytest.fixture
def second(means: StaffDependencies) -> Office:
    return office_of(means, Role.MANAGER, "Manager Two")


@pytest.fixture
def somebody(means: StaffDependencies) -> Office:
    """A member of staff whom others change."""
    return office_of(means, Role.AUDITOR, "Auditor Mbeki")


Call = Callable[[AdminDesk, samples.Person, str], object]

LEAVER = "100200300777"
FURTHER = "asha.further@nhs.net"

CALLS: dict[str, Call] = {
    "people.lift_block": lambda desk, asha, _: desk.people.lift_block(look(desk, asha), GROUNDS),
    "people.revoke_registration": lambda desk, asha, _: desk.people.revoke_registration(
        look(desk, asha), GROUNDS
    ),
    "people.correct_email": lambda desk, asha, _: desk.people.correct_email(
        look(desk, asha), "asha@nhs.uk", GROUNDS
    ),
    "people.add_address": lambda desk, asha, _: desk.people.add_address(
        look(desk, asha), "asha.b@nhs.net", GROUNDS
    ),
    "people.withdraw_address": lambda desk, asha, _: desk.people.withdraw_address(
        look(desk, asha), FURTHER, GROUNDS
    ),
    "people.add": lambda desk, _, __: desk.people.add(
        "100200300999", "Bo Chen", "bo@nhs.net", GROUNDS
    ),
    "people.take_back_leaver": lambda desk, _, __: desk.people.take_back_leaver(
        desk.people.find_one(LEAVER).seen, GROUNDS
    ),
    "people.erase": lambda desk, asha, _: desk.people.erase(look(desk, asha), GROUNDS),
    "cards.add": lambda desk, asha, _: desk.cards.add(
        look(desk, asha), NewCard(NEW_CARD, secret=Sensitive(NEW_PUK)), GROUNDS
    ),
    "cards.replace": lambda desk, asha, _: desk.cards.replace(
        look(desk, asha), asha.card.id, NewCard(NEW_CARD, secret=Sensitive(NEW_PUK)), GROUNDS
    ),
    "cards.set_secret": lambda desk, asha, _: desk.cards.set_secret(
        look(desk, asha), asha.card.id, Sensitive(NEW_PUK), GROUNDS, tries_full=True
    ),
    "staff.add": lambda desk, _, __: desk.staff.add("Bo Banks", Role.AGENT, KEY, GROUNDS),
    "staff.change_role": lambda desk, _, staff_id: desk.staff.change_role(
        staff_id, Role.AGENT, 0, GROUNDS
    ),
    "staff.add_key": lambda desk, _, staff_id: desk.staff.add_key(staff_id, KEY, 0, GROUNDS),
    "stations.enrol": lambda desk, _, __: desk.stations.enrol("Level 7", "Wexbridge", GROUNDS),
    "stations.enrol_certificate": lambda desk, _, __: desk.stations.enrol_certificate(
        "Level 8", "", CERTIFICATE, GROUNDS
    ),
    "stations.reinstate": lambda desk, _, __: desk.stations.reinstate(RETIRED, GROUNDS),
    "questions.add": lambda desk, _, __: desk.questions.add(
        "Where did you first ride a bicycle?", GROUNDS
    ),
    "questions.translate": lambda desk, _, __: desk.questions.translate(
        3, "cy", "Beth oedd enw eich siop losin?", GROUNDS
    ),
    "policy.change": lambda desk, _, __: desk.policy.change("max_failures", "5", 0, GROUNDS),
    "staff.add_card": lambda desk, asha, staff_id: desk.staff.add_card(
        staff_id, asha.card.identity, PIN_KEY, 0, GROUNDS
    ),
    "audit.redact": lambda desk, _, __: desk.audit.redact(1, GROUNDS),
    "imports.run": lambda desk, _, __: desk.imports.run("people.csv", GROUNDS, unseen),
}

ACTIONS = {
    "people.lift_block": Action.LIFT_BLOCK,
    "people.revoke_registration": Action.REVOKE_REGISTRATION,
    "people.correct_email": Action.CORRECT_EMAIL,
    "people.add_address": Action.CORRECT_EMAIL,
    "people.withdraw_address": Action.CORRECT_EMAIL,
    "people.add": Action.ADD_PERSON,
    "people.take_back_leaver": Action.TAKE_BACK_LEAVER,
    "people.erase": Action.ERASE_PERSON,
    "cards.add": Action.ADD_CARD,
    "cards.replace": Action.REPLACE_CARD,
    "cards.set_secret": Action.SET_SECRET,
    "staff.add": Action.ADD_STAFF,
    "staff.change_role": Action.CHANGE_ROLE,
    "staff.add_key": Action.ADD_STAFF_KEY,
    "stations.enrol": Action.ENROL_STATION,
    "stations.enrol_certificate": Action.ENROL_STATION,
    "stations.reinstate": Action.REINSTATE_STATION,
    "questions.add": Action.ADD_QUESTION,
    "questions.translate": Action.ADD_QUESTION,
    "policy.change": Action.CHANGE_POLICY,
    "staff.add_card": Action.ADD_STAFF_CARD,
    "audit.redact": Action.REDACT_AUDIT,
    "imports.run": Action.IMPORT_PEOPLE,
}


def look(desk: AdminDesk, person: samples.Person) -> Seen:
    return desk.people.person(person.holder.id).seen


@pytest.fixture
def ready(means: StaffDependencies, asha: samples.Person) -> samples.Person:
    """Somebody for whom every call of ``CALLS`` has something to do."""
    left = samples.registered_person(means.store, LEAVER).holder
    with means.store.begin() as uow:
        registration = uow.registrations.of_holder(asha.holder.id)
        if registration is not None:
            one = Address(new_id(), asha.holder.id, AddressSource.FURTHER, FURTHER, uow.now)
            uow.addresses.add(one)
            uow.registrations.set_further(registration, (one.id,))
        uow.questions.sync({3: "What was the shop called where you bought sweets?"}, uow.now)
        uow.registrations.block(asha.holder.id)
        uow.holders.save(replace(left, name="Bo Left", left_at=uow.now))
        uow.stations.seen(Station(RETIRED, uow.now))
        uow.stations.retire(RETIRED, uow.now)
        uow.commit()
    alone = replace(means, policy=PolicySettings().policy, file_policy=PolicySettings())
    before = AdminDesk(office_of(alone, Role.MANAGER, "Manager Before"))
    before.policy.change("code_digits", "9", 0, GROUNDS)
    (means.imports / "people.csv").write_text(
        f"{HEADER}{asha.holder.number},{asha.holder.name},asha@nhs.uk,,\n"
    )
    return asha


def test_every_act_that_may_wait_is_tried_and_named_in_the_audit() -> None:
    tags = {act.__struct_config__.tag for act in get_args(AnyAct)}
    assert set(CALLS) == set(ACTIONS) == set(ACTS) == tags
    every = FOUR_EYES | ALWAYS_FOUR_EYES
    assert set(ACTIONS.values()) == every - {Action.ISSUE_CODE}


@pytest.mark.parametrize("call", CALLS)
def test_proposed_act_waits_and_changes_nothing(
    database: TestDatabase,
    means: StaffDependencies,
    ready: samples.Person,
    first: Office,
    somebody: Office,
    call: str,
) -> None:
    before = contents(database)
    result = CALLS[call](AdminDesk(first), ready, somebody.actor.staff_id)
    assert result.waits  # type: ignore[attr-defined]
    assert contents(database) == before
    (line,) = AdminDesk(first).proposals.waiting()
    assert line.action is ACTIONS[call]
    assert AdminDesk(first).proposals.would_wait(line.action), "what a dialog says before"
    assert line.is_mine
    assert told(means) == []
    proposed = newest_event(means)
    assert (proposed.kind, proposed.actor) == ("act-proposed", first.actor.staff_id)
    assert proposed.detail["act"] == call
    assert proposed.detail["key"] == first.actor.key
    assert proposed.reference == line.reference
    assert NEW_PUK not in repr(everything(database))


@pytest.mark.parametrize("call", [call for call in CALLS if call != "people.erase"])
def test_with_an_agreement_it_is_done_as_it_is_done_alone(
    database: TestDatabase,
    means: StaffDependencies,
    ready: samples.Person,
    first: Office,
    second: Office,
    somebody: Office,
    call: str,
) -> None:
    before = contents(database)
    CALLS[call](AdminDesk(first), ready, somebody.actor.staff_id)
    (line,) = AdminDesk(second).proposals.waiting()
    assert (line.proposed_by, why_not_words(line)) == ("Manager One", "")
    assert NEW_PUK not in repr(line)
    done = AdminDesk(second).proposals.agree(line.proposal_id, WHY)
    assert not done.waits
    after = contents(database)
    assert (after != before) is (call != "audit.redact"), "that one changes notes alone"
    assert AdminDesk(second).proposals.waiting() == ()
    with means.store.read() as uow:
        kept = uow.proposals.get(line.proposal_id)
        agreed, *deeds = uow.trail.newest(AuditQuery(), limit=2)
    assert kept is not None
    assert (kept.outcome, kept.decided_by) == (Outcome.AGREED, second.actor.staff_id)
    assert kept.parameters == b""
    assert (agreed.kind, agreed.actor) == ("act-agreed", second.actor.staff_id)
    assert agreed.detail["proposed_by"] == first.actor.staff_id
    assert deeds[0].actor == first.actor.staff_id
    with pytest.raises(ConcurrentChange) as caught:
        AdminDesk(second).proposals.agree(line.proposal_id, WHY)
    assert change_lines(caught.value) == ("Manager Two agreed to it.",)


def test_with_an_agreement_a_person_is_erased_and_no_reason_names_them(
    database: TestDatabase,
    means: StaffDependencies,
    ready: samples.Person,
    first: Office,
    second: Office,
) -> None:
    desk = AdminDesk(second)
    assert CALLS["people.erase"](AdminDesk(first), ready, "").waits  # type: ignore[attr-defined]
    (line,) = desk.proposals.waiting()
    named = Grounds(f"They are {ready.holder.name}")
    with refused(NotTaken, match="without naming the person"):
        desk.proposals.agree(line.proposal_id, named)
    assert not desk.proposals.agree(line.proposal_id, WHY).waits
    with means.store.read() as uow:
        assert uow.holders.get(ready.holder.id) is None
        agreed, erased = uow.trail.newest(AuditQuery(), limit=2)
        notes = [event.detail["note"] for event in (erased, agreed)]
        kept = uow.notes.by_ids(tuple(map(str, notes)))
    assert (erased.kind, agreed.kind) == ("person-erased", "act-agreed")
    assert erased.detail["agreed_by"] == second.actor.staff_id
    assert [kept[str(note)].reason for note in notes] == [GROUNDS.reason, WHY.reason]
    assert ready.holder.name not in repr(everything(database))
    with refused(NotFound, match="Look at what waits"):
        desk.proposals.agree(line.proposal_id, WHY)


@pytest.mark.parametrize("act", ACTS)
def test_the_audit_says_in_words_what_was_proposed(act: str) -> None:
    for kind in (StaffKind.ACT_PROPOSED, StaffKind.ACT_AGREED):
        assert kind.spec.from_detail is not None
        assert act not in kind.spec.from_detail({"act": act})


def test_the_story_names_both(
    means: StaffDependencies, first: Office, second: Office, asha: samples.Person
) -> None:
    propose(first, asha)
    agree_all(second)
    lines = AdminDesk(second).people.person(asha.holder.id).story
    told_of = {story_words(line): line.who for line in lines}
    done = (
        "Corrected the email address. Reason: “Asked for by telephone”. "
        "Identified by: “Photo ID, in person”. Agreed by Manager Two."
    )
    assert told_of[done] == "Manager One"
    agreed = "Agreed to correct the email address, as a colleague had proposed."
    assert any(line.startswith(agreed) for line in told_of)


def test_the_secret_that_was_entered_is_the_one_that_is_sealed(
    means: StaffDependencies, ready: samples.Person, first: Office, second: Office
) -> None:
    CALLS["cards.set_secret"](AdminDesk(first), ready, "")
    assert secret_of(means, cards_of(means, ready)[0]) == PUK
    agree_all(second)
    assert secret_of(means, cards_of(means, ready)[0]) == NEW_PUK


def test_the_audit_names_who_proposed_it(
    means: StaffDependencies, first: Office, second: Office, asha: samples.Person
) -> None:
    """Before: "proposed by: 9f3c...", the id of a member of staff, whom no page finds by it."""
    propose(first, asha)
    decline_all(second)
    propose(first, asha)
    agree_all(second)
    told = {line.kind: line.detail for line in AdminDesk(second).audit.page(AuditFilter()).lines}
    for kind in ("act-declined", "act-agreed"):
        assert "proposed by: Manager One" in told[kind]
    assert "agreed by: Manager Two" in told["email-corrected"]


def test_somebody_new_waits_only_with_an_address(
    means: StaffDependencies, first: Office, second: Office
) -> None:
    """A card may join them at night, by an import: codes and registration then rest on it."""
    desk = AdminDesk(first)
    assert not desk.people.add("100200300998", "Cy Dunn", "", GROUNDS).waits
    assert desk.people.find_one("100200300998").name == "Cy Dunn"
    assert desk.people.add("100200300999", "Bo Chen", "bo@nhs.net", GROUNDS).waits
    (line,) = AdminDesk(second).proposals.waiting()
    assert proposal_words(line.what) == "Add Bo Chen (100200300999), with the address bo@nhs.net."
    agree_all(second)
    added = desk.people.find_one("100200300999")
    assert added.email == "bo@nhs.net"
    assert "Agreed by Manager Two." in story_words(added.story[0])
    with means.store.read() as uow:
        proposed = uow.proposals.get(line.proposal_id)
        assert proposed is not None
        notes = uow.notes.by_ids((proposed.note_id,))
    assert {note.holder_id for note in notes.values()} == {added.seen.holder_id}, "erased with them"


def test_act_waits_while_the_former_policy_may_still_be_in_force(
    means: StaffDependencies, asha: samples.Person
) -> None:
    means = replace(means, file_policy=PolicySettings())
    propose(office_of(means, Role.MANAGER, "Manager One"), asha)


def test_what_is_wrong_with_it_is_said_at_once(
    first: Office, means: StaffDependencies, asha: samples.Person
) -> None:
    desk = AdminDesk(first)
    with refused(NotTaken, match="approved domains"):
        desk.people.correct_email(seen(means, asha), "asha@example.com", GROUNDS)
    with pytest.raises(NotTaken):
        desk.cards.add(seen(means, asha), NewCard("not hexadecimal"), GROUNDS)
    with pytest.raises(NotTaken):
        desk.cards.set_secret(seen(means, asha), asha.card.id, IssuedFrom("nothing"), GROUNDS)
    assert desk.proposals.waiting() == ()


def test_the_same_waits_once(
    first: Office, second: Office, means: StaffDependencies, asha: samples.Person
) -> None:
    AdminDesk(first).people.revoke_registration(seen(means, asha), GROUNDS)
    with refused(ConcurrentChange, match="waits") as caught:
        AdminDesk(second).people.revoke_registration(seen(means, asha), GROUNDS)
    assert "Manager One proposed it" in change_lines(caught.value)[0]


@pytest.mark.parametrize("call", ["people.add", "staff.add", "policy.change", "imports.run"])
def test_the_same_about_nobody_who_is_recorded_waits_once(
    first: Office, second: Office, ready: samples.Person, call: str
) -> None:
    """Before: who tried a colleague's file proposed it again, and it waited twice."""
    CALLS[call](AdminDesk(first), ready, "")
    with refused(ConcurrentChange, match="waits already") as caught:
        CALLS[call](AdminDesk(second), ready, "")
    assert "Manager One proposed it" in change_lines(caught.value)[0]
    AdminDesk(first).policy.change("max_failures", "4", 0, GROUNDS)
    assert len(AdminDesk(first).proposals.waiting()) == 2


def test_what_the_reader_decides_comes_first_and_then_what_runs_out_first(
    first: Office, second: Office, means: StaffDependencies, asha: samples.Person
) -> None:
    """Before: the oldest first. A code, for which there are minutes, came after a week's acts."""
    propose(first, asha)
    AdminDesk(first).people.revoke_registration(seen(means, asha), GROUNDS)
    AdminDesk(second).policy.change("max_failures", "4", 0, GROUNDS)
    AdminDesk(first).codes.issue(seen(means, asha), asha.card.id, GROUNDS)
    theirs = Action.ISSUE_CODE, Action.CORRECT_EMAIL, Action.REVOKE_REGISTRATION
    for reader, order in (
        (second, (*theirs, Action.CHANGE_POLICY)),
        (first, (Action.CHANGE_POLICY, *theirs)),
    ):
        desk = AdminDesk(reader)
        assert tuple(line.action for line in desk.proposals.waiting()) == order
        assert tuple(line.action for line in desk.today.look().waiting) == order


# --- who agrees ------------------------------------------------------------------------


def test_nobody_agrees_with_themselves(
    first: Office, means: StaffDependencies, asha: samples.Person
) -> None:
    propose(first, asha)
    with refused(NotPermitted, match="proposed this yourself"):
        agree_all(first)
    assert newest_event(means).kind == "staff-not-permitted"


@pytest.mark.parametrize("role", [Role.AGENT, Role.AUDITOR])
def test_only_somebody_who_may_do_it_agrees_or_declines(
    means: StaffDependencies, first: Office, ready: samples.Person, somebody: Office, role: Role
) -> None:
    CALLS["staff.add"](AdminDesk(first), ready, somebody.actor.staff_id)
    (line,) = AdminDesk(first).proposals.waiting()
    other = AdminDesk(office_of(means, role, "Somebody Else"))
    shown = other.proposals.waiting()
    assert [one.proposal_id for one in shown] == ([line.proposal_id] * (role is Role.AUDITOR))
    for decide in (other.proposals.agree, other.proposals.decline):
        with pytest.raises(NotPermitted):
            decide(line.proposal_id, WHY)


def test_a_member_and_whom_they_let_in_do_not_agree_with_each_other(
    means: StaffDependencies, first: Office, second: Office, asha: samples.Person
) -> None:
    """Added by one, with the agreement of another: they agree with the other one's acts only."""
    AdminDesk(first).staff.add("Bo Banks", Role.MANAGER, KEY, GROUNDS)
    agree_all(second)
    with means.store.read() as uow:
        (member,) = (one for one in uow.staff.every() if one.name == "Bo Banks")
        keys = uow.staff.keys()
    (key,) = (one for one in keys if one.staff_id == member.id)
    assert (member.added_by, member.agreed_by) == (first.actor.staff_id, second.actor.staff_id)
    assert (key.added_by, key.agreed_by) == (first.actor.staff_id, second.actor.staff_id)
    bo = Office(means, Actor("Bo Banks", Role.MANAGER, member.id, key.fingerprint))
    propose(first, asha)
    with refused(NotPermitted, match="Manager One let you in here"):
        agree_all(bo)
    decline_all(bo)
    propose(bo, asha)
    with refused(NotPermitted, match="You let Bo Banks in here"):
        agree_all(first)
    agree_all(second)
    propose(second, asha, "asha@mod.uk")
    agree_all(bo)


@pytest.mark.parametrize("how", ["removed", "role", "key"])
def test_what_somebody_proposed_who_may_not_any_more_is_done_by_nobody(
    means: StaffDependencies, second: Office, asha: samples.Person, how: str
) -> None:
    agent = office_of(means, Role.AGENT, "Agent One")
    propose(agent, asha)
    (line,) = AdminDesk(second).proposals.waiting()
    with means.store.begin() as uow:
        member = uow.staff.get(agent.actor.staff_id)
        assert member is not None
        match how:
            case "removed":
                uow.staff.save(replace(member, removed_at=samples.NOW))
            case "role":
                uow.staff.save(replace(member, role=Role.AUDITOR))
            case _:
                uow.staff.remove_key(member.id, agent.actor.key)
        uow.commit()
    assert AdminDesk(second).proposals.waiting() == ()
    with refused(NotFound, match="may not do it any more"):
        AdminDesk(second).proposals.agree(line.proposal_id, WHY)
    assert address(means, asha) == samples.EMAIL
    propose(second, asha)
    (mine,) = AdminDesk(second).proposals.waiting()
    assert mine.is_mine
    with means.store.read() as uow:
        kept = uow.proposals.get(line.proposal_id)
        newest, before = uow.trail.newest(AuditQuery(), limit=2)
    assert kept is not None
    assert kept.outcome is Outcome.EXPIRED
    assert (newest.kind, before.kind) == ("act-proposed", "act-expired")


# --- what spoils it --------------------------------------------------------------------


def test_what_was_proposed_with_a_key_that_somebody_else_has_now_is_not_done(
    means: StaffDependencies, first: Office, second: Office, asha: samples.Person
) -> None:
    propose(first, asha)
    (line,) = AdminDesk(second).proposals.waiting()
    move_key(means.store, first, office_of(means, Role.MANAGER, "Manager Three"))
    with refused(NotFound, match="may not do it any more"):
        AdminDesk(second).proposals.agree(line.proposal_id, WHY)
    assert address(means, asha) == samples.EMAIL


def test_what_lost_its_reason_is_not_done(
    database: TestDatabase, first: Office, second: Office, asha: samples.Person
) -> None:
    propose(first, asha)
    (line,) = AdminDesk(second).proposals.waiting()
    engine = sa.create_engine(parse_url(database.url), poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.execute(sa.text("DELETE FROM action_note"))
    with refused(NotFound, match="reason for which this was proposed is gone"):
        AdminDesk(second).proposals.agree(line.proposal_id, WHY)


def test_somebody_who_was_changed_since_is_not_changed(
    means: StaffDependencies, first: Office, second: Office, asha: samples.Person
) -> None:
    propose(first, asha)
    done = AdminDesk(second).people.correct_name(seen(means, asha), "Asha Obi", GROUNDS)
    assert "has to be proposed anew" in deed_words(done.deed)
    with refused(ConcurrentChange, match="propose it anew") as caught:
        agree_all(second)
    because = f"Manager Two corrected the name (reference {done.reference})."
    assert change_lines(caught.value) == (because,)
    (line,) = AdminDesk(second).proposals.waiting()
    assert (
        proposal_words(line.what)
        == "Correct the email address from asha@trust.nhs.uk to asha@nhs.uk."
    )
    assert "propose it anew" in why_not_words(line)
    decline_all(first)
    done = AdminDesk(second).people.correct_name(seen(means, asha), "Asha Okafor", GROUNDS)
    assert deed_words(done.deed) == "The name is Asha Okafor now."


@pytest.mark.parametrize("call", ["people.lift_block", "people.revoke_registration"])
def test_a_report_of_misuse_is_not_undone_by_what_was_proposed_before(
    means: StaffDependencies,
    first: Office,
    second: Office,
    ready: samples.Person,
    clock: SetClock,
    call: str,
) -> None:
    CALLS[call](AdminDesk(first), ready, "")
    reported_at = clock.forward(minutes=1)
    with means.store.begin() as uow:
        stop_holder(uow, ready.holder.id)
        record(uow, AuditKind.MISUSE_REPORTED, ready.visit, blocked=False)
        uow.commit()
    (line,) = AdminDesk(second).proposals.waiting()
    assert "propose it anew" in why_not_words(line)
    with refused(ConcurrentChange, match="propose it anew") as caught:
        agree_all(second)
    assert "it was not me" in change_lines(caught.value)[0]
    with means.store.read() as uow:
        kept = uow.registrations.of_holder(ready.holder.id)
    assert kept is not None
    assert kept.blocked_at == reported_at
    decline_all(first)
    CALLS[call](AdminDesk(first), ready, "")
    agree_all(second)


def test_a_confirmed_address_is_not_replaced_by_what_was_proposed_before(
    means: StaffDependencies, first: Office, second: Office, asha: samples.Person
) -> None:
    propose(first, asha)
    with means.store.begin() as uow:
        registration = uow.registrations.of_holder(asha.holder.id)
        assert registration is not None
        confirmed = samples.registered_address(asha.holder.id, "confirmed@nhs.uk", uow.now)
        samples.put_registered(uow, registration, confirmed)
        record(uow, AuditKind.EMAIL_CHANGED, asha.visit, other=True)
        uow.commit()
    (line,) = AdminDesk(second).proposals.waiting()
    assert "propose it anew" in why_not_words(line)
    with refused(ConcurrentChange, match="propose it anew") as caught:
        agree_all(second)
    assert "Changed the email address" in change_lines(caught.value)[0]
    assert address(means, asha) == "confirmed@nhs.uk"


def test_a_secret_that_a_card_got_since_is_not_replaced_by_what_was_proposed_before(
    means: StaffDependencies, first: Office, second: Office, ready: samples.Person
) -> None:
    CALLS["cards.set_secret"](AdminDesk(first), ready, "")
    drawn = means.sealer.seal(Sensitive("31415926"), SealLabel(ready.card_id, SealKind.UNBLOCK, 2))
    with means.store.begin() as uow:  # as a station does after an unblock
        assert uow.cards.replace_secret(ready.card.id, 1, drawn)
        uow.commit()
    (line,) = AdminDesk(second).proposals.waiting()
    assert "Another unblock secret was recorded" in why_not_words(line)
    with refused(ConcurrentChange, match="propose it anew"):
        agree_all(second)
    assert secret_of(means, cards_of(means, ready)[0]) == "31415926"
    decline_all(first)
    CALLS["cards.set_secret"](AdminDesk(first), ready, "")
    agree_all(second)
    assert secret_of(means, cards_of(means, ready)[0]) == NEW_PUK


def test_after_a_week_nobody_agrees(
    means: StaffDependencies, first: Office, second: Office, asha: samples.Person, clock: SetClock
) -> None:
    propose(first, asha)
    (line,) = AdminDesk(second).proposals.waiting()
    clock.forward(minutes=7 * 24 * 60)
    assert AdminDesk(second).proposals.waiting() == ()
    with refused(NotFound, match="in time"):
        AdminDesk(second).proposals.agree(line.proposal_id, WHY)
    Caretaker(means.store, means.signer, NoticeSettings(), "ra@trust.nhs.uk").run()
    with means.store.read() as uow:
        kept = uow.proposals.get(line.proposal_id)
        (event,) = (
            one
            for one in uow.trail.newest(AuditQuery(holder_id=asha.holder.id))
            if "expired" in one.kind
        )
    assert kept is not None
    assert (kept.outcome, kept.parameters) == (Outcome.EXPIRED, b"")
    assert (event.kind, event.actor, event.reference) == ("act-expired", "kiosk", line.reference)
    for _ in range(8):  # a longer break would be taken for a clock that was set
        clock.forward(minutes=4 * 24 * 60)
        Caretaker(means.store, means.signer, NoticeSettings(), "ra@trust.nhs.uk").run()
    with means.store.read() as uow:
        assert uow.proposals.get(line.proposal_id) is None


@pytest.mark.parametrize("who", ["proposer", "colleague"])
def test_proposal_is_declined_or_taken_back(
    means: StaffDependencies, first: Office, second: Office, asha: samples.Person, who: str
) -> None:
    propose(first, asha)
    (line,) = AdminDesk(second).proposals.waiting()
    decider = first if who == "proposer" else second
    done = AdminDesk(decider).proposals.decline(line.proposal_id, WHY)
    assert ("taken back" in deed_words(done.deed), "declined" in deed_words(done.deed)) == (
        decider is first,
        decider is second,
    )
    event = newest_event(means)
    assert (event.kind, event.actor) == ("act-declined", decider.actor.staff_id)
    assert event.holder_id == asha.holder.id
    with pytest.raises(ConcurrentChange) as caught:
        AdminDesk(second).proposals.agree(line.proposal_id, WHY)
    did = "took it back" if decider is first else "declined it"
    assert change_lines(caught.value) == (f"{decider.actor.name} {did}.",)
    what = "correct the email address"
    assert audit_message(event) == (
        f"Took back the proposal to {what}."
        if decider is first
        else f"Declined to {what}, as had been proposed."
    )
    propose(first, asha)


@pytest.mark.parametrize(
    "change",
    [
        "id = 'another'",
        "proposed_by = 'somebody else'",
        "revision = revision + 1",
        "act = 'people.lift_block'",
        "holder_id = 'another'",
        "card_id = 'another'",
        "staff_id = 'another'",
        "note_id = 'another'",
        "proposed_key = ''",
        "expires_at = '2099-01-01 00:00:00.000000'",
    ],
)
def test_what_was_altered_in_the_database_is_not_done(
    database: TestDatabase,
    means: StaffDependencies,
    first: Office,
    second: Office,
    asha: samples.Person,
    change: str,
) -> None:
    propose(first, asha)
    engine = sa.create_engine(parse_url(database.url), poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.execute(sa.text(f"UPDATE proposed_act SET {change}"))
        proposal_id = connection.scalar(sa.text("SELECT id FROM proposed_act"))
    with refused(NotFound, match="altered in the database"):
        AdminDesk(second).proposals.agree(proposal_id, WHY)
    for shown in AdminDesk(second).proposals.waiting():
        assert "altered in the database" in why_not_words(shown)
        assert proposal_words(shown.what) == "correct-email: what was entered cannot be read."
    assert address(means, asha) == samples.EMAIL


def test_what_another_version_of_the_program_proposed_waits_for_that(
    database: TestDatabase, means: StaffDependencies, first: Office, second: Office
) -> None:
    AdminDesk(first).people.add("100200300999", "Bo Chen", "bo@nhs.net", GROUNDS)
    (line,) = AdminDesk(second).proposals.waiting()
    engine = sa.create_engine(parse_url(database.url), poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE proposed_act SET act = 'x.y', action = 'unheard-of'"))
    desk = AdminDesk(second).proposals
    assert desk.waiting() == ()
    for decide in (desk.agree, desk.decline):
        with pytest.raises(NotFound):
            decide(line.proposal_id, WHY)
    with means.store.read() as uow:
        (waiting,) = uow.proposals.waiting()
    assert waiting.outcome is Outcome.WAITING


@pytest.mark.parametrize(
    ("act", "action", "entered"),
    [
        ("people.unheard_of", Action.ADD_PERSON, PERSON),
        ("people.add", Action.ADD_PERSON, {**PERSON, "unlocks_alone": True}),
        ("people.add", Action.ADD_PERSON, {"number": "100200300999", "name": "Bo Chen"}),
        ("people.add", Action.ADD_PERSON, {**PERSON, "knowingly": "yes"}),
        ("staff.add", Action.ADD_STAFF, {"name": "Bo Banks", "role": "owner", "public_key": KEY}),
    ],
)
def test_proposal_whose_entries_another_version_made_is_refused_as_a_whole(
    database: TestDatabase,
    means: StaffDependencies,
    first: Office,
    second: Office,
    act: str,
    action: Action,
    entered: dict[str, Any],
) -> None:
    """Before: an entry that this version does not know was left out, and the rest was done."""
    proposal_id = propose_as_stored(means, first, act, action, {"plain": entered, "secret": {}})
    before = contents(database)
    desk = AdminDesk(second).proposals
    (line,) = desk.waiting()
    assert proposal_words(line.what) == f"{action.value}: what was entered cannot be read."
    assert why_not_words(line) == "This version of the program cannot do what was proposed."
    with refused(NotFound, match="This version of the program cannot do"):
        desk.agree(proposal_id, WHY)
    assert contents(database) == before
    desk.decline(proposal_id, WHY)
    assert desk.waiting() == ()


def test_proposal_as_version_0_1_stored_it_is_agreed_to(
    means: StaffDependencies, first: Office, second: Office, ready: samples.Person
) -> None:
    holder, card = ready.holder, ready.card
    look = {"seen_blocked_at": None, "seen_addresses": ""}
    stored = {
        "plain": {
            "identifier": NEW_CARD,
            "driver": "piv",
            "expires_at": "2199-02-01T00:00:00+00:00",
            "secret_limit": 5,
            **look,
        },
        "secret": {"secret": NEW_PUK},
    }
    subject = {"holder_id": holder.id, "card_id": card.id, "revision": holder.revision}
    propose_as_stored(means, first, "cards.replace", Action.REPLACE_CARD, stored, **subject)
    (line,) = AdminDesk(second).proposals.waiting()
    assert proposal_words(line.what) == (
        f"Replace the card {card.driver} {card.identifier} by piv {NEW_CARD}, with an unblock "
        "secret."
    )
    agree_all(second)
    (new,) = (each for each in cards_of(means, ready) if each.identifier == NEW_CARD)
    assert secret_of(means, new) == NEW_PUK
    assert (new.secret_limit, new.expires_at) == (5, datetime(2199, 2, 1, tzinfo=UTC))
    propose_as_stored(
        means, first, "people.add", Action.ADD_PERSON, {"plain": PERSON, "secret": {}}
    )
    agree_all(second)
    assert AdminDesk(first).people.find_one("100200300999").email == "bo@nhs.net"


@pytest.mark.parametrize("call", CALLS)
def test_stored_entries_are_those_that_version_0_1_reads(
    means: StaffDependencies, ready: samples.Person, first: Office, somebody: Office, call: str
) -> None:
    CALLS[call](AdminDesk(first), ready, somebody.actor.staff_id)
    with means.store.read() as uow:
        (kept,) = uow.proposals.waiting()
    bound = proposals._bound(kept)
    stored = json.loads(means.sealer.open_text(kept.parameters, kept.key_id, *bound).reveal())
    assert set(stored) == {"plain", "secret"}
    assert "act" not in stored["plain"]
    assert {"seen_blocked_at", "seen_addresses"} & set(stored["plain"]) == (
        {"seen_blocked_at", "seen_addresses"} if kept.holder_id else set()
    )
    assert all(
        value is None or type(value) in (str, int, bool) for value in stored["plain"].values()
    )
    assert (NEW_PUK in stored["secret"].values()) is (call in SECRET_CALLS)


def test_of_two_who_agree_at_once_one_does(
    means: StaffDependencies, first: Office, second: Office, asha: samples.Person
) -> None:
    third = office_of(means, Role.AGENT, "Agent Three")
    propose(first, asha)
    (line,) = AdminDesk(second).proposals.waiting()
    outcomes = both(
        lambda: AdminDesk(second).proposals.agree(line.proposal_id, WHY),
        lambda: AdminDesk(third).proposals.agree(line.proposal_id, WHY),
    )
    (late,) = [one for one in outcomes if isinstance(one, AdministrationError)]
    assert isinstance(late, ConcurrentChange)
    assert [isinstance(one, Done) for one in outcomes].count(True) == 1


def test_who_is_erased_leaves_nothing_that_waits(
    means: StaffDependencies, first: Office, second: Office, asha: samples.Person
) -> None:
    propose(first, asha)
    AdminDesk(first).people.erase(seen(means, asha), Grounds("Asked for it"))
    (erasing,) = (
        line for line in AdminDesk(second).proposals.waiting() if line.action is Action.ERASE_PERSON
    )
    AdminDesk(second).proposals.agree(erasing.proposal_id, WHY)
    assert AdminDesk(second).proposals.waiting() == ()
    with means.store.read() as uow:
        assert uow.proposals.waiting() == ()


# --- imports ---------------------------------------------------------------------------

HEADER = "holder_number,name,email,card_id,unblock_secret\n"
WITH_KEYS = HEADER.replace("\n", ",auth_key,pin_key\n")


@pytest.mark.parametrize(
    ("line", "waits"),
    [
        ("100000000009,Bo Banks,bo@nhs.uk,{other},12345678,,{key}\n", False),
        ("{number},Another Name,,,,,\n", False),
        ("{number},{name},other@nhs.uk,,,,\n", True),
        ("{number},{name},,{other},,,\n", True),
        ("{number},{name},,{card},98765432,,\n", True),
        ("{number},{name},,{card},,{key},\n", True),
        ("{number},{name},,{card},,,{key}\n", True),
    ],
)
def test_an_import_waits_for_what_it_does_to_people_who_are_known(
    means: StaffDependencies,
    first: Office,
    second: Office,
    asha: samples.Person,
    line: str,
    waits: bool,
) -> None:
    text = line.format(
        number=asha.holder.number,
        name=asha.holder.name,
        card=asha.card.identifier,
        other=NEW_CARD,
        key=base64.b64encode(ReaderCard().public).decode(),
    )
    write(means, WITH_KEYS + text)
    assert AdminDesk(first).imports.rehearse("people.csv", unseen).waits is waits
    result = AdminDesk(first).imports.run("people.csv", GROUNDS, unseen)
    assert (result.waits, bool(result.known_touched), result.problems) == (waits, waits, ())
    waiting = AdminDesk(second).proposals.waiting()
    assert len(waiting) == waits
    if waits:
        assert "The page Import (F9) shows it: try the file there" in proposal_words(
            waiting[0].what
        )
        agree_all(second)
        with means.store.read() as uow:
            (done,) = uow.trail.newest(AuditQuery(kind="people-imported"), limit=1)
        assert done.detail["agreed_by"] == second.actor.staff_id
        write(means, WITH_KEYS + text)
        again = AdminDesk(first).imports.run("people.csv", GROUNDS, unseen)
        assert (again.waits, again.people_changed, again.cards_changed) == (False, 0, 0)


@pytest.mark.parametrize(
    ("was", "cells", "waits"),
    [
        ({"expires_at": timedelta(days=-1)}, "2199-01-31,", True),
        ({"expires_at": timedelta(days=1)}, "2199-01-31,", False),
        ({"expires_at": timedelta(days=-1)}, "2001-01-31,", False),
        ({"secret_limit": 5}, ",15", True),
        ({"secret_limit": 5}, ",4", False),
        ({}, ",15", True),
        ({}, ",3", False),  # as many as are assumed where it is not known
    ],
)
def test_an_import_waits_for_what_brings_a_card_back_or_gives_it_more_tries(
    means: StaffDependencies,
    first: Office,
    asha: samples.Person,
    was: dict[str, Any],
    cells: str,
    waits: bool,
) -> None:
    """Before: one manager alone could bring an expired spare of somebody else back into use."""
    with means.store.begin() as uow:
        if "expires_at" in was:
            was = {**was, "expires_at": uow.now + was["expires_at"]}
        uow.cards.put([replace(asha.card, **was)])
        uow.commit()
    write(
        means,
        f"{HEADER.strip()},expires,secret_limit\n"
        f"{asha.holder.number},{asha.holder.name},,{asha.card.identifier},,{cells}\n",
    )
    assert AdminDesk(first).imports.rehearse("people.csv", unseen).waits is waits
    result = AdminDesk(first).imports.run("people.csv", GROUNDS, unseen)
    assert (result.waits, result.known_touched, result.problems) == (waits, int(waits), ())


def test_an_import_that_brings_back_who_was_erased_waits(
    means: StaffDependencies, first: Office, second: Office, asha: samples.Person
) -> None:
    """One manager could erase somebody, and import them with an address of their own."""
    AdminDesk(first).people.erase(seen(means, asha), GROUNDS)
    agree_all(second)
    write(means, f"{HEADER}{asha.holder.number},{asha.holder.name},thief@nhs.uk,,\n")
    assert AdminDesk(first).imports.rehearse("people.csv", unseen).waits
    result = AdminDesk(first).imports.run("people.csv", GROUNDS, unseen)
    assert (result.waits, result.known_touched) == (True, 1)
    agree_all(second)
    with means.store.read() as uow:
        assert uow.holders.by_numbers([asha.holder.number])


def test_a_file_that_was_changed_since_is_not_imported(
    means: StaffDependencies, first: Office, second: Office, asha: samples.Person
) -> None:
    known = f"{asha.holder.number},{asha.holder.name}"
    write(means, f"{HEADER}{known},asha@nhs.uk,,\n")
    AdminDesk(first).imports.run("people.csv", GROUNDS, unseen)
    write(means, f"{HEADER}{known},thief@nhs.uk,,\n")
    with refused(ConcurrentChange, match="file was changed"):
        agree_all(second)
    with means.store.read() as uow:
        holder = uow.holders.get(asha.holder.id)
    assert holder == asha.holder


# --- the command line ------------------------------------------------------------------


def root(means: StaffDependencies) -> Office:
    return Office(means, Actor("command line: root", Role.MANAGER))


def test_the_command_line_lets_the_first_members_in_alone(means: StaffDependencies) -> None:
    desk = AdminDesk(root(means))
    for name in ("Manager One", "Manager Two"):
        assert not desk.staff.add(name, Role.MANAGER, new_key(), GROUNDS).waits
    assert desk.staff.add("Manager Three", Role.MANAGER, new_key(), GROUNDS).waits


def test_two_of_whom_one_let_the_other_in_are_not_two(
    means: StaffDependencies, first: Office, asha: samples.Person
) -> None:
    staff_id = office_of(means, Role.MANAGER, "Manager Two").actor.staff_id
    with means.store.begin() as uow:
        member = uow.staff.get(staff_id)
        assert member is not None
        uow.staff.save(replace(member, added_by=first.actor.staff_id))
        uow.commit()
    assert not AdminDesk(root(means)).people.revoke_registration(seen(means, asha), GROUNDS).waits


def test_the_command_line_proposes_where_there_are_two_and_is_one_person(
    means: StaffDependencies, first: Office, second: Office, asha: samples.Person
) -> None:
    propose(root(means), asha)
    with refused(NotPermitted, match="proposed this yourself"):
        agree_all(root(means))
    agree_all(second)
    propose(first, asha, "asha@mod.uk")
    agree_all(root(means))
    assert address(means, asha) == "asha@mod.uk"


# --- helpers ---------------------------------------------------------------------------


def propose(office: Office, person: samples.Person, email: str = "asha@nhs.uk") -> None:
    desk = AdminDesk(office)
    assert desk.people.correct_email(seen(office.means, person), email, GROUNDS).waits


def propose_as_stored(
    means: StaffDependencies,
    office: Office,
    act: str,
    action: Action,
    stored: dict[str, Any],
    **subject: Any,
) -> str:
    """Store a proposal of ``office``'s actor as another version of the program would."""
    with means.store.begin() as uow:
        note = ActionNote(new_id(), subject.get("holder_id"), uow.now, "Asked for", "Photo ID")
        actor = office.actor
        bare = ProposedAct(
            id=new_id(),
            act=act,
            action=action.value,
            holder_id=note.holder_id,
            card_id=subject.get("card_id"),
            staff_id=None,
            revision=subject.get("revision", 0),
            parameters=b"",
            key_id="",
            proposed_by=actor.staff_id,
            proposed_key=actor.key,
            proposed_at=uow.now,
            expires_at=uow.now + timedelta(days=7),
            note_id=note.id,
            reference="K7QM-3XWD",
        )
        text = Sensitive(json.dumps(stored))
        sealed, key_id = means.sealer.seal_text(text, *proposals._bound(bare))
        uow.notes.add(note)
        uow.proposals.add(replace(bare, parameters=sealed, key_id=key_id))
        uow.commit()
    return bare.id


def agree_all(office: Office) -> None:
    desk = AdminDesk(office)
    for line in desk.proposals.waiting():
        desk.proposals.agree(line.proposal_id, WHY)


def decline_all(office: Office) -> None:
    desk = AdminDesk(office)
    for line in desk.proposals.waiting():
        desk.proposals.decline(line.proposal_id, WHY)


def address(means: StaffDependencies, person: samples.Person) -> str:
    with means.store.read() as uow:
        registered = read_addresses(uow, person.holder.id).registered
    assert registered is not None
    return registered.value


def newest_event(means: StaffDependencies) -> AuditEvent:
    with means.store.read() as uow:
        (event,) = uow.trail.newest(AuditQuery(), limit=1)
    return event


def write(means: StaffDependencies, text: str) -> None:
    (Path(means.imports) / "people.csv").write_text(text, encoding="utf-8")


def contents(database: TestDatabase) -> dict[str, list[str]]:
    """All rows but those of the audit, of notes and of what waits."""
    left_out = {"proposed_act", "action_note"}
    every = everything(database)
    return {
        name: rows
        for name, rows in every.items()
        if name not in left_out and not name.startswith("audit_")
    }


def everything(database: TestDatabase) -> dict[str, list[str]]:
    engine = sa.create_engine(parse_url(database.url), poolclass=sa.NullPool)
    with engine.connect() as connection:
        return {
            name: sorted(map(str, connection.execute(sa.text(f"SELECT * FROM {name}"))))
            for name in TableRow.metadata.tables
        }
