"""Codes given by word of mouth: to whom, how often, and what is kept of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from kiosk.authority.administration.codes import CodesDesk
from kiosk.authority.administration.office import Office, StaffDependencies
from kiosk.authority.administration.views import Grounds
from kiosk.authority.errors import NotFound, NotTaken, RecordAltered, RowAltered
from kiosk.authority.records import AuditQuery
from kiosk.contract.messages import Purpose
from kiosk.contract.policy import Policy
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
from tests.authority.administration.desk.offices import GROUNDS
from tests.authority.administration.desk.people import seen, somebody
from tests.authority.store import samples
from tests.support.database import SetClock
from tests.support.refusals import refused


def test_a_code_lives_at_once_for_fifteen_minutes(
    means: StaffDependencies, asha: samples.Person, agent: Office
) -> None:
    before = mailed(means, asha)
    issued = give(agent, asha)
    code = live(means, asha)
    assert code is not None
    assert code.id == issued.code_id
    assert (code.issued_by, code.agreed_by) == (agent.actor.staff_id, None)
    assert (code.purpose, code.route, code.visit_id) == (Purpose.UNLOCK, "", "")
    assert (code.pending_id, code.max_tries) == (None, 5)
    assert code.expires_at == issued.expires_at == samples.NOW + timedelta(minutes=15)
    assert not issued.waits_for_second
    assert kept(means, before).revoked_at is not None


def test_only_its_keyed_digest_is_kept(
    means: StaffDependencies, asha: samples.Person, agent: Office
) -> None:
    issued = give(agent, asha)
    digits = issued.code.reveal()
    assert len(digits) == 8
    assert digits.isdigit()
    code = kept(means, issued.code_id)
    assert (code.purpose, code.card_id, code.visit_id) == (Purpose.UNLOCK, asha.card.id, "")
    assert means.codes.matches(issued.code, code)
    with means.store.begin() as uow:
        outbox = uow.outbox.claim_due(100, timedelta(hours=1))
    assert digits not in repr((issued, code, events(means, asha), outbox))


def test_given_code_is_audited_and_the_holder_mailed(
    means: StaffDependencies, asha: samples.Person, agent: Office
) -> None:
    issued = give(agent, asha)
    (event,) = events(means, asha)
    assert (event.kind, event.actor, event.card_id, event.reference) == (
        "code-issued",
        agent.actor.staff_id,
        asha.card.id,
        issued.reference,
    )
    assert (event.detail["code"], event.detail["needs_second"]) == (issued.code_id, False)
    with means.store.begin() as uow:
        (mail,) = uow.outbox.claim_due(100, timedelta(hours=1))
    assert (mail.to, mail.template) == ("asha@trust.nhs.uk", "code-given")
    assert mail.params["reference"] == issued.reference


def test_how_the_person_was_identified_is_asked(
    means: StaffDependencies, asha: samples.Person, agent: Office
) -> None:
    with pytest.raises(NotTaken) as caught:
        desk(agent).issue(seen(means, asha), asha.card.id, Grounds("No email today"))
    assert caught.value.field == "identified_by"
    assert live(means, asha) is None


@pytest.mark.parametrize("how", UNABLE)
def test_nobody_is_given_a_code_that_would_not_help(
    means: StaffDependencies, asha: samples.Person, agent: Office, how: str
) -> None:
    spoil, because = UNABLE[how]
    spoil(means, asha)
    with refused(NotTaken, match=because):
        give(agent, asha)
    assert live(means, asha) is None
    assert events(means, asha) == []


@pytest.mark.parametrize("half", [True, False])
def test_for_somebody_who_is_not_registered_it_is_for_a_first_unlock(
    means: StaffDependencies, asha: samples.Person, agent: Office, half: bool
) -> None:
    with means.store.begin() as uow:
        if half:
            known = uow.registrations.of_holder(asha.holder.id)
            assert known is not None
            uow.registrations.put(replace(known, hashes=()))
        else:
            uow.registrations.delete(asha.holder.id)
        uow.commit()
    issued = give(agent, asha)
    assert issued.for_first_unlock
    assert kept(means, issued.code_id).purpose is Purpose.FIRST_UNLOCK
    with means.store.begin() as uow:
        (mail,) = uow.outbox.claim_due(100, timedelta(hours=1))
    assert (mail.to, mail.template) == ("asha@trust.nhs.uk", "first-code-given")
    (event,) = events(means, asha)
    assert event.detail["first_unlock"] is True


def test_for_somebody_who_is_registered_it_is_not(
    means: StaffDependencies, asha: samples.Person, agent: Office
) -> None:
    issued = give(agent, asha)
    assert not issued.for_first_unlock
    assert kept(means, issued.code_id).purpose is Purpose.UNLOCK


def test_a_code_is_for_a_card_of_that_person(
    means: StaffDependencies, asha: samples.Person, agent: Office
) -> None:
    ben = somebody(means, "100000000002")
    for card_id in (ben.card.id, "nothing"):
        with pytest.raises(NotFound):
            desk(agent).issue(seen(means, asha), card_id, GROUNDS)


def test_a_card_is_given_so_many_in_an_hour_and_none_of_them_is_a_mail(
    means: StaffDependencies, asha: samples.Person, agent: Office, clock: SetClock
) -> None:
    for _ in range(3):
        give(agent, asha)
        clock.forward(minutes=5)
    with refused(NotTaken, match="three codes for this card within an hour"):
        give(agent, asha)
    with means.store.read() as uow:
        assert uow.codes.send_times(asha.card.id, samples.NOW) == ()
    clock.forward(minutes=46)
    give(agent, asha)


def test_second_given_code_takes_the_place_of_the_first(
    means: StaffDependencies, asha: samples.Person, agent: Office
) -> None:
    first, second = give(agent, asha, TWO), give(agent, asha, TWO)
    (line,) = waiting(agent)
    assert line.proposal_id == second.code_id
    assert kept(means, first.code_id).revoked_at is not None


def test_an_altered_policy_is_not_taken_for_a_database_that_is_away(
    means: StaffDependencies, agent: Office, asha: samples.Person
) -> None:
    def altered() -> Policy:
        raise RowAltered("policy_setting", "code_digits")

    codes = CodesDesk(Office(replace(means, policy=altered), agent.actor))
    given = give(agent, asha, TWO)
    acts: tuple[Callable[[], object], ...] = (
        lambda: codes.issue(seen(means, asha), asha.card.id, GROUNDS),
        lambda: codes.agree(given.code_id, GROUNDS),
    )
    for act in acts:
        with refused(RecordAltered, match="policy_setting code_digits"):
            act()
        with means.store.read() as uow:
            (newest,) = uow.trail.newest(AuditQuery(), limit=1)
        assert newest.kind == "row-altered"
