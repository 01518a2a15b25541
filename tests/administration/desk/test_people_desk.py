"""What staff do about people: what changes, what the audit and the holder are told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from kiosk.administration.kinds import StaffKind
from kiosk.administration.means import Means
from kiosk.administration.office import Office
from kiosk.administration.people_desk import LocalPeopleDesk
from kiosk.administration.views.acting import Done, Grounds, Seen
from kiosk.administration.views.people import Standing
from kiosk.dialogue import Purpose
from kiosk.errors import ChangedMeanwhile, NothingThere, NotPermitted, NotTaken
from kiosk.store.records import Cardholder, PendingChange, Registration, Scalar, new_id
from kiosk.store.service_records import OutboxMessage
from tests.administration.desk.house import GROUNDS
from tests.administration.desk.people import seen, somebody
from tests.store import samples
from tests.store.samples import NOW, Person

OLD, NEW = "asha@trust.nhs.uk", "asha.bell@wexbridge.nhs.uk"

Deed = Callable[[LocalPeopleDesk, Seen, Grounds], Done]


@pytest.fixture
def asha(means: Means) -> Person:
    return somebody(means)


@pytest.fixture
def desk(agent: Office) -> LocalPeopleDesk:
    return LocalPeopleDesk(agent)


# --- lifting a block -------------------------------------------------------------------


def test_a_block_is_lifted_with_its_failures(
    desk: LocalPeopleDesk, means: Means, asha: Person
) -> None:
    block(means, asha)
    done = desk.lift_block(seen(means, asha), GROUNDS)
    registration = registered(means, asha)
    assert (registration.blocked_at, registration.failures) == (None, 0)
    assert desk.person(asha.holder.id).standing is Standing.READY
    assert audited(means, asha) == (StaffKind.BLOCK_LIFTED, done.reference, {"failures": 3})
    assert mailed(means) == [(OLD, "block-lifted", done.reference)]


def test_attempts_that_are_used_up_are_given_back_though_nobody_wrote_a_block(
    desk: LocalPeopleDesk, means: Means, asha: Person
) -> None:
    use_up(means, asha)
    assert desk.person(asha.holder.id).standing is Standing.BLOCKED
    desk.lift_block(seen(means, asha), GROUNDS)
    assert registered(means, asha).failures == 0


def test_a_block_that_is_not_there_cannot_be_lifted(
    desk: LocalPeopleDesk, means: Means, asha: Person
) -> None:
    with pytest.raises(ChangedMeanwhile, match="no block any more"):
        desk.lift_block(seen(means, asha), GROUNDS)
    stranger = samples.stored_person(means.store, "100000000002")
    with pytest.raises(ChangedMeanwhile, match="no block any more"):
        desk.lift_block(seen(means, stranger), GROUNDS)
    assert mailed(means) == []


# --- revoking a registration -----------------------------------------------------------


def test_a_registration_goes_with_what_it_gathered_and_nothing_else(
    desk: LocalPeopleDesk, means: Means, asha: Person
) -> None:
    code_id = gather(means, asha)
    done = desk.revoke_registration(seen(means, asha), GROUNDS)
    assert desk.person(asha.holder.id).standing is Standing.NOT_REGISTERED
    with means.store.read() as uow:
        assert uow.registrations.of_holder(asha.holder.id) is None
        assert uow.pending.find(asha.card.id, Purpose.CHANGE_EMAIL) is None
        assert is_revoked(means, code_id)
        assert uow.holders.get(asha.holder.id) == replace(asha.holder, revision=1)
        assert uow.cards.get(asha.card.id) == asha.card
    assert audited(means, asha) == (StaffKind.REGISTRATION_REVOKED, done.reference, {})
    assert mailed(means) == [(OLD, "registration-revoked", done.reference)]
    with pytest.raises(ChangedMeanwhile, match="not registered any more"):
        desk.revoke_registration(seen(means, asha), GROUNDS)


def test_the_key_that_the_card_named_goes_with_the_registration(
    desk: LocalPeopleDesk, means: Means, asha: Person
) -> None:
    with means.store.begin() as uow:
        uow.cards.record_key(asha.card.id, b"a key")
        uow.commit()
    desk.revoke_registration(seen(means, asha), GROUNDS)
    assert not desk.person(asha.holder.id).cards[0].has_key


# --- correcting ------------------------------------------------------------------------


def test_a_name_is_corrected_and_found_again(
    desk: LocalPeopleDesk, means: Means, asha: Person
) -> None:
    done = desk.correct_name(seen(means, asha), "  Asha   Bell ", GROUNDS)
    assert done.told == "The name is Asha Bell now."
    assert holder(means, asha).name == "Asha Bell"
    with means.store.read() as uow:
        assert uow.search.find("bell", 5) == (asha.holder.id,)
        assert uow.search.find("okafor", 5) == ()
    assert audited(means, asha) == (StaffKind.NAME_CORRECTED, done.reference, {})
    assert mailed(means) == []


@pytest.mark.parametrize("name", ["", "   ", "Asha Okafor", "x" * 121, "Asha\x1b[2J"])
def test_a_name_that_cannot_be_taken(
    desk: LocalPeopleDesk, means: Means, asha: Person, name: str
) -> None:
    with pytest.raises(NotTaken) as caught:
        desk.correct_name(seen(means, asha), name, GROUNDS)
    assert caught.value.field == "name"
    assert holder(means, asha) == asha.holder


def test_an_address_is_corrected_where_codes_go_and_waits_to_be_confirmed(
    desk: LocalPeopleDesk, means: Means, asha: Person
) -> None:
    code_id = gather(means, asha)
    done = desk.correct_email(seen(means, asha), f" {NEW.replace('wex', 'WEX')} ", GROUNDS)
    registration = registered(means, asha)
    assert (registration.email, registration.unconfirmed_since) == (NEW, NOW)
    assert registration.hashes == samples.registration("").hashes
    assert holder(means, asha).email == NEW
    assert is_revoked(means, code_id)
    person = desk.person(asha.holder.id)
    assert (person.email, person.can_unlock) == (NEW, True)
    assert person.registration is not None
    assert not person.registration.confirmed
    with means.store.read() as uow:
        assert uow.pending.find(asha.card.id, Purpose.CHANGE_EMAIL) is None
        assert uow.search.find(NEW, 5) == (asha.holder.id,)
        assert uow.search.find(OLD, 5) == ()
    assert audited(means, asha) == (
        StaffKind.EMAIL_CORRECTED, done.reference, {"registered": True},
    )  # fmt: skip
    assert mailed(means) == [
        (NEW, "email-corrected-new", done.reference),
        (OLD, "email-corrected-old", done.reference),
    ]


def test_the_mail_about_an_address_shows_the_new_one_masked(
    desk: LocalPeopleDesk, means: Means, asha: Person
) -> None:
    desk.correct_email(seen(means, asha), NEW, GROUNDS)
    for message in outbox(means):
        assert message.params["masked_email"] == "a•••@wexbridge.nhs.uk"
        assert NEW not in str(message.params)


def test_an_address_of_somebody_who_is_not_registered(desk: LocalPeopleDesk, means: Means) -> None:
    person = samples.stored_person(means.store)
    done = desk.correct_email(seen(means, person), NEW, GROUNDS)
    assert done.told.endswith("It is suggested to them when they register.")
    assert holder(means, person).email == NEW
    with means.store.read() as uow:
        assert uow.registrations.of_holder(person.holder.id) is None


@pytest.mark.parametrize(
    ("email", "because"),
    [
        (OLD, "already"),
        ("asha@example.com", "approved domains are taken: nhs.net, nhs.uk, gov.uk, mod.uk"),
        ("asha", "not an address"),
        ("", "not an address"),
    ],
)
def test_an_address_that_cannot_be_taken(
    desk: LocalPeopleDesk, means: Means, asha: Person, email: str, because: str
) -> None:
    code_id = gather(means, asha)
    with pytest.raises(NotTaken, match=because) as caught:
        desk.correct_email(seen(means, asha), email, GROUNDS)
    assert caught.value.field == "email"
    assert registered(means, asha).email == OLD
    assert not is_revoked(means, code_id)


# --- coming and going ------------------------------------------------------------------


def test_a_leaver_is_closed_and_taken_back(
    desk: LocalPeopleDesk, means: Means, asha: Person
) -> None:
    code_id = gather(means, asha)
    left = desk.mark_leaver(seen(means, asha), GROUNDS)
    assert holder(means, asha).left_at == NOW
    assert is_revoked(means, code_id)
    person = desk.person(asha.holder.id)
    assert (person.standing, person.can_unlock) == (Standing.LEFT, False)
    assert audited(means, asha) == (StaffKind.LEAVER_MARKED, left.reference, {})
    with pytest.raises(ChangedMeanwhile, match="leaver already"):
        desk.mark_leaver(seen(means, asha), GROUNDS)

    back = desk.take_back_leaver(seen(means, asha), GROUNDS)
    assert desk.person(asha.holder.id).standing is Standing.READY
    assert is_revoked(means, code_id)
    assert audited(means, asha) == (StaffKind.LEAVER_TAKEN_BACK, back.reference, {})
    assert mailed(means) == [
        (OLD, "leaver-marked", left.reference),
        (OLD, "leaver-taken-back", back.reference),
    ]
    with pytest.raises(ChangedMeanwhile, match="no leaver any more"):
        desk.take_back_leaver(seen(means, asha), GROUNDS)


# --- adding ----------------------------------------------------------------------------


def test_a_person_is_added_and_found(desk: LocalPeopleDesk, means: Means) -> None:
    done = desk.add(" 100200300999 ", " Bo  Chen", "bo@NHS.net", GROUNDS)
    assert done.told == "Bo Chen is added."
    person = desk.find_one(" 100200300999")
    assert (person.name, person.email, person.standing) == (
        "Bo Chen",
        "bo@nhs.net",
        Standing.NO_CARD,
    )
    (line,) = person.story
    assert line.reference == done.reference
    assert "Reason: Asked for by telephone." in line.told
    with means.store.read() as uow:
        assert uow.search.find("chen bo", 5) == (person.seen.holder_id,)
    assert mailed(means) == []


def test_a_person_may_be_added_without_an_address(desk: LocalPeopleDesk) -> None:
    desk.add("100200300999", "Bo Chen", "  ", GROUNDS)
    assert desk.find_one("100200300999").email == ""


@pytest.mark.parametrize(
    ("number", "name", "email", "field"),
    [
        ("1002003", "Bo", "", "number"),
        ("", "Bo", "", "number"),
        ("100000000001", "Bo", "", "number"),
        ("100200300999", "", "", "name"),
        ("100200300999", "Bo", "bo@example.com", "email"),
        ("100200300999", "Bo", "bo", "email"),
    ],
)
def test_a_person_who_cannot_be_added(
    desk: LocalPeopleDesk,
    means: Means,
    asha: Person,
    number: str,
    name: str,
    email: str,
    field: str,
) -> None:
    with pytest.raises(NotTaken) as caught:
        desk.add(number, name, email, GROUNDS)
    assert caught.value.field == field
    with means.store.read() as uow:
        assert uow.audit.latest() == ()
        assert set(uow.holders.by_numbers([number, asha.holder.number])) == {asha.holder.number}


# --- what all of them have in common ---------------------------------------------------

DEEDS: dict[str, Deed] = {
    "lift": lambda desk, seen, grounds: desk.lift_block(seen, grounds),
    "revoke": lambda desk, seen, grounds: desk.revoke_registration(seen, grounds),
    "name": lambda desk, seen, grounds: desk.correct_name(seen, "Asha Bell", grounds),
    "email": lambda desk, seen, grounds: desk.correct_email(seen, NEW, grounds),
    "leave": lambda desk, seen, grounds: desk.mark_leaver(seen, grounds),
    "back": lambda desk, seen, grounds: desk.take_back_leaver(seen, grounds),
    "erase": lambda desk, seen, grounds: desk.erase(seen, grounds),
}


@pytest.mark.parametrize("name", DEEDS)
def test_an_act_on_somebody_as_they_were_is_refused(
    manager: Office, means: Means, asha: Person, name: str
) -> None:
    desk, then = LocalPeopleDesk(manager), seen(means, asha)
    done = desk.correct_name(then, "Asha Ahmed", GROUNDS)
    with pytest.raises(ChangedMeanwhile) as caught:
        DEEDS[name](desk, then, GROUNDS)
    told = f"{manager.actor.name} corrected the name (reference {done.reference})."
    assert caught.value.changes == (told,)
    assert holder(means, asha).name == "Asha Ahmed"


@pytest.mark.parametrize("name", DEEDS)
def test_an_act_on_nobody_is_refused(manager: Office, name: str) -> None:
    with pytest.raises(NothingThere):
        DEEDS[name](LocalPeopleDesk(manager), Seen("0" * 32, 0), GROUNDS)


@pytest.mark.parametrize("name", DEEDS)
def test_an_auditor_changes_nothing(auditor: Office, means: Means, asha: Person, name: str) -> None:
    with pytest.raises(NotPermitted):
        DEEDS[name](LocalPeopleDesk(auditor), seen(means, asha), GROUNDS)
    assert holder(means, asha) == asha.holder


def test_an_auditor_reads(auditor: Office, asha: Person) -> None:
    desk = LocalPeopleDesk(auditor)
    person = desk.person(asha.holder.id)
    assert person == desk.find_one(asha.holder.number)
    assert person.open_to == frozenset()
    assert desk.story(asha.holder.id, before=100) == ()


def test_nobody_is_shown_who_is_not_there(desk: LocalPeopleDesk) -> None:
    with pytest.raises(NothingThere):
        desk.person("0" * 32)
    with pytest.raises(NothingThere):
        desk.story("0" * 32, before=5)
    with pytest.raises(NothingThere, match="Nobody has the number 123"):
        desk.find_one("123")


# --- what the store holds --------------------------------------------------------------


def block(means: Means, person: Person) -> None:
    use_up(means, person)
    with means.store.begin() as uow:
        assert uow.registrations.block(person.holder.id)
        uow.commit()


def use_up(means: Means, person: Person) -> None:
    with means.store.begin() as uow:
        for attempt in ("a1", "a2", "a3"):
            assert uow.registrations.charge(person.holder.id, attempt, 3)
        uow.commit()


def gather(means: Means, person: Person) -> str:
    """Let a change of address and a live code wait for the holder; return the code's id."""
    code = samples.code(person)
    change = PendingChange(new_id(), person.holder.id, person.card.id, Purpose.CHANGE_EMAIL, NOW)
    with means.store.begin() as uow:
        uow.pending.put(change)
        uow.codes.draft(code)
        assert uow.codes.activate(code.id, NOW, NOW + timedelta(minutes=15))
        uow.commit()
    return code.id


