"""What staff do about people: what changes, what the audit and the holder are told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kiosk.authority.administration.office import Office, StaffDependencies
from kiosk.authority.administration.people import PeopleDesk
from kiosk.authority.administration.views import Standing
from kiosk.authority.audit.events import StaffKind
from kiosk.authority.errors import ConcurrentChange, NotTaken
from kiosk.authority.facts import CodesGoTo
from screens.words.staff.deeds import deed_words
from tests.authority.administration.desk.given_codes import give, live
from tests.authority.administration.desk.offices import GROUNDS
from tests.authority.administration.desk.people import seen
from tests.authority.administration.desk.results import (
    audited,
    block,
    gather,
    holder,
    is_revoked,
    known,
    mailed,
    outbox,
    registered,
    use_up,
)
from tests.authority.store import samples
from tests.authority.store.samples import NOW, Person
from tests.support.refusals import refused

OLD, NEW = "asha@trust.nhs.uk", "asha.bell@wexbridge.nhs.uk"


@pytest.fixture
def desk(agent: Office) -> PeopleDesk:
    return PeopleDesk(agent)


# --- lifting a block -------------------------------------------------------------------


def test_a_block_is_lifted_with_its_failures(
    desk: PeopleDesk, means: StaffDependencies, asha: Person
) -> None:
    block(means, asha)
    done = desk.lift_block(seen(means, asha), GROUNDS)
    registration = registered(means, asha)
    assert (registration.blocked_at, registration.failures) == (None, 0)
    assert desk.person(asha.holder.id).standing is Standing.READY
    assert audited(means, asha) == (StaffKind.BLOCK_LIFTED, done.reference, {"failures": 3})
    assert mailed(means) == [(OLD, "block-lifted", done.reference)]


def test_attempts_that_are_used_up_are_given_back_though_nobody_wrote_a_block(
    desk: PeopleDesk, means: StaffDependencies, asha: Person
) -> None:
    use_up(means, asha)
    assert desk.person(asha.holder.id).standing is Standing.BLOCKED
    desk.lift_block(seen(means, asha), GROUNDS)
    assert registered(means, asha).failures == 0


def test_a_block_that_is_not_there_cannot_be_lifted(
    desk: PeopleDesk, means: StaffDependencies, asha: Person
) -> None:
    with refused(ConcurrentChange, match="They are not blocked"):
        desk.lift_block(seen(means, asha), GROUNDS)
    stranger = samples.stored_person(means.store, "100000000002")
    with refused(ConcurrentChange, match="They are not blocked"):
        desk.lift_block(seen(means, stranger), GROUNDS)
    assert mailed(means) == []


# --- revoking a registration -----------------------------------------------------------


def test_a_registration_goes_with_what_it_gathered_and_nothing_else(
    desk: PeopleDesk, means: StaffDependencies, asha: Person
) -> None:
    code_id = gather(means, asha)
    done = desk.revoke_registration(seen(means, asha), GROUNDS)
    assert desk.person(asha.holder.id).standing is Standing.NOT_REGISTERED
    with means.store.begin() as uow:
        assert uow.registrations.of_holder(asha.holder.id) is None
        assert uow.pending.delete_of_holder(asha.holder.id) == 0
        assert is_revoked(means, code_id)
        assert uow.holders.get(asha.holder.id) == replace(asha.holder, revision=1)
        assert uow.cards.get(asha.card.id) == asha.card
    assert audited(means, asha) == (StaffKind.REGISTRATION_REVOKED, done.reference, {})
    assert mailed(means) == [(OLD, "registration-revoked", done.reference)]
    with refused(ConcurrentChange, match="They are not registered"):
        desk.revoke_registration(seen(means, asha), GROUNDS)


def test_the_key_that_the_card_named_goes_with_the_registration(
    desk: PeopleDesk, means: StaffDependencies, asha: Person
) -> None:
    with means.store.begin() as uow:
        uow.cards.record_key(asha.card.id, b"a key")
        uow.commit()
    desk.revoke_registration(seen(means, asha), GROUNDS)
    assert not desk.person(asha.holder.id).cards[0].has_key


# --- correcting ------------------------------------------------------------------------


def test_a_name_is_corrected_and_found_again(
    desk: PeopleDesk, means: StaffDependencies, asha: Person
) -> None:
    done = desk.correct_name(seen(means, asha), "  Asha   Bell ", GROUNDS)
    assert deed_words(done.deed) == "The name is Asha Bell now."
    assert holder(means, asha).name == "Asha Bell"
    with means.store.read() as uow:
        assert uow.search.find("bell", 5) == (asha.holder.id,)
        assert uow.search.find("okafor", 5) == ()
    assert audited(means, asha) == (StaffKind.NAME_CORRECTED, done.reference, {})
    assert mailed(means) == []


@pytest.mark.parametrize("name", ["", "   ", "Asha Okafor", "x" * 121, "Asha\x1b[2J"])
def test_a_name_that_cannot_be_taken(
    desk: PeopleDesk, means: StaffDependencies, asha: Person, name: str
) -> None:
    with pytest.raises(NotTaken) as caught:
        desk.correct_name(seen(means, asha), name, GROUNDS)
    assert caught.value.field == "name"
    assert holder(means, asha) == asha.holder


def test_a_corrected_address_says_that_the_code_that_was_given_ends(
    desk: PeopleDesk, agent: Office, means: StaffDependencies, asha: Person
) -> None:
    again = desk.correct_email(seen(means, asha), NEW, GROUNDS)
    assert "by word of mouth" not in deed_words(again.deed)
    give(agent, asha)
    done = desk.correct_email(seen(means, asha), OLD, GROUNDS)
    assert deed_words(done.deed).endswith("by word of mouth ended with it: give another.")
    assert live(means, asha) is None


def test_an_address_is_corrected_where_codes_go_and_waits_to_be_confirmed(
    desk: PeopleDesk, means: StaffDependencies, asha: Person
) -> None:
    code_id = gather(means, asha)
    done = desk.correct_email(seen(means, asha), f" {NEW.replace('wex', 'WEX')} ", GROUNDS)
    registration = registered(means, asha)
    now = known(means, asha)
    assert now.unconfirmed is not None
    assert (now.unconfirmed.value, now.unconfirmed.effective_from) == (NEW, NOW)
    assert registration.hashes == samples.registration("").hashes
    assert now.recorded is not None
    assert now.recorded.value == NEW
    assert is_revoked(means, code_id)
    person = desk.person(asha.holder.id)
    assert (person.email, person.can_unlock) == (NEW, True)
    assert person.registration is not None
    assert CodesGoTo(NEW, confirmed=False) in person.registration.enrolled
    with means.store.begin() as uow:
        assert uow.pending.delete_of_holder(asha.holder.id) == 0
        assert uow.search.find(NEW, 5) == (asha.holder.id,)
        assert uow.search.find(OLD, 5) == ()
    detail = {"registered": True, "address": now.recorded.id}
    assert audited(means, asha) == (StaffKind.EMAIL_CORRECTED, done.reference, detail)
    assert mailed(means) == [
        (NEW, "email-corrected-new", done.reference),
        (OLD, "email-corrected-old", done.reference),
    ]


def test_the_mail_about_an_address_shows_the_new_one_masked(
    desk: PeopleDesk, means: StaffDependencies, asha: Person
) -> None:
    desk.correct_email(seen(means, asha), NEW, GROUNDS)
    for message in outbox(means):
        assert message.params["masked_email"] == "a•••@wexbridge.nhs.uk"
        assert NEW not in str(message.params)


def test_an_address_of_somebody_who_is_not_registered(
    desk: PeopleDesk, means: StaffDependencies
) -> None:
    person = samples.stored_person(means.store)
    done = desk.correct_email(seen(means, person), NEW, GROUNDS)
    assert deed_words(done.deed).endswith(
        "It is suggested to them when they register; the code that is sent there confirms it."
    )
    assert known(means, person).shown == NEW
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
    desk: PeopleDesk, means: StaffDependencies, asha: Person, email: str, because: str
) -> None:
    code_id = gather(means, asha)
    with refused(NotTaken, match=because) as caught:
        desk.correct_email(seen(means, asha), email, GROUNDS)
    assert caught.value.field == "email"
    assert known(means, asha).shown == OLD
    assert not is_revoked(means, code_id)


# --- coming and going ------------------------------------------------------------------


def test_a_leaver_is_closed_and_taken_back(
    desk: PeopleDesk, means: StaffDependencies, asha: Person
) -> None:
    code_id = gather(means, asha)
    left = desk.mark_leaver(seen(means, asha), GROUNDS)
    assert holder(means, asha).left_at == NOW
    assert is_revoked(means, code_id)
    person = desk.person(asha.holder.id)
    assert (person.standing, person.can_unlock) == (Standing.LEFT, False)
    assert audited(means, asha) == (StaffKind.LEAVER_MARKED, left.reference, {})
    with refused(ConcurrentChange, match="leaver already"):
        desk.mark_leaver(seen(means, asha), GROUNDS)

    back = desk.take_back_leaver(seen(means, asha), GROUNDS)
    assert desk.person(asha.holder.id).standing is Standing.READY
    assert is_revoked(means, code_id)
    assert audited(means, asha) == (StaffKind.LEAVER_TAKEN_BACK, back.reference, {})
    assert mailed(means) == [
        (OLD, "leaver-marked", left.reference),
        (OLD, "leaver-taken-back", back.reference),
    ]
    with refused(ConcurrentChange, match="They are no leaver"):
        desk.take_back_leaver(seen(means, asha), GROUNDS)
