"""Before: of an import that waited, a colleague agreed to "one change", and it did others, or undid
what staff had corrected since. A manager who had become an agent went on reading what waited for
managers. One agent proposed a thousand acts: among them nobody found one, each page of each
colleague took seconds, and beyond five hundred no reason was shown.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from kiosk.authority.administration import office as offices
from kiosk.authority.administration.import_people import PeopleImport
from kiosk.authority.administration.views import Grounds, unseen
from kiosk.authority.errors import ConcurrentChange, NotStaff, NotTaken
from kiosk.authority.roles import Role
from screens.words.staff.proposals import proposal_words
from tests.attacks.four_eyes import Colleague
from tests.authority.administration.desk.keys import new_key
from tests.authority.administration.desk.offices import GROUNDS
from tests.authority.assisting import as_seen
from tests.authority.store.samples import recorded_addresses
from tests.authority.world import World
from tests.support.refusals import refused

WHY = Grounds("Spoke to the colleague", "Saw the badge myself")
HEADER = "holder_number,name,email,card_id,unblock_secret\n"


pytestmark = pytest.mark.usefixtures("four_eyes")


def test_an_import_undoes_no_correction_that_came_after_it_was_proposed(world: World) -> None:
    first, second = (Colleague(world, Role.MANAGER, name) for name in ("First", "Second"))
    card = world.registered_card()
    person = first.desk.people.person(card.holder_id)
    people = first.office.means.imports / "people.csv"
    people.write_text(f"{HEADER}{person.number},{person.name},mine@nhs.net,,\n")
    assert first.desk.imports.run("people.csv", GROUNDS, unseen).waits
    (waiting,) = second.desk.proposals.waiting()
    with world.store.begin() as uow:  # as two other colleagues do
        holder = uow.holders.get(card.holder_id)
        assert holder is not None
        uow.holders.save(holder, recorded_addresses(holder, "right@nhs.net")[0])
        uow.commit()
    with refused(ConcurrentChange, match="changed since this was proposed"):
        second.desk.proposals.agree(waiting.proposal_id, WHY)
    assert people.exists()
    recorded = world.addresses_of(card).recorded
    assert recorded is not None
    assert recorded.value == "right@nhs.net"


def test_an_import_changes_nobody_who_was_not_named_when_it_was_proposed(world: World) -> None:
    first, second = (Colleague(world, Role.MANAGER, name) for name in ("First", "Second"))
    person = first.desk.people.person(world.registered_card().holder_id)
    people = first.office.means.imports / "people.csv"
    people.write_text(
        f"{HEADER}{person.number},{person.name},new@nhs.net,,\n"
        "900000000009,Jo Smith,mine@nhs.net,,\n"
    )
    assert first.desk.imports.run("people.csv", GROUNDS, unseen).known_touched == 1
    assert not first.desk.people.add("900000000009", "Jo Smith", "", GROUNDS).waits
    (waiting,) = second.desk.proposals.waiting()
    assert "one change" in proposal_words(waiting.what)
    with pytest.raises(ConcurrentChange):
        second.desk.proposals.agree(waiting.proposal_id, WHY)


def test_who_is_no_manager_any_more_reads_nothing_that_waits_for_managers(world: World) -> None:
    first, second = (Colleague(world, Role.MANAGER, name) for name in ("First", "Second"))
    assert second.desk.staff.add("Jo Smith", Role.AGENT, new_key(), GROUNDS).waits
    assert first.desk.proposals.waiting()
    with world.store.begin() as uow:
        member = uow.staff.get(first.office.actor.staff_id)
        assert member is not None
        uow.staff.save(replace(member, role=Role.AGENT))
        uow.commit()
    assert not first.desk.proposals.waiting()
    assert not first.desk.today.look().waiting


def test_a_session_of_whoever_became_a_technician_ends(world: World) -> None:
    agent = Colleague(world, Role.AGENT, "First")
    with world.store.begin() as uow:
        member = uow.staff.get(agent.office.actor.staff_id)
        assert member is not None
        uow.staff.save(replace(member, role=Role.TECHNICIAN))
        uow.commit()
    with pytest.raises(NotStaff):
        agent.desk.today.look()


def test_member_has_a_bounded_number_of_proposals(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(offices, "MOST_WAITING", 2)
    first, second = (Colleague(world, Role.AGENT, name) for name in ("First", "Second"))
    for number in range(2):
        assert first.desk.people.add(f"90000000000{number}", "Jo", "jo@nhs.net", GROUNDS).waits
    with refused(NotTaken, match="wait already"):
        first.desk.people.add("900000000009", "Jo", "jo@nhs.net", GROUNDS)
    assert second.desk.people.add("900000000009", "Jo", "jo@nhs.net", GROUNDS).waits
    line, *_ = (each for each in first.desk.proposals.waiting() if each.is_mine)
    first.desk.proposals.decline(line.proposal_id, GROUNDS)
    assert first.desk.people.add("900000000008", "Jo", "jo@nhs.net", GROUNDS).waits


@pytest.mark.parametrize("by_import", [False, True])
def test_nobody_agrees_to_a_code_for_somebody_who_was_renamed_since(
    world: World, by_import: bool
) -> None:
    first, second = (Colleague(world, Role.AGENT, name) for name in ("First", "Second"))
    card = world.registered_card()
    code = first.desk.codes.issue(as_seen(first.office, card), card.id, GROUNDS)
    world.clock.forward(seconds=1)
    if by_import:
        people = first.office.means.imports / "people.csv"
        number = first.desk.people.person(card.holder_id).number
        people.write_text(f"{HEADER}{number},Somebody Else,,,\n")
        PeopleImport(world.store, first.office.means.sealer, 12).run(people, "command line: jo")
    else:
        first.desk.people.correct_name(as_seen(first.office, card), "Somebody Else", GROUNDS)
    with refused(ConcurrentChange, match="since the code was given"):
        second.desk.codes.agree(code.code_id, WHY)
