"""Two members of staff act on one person at once: one wins, the other is told what changed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from kiosk.authority.administration.office import Office, StaffDependencies
from kiosk.authority.administration.people import PeopleDesk
from kiosk.authority.administration.views import Done, Seen
from kiosk.authority.audit.events import StaffKind
from kiosk.authority.errors import ConcurrentChange, NotFound, NotTaken
from kiosk.authority.records import AuditQuery
from kiosk.authority.roles import Role
from kiosk.contract.errors import StepRefused
from kiosk.contract.messages import Reason, Refusal, VisitOpened
from screens.words.staff.refusals import change_lines
from tests.authority.administration.desk.concurrently import both
from tests.authority.administration.desk.estate import means_beside
from tests.authority.administration.desk.offices import GROUNDS, means_of, office_of
from tests.authority.administration.desk.people import seen, somebody
from tests.authority.store.samples import Person
from tests.authority.world import World
from tests.support.database import TestDatabase

ROUNDS = 8

Deed = Callable[[PeopleDesk, Seen], Done]


def lift(desk: PeopleDesk, seen: Seen) -> Done:
    return desk.lift_block(seen, GROUNDS)


def revoke(desk: PeopleDesk, seen: Seen) -> Done:
    return desk.revoke_registration(seen, GROUNDS)


def rename(desk: PeopleDesk, seen: Seen) -> Done:
    return desk.correct_name(seen, "Asha Bell", GROUNDS)


def readdress(desk: PeopleDesk, seen: Seen) -> Done:
    return desk.correct_email(seen, "asha.bell@nhs.net", GROUNDS)


def leave(desk: PeopleDesk, seen: Seen) -> Done:
    return desk.mark_leaver(seen, GROUNDS)


def erase(desk: PeopleDesk, seen: Seen) -> Done:
    return desk.erase(seen, GROUNDS)


TOLD: dict[Deed, str] = {
    lift: StaffKind.BLOCK_LIFTED.spec.verb_phrase,
    revoke: StaffKind.REGISTRATION_REVOKED.spec.verb_phrase,
    rename: StaffKind.NAME_CORRECTED.spec.verb_phrase,
    readdress: StaffKind.EMAIL_CORRECTED.spec.verb_phrase,
    leave: StaffKind.LEAVER_MARKED.spec.verb_phrase,
}


@pytest.fixture
def offices(
    database: TestDatabase, means: StaffDependencies, tmp_path: Path
) -> tuple[Office, Office]:
    """Two managers, each on connections of their own."""
    other = means_of(database.store(), database.clock, tmp_path)
    return office_of(means, Role.MANAGER, "Ada Bello"), office_of(other, Role.MANAGER, "Ben Cole")


@pytest.mark.parametrize(
    ("one", "two"),
    [(lift, lift), (lift, revoke), (rename, readdress), (leave, rename), (readdress, readdress)],
    ids=lambda deed: deed.__name__,
)
def test_of_two_acts_at_once_the_second_learns_what_changed(
    offices: tuple[Office, Office], means: StaffDependencies, one: Deed, two: Deed
) -> None:
    for number in range(ROUNDS):
        person = blocked(means, f"10000000000{number}")
        then = seen(means, person)
        results = act(offices, (one, two), then)
        winners = [index for index, result in enumerate(results) if isinstance(result, Done)]
        assert len(winners) == 1, results
        won, lost = winners[0], results[1 - winners[0]]
        done = results[won]
        assert isinstance(done, Done)
        assert isinstance(lost, ConcurrentChange)
        deed = TOLD[(one, two)[won]]
        assert change_lines(lost) == (
            f"{offices[won].actor.name} {deed} (reference {done.reference}).",
        )
        with means.store.read() as uow:
            (event,) = uow.trail.newest(AuditQuery(holder_id=person.holder.id))
            assert event.reference == done.reference
    with means.store.read() as uow:
        assert uow.audit.verify().intact


def test_who_comes_after_an_erasure_finds_nobody(
    offices: tuple[Office, Office], means: StaffDependencies
) -> None:
    for number in range(ROUNDS):
        person = blocked(means, f"10000000000{number}")
        results = act(offices, (erase, rename), seen(means, person))
        assert sum(isinstance(result, Done) for result in results) == 1, results
        erased, renamed = results
        if isinstance(erased, Done):
            assert isinstance(renamed, NotFound)
        else:
            assert isinstance(erased, ConcurrentChange)
            assert "corrected the name" in change_lines(erased)[0]


def test_two_cannot_add_the_same_person(
    offices: tuple[Office, Office], means: StaffDependencies
) -> None:
    ada, ben = (PeopleDesk(office) for office in offices)
    for number in range(ROUNDS):
        named = f"10000000000{number}"
        results = both(
            lambda named=named: ada.add(named, "Asha Bell", "", GROUNDS),  # type: ignore[misc]
            lambda named=named: ben.add(named, "Asha Bell", "", GROUNDS),  # type: ignore[misc]
        )
        assert sum(isinstance(result, Done) for result in results) == 1, results
        (lost,) = (result for result in results if not isinstance(result, Done))
        assert isinstance(lost, NotTaken)
        assert lost.field == "number"


# --- staff and a station ---------------------------------------------------------------


def test_a_card_that_comes_while_its_holder_is_erased_is_served_or_not_known(
    world: World, tmp_path: Path
) -> None:
    means = means_beside(world, tmp_path)
    desk = PeopleDesk(office_of(means, Role.MANAGER))
    for number in range(ROUNDS):
        holder = world.add_holder(number=f"10000000000{number}")
        world.register(holder)
        card = world.add_card(holder)
        then = Seen(holder.id, holder.revision)
        erased, station_visit = both(
            lambda then=then: desk.erase(then, GROUNDS),  # type: ignore[misc]
            lambda card=card: world.insert(card, blocked=True).opened,  # type: ignore[misc]
        )
        assert isinstance(erased, Done)
        if isinstance(station_visit, Refusal):
            assert station_visit.reason is Reason.UNKNOWN_CARD
        elif isinstance(station_visit, StepRefused):  # erased while the card proved itself
            assert "no such visit" in str(station_visit) or "not recorded any more" in str(
                station_visit
            )
        else:
            assert isinstance(station_visit, VisitOpened)
        after = world.insert(card, blocked=True).opened
        assert isinstance(after, Refusal)
        assert after.reason is Reason.UNKNOWN_CARD


def blocked(means: StaffDependencies, number: str) -> Person:
    person = somebody(means, number)
    with means.store.begin() as uow:
        uow.registrations.block(person.holder.id)
        uow.commit()
    return person


def act(offices: tuple[Office, Office], deeds: tuple[Deed, Deed], then: Seen) -> list[object]:
    """Let both act at the same moment on the person as they were then."""
    (ada, ben), (one, two) = map(PeopleDesk, offices), deeds
    return both(lambda: one(ada, then), lambda: two(ben, then))
