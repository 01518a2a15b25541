"""Staff stop what was not done by the holder: found by a number, shown, closed, told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from kiosk.authority.administration.office import Office, StaffDependencies
from kiosk.authority.administration.people import PeopleDesk
from kiosk.authority.administration.views import Done, Grounds, Seen
from kiosk.authority.audit.events import AuditKind, record
from kiosk.authority.errors import ConcurrentChange
from kiosk.authority.records import AuditQuery, PendingChange, Scalar, new_id
from kiosk.authority.visit.misuse import stop_holder
from kiosk.authority.visit.registration import apply_due_change, apply_due_changes
from kiosk.contract.messages import Purpose, VisitId, reference_of
from screens.words.staff.deeds import deed_words
from screens.words.staff.found import found_words
from screens.words.staff.refusals import change_lines
from tests.authority.administration.desk.offices import GROUNDS
from tests.authority.administration.desk.people import seen
from tests.authority.administration.desk.results import known, mailed, registered, use_up
from tests.authority.store import samples
from tests.authority.store.samples import Person
from tests.support import staff_words
from tests.support.database import SetClock
from tests.support.refusals import refused

NEW = "mallory@trust.nhs.uk"


@pytest.fixture
def desk(agent: Office) -> PeopleDesk:
    return PeopleDesk(agent)


def waiting(means: StaffDependencies, asha: Person, old: str = "asha@trust.nhs.uk") -> None:
    with means.store.begin() as uow:
        now = uow.now
        registration = uow.registrations.of_holder(asha.holder.id)
        kept = registration or samples.registration(asha.holder.id)
        later = now + timedelta(hours=24)
        uow.addresses.add(samples.waiting_address(kept, NEW, later, asha.visit.id))
        uow.pending.put(
            PendingChange(new_id(), asha.holder.id, asha.card.id, Purpose.CHANGE_EMAIL, now)
        )
        uow.commit()


def test_the_number_of_a_mail_finds_its_person_and_visit(
    desk: PeopleDesk, means: StaffDependencies, asha: Person, clock: SetClock
) -> None:
    reference = reference_of(VisitId(asha.visit.id))
    with means.store.begin() as uow:
        number = uow.stop_numbers.draw(asha.holder.id, asha.visit.id)
        uow.audit.append(
            kind="pin-changed", reference=reference, holder_id=asha.holder.id,
            station="Library",
        )  # fmt: skip
        uow.commit()
    for typed in (number, f" {number[:4]} {number[4:]} "):
        found = desk.search(typed)
        assert [line.holder_id for line in found.people] == [asha.holder.id]
        assert "for somebody to stop what they did not do" in found_words(found)
        assert f"{reference} at Library" in found_words(found)
    with means.store.begin() as uow:
        uow.stop_numbers.use_all(asha.holder.id)
        uow.commit()
    found = desk.search(number)
    assert [line.holder_id for line in found.people] == [asha.holder.id]
    assert "for somebody to stop what they did not do" not in found_words(found)
    assert "used up by a report at" in found_words(found)
    assert "stops nothing more" in found_words(found)
    assert f"{reference} at Library" in found_words(found)
    with means.store.begin() as uow:
        older = uow.stop_numbers.draw(asha.holder.id, asha.visit.id)
        uow.commit()
    clock.forward(days=31)
    found = desk.search(older)
    assert [line.holder_id for line in found.people] == [asha.holder.id]
    assert "of more than 30 days ago" in found_words(found)
    other = f"{(int(number) + 1) % 10**8:08d}"
    assert not desk.search(other).people


def test_the_visit_of_a_mail_is_named_by_what_the_mail_tells_of(
    desk: PeopleDesk, means: StaffDependencies, asha: Person
) -> None:
    reference = reference_of(VisitId(asha.visit.id))
    with means.store.begin() as uow:
        number = uow.stop_numbers.draw(asha.holder.id, asha.visit.id)
        for kind in ("visit-opened", "unblock-done", "secret-changed"):
            uow.audit.append(kind=kind, reference=reference, holder_id=asha.holder.id)
        uow.commit()
    for typed in (number, reference):
        assert "Unlocked the card and set a new PIN." in found_words(desk.search(typed))


def test_a_report_at_a_station_names_on_the_page_what_it_was_about(
    desk: PeopleDesk, means: StaffDependencies, asha: Person
) -> None:
    theirs = reference_of(VisitId(asha.visit.id))
    with means.store.begin() as uow:
        for kind in ("visit-opened", "email-changed", "visit-ended"):
            uow.audit.append(
                kind=kind, reference=theirs, holder_id=asha.holder.id, station="Library"
            )
        uow.registrations.block(asha.holder.id)
        uow.audit.append(
            kind="misuse-reported", reference="0000-0001", holder_id=asha.holder.id,
            station="Ward 7", detail={"blocked": True, "about": theirs},
        )  # fmt: skip
        uow.commit()
    page = desk.person(asha.holder.id)
    assert f"they did not do {theirs} at Library" in staff_words.headline(page)
    assert staff_words.headline(page).endswith(": Changed the email address.")
    assert f"with the number of the mail about {theirs}" in staff_words.story(page)[0]


def test_a_report_in_the_visit_of_its_mail_is_not_what_it_is_about(
    desk: PeopleDesk, means: StaffDependencies, asha: Person
) -> None:
    theirs = reference_of(VisitId(asha.visit.id))
    happened: tuple[tuple[str, dict[str, Scalar]], ...] = (
        ("visit-opened", {}),
        ("code-sent", {}),
        ("purpose-chosen", {"purpose": Purpose.REPORT_MISUSE.value}),
        ("stop-number-tried", {"left": 4}),
        ("misuse-reported", {"blocked": True, "about": theirs}),
        ("visit-ended", {"how": "finished"}),
    )
    with means.store.begin() as uow:
        number = uow.stop_numbers.draw(asha.holder.id, asha.visit.id)
        uow.registrations.block(asha.holder.id)
        for kind, detail in happened:
            uow.audit.append(kind=kind, reference=theirs, holder_id=asha.holder.id, detail=detail)
        uow.commit()
    assert staff_words.headline(desk.person(asha.holder.id)).endswith(": A code was sent by mail.")
    assert found_words(desk.search(number)).endswith(": A code was sent by mail.")


def test_a_report_closes_everything_and_says_so(
    desk: PeopleDesk, means: StaffDependencies, asha: Person
) -> None:
    waiting(means, asha)
    done = desk.report_misuse(seen(means, asha), GROUNDS)
    assert "self-service is blocked" in deed_words(done.deed)
    blocked = registered(means, asha)
    assert blocked.blocked_at is not None
    with means.store.read() as uow:
        assert uow.addresses.waiting(asha.holder.id) is None
        assert not uow.visits.open_of_card(asha.card.id)
    page = desk.person(asha.holder.id)
    assert "it was reported that something was not done by them" in staff_words.headline(page)
    assert page.waiting_change is None
    with means.store.begin() as uow:
        told = {message.template for message in uow.outbox.claim_due(9, timedelta(hours=1))}
    assert "misuse-stopped" in told


def test_a_change_that_waits_is_shown_masked_and_can_be_stopped_alone(
    desk: PeopleDesk, means: StaffDependencies, asha: Person
) -> None:
    waiting(means, asha)
    change = desk.person(asha.holder.id).waiting_change
    assert change is not None
    assert change.old == "asha@trust.nhs.uk"
    assert change.masked == "m•••@trust.nhs.uk"
    assert change.counts_from == means.clock.now() + timedelta(hours=24)
    desk.stop_change(seen(means, asha), GROUNDS)
    assert desk.person(asha.holder.id).waiting_change is None
    kept = registered(means, asha)
    assert kept.blocked_at is None
    with means.store.begin() as uow:
        told = uow.outbox.claim_due(9, timedelta(hours=1))
    assert {one.to for one in told if one.template == "change-stopped"} == {change.old, NEW}
    with pytest.raises(ConcurrentChange):
        desk.stop_change(seen(means, asha), GROUNDS)


def test_who_left_and_is_taken_back_has_the_address_that_they_had(
    desk: PeopleDesk, means: StaffDependencies, asha: Person, clock: SetClock
) -> None:
    before = known(means, asha).shown
    waiting(means, asha)
    desk.mark_leaver(seen(means, asha), GROUNDS)
    assert desk.person(asha.holder.id).waiting_change is None
    clock.forward(hours=25)
    apply_due_changes(means.store)
    desk.take_back_leaver(seen(means, asha), GROUNDS)
    assert known(means, asha).shown == before


def reported(means: StaffDependencies, asha: Person, clock: SetClock) -> None:
    """They enter the number of a mail at a station."""
    clock.forward(minutes=1)
    with means.store.begin() as uow:
        stop_holder(uow, asha.holder.id)
        record(uow, AuditKind.MISUSE_REPORTED, asha.visit, blocked=True)
        uow.commit()


def failed(means: StaffDependencies, asha: Person) -> None:
    with means.store.begin() as uow:
        uow.registrations.block(asha.holder.id)
        uow.commit()


def paused(means: StaffDependencies, asha: Person) -> None:
    """Their own answers are not used up: a card that is known by name only was refused."""
    with means.store.begin() as uow:
        attempts = uow.registrations.attempts(asha.holder.id, 1, proven=False)
        charge = attempts.charge(new_id())
        assert charge is not None
        assert charge.left == 0
        uow.commit()


@pytest.mark.parametrize("before", [failed, paused])
@pytest.mark.parametrize("deed", [PeopleDesk.lift_block, PeopleDesk.revoke_registration])
def test_a_dialog_from_before_a_report_does_not_undo_it(
    manager: Office,
    means: StaffDependencies,
    asha: Person,
    clock: SetClock,
    before: Callable[[StaffDependencies, Person], None],
    deed: Callable[[PeopleDesk, Seen, Grounds], Done],
) -> None:
    before(means, asha)
    desk = PeopleDesk(manager)
    then = desk.person(asha.holder.id).seen
    reported(means, asha, clock)
    with refused(ConcurrentChange, match="changed since you looked") as caught:
        deed(desk, then, GROUNDS)
    assert "it was not me" in change_lines(caught.value)[0]
    with means.store.read() as uow:
        kept = uow.registrations.of_holder(asha.holder.id)
    assert kept is not None
    assert kept.blocked_at == clock.now()
    deed(desk, desk.person(asha.holder.id).seen, GROUNDS)


def test_change_that_would_replace_a_former_address_is_not_shown_for_the_present_one(
    desk: PeopleDesk, means: StaffDependencies, asha: Person
) -> None:
    """It never comes into force: the caretaker ends it when it is due."""
    waiting(means, asha)
    kept = registered(means, asha)
    present = samples.registered_address(kept.holder_id, "other@nhs.net")
    with means.store.begin() as uow:
        samples.put_registered(uow, kept, present)
        uow.commit()
    assert desk.person(asha.holder.id).waiting_change is None


@pytest.mark.parametrize("block", [failed, use_up])
def test_a_change_of_address_does_not_outlive_a_block(
    desk: PeopleDesk,
    means: StaffDependencies,
    asha: Person,
    clock: SetClock,
    block: Callable[[StaffDependencies, Person], None],
) -> None:
    waiting(means, asha)
    block(means, asha)
    done = desk.lift_block(seen(means, asha), GROUNDS)
    assert "change of address that waited is stopped" in deed_words(done.deed)
    old = "asha@trust.nhs.uk"
    assert sorted((to, which) for to, which, _ in mailed(means)) == [
        (old, "block-lifted"),
        (old, "change-stopped"),
        (NEW, "change-stopped"),
    ]
    clock.forward(hours=24)
    assert apply_due_changes(means.store) == ()
    assert known(means, asha).shown == old


def test_a_change_of_address_goes_on_where_only_a_pause_is_lifted(
    desk: PeopleDesk, means: StaffDependencies, asha: Person, clock: SetClock
) -> None:
    """Somebody with a copy of the card can cause a pause, and would stop it so."""
    waiting(means, asha)
    paused(means, asha)
    done = desk.lift_block(seen(means, asha), GROUNDS)
    assert "change of address" not in deed_words(done.deed)
    clock.forward(hours=24)
    assert apply_due_changes(means.store) == ()
    assert known(means, asha).shown == NEW


def confirmed(means: StaffDependencies, asha: Person) -> None:
    with means.store.begin() as uow:
        before = uow.registrations.of_holder(asha.holder.id)
        assert before is not None
        new = samples.registered_address(asha.holder.id, NEW, uow.now)
        samples.put_registered(uow, before, new)
        record(uow, AuditKind.EMAIL_CHANGED, asha.visit, other=True)
        uow.commit()


def confirmed_to_wait(means: StaffDependencies, asha: Person) -> None:
    waiting(means, asha)
    with means.store.begin() as uow:
        record(uow, AuditKind.EMAIL_CHANGE_WAITS, asha.visit, hours=24)
        uow.commit()


@pytest.mark.parametrize("confirm", [confirmed, confirmed_to_wait])
def test_a_correction_from_before_does_not_replace_a_confirmed_address(
    manager: Office,
    means: StaffDependencies,
    asha: Person,
    confirm: Callable[[StaffDependencies, Person], None],
) -> None:
    desk = PeopleDesk(manager)
    then = desk.person(asha.holder.id).seen
    confirm(means, asha)
    with refused(ConcurrentChange, match="changed since you looked") as caught:
        desk.correct_email(then, "asha@nhs.uk", GROUNDS)
    assert "email address" in change_lines(caught.value)[0]
    desk.correct_email(desk.person(asha.holder.id).seen, "asha@nhs.uk", GROUNDS)


def test_an_address_that_was_seen_to_wait_may_fall_due(
    manager: Office, means: StaffDependencies, asha: Person, clock: SetClock
) -> None:
    waiting(means, asha)
    desk = PeopleDesk(manager)
    then = desk.person(asha.holder.id).seen
    clock.forward(hours=25)
    with means.store.begin() as uow:
        assert apply_due_change(uow, asha.holder.id)
        uow.commit()
    desk.correct_email(then, "asha@nhs.uk", GROUNDS)
    assert desk.person(asha.holder.id).email == "asha@nhs.uk"


def test_a_correction_stops_the_change_that_waits(
    manager: Office, means: StaffDependencies, asha: Person, clock: SetClock
) -> None:
    """Corrected for a slip, and corrected back: the change began from that address."""
    desk = PeopleDesk(manager)
    before = desk.person(asha.holder.id).email
    waiting(means, asha, old=before)
    done = desk.correct_email(desk.person(asha.holder.id).seen, "asha@nhs.uk", GROUNDS)
    assert deed_words(done.deed).endswith("The change of address that waited is stopped.")
    again = desk.correct_email(desk.person(asha.holder.id).seen, before, GROUNDS)
    assert "stopped" not in deed_words(again.deed)
    clock.forward(hours=25)
    with means.store.begin() as uow:
        assert not apply_due_change(uow, asha.holder.id)
        kinds = [event.kind for event in uow.trail.newest(AuditQuery(holder_id=asha.holder.id))]
        uow.commit()
    assert kinds.count("email-change-stopped") == 1
    assert desk.person(asha.holder.id).email == before


def test_a_revoked_registration_takes_the_change_that_waits_with_it(
    manager: Office, means: StaffDependencies, asha: Person
) -> None:
    """They may register the same address again before it is due."""
    waiting(means, asha)
    desk = PeopleDesk(manager)
    desk.revoke_registration(desk.person(asha.holder.id).seen, GROUNDS)
    with means.store.read() as uow:
        assert uow.addresses.waiting(asha.holder.id) is None
        kinds = [event.kind for event in uow.trail.newest(AuditQuery(holder_id=asha.holder.id))]
    assert "email-change-stopped" in kinds
