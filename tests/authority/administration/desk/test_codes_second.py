"""A code that a second member of staff has to agree to, or that is withdrawn."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from kiosk.authority.administration.office import Office, StaffDependencies
from kiosk.authority.administration.standing import waits_for_second
from kiosk.authority.administration.views import Actor, Grounds, IssuedCode
from kiosk.authority.errors import (
    AdministrationError,
    ConcurrentChange,
    NotFound,
    NotPermitted,
    NotTaken,
)
from kiosk.authority.records import AuditQuery
from kiosk.authority.roles import Role
from screens.words.staff.refusals import change_lines
from tests.authority.administration.desk.concurrently import both
from tests.authority.administration.desk.given_codes import (
    TWO,
    UNABLE,
    desk,
    events,
    give,
    kept,
    live,
    mailed,
    waiting,
)
from tests.authority.administration.desk.offices import GROUNDS, office_of
from tests.authority.administration.desk.people import seen
from tests.authority.store import samples
from tests.support.database import SetClock
from tests.support.refusals import refused


def test_until_somebody_else_agrees_it_waits(
    means: StaffDependencies, asha: samples.Person, agent: Office, manager: Office, clock: SetClock
) -> None:
    before = mailed(means, asha)
    issued = give(agent, asha, TWO)
    assert issued.waits_for_second
    (line,) = waiting(manager)
    assert (line.proposal_id, line.about, line.proposed_by) == (
        issued.code_id,
        asha.holder.name,
        agent.actor.name,
    )
    assert waits_for_second(kept(means, issued.code_id))
    assert line.expires_at == issued.expires_at == samples.NOW + timedelta(minutes=15)
    code = live(means, asha)
    assert code is not None
    assert code.id == before
    agreed_at = clock.forward(minutes=14)
    done = desk(manager).agree(issued.code_id, GROUNDS)
    code = live(means, asha)
    assert code is not None
    assert (code.id, code.agreed_by) == (issued.code_id, manager.actor.staff_id)
    assert code.expires_at == agreed_at + timedelta(minutes=15)
    assert waiting(manager) == ()
    newest = events(means, asha)[0]
    assert (newest.kind, newest.reference) == ("code-agreed", done.reference)
    assert newest.detail["code"] == issued.code_id


def test_giver_of_a_code_cannot_agree_to_it(
    means: StaffDependencies, asha: samples.Person, agent: Office
) -> None:
    issued = give(agent, asha, TWO)
    with refused(NotPermitted, match="proposed this yourself"):
        desk(agent).agree(issued.code_id, GROUNDS)
    assert live(means, asha) is None
    with means.store.read() as uow:
        (event,) = uow.trail.newest(AuditQuery(), limit=1)
    assert (event.kind, event.actor) == ("staff-not-permitted", agent.actor.staff_id)


def test_nobody_agrees_to_a_code_whose_key_was_removed_since(
    means: StaffDependencies, asha: samples.Person, agent: Office, manager: Office
) -> None:
    issued = give(agent, asha, TWO)
    with means.store.begin() as uow:
        uow.staff.remove_key(agent.actor.staff_id, agent.actor.key)
        uow.commit()
    assert waiting(manager) == ()
    with refused(NotFound, match="Whoever gave this code"):
        desk(manager).agree(issued.code_id, GROUNDS)
    assert live(means, asha) is None


def test_the_command_line_is_one_person_whoever_types(
    means: StaffDependencies, asha: samples.Person, agent: Office, manager: Office
) -> None:
    """Manager and agent could agree with each other, so it asks for a second as they do."""
    root, ops = (
        Office(means, Actor(f"command line: {user}", Role.MANAGER)) for user in ("root", "ops")
    )
    issued = give(root, asha, TWO)
    for typist in (root, ops):
        with pytest.raises(NotPermitted):
            desk(typist).agree(issued.code_id, GROUNDS)
    desk(agent).agree(issued.code_id, GROUNDS)
    issued = give(agent, asha, TWO)
    desk(root).agree(issued.code_id, GROUNDS)
    code = live(means, asha)
    assert code is not None
    assert (code.id, code.agreed_by) == (issued.code_id, "command line: root")


def test_nobody_agrees_after_fifteen_minutes(
    means: StaffDependencies, asha: samples.Person, agent: Office, manager: Office, clock: SetClock
) -> None:
    issued = give(agent, asha, TWO)
    clock.forward(minutes=15)
    assert waiting(manager) == ()
    with refused(NotFound, match="in time"):
        desk(manager).agree(issued.code_id, GROUNDS)
    assert live(means, asha) is None


def test_nobody_agrees_to_a_code_of_a_clock_that_was_ahead(
    means: StaffDependencies, asha: samples.Person, agent: Office, manager: Office, clock: SetClock
) -> None:
    """Before: until the clock had caught up, and a name corrected since was not noticed."""
    clock.forward(days=30)
    issued = give(agent, asha, TWO)
    clock.forward(days=-30)
    assert waiting(manager) == ()
    with refused(NotFound, match="in time"):
        desk(manager).agree(issued.code_id, GROUNDS)
    assert live(means, asha) is None


@pytest.mark.parametrize("how", ["blocked", "revoked", "left", "last-try"])
def test_what_changed_since_it_was_given_counts_when_somebody_agrees(
    means: StaffDependencies, asha: samples.Person, agent: Office, manager: Office, how: str
) -> None:
    spoil, because = UNABLE[how]
    issued = give(agent, asha, TWO)
    spoil(means, asha)
    with refused(NotTaken, match=because):
        desk(manager).agree(issued.code_id, GROUNDS)
    assert live(means, asha) is None


@pytest.mark.parametrize("changes", [{"removed_at": samples.NOW}, {"role": Role.AUDITOR}])
def test_a_code_of_somebody_who_may_give_none_any_more_is_agreed_to_by_nobody(
    means: StaffDependencies,
    asha: samples.Person,
    agent: Office,
    manager: Office,
    changes: dict[str, object],
) -> None:
    issued = give(agent, asha, TWO)
    with means.store.begin() as uow:
        member = uow.staff.get(agent.actor.staff_id)
        assert member is not None
        assert uow.staff.save(replace(member, **changes))  # type: ignore[arg-type]
        uow.commit()
    assert waiting(manager) == ()
    with refused(NotFound, match="may give none any more"):
        desk(manager).agree(issued.code_id, GROUNDS)
    assert live(means, asha) is None


def test_a_policy_that_changed_later_frees_no_code(
    means: StaffDependencies, asha: samples.Person, agent: Office
) -> None:
    issued = give(agent, asha, TWO)
    (line,) = waiting(agent)
    assert line.proposal_id == issued.code_id
    assert live(means, asha) is None


# --- withdraw --------------------------------------------------------------------------


def test_a_code_is_withdrawn(means: StaffDependencies, asha: samples.Person, agent: Office) -> None:
    issued = give(agent, asha)
    desk(agent).withdraw(issued.code_id, Grounds("Was somebody else"))
    assert live(means, asha) is None
    assert events(means, asha)[0].kind == "code-withdrawn"


def test_a_code_that_waits_is_withdrawn(
    means: StaffDependencies, asha: samples.Person, agent: Office, manager: Office
) -> None:
    issued = give(agent, asha, TWO)
    done = desk(manager).withdraw(issued.code_id, GROUNDS)
    with pytest.raises(ConcurrentChange) as caught:
        desk(manager).agree(issued.code_id, GROUNDS)
    told = f"{manager.actor.name} withdrew an unlock code (reference {done.reference})."
    assert change_lines(caught.value) == (told,)


def test_a_code_that_is_over_is_not_withdrawn(
    means: StaffDependencies, asha: samples.Person, agent: Office, clock: SetClock
) -> None:
    late = give(agent, asha)
    clock.forward(minutes=15)
    with pytest.raises(NotFound):
        desk(agent).withdraw(late.code_id, GROUNDS)
    used = give(agent, asha)
    with means.store.begin() as uow:
        uow.codes.consume(used.code_id)
        uow.commit()
    with refused(NotFound, match="was used"):
        desk(agent).withdraw(used.code_id, GROUNDS)


def test_a_mailed_code_is_not_the_desks(
    means: StaffDependencies, asha: samples.Person, agent: Office
) -> None:
    code_id = mailed(means, asha)
    for act in (desk(agent).agree, desk(agent).withdraw):
        for wanted in (code_id, "nothing"):
            with pytest.raises(NotFound):
                act(wanted, GROUNDS)
    assert kept(means, code_id).revoked_at is None


# --- at once ---------------------------------------------------------------------------


def test_of_two_who_agree_at_once_one_does(
    means: StaffDependencies, asha: samples.Person, agent: Office, manager: Office
) -> None:
    second = office_of(means, Role.AGENT, "Second Agent")
    for round_ in range(3):
        code_id = give(agent, asha, TWO).code_id
        outcomes = both(
            lambda: desk(manager).agree(code_id, GROUNDS),  # noqa: B023 - called within the round
            lambda: desk(second).agree(code_id, GROUNDS),  # noqa: B023
        )
        (late,) = [one for one in outcomes if isinstance(one, AdministrationError)]
        assert isinstance(late, ConcurrentChange)
        assert "agreed to an unlock code" in change_lines(late)[0]
        assert [e.kind for e in events(means, asha)].count("code-agreed") == round_ + 1


def test_agreeing_and_withdrawing_at_once_is_one_or_the_other(
    means: StaffDependencies, asha: samples.Person, agent: Office, manager: Office
) -> None:
    for _ in range(3):
        code_id = give(agent, asha, TWO).code_id
        outcomes = both(
            lambda: desk(manager).agree(code_id, GROUNDS),  # noqa: B023 - called within the round
            lambda: desk(agent).withdraw(code_id, GROUNDS),  # noqa: B023
        )
        late = [one for one in outcomes if isinstance(one, AdministrationError)]
        if not late:  # they met no more: the second looked once the first was over
            assert live(means, asha) is None
            kinds = [event.kind for event in events(means, asha)[:2]]
            assert kinds == ["code-withdrawn", "code-agreed"]
            continue
        assert [type(one) for one in late] == [ConcurrentChange]
        agreed = outcomes.index(late[0]) == 1
        assert (live(means, asha) is not None) is agreed
        assert events(means, asha)[0].kind == ("code-agreed" if agreed else "code-withdrawn")


def test_of_two_who_give_one_at_once_one_does(
    means: StaffDependencies, asha: samples.Person, agent: Office, manager: Office
) -> None:
    same = seen(means, asha)
    outcomes = both(
        lambda: desk(agent).issue(same, asha.card.id, GROUNDS),
        lambda: desk(manager).issue(same, asha.card.id, GROUNDS),
    )
    (issued,) = [one for one in outcomes if isinstance(one, IssuedCode)]
    (late,) = [one for one in outcomes if isinstance(one, ConcurrentChange)]
    assert "gave an unlock code by word of mouth" in change_lines(late)[0]
    code = live(means, asha)
    assert code is not None
    assert code.id == issued.code_id