def is_revoked(means: Means, code_id: str) -> bool:
    with means.store.read() as uow:
        code = uow.codes.get(code_id)
    assert code is not None
    return code.revoked_at is not None


def holder(means: Means, person: Person) -> Cardholder:
    """Return them as they are, but for the count of what was done to them."""
    with means.store.read() as uow:
        found = uow.holders.get(person.holder.id)
    assert found is not None
    return replace(found, revision=0)


def registered(means: Means, person: Person) -> Registration:
    with means.store.read() as uow:
        found = uow.registrations.of_holder(person.holder.id)
    assert found is not None
    return found


def audited(means: Means, person: Person) -> tuple[str, str, dict[str, Scalar]]:
    """Return the newest row about them: kind, reference, and what its detail says of its own."""
    with means.store.read() as uow:
        event = uow.audit.of_holder(person.holder.id)[0]
        assert uow.audit.verify().intact
    always = {"key", "note", "note_sha256", "revision"}
    own = {name: value for name, value in event.detail.items() if name not in always}
    return event.kind, event.reference, own


def outbox(means: Means) -> list[OutboxMessage]:
    with means.store.begin() as uow:
        return list(uow.outbox.claim_due(100, timedelta(0)))


def mailed(means: Means) -> list[tuple[str, str, object]]:
    """Return whom a notice waits for, which one, and its reference, by template."""
    waiting = sorted(outbox(means), key=lambda one: one.template)
    return [(one.to, one.template, one.params["reference"]) for one in waiting]
