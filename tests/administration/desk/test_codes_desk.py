"""Codes given by word of mouth: to whom, by whom, and who has to agree."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from kiosk.administration.codes_desk import LocalCodesDesk
from kiosk.administration.means import Means
from kiosk.administration.office import Office
from kiosk.administration.views.acting import Actor, Grounds
from kiosk.administration.views.people import IssuedCode
from kiosk.dialogue import Purpose
from kiosk.errors import (
    AdministrationError,
    ChangedMeanwhile,
    NothingThere,
    NotPermitted,
    NotTaken,
)
from kiosk.policy import Policy
from kiosk.roles import Role
from kiosk.secrets.codes import CodeBinding, CodeDigest
from kiosk.store.audit_records import AuditEvent
from kiosk.store.records import EmailCode
from tests.administration.desk.house import GROUNDS, office_of
from tests.administration.desk.people import seen, somebody
from tests.administration.desk.together import both
from tests.store import samples
from tests.support.database import SetClock

ALONE = Policy()
TWO = Policy(assisted_needs_second=True)


@pytest.fixture
def asha(means: Means) -> samples.Person:
    return somebody(means)


def desk(office: Office, policy: Policy = ALONE) -> LocalCodesDesk:
    means = replace(office.means, policy=lambda: policy)
    return LocalCodesDesk(Office(means, office.actor))


def give(office: Office, person: samples.Person, policy: Policy = ALONE) -> IssuedCode:
    return desk(office, policy).issue(seen(office.means, person), person.card.id, GROUNDS)


def kept(means: Means, code_id: str) -> EmailCode:
    with means.store.read() as uow:
        found = uow.codes.get(code_id)
    assert found is not None
    return found


def live(means: Means, person: samples.Person) -> EmailCode | None:
    with means.store.read() as uow:
        return uow.codes.live(person.card.id)


def events(means: Means, person: samples.Person) -> list[AuditEvent]:
    with means.store.read() as uow:
        return list(uow.audit.of_holder(person.holder.id))


def mailed(means: Means, person: samples.Person) -> str:
    code = samples.code(person, drafted_at=means.clock.now())
    with means.store.begin() as uow:
        uow.codes.draft(code)
        uow.codes.activate(code.id, uow.now, uow.now + timedelta(minutes=15))
        uow.commit()
    return code.id


# --- issue -----------------------------------------------------------------------------


def test_a_code_lives_at_once_for_fifteen_minutes(
    means: Means, asha: samples.Person, agent: Office
) -> None:
    before = mailed(means, asha)
    issued = give(agent, asha)
    code = live(means, asha)
    assert code is not None
    assert code.id == issued.code_id
    assert (code.issued_by, code.agreed_by) == (agent.actor.staff_id, None)
    assert (code.purpose, code.sent_to, code.visit_id) == (Purpose.UNLOCK, "", "")
    assert (code.questions_proven, code.pending_id, code.max_tries) == (False, None, 5)
    assert code.expires_at == issued.expires_at == samples.NOW + timedelta(minutes=15)
    assert not issued.waits_for_second
    assert kept(means, before).revoked_at is not None


def test_only_its_keyed_digest_is_kept(means: Means, asha: samples.Person, agent: Office) -> None:
    issued = give(agent, asha)
    digits = issued.code.reveal()
    assert len(digits) == 8
    assert digits.isdigit()
    code = kept(means, issued.code_id)
    binding = CodeBinding(code.id, Purpose.UNLOCK, asha.card.id, "")
    assert means.codes.matches(issued.code, CodeDigest(code.digest, code.key_id), binding)
    with means.store.begin() as uow:
        outbox = uow.outbox.claim_due(100, timedelta(hours=1))
    assert digits not in repr((issued, code, events(means, asha), outbox))


def test_it_is_audited_and_the_holder_is_told(
    means: Means, asha: samples.Person, agent: Office
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
    means: Means, asha: samples.Person, agent: Office
) -> None:
    with pytest.raises(NotTaken) as caught:
        desk(agent).issue(seen(means, asha), asha.card.id, Grounds("No email today"))
    assert caught.value.field == "identified_by"
    assert live(means, asha) is None


Spoil = Callable[[Means, samples.Person], None]


def _holder_left(means: Means, person: samples.Person) -> None:
    with means.store.begin() as uow:
        uow.holders.save(replace(person.holder, left_at=samples.NOW))
        uow.commit()


def _blocked(means: Means, person: samples.Person) -> None:
    with means.store.begin() as uow:
        uow.registrations.block(person.holder.id)
        uow.commit()


def _exhausted(means: Means, person: samples.Person) -> None:
    with means.store.begin() as uow:
        for attempt in "abc":
            uow.registrations.charge(person.holder.id, attempt, 3)
        uow.commit()


def _without_answers(means: Means, person: samples.Person) -> None:
    with means.store.begin() as uow:
        uow.registrations.put(replace(samples.registration(person.holder.id), hashes=()))
        uow.commit()


def _revoked(means: Means, person: samples.Person) -> None:
    with means.store.begin() as uow:
        uow.cards.revoke(person.card.id)
        uow.commit()


def _card(**changes: object) -> Spoil:
    def spoil(means: Means, person: samples.Person) -> None:
        with means.store.begin() as uow:
            uow.cards.put([replace(person.card, **changes)])  # type: ignore[arg-type]
            uow.commit()

    return spoil


def _tries(means: Means, person: samples.Person) -> None:
    with means.store.begin() as uow:
        uow.cards.know_secret_tries(person.card.id, 1)
        uow.commit()


def _seal(means: Means, person: samples.Person) -> None:
    sealed = person.card.sealed_secret
    assert sealed is not None
    turned = sealed.ciphertext[:-1] + bytes([sealed.ciphertext[-1] ^ 1])
    _card(sealed_secret=replace(sealed, ciphertext=turned))(means, person)


UNABLE: dict[str, tuple[Spoil, str]] = {
    "left": (_holder_left, "leaver"),
    "blocked": (_blocked, "Lift the block first"),
    "exhausted": (_exhausted, "Lift the block first"),
    "half-registered": (_without_answers, "not registered"),
    "revoked": (_revoked, "It was revoked"),
    "expired": (_card(expires_at=samples.NOW), "It expired on"),
    "no-secret": (_card(sealed_secret=None), "No unblock secret is recorded"),
    "last-try": (_tries, "refused too many unblock secrets"),
    "broken-seal": (_seal, "cannot be opened any more"),
}


@pytest.mark.parametrize("how", UNABLE)
def test_nobody_is_given_a_code_that_would_not_help(
    means: Means, asha: samples.Person, agent: Office, how: str
) -> None:
    spoil, because = UNABLE[how]
    spoil(means, asha)
    with pytest.raises(NotTaken, match=because):
        give(agent, asha)
    assert live(means, asha) is None
    assert events(means, asha) == []


def test_somebody_who_never_registered_is_given_none(means: Means, agent: Office) -> None:
    ben = samples.stored_person(means.store)
    with pytest.raises(NotTaken, match="not registered"):
        give(agent, ben)


def test_a_code_is_for_a_card_of_that_person(
    means: Means, asha: samples.Person, agent: Office
) -> None:
    ben = somebody(means, "100000000002")
    for card_id in (ben.card.id, "nothing"):
        with pytest.raises(NothingThere):
            desk(agent).issue(seen(means, asha), card_id, GROUNDS)


def test_a_card_is_given_so_many_in_an_hour_and_none_of_them_is_a_mail(
    means: Means, asha: samples.Person, agent: Office, clock: SetClock
) -> None:
    for _ in range(3):
        give(agent, asha)
        clock.forward(minutes=5)
    with pytest.raises(NotTaken, match="three codes for this card within an hour"):
        give(agent, asha)
    with means.store.read() as uow:
        assert uow.codes.send_times(asha.card.id, samples.NOW) == ()
    clock.forward(minutes=46)
    give(agent, asha)


def test_another_one_takes_the_place_of_the_first(
    means: Means, asha: samples.Person, agent: Office
) -> None:
    first, second = give(agent, asha, TWO), give(agent, asha, TWO)
    (waiting,) = desk(agent).waiting()
    assert waiting.code_id == second.code_id
    assert kept(means, first.code_id).revoked_at is not None


# --- a second member of staff ----------------------------------------------------------


def test_until_somebody_else_agrees_it_waits(
    means: Means, asha: samples.Person, agent: Office, manager: Office, clock: SetClock
) -> None:
    before = mailed(means, asha)
    issued = give(agent, asha, TWO)
    assert issued.waits_for_second
    (line,) = desk(manager).waiting()
    assert (line.code_id, line.holder_name, line.issued_by) == (
        issued.code_id,
        asha.holder.name,
        agent.actor.name,
    )
    assert line.waits_for_second
    assert not line.by_mail
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
    assert desk(manager).waiting() == ()
    newest = events(means, asha)[0]
    assert (newest.kind, newest.reference) == ("code-agreed", done.reference)
    assert newest.detail["code"] == issued.code_id


def test_whoever_gave_it_does_not_agree_to_it(
    means: Means, asha: samples.Person, agent: Office
) -> None:
    issued = give(agent, asha, TWO)
    with pytest.raises(NotPermitted, match="gave this code yourself"):
        desk(agent).agree(issued.code_id, GROUNDS)
    assert live(means, asha) is None
    with means.store.read() as uow:
        (event,) = uow.audit.latest(limit=1)
    assert (event.kind, event.actor) == ("staff-not-permitted", agent.actor.staff_id)


def test_the_command_line_is_one_person_whoever_types(
    means: Means, asha: samples.Person, agent: Office
) -> None:
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
    means: Means, asha: samples.Person, agent: Office, manager: Office, clock: SetClock
) -> None:
    issued = give(agent, asha, TWO)
    clock.forward(minutes=15)
    assert desk(manager).waiting() == ()
    with pytest.raises(NothingThere, match="in time"):
        desk(manager).agree(issued.code_id, GROUNDS)
    assert live(means, asha) is None


@pytest.mark.parametrize("how", ["blocked", "revoked", "left", "last-try"])
def test_what_changed_since_it_was_given_counts_when_somebody_agrees(
    means: Means, asha: samples.Person, agent: Office, manager: Office, how: str
) -> None:
    spoil, because = UNABLE[how]
    issued = give(agent, asha, TWO)
    spoil(means, asha)
    with pytest.raises(NotTaken, match=because):
        desk(manager).agree(issued.code_id, GROUNDS)
    assert live(means, asha) is None


@pytest.mark.parametrize("changes", [{"removed_at": samples.NOW}, {"role": Role.AUDITOR}])
def test_a_code_of_somebody_who_may_give_none_any_more_is_agreed_to_by_nobody(
    means: Means, asha: samples.Person, agent: Office, manager: Office, changes: dict[str, object]
) -> None:
    issued = give(agent, asha, TWO)
    with means.store.begin() as uow:
        member = uow.staff.get(agent.actor.staff_id)
        assert member is not None
        assert uow.staff.save(replace(member, **changes))  # type: ignore[arg-type]
        uow.commit()
    assert desk(manager).waiting() == ()
    with pytest.raises(NothingThere, match="may give none any more"):
        desk(manager).agree(issued.code_id, GROUNDS)
    assert live(means, asha) is None


def test_a_policy_that_changed_later_frees_no_code(
    means: Means, asha: samples.Person, agent: Office
) -> None:
    issued = give(agent, asha, TWO)
    (line,) = desk(agent, ALONE).waiting()
    assert line.code_id == issued.code_id
    assert live(means, asha) is None


# --- withdraw --------------------------------------------------------------------------


def test_a_code_is_withdrawn(means: Means, asha: samples.Person, agent: Office) -> None:
    issued = give(agent, asha)
    desk(agent).withdraw(issued.code_id, Grounds("Was somebody else"))
    assert live(means, asha) is None
    assert events(means, asha)[0].kind == "code-withdrawn"


def test_a_code_that_waits_is_withdrawn(
    means: Means, asha: samples.Person, agent: Office, manager: Office
) -> None:
    issued = give(agent, asha, TWO)
    done = desk(manager).withdraw(issued.code_id, GROUNDS)
    with pytest.raises(ChangedMeanwhile) as caught:
        desk(manager).agree(issued.code_id, GROUNDS)
    told = f"{manager.actor.name} withdrew an unlock code (reference {done.reference})."
    assert caught.value.changes == (told,)


def test_a_code_that_is_over_is_not_withdrawn(
    means: Means, asha: samples.Person, agent: Office, clock: SetClock
) -> None:
    late = give(agent, asha)
    clock.forward(minutes=15)
    with pytest.raises(NothingThere):
        desk(agent).withdraw(late.code_id, GROUNDS)
    used = give(agent, asha)
    with means.store.begin() as uow:
        uow.codes.consume(used.code_id)
        uow.commit()
    with pytest.raises(NothingThere, match="was used"):
        desk(agent).withdraw(used.code_id, GROUNDS)


def test_a_mailed_code_is_not_the_desks(means: Means, asha: samples.Person, agent: Office) -> None:
    code_id = mailed(means, asha)
    for act in (desk(agent).agree, desk(agent).withdraw):
        for wanted in (code_id, "nothing"):
            with pytest.raises(NothingThere):
                act(wanted, GROUNDS)
    assert kept(means, code_id).revoked_at is None


# --- at once ---------------------------------------------------------------------------


def test_of_two_who_agree_at_once_one_does(
    means: Means, asha: samples.Person, agent: Office, manager: Office
) -> None:
    second = office_of(means, Role.AGENT, "Second Agent")
    for round_ in range(3):
        code_id = give(agent, asha, TWO).code_id
        outcomes = both(
            lambda: desk(manager).agree(code_id, GROUNDS),  # noqa: B023 - called within the round
            lambda: desk(second).agree(code_id, GROUNDS),  # noqa: B023
        )
        (late,) = [one for one in outcomes if isinstance(one, AdministrationError)]
        assert isinstance(late, ChangedMeanwhile)
        assert "agreed to an unlock code" in late.changes[0]
        assert [e.kind for e in events(means, asha)].count("code-agreed") == round_ + 1


def test_agreeing_and_withdrawing_at_once_is_one_or_the_other(
    means: Means, asha: samples.Person, agent: Office, manager: Office
) -> None:
    for _ in range(3):
        code_id = give(agent, asha, TWO).code_id
        outcomes = both(
            lambda: desk(manager).agree(code_id, GROUNDS),  # noqa: B023 - called within the round
            lambda: desk(agent).withdraw(code_id, GROUNDS),  # noqa: B023
        )
        (late,) = [one for one in outcomes if isinstance(one, AdministrationError)]
        assert isinstance(late, ChangedMeanwhile)
        agreed = outcomes.index(late) == 1
        assert (live(means, asha) is not None) is agreed
        assert events(means, asha)[0].kind == ("code-agreed" if agreed else "code-withdrawn")


def test_of_two_who_give_one_at_once_one_does(
    means: Means, asha: samples.Person, agent: Office, manager: Office
) -> None:
    same = seen(means, asha)
    outcomes = both(
        lambda: desk(agent).issue(same, asha.card.id, GROUNDS),
        lambda: desk(manager).issue(same, asha.card.id, GROUNDS),
    )
    (issued,) = [one for one in outcomes if isinstance(one, IssuedCode)]
    (late,) = [one for one in outcomes if isinstance(one, ChangedMeanwhile)]
    assert "gave an unlock code by word of mouth" in late.changes[0]
    code = live(means, asha)
    assert code is not None
    assert code.id == issued.code_id
