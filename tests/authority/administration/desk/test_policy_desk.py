"""The policy as staff change it: limits, who was first, what does not fit any more."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from msgspec import structs

from kiosk.app.setup.authority import load_questions
from kiosk.authority.administration.office import Office, StaffDependencies
from kiosk.authority.administration.policy import PolicyDesk
from kiosk.authority.administration.views import Grounds, PolicyLine, StopCount
from kiosk.authority.errors import (
    AdministrationError,
    ConcurrentChange,
    NotFound,
    NotPermitted,
    NotTaken,
)
from kiosk.authority.policy import policy_in_force
from kiosk.authority.records import AuditQuery
from kiosk.authority.roles import Role
from kiosk.authority.store.database import Store
from kiosk.config.settings import PolicySettings
from screens.words.staff.deeds import deed_words
from screens.words.staff.refusals import change_lines, refusal_words
from tests.authority.administration.desk.offices import GROUNDS, office_of
from tests.authority.store import samples
from tests.authority.weak_keys import weak_key
from tests.support.database import SetClock
from tests.support.refusals import refused


@pytest.fixture(autouse=True)
def questions(store: Store, clock: SetClock) -> None:
    load_questions(store, clock)


@pytest.fixture
def desk(manager: Office) -> PolicyDesk:
    return PolicyDesk(manager)


def line(desk: PolicyDesk, name: str) -> PolicyLine:
    return next(each for each in desk.every() if each.name == name)


def test_every_setting_is_there_with_its_limits(desk: PolicyDesk) -> None:
    lines = desk.every()
    assert [each.name for each in lines] == [each.name for each in PolicySettings.settings]
    failures = line(desk, "max_failures")
    assert (failures.value, failures.in_file, failures.allowed) == ("3", "3", "1 to 10")
    assert (failures.changed_at, failures.revision) == (None, 0)
    assert line(desk, "verification").value == "questions, email-code"
    assert line(desk, "email_domains").value == "nhs.net, nhs.uk, gov.uk, mod.uk"


def cards(store: Store, *identifiers: str, **more: object) -> None:
    holder = samples.holder()
    with store.begin() as uow:
        uow.holders.put([holder])
        uow.cards.put(
            [
                replace(samples.card(holder.id), id=name, identifier=name, **more)  # type: ignore[arg-type]
                for name in identifiers
            ]
        )
        uow.commit()


def test_stop_of_a_batch_says_how_many_recorded_cards_it_hits(
    desk: PolicyDesk, store: Store
) -> None:
    cards(store, *(f"a{number:031}" for number in range(39)), f"b{0:031}")
    assert desk.stops("piv:b*") == StopCount(1, 40)
    assert desk.stops("piv:*") == StopCount(40, 40)
    assert desk.stops("openpgp:*, roca") == StopCount(0, 40)
    assert desk.stops("piv:b*+issuer:Batch CA") == StopCount(1, 40), "no certificate is recorded"
    assert desk.stops("") == StopCount(0, 40)


def test_stop_of_many_cards_is_asked_for_twice(desk: PolicyDesk, store: Store) -> None:
    cards(store, *(f"a{number:031}" for number in range(38)), *(f"b{n:031}" for n in range(2)))
    desk.change("stop_cards", "piv:b*", 0, GROUNDS)  # 5 % of them
    with refused(NotTaken, r"may stop 38 of 40 recorded cards \(95\.0 %\)"):
        desk.change("stop_cards", "piv:a*", 1, GROUNDS)
    desk.change("stop_cards", "piv:a*", 1, GROUNDS, sure=True)
    assert line(desk, "stop_cards").value == "piv:a*"
    desk.change("stop_cards", "", 2, GROUNDS)
    assert line(desk, "stop_cards").value == ""


def test_stop_of_an_unknown_family_is_refused(desk: PolicyDesk) -> None:
    for act in (desk.stops, lambda value: desk.change("stop_cards", value, 0, GROUNDS)):
        with refused(NotTaken, "'opengpg' is no family of cards"):
            act("opengpg:0006*")


def test_roca_keys_among_recorded_ones_are_counted(desk: PolicyDesk, store: Store) -> None:
    cards(store, "1", "2", auth_key=weak_key())
    holder = samples.holder(number="900000000002")
    other = samples.card(holder.id)
    with store.begin() as uow:
        uow.holders.put([holder])
        uow.cards.put([replace(other, id="3", identifier="3", pin_key=weak_key())])
        uow.cards.put([replace(other, id="4", identifier="4")])
        uow.commit()
    assert desk.stops("roca") == StopCount(3, 4)


def test_a_change_counts_and_tells_who_and_why(
    desk: PolicyDesk, manager: Office, clock: SetClock, store: Store
) -> None:
    done = desk.change("max_failures", " 5 ", 0, Grounds("Too many calls"))
    assert deed_words(done.deed).startswith("max_failures is 5 from now on")
    changed = line(desk, "max_failures")
    assert (changed.value, changed.in_file, changed.revision) == ("5", "3", 1)
    assert (changed.changed_at, changed.changed_by) == (clock.now(), manager.actor.name)
    assert changed.reason == "Too many calls"
    with store.read() as uow:
        (event,) = uow.trail.oldest(AuditQuery(reference=done.reference))
    told = {"setting": "max_failures", "value": "5", "was": "3", "as_in_file": False, "revision": 1}
    assert told.items() <= event.detail.items()


def test_a_setting_that_is_put_back_follows_the_file_again(desk: PolicyDesk) -> None:
    desk.change("email_domains", "Trust.NHS.uk", 0, GROUNDS)
    assert line(desk, "email_domains").value == "trust.nhs.uk"
    desk.change("email_domains", line(desk, "email_domains").in_file, 1, GROUNDS)
    back = line(desk, "email_domains")
    assert (back.value, back.changed_at, back.reason, back.revision) == (back.in_file, None, "", 2)
    with refused(NotTaken, match="counts already"):
        desk.change("email_domains", back.in_file, 2, GROUNDS)


@pytest.mark.parametrize("value", ["*", ""])
def test_a_star_is_any_domain_as_in_the_questions_of_setup(
    desk: PolicyDesk, store: Store, value: str
) -> None:
    done = desk.change("email_domains", value, 0, GROUNDS)
    assert deed_words(done.deed).startswith("email_domains is * from now on")
    found = line(desk, "email_domains")
    assert (found.value, found.allowed) == (
        "*",
        'a list of domains such as "nhs.net"; *: any domain',
    )
    with store.read() as uow:
        in_force = policy_in_force(PolicySettings(), uow.policy_changes.every())
    assert in_force.settings.email_domains == ()


@pytest.mark.parametrize(
    ("name", "value", "because"),
    [
        ("max_failures", "11", "'11' is out of bounds. Allowed: 1 to 10."),
        ("max_failures", "many", "'many' is not a whole number. Allowed: 1 to 10."),
        ("email_domains", "no domain", "'no domain' is not a domain"),
        ("email_domains", "*, nhs.net", "'*' is not a domain"),
        ("verification", "*", "Allowed: a list of"),
        ("email_domains", "a" * 2000, "too long"),
        ("verification", "", "name each step once, and at least one"),
        ("verification", "questions", "security questions alone do not prove anybody"),
        ("questions_registered", "2", "questions_asked: cannot be more"),
        ("pin_max_length", "5", "pin_min_length: cannot be more"),
        ("max_failures", "3", "counts already"),
    ],
)
def test_what_does_not_fit_changes_nothing(
    desk: PolicyDesk, store: Store, name: str, value: str, because: str
) -> None:
    before = desk.every()
    with pytest.raises(NotTaken) as caught:
        desk.change(name, value, 0, GROUNDS)
    assert caught.value.field == "value"
    assert because in refusal_words(caught.value)
    assert desk.every() == before
    with store.read() as uow:
        assert uow.trail.newest(AuditQuery()) == ()


def test_four_eyes_is_refused_while_no_two_managers_could_agree(
    desk: PolicyDesk, manager: Office, means: StaffDependencies
) -> None:
    office_of(means, Role.AGENT)
    with refused(NotTaken, match="There are no two managers who could agree") as caught:
        desk.change("four_eyes", "true", 0, GROUNDS)
    assert caught.value.field == "value"
    assert line(desk, "four_eyes").value == "false"
    office_of(means, Role.MANAGER, "Manager Two")
    desk.change("four_eyes", "true", 0, GROUNDS)
    assert line(desk, "four_eyes").value == "true"


def test_a_change_that_other_changes_stand_on_is_refused(desk: PolicyDesk) -> None:
    desk.change("questions_registered", "6", 0, GROUNDS)
    desk.change("questions_asked", "4", 0, GROUNDS)
    desk.change("questions_registered", "5", 1, GROUNDS)
    desk.change("pin_min_length", "8", 0, GROUNDS)
    with refused(NotTaken, match="pin_min_length"):
        desk.change("pin_max_length", "7", 0, GROUNDS)
    assert line(desk, "pin_max_length").trouble == ""


def test_more_questions_than_are_offered_cannot_be_asked_for(
    desk: PolicyDesk, store: Store
) -> None:
    with store.begin() as uow:
        for question in uow.questions.current()[4:]:
            uow.questions.retire(question.id, uow.now)
        uow.commit()
    with refused(NotTaken, match="Only 4 questions are offered"):
        desk.change("questions_registered", "5", 0, GROUNDS)
    desk.change("max_failures", "4", 0, GROUNDS)


def test_a_setting_that_there_is_not(desk: PolicyDesk) -> None:
    with pytest.raises(NotFound):
        desk.change("max_faliures", "4", 0, GROUNDS)


def test_second_change_of_a_setting_names_what_counts_now(
    desk: PolicyDesk, means: StaffDependencies, manager: Office
) -> None:
    other = PolicyDesk(office_of(means, Role.MANAGER, "Bo Banks"))
    desk.change("max_failures", "5", 0, GROUNDS)
    with pytest.raises(ConcurrentChange) as caught:
        other.change("max_failures", "4", 0, GROUNDS)
    assert change_lines(caught.value) == (f"{manager.actor.name} set max_failures to 5.",)
    other.change("max_failures", "3", 1, GROUNDS)
    with pytest.raises(ConcurrentChange) as caught:
        desk.change("max_failures", "6", 1, GROUNDS)
    assert change_lines(caught.value) == (
        "Bo Banks set max_failures back to the settings file's value.",
    )


def test_two_changes_at_once_never_make_what_does_not_fit(means: StaffDependencies) -> None:
    """Each fits alone: asking four of four, and registering three."""
    gate = threading.Barrier(2)
    one, two = (PolicyDesk(office_of(means, Role.MANAGER)) for _ in range(2))

    def change(desk: PolicyDesk, name: str, value: str) -> bool:
        gate.wait()
        try:
            desk.change(name, value, 0, GROUNDS)
        except AdministrationError:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(change, one, "questions_asked", "4")
        second = pool.submit(change, two, "questions_registered", "3")
        assert sorted((first.result(), second.result())) == [False, True]
    assert all(each.trouble == "" for each in one.every())


def test_a_file_that_changed_later_counts_where_nothing_was_set(
    desk: PolicyDesk, means: StaffDependencies, manager: Office
) -> None:
    desk.change("max_failures", "5", 0, GROUNDS)
    file = structs.replace(means.file_policy, max_failures=7, code_tries=9)
    later = PolicyDesk(Office(replace(means, file_policy=file), manager.actor))
    assert (line(later, "max_failures").value, line(later, "max_failures").in_file) == ("5", "7")
    assert line(later, "code_tries").value == "9"


def test_what_fits_the_file_no_more_is_said_and_does_not_count(
    desk: PolicyDesk, means: StaffDependencies, manager: Office
) -> None:
    desk.change("questions_asked", "4", 0, GROUNDS)
    desk.change("max_failures", "5", 0, GROUNDS)
    file = structs.replace(means.file_policy, questions_registered=3)
    later = PolicyDesk(Office(replace(means, file_policy=file), manager.actor))
    asked = line(later, "questions_asked")
    assert (asked.value, asked.changed_by) == ("3", manager.actor.name)
    assert asked.trouble == "questions_asked: cannot be more than questions_registered"
    assert line(later, "max_failures").value == "3"
    later.change("questions_asked", "3", 1, GROUNDS)
    assert line(later, "max_failures").value == "5"


def test_an_auditor_looks_and_changes_nothing(auditor: Office, desk: PolicyDesk) -> None:
    reading = PolicyDesk(auditor)
    assert reading.every() == desk.every()
    with pytest.raises(NotPermitted):
        reading.change("nonsense", "nonsense", 7, GROUNDS)
