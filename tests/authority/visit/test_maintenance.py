"""An officer's card opens the maintenance page, and each act is recorded before it is done."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from kiosk.authority.records import AuditEvent, Card, StaffCard, StaffMember
from kiosk.authority.roles import Role
from kiosk.contract.errors import StepRefused
from kiosk.contract.messages import (
    Maintain,
    MaintenanceAct,
    MaintenanceReason,
    Offer,
    ProvePin,
    Purpose,
    Reason,
    Refusal,
    VisitEnd,
    VisitOpened,
)
from kiosk.contract.text import LONGEST_WORDS
from tests.authority.card_in_reader import ReaderCard
from tests.authority.station_visit import StationVisit
from tests.authority.world import World

REFUSED = Refusal(Reason.MAINTENANCE_REFUSED)


@pytest.fixture
def card(world: World) -> Card:
    return world.add_card(world.add_holder())


@pytest.fixture
def officer(world: World, card: Card) -> StaffMember:
    return world.officers_card(card)


def opened(world: World, card: Card, reader_card: ReaderCard | None = None) -> StationVisit:
    """Go up to the maintenance page."""
    station_visit = world.insert(card, reader_card=reader_card)
    assert isinstance(
        station_visit.authority.choose(station_visit.visit, Purpose.MAINTENANCE), ProvePin
    )
    assert isinstance(station_visit.verify_pin(), Maintain)
    return station_visit


def restart(station_visit: StationVisit, attempt: str = "") -> object:
    return station_visit.authority.maintain(
        station_visit.visit,
        attempt or station_visit.attempt(),
        MaintenanceAct.RESTART_MACHINE,
        MaintenanceReason.NETWORK,
    )


def acts(world: World) -> list[AuditEvent]:
    return [event for event in world.events() if event.kind == "maintained"]


def refusals(world: World) -> list[object]:
    return [event.detail.get("because") for event in world.events() if event.kind == "refused"]


def set_member(world: World, member: StaffMember, **changes: object) -> None:
    with world.store.begin() as uow:
        assert uow.staff.save(replace(member, **changes))  # type: ignore[arg-type]
        uow.commit()


# --- the way in ---------------------------------------------------------------------------


def test_an_officers_card_is_offered_maintenance_beside_what_its_holder_may_do(
    world: World, card: Card, officer: StaffMember
) -> None:
    station_visit = world.insert(card)
    assert isinstance(station_visit.opened, VisitOpened)
    assert [offer.purpose for offer in station_visit.opened.offers] == [
        Purpose.REGISTER,
        Purpose.CHANGE_PIN,
        Purpose.MAINTENANCE,
    ]
    assert station_visit.opened.offers[-1] == Offer(Purpose.MAINTENANCE, 2)


def test_nobody_elses_card_is_offered_it(world: World, card: Card) -> None:
    station_visit = world.insert(card)
    assert isinstance(station_visit.opened, VisitOpened)
    assert Purpose.MAINTENANCE not in {offer.purpose for offer in station_visit.opened.offers}
    with pytest.raises(StepRefused):
        station_visit.authority.choose(station_visit.visit, Purpose.MAINTENANCE)


def test_a_blocked_pin_opens_nothing(world: World, officer: StaffMember, card: Card) -> None:
    world.register(world.add_holder(id=card.holder_id))
    station_visit = world.insert(card, blocked=True)
    assert isinstance(station_visit.opened, VisitOpened)
    assert [offer.purpose for offer in station_visit.opened.offers] == [Purpose.UNLOCK]
    with pytest.raises(StepRefused):
        station_visit.authority.choose(station_visit.visit, Purpose.MAINTENANCE)


def test_the_page_names_the_station_and_tells_the_time(
    world: World, card: Card, officer: StaffMember
) -> None:
    station_visit = world.insert(card, station="North")
    station_visit.authority.choose(station_visit.visit, Purpose.MAINTENANCE)
    assert station_visit.verify_pin() == Maintain("North", world.now)


@pytest.mark.parametrize("blocked", [True, False])
def test_a_blocked_registration_keeps_no_officer_out(
    world: World, card: Card, officer: StaffMember, blocked: bool
) -> None:
    """A block is about what the holder does for their own card."""
    world.register(world.add_holder(id=card.holder_id), blocked_at=world.now if blocked else None)
    assert isinstance(restart(opened(world, card)), Maintain)


def test_a_manager_may_as_well(world: World, card: Card) -> None:
    world.officers_card(card, Role.MANAGER)
    assert isinstance(restart(opened(world, card)), Maintain)


# --- what is recorded ---------------------------------------------------------------------


def test_an_act_is_recorded_with_the_officer_the_reason_and_the_station(
    world: World, card: Card, officer: StaffMember
) -> None:
    station_visit = opened(world, card)
    restart(station_visit)
    (event,) = acts(world)
    assert (event.actor, event.station, event.card_id) == (officer.id, "A", card.id)
    assert event.detail["act"] == "restart-machine"
    with world.store.read() as uow:
        (note,) = uow.notes.by_ids((str(event.detail["note"]),)).values()
    assert note.reason == "the network"


def test_words_of_their_own_are_the_reason(world: World, card: Card, officer: StaffMember) -> None:
    station_visit = opened(world, card)
    station_visit.authority.maintain(
        station_visit.visit,
        station_visit.attempt(),
        MaintenanceAct.SWITCH_OFF,
        MaintenanceReason.OTHER,
        "painters come, ticket 4711",
    )
    (event,) = acts(world)
    assert "painters" not in str(event)
    with world.store.read() as uow:
        (note,) = uow.notes.by_ids((str(event.detail["note"]),)).values()
    assert note.reason == "painters come, ticket 4711"


@pytest.mark.parametrize(
    ("why", "words"),
    [
        (MaintenanceReason.OTHER, ""),
        (MaintenanceReason.OTHER, "604918"),
        (MaintenanceReason.OTHER, "my PIN is 604918"),
        (MaintenanceReason.OTHER, "a\x1b[2J reason"),
        (MaintenanceReason.OTHER, "word " * LONGEST_WORDS),
        (MaintenanceReason.CHECK, "words that nobody asked for"),
    ],
)
def test_words_that_say_nothing_or_hold_a_secret_are_refused(
    world: World, card: Card, officer: StaffMember, why: MaintenanceReason, words: str
) -> None:
    station_visit = opened(world, card)
    with pytest.raises(StepRefused) as refused:
        station_visit.authority.maintain(
            station_visit.visit, station_visit.attempt(), MaintenanceAct.TEST_READER, why, words
        )
    assert "604918" not in str(refused.value)
    assert acts(world) == []


def test_a_repeated_call_records_once_and_another_attempt_again(
    world: World, card: Card, officer: StaffMember
) -> None:
    station_visit = opened(world, card)
    first = restart(station_visit, "one")
    assert restart(station_visit, "one") == first
    assert len(acts(world)) == 1
    restart(station_visit, "two")
    assert len(acts(world)) == 2


def test_maintenance_attempt_covers_no_other_act(
    world: World, card: Card, officer: StaffMember
) -> None:
    """A station that says an old attempt again for something else is recorded, too."""
    station_visit = opened(world, card)
    restart(station_visit, "one")
    station_visit.authority.maintain(
        station_visit.visit, "one", MaintenanceAct.SWITCH_OFF, MaintenanceReason.NETWORK
    )
    assert [event.detail["act"] for event in acts(world)] == ["restart-machine", "switch-off"]


# --- refused, with a row ------------------------------------------------------------------


@pytest.mark.parametrize("role", [Role.AGENT, Role.AUDITOR])
def test_the_wrong_role(world: World, card: Card, role: Role) -> None:
    world.officers_card(card, role)
    station_visit = world.insert(card)
    assert station_visit.authority.choose(station_visit.visit, Purpose.MAINTENANCE) == REFUSED
    assert refusals(world) == [f"it is not for the role {role.value}"]


def test_a_removed_member(world: World, card: Card, officer: StaffMember) -> None:
    set_member(world, officer, removed_at=world.now)
    station_visit = world.insert(card)
    assert station_visit.authority.choose(station_visit.visit, Purpose.MAINTENANCE) == REFUSED
    assert refusals(world) == ["the member of staff was removed"]


def test_a_revoked_card(world: World, card: Card, officer: StaffMember) -> None:
    with world.store.begin() as uow:
        uow.cards.revoke(card.id)
        uow.commit()
    assert world.insert(card).opened == Refusal(Reason.CARD_REVOKED)
    assert world.kinds()[-1] == "refused"


def test_an_expired_card(world: World) -> None:
    card = world.add_card(world.add_holder(), expires_at=world.now + timedelta(days=1))
    world.officers_card(card)
    world.clock.forward(hours=25)
    assert world.insert(card).opened == Refusal(Reason.CARD_EXPIRED)
    assert world.kinds()[-1] == "refused"


def test_a_leaver(world: World) -> None:
    card = world.add_card(world.add_holder(left_at=world.now))
    world.officers_card(card)
    assert world.insert(card).opened == Refusal(Reason.LEAVER)


def removed(world: World, officer: StaffMember, card: Card) -> None:
    set_member(world, officer, removed_at=world.now)


def given_another_role(world: World, officer: StaffMember, card: Card) -> None:
    set_member(world, officer, role=Role.AUDITOR)


def taken_away(world: World, officer: StaffMember, card: Card) -> None:
    with world.store.begin() as uow:
        assert uow.staff.remove_card(officer.id, card.id)
        uow.commit()


def given_another_key(world: World, officer: StaffMember, card: Card) -> None:
    with world.store.begin() as uow:
        assert uow.staff.remove_card(officer.id, card.id)
        uow.staff.add_card(StaffCard(card.id, officer.id, ReaderCard().pin_public, world.now))
        uow.commit()


@pytest.mark.parametrize("change", [removed, given_another_role, taken_away, given_another_key])
def test_what_staff_change_counts_at_the_next_act(
    world: World, card: Card, officer: StaffMember, change: object
) -> None:
    station_visit = opened(world, card)
    restart(station_visit)
    assert callable(change)
    change(world, officer, card)
    assert restart(station_visit) == REFUSED
    assert len(acts(world)) == 1
    assert world.kinds()[-1] == "refused"


def test_a_card_that_is_revoked_meanwhile(world: World, card: Card, officer: StaffMember) -> None:
    station_visit = opened(world, card)
    with world.store.begin() as uow:
        uow.cards.revoke(card.id)
        uow.commit()
    assert restart(station_visit) == Refusal(Reason.CARD_REVOKED)
    assert acts(world) == []


# --- the page closes ----------------------------------------------------------------------


def test_nothing_is_taken_once_the_card_has_left(
    world: World, card: Card, officer: StaffMember
) -> None:
    station_visit = opened(world, card)
    station_visit.authority.end(station_visit.visit, VisitEnd.CARD_REMOVED)
    with pytest.raises(StepRefused):
        restart(station_visit)
    assert acts(world) == []


def test_the_next_visit_asks_for_the_pin_again(
    world: World, card: Card, officer: StaffMember
) -> None:
    opened(world, card).pull()
    station_visit = world.insert(card)
    station_visit.authority.choose(station_visit.visit, Purpose.MAINTENANCE)
    with pytest.raises(StepRefused):
        restart(station_visit)


def test_maintenance_page_is_of_no_use_to_another_station(
    world: World, card: Card, officer: StaffMember
) -> None:
    station_visit = opened(world, card)
    with pytest.raises(StepRefused):
        restart(replace(station_visit, station="B"))
    assert acts(world) == []


def test_the_visit_does_nothing_else(world: World, card: Card, officer: StaffMember) -> None:
    station_visit = opened(world, card)
    for purpose in set(Purpose) - {Purpose.MAINTENANCE, Purpose.REPORT_MISUSE}:
        with pytest.raises(StepRefused):
            station_visit.authority.choose(station_visit.visit, purpose)
    with pytest.raises(StepRefused):
        station_visit.authority.challenge(station_visit.visit)
    with pytest.raises(StepRefused):
        station_visit.authority.pin_changing(station_visit.visit)
