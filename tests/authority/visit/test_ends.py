"""Ends, station-made refusals, and the signed head."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from msgspec.structs import replace

from kiosk.authority.audit.anchors import AnchorSigner, sign_heads
from kiosk.authority.dependencies import Mailed
from kiosk.authority.records import AuditQuery, new_id
from kiosk.authority.service import VisitLocks
from kiosk.contract.errors import AuthorityUnavailable, StepRefused
from kiosk.contract.messages import Reason, VisitEnd, VisitId, reference_of
from tests.authority.world import World
from tests.support.stored import live_code


def test_a_visit_ends_once(world: World) -> None:
    station_visit = world.insert(world.registered_card())
    station_visit.authority.end(station_visit.visit, VisitEnd.IDLE)
    station_visit.authority.end(station_visit.visit, VisitEnd.FINISHED)
    station_visit.authority.end(VisitId(new_id()), VisitEnd.LEFT)
    [event] = [event for event in world.events() if event.kind == "visit-ended"]
    assert (event.visit_id, event.detail) == (station_visit.visit, {"how": "idle"})


def test_a_station_made_refusal_can_be_looked_up(world: World) -> None:
    visit = VisitId(new_id())
    world.at("B").refuse(visit, Reason.CARD_UNREADABLE)
    with world.store.read() as uow:
        [event] = uow.trail.oldest(AuditQuery(reference=reference_of(visit)))
    assert (event.kind, event.station) == ("refused-at-station", "B")
    assert event.detail == {"reason": "card-unreadable"}


def test_a_station_made_refusal_in_a_visit_names_its_card(world: World) -> None:
    card = world.registered_card()
    station_visit = world.insert(card)
    station_visit.authority.refuse(station_visit.visit, Reason.NOT_GENUINE)
    assert world.events()[-1].card_id == card.id


def test_a_reason_that_there_is_not_does_not_reach_the_audit(world: World) -> None:
    world.authority.refuse(VisitId(new_id()), "<script>")
    assert world.events()[-1].detail == {"reason": "fault"}
    with pytest.raises(StepRefused):
        world.authority.refuse(VisitId("nonsense"), "fault")


def test_a_step_that_does_not_fit_is_audited_with_its_call(world: World) -> None:
    station_visit = world.insert(world.registered_card())
    with pytest.raises(StepRefused):
        station_visit.authority.release(station_visit.visit, station_visit.attempt())
    event = world.events()[-1]
    assert (event.kind, event.visit_id) == ("step-refused", station_visit.visit)
    assert event.detail["call"] == "release"


def test_a_visit_that_nobody_opened_is_audited(world: World) -> None:
    visit = VisitId(new_id())
    with pytest.raises(StepRefused):
        world.authority.release(visit, "1")
    event = world.events()[-1]
    assert (event.reference, event.station) == (reference_of(visit), "A")


def test_a_refused_step_names_the_station_that_called(world: World) -> None:
    """Before: it stood in the visit of another station under that station's name."""
    station_visit = world.insert(world.registered_card())
    with pytest.raises(StepRefused):
        world.at("B").release(station_visit.visit, "1")
    event = world.events()[-1]
    assert (event.visit_id, event.station) == (station_visit.visit, "B")


def test_a_station_writes_nothing_under_the_reference_of_another_visit(world: World) -> None:
    """Before: any id that began with the same ten digits left rows there, of any reason."""
    world.policy = replace(world.policy, visits_a_minute=5)
    station_visit = world.insert(world.registered_card())
    same = VisitId(station_visit.visit[:10] + new_id()[10:])
    thief, before = world.at("B"), len(world.events())
    with pytest.raises(StepRefused):
        thief.release(same, "1")
    for _ in range(5):
        with pytest.raises(StepRefused):
            thief.refuse(same, Reason.FAULT)
    for _ in range(5):
        thief.refuse(VisitId(new_id()), Reason.FAULT)
    for _ in range(2):
        with pytest.raises(StepRefused):
            thief.refuse(same, Reason.FAULT)
    later = world.events()[before:]
    assert [event.kind for event in later] == ["step-refused", *["refused-at-station"] * 5]
    assert all(event.station == "B" for event in later)
    assert reference_of(station_visit.visit) not in {event.reference for event in later}


# --- the head --------------------------------------------------------------------------


def test_the_head_is_signed_when_it_has_moved(world: World) -> None:
    signer = AnchorSigner(world.ring)
    assert sign_heads(world.store, signer) == ()
    world.insert(world.registered_card())
    (anchor,) = sign_heads(world.store, signer)
    assert signer.check(anchor)
    assert sign_heads(world.store, signer) == ()
    world.insert(world.add_card(world.add_holder(number="2")))
    (later,) = sign_heads(world.store, signer)
    assert later.seq > anchor.seq
    with world.store.read() as uow:
        verdict = uow.audit.verify(check=signer.check)
    assert verdict.intact
    assert verdict.anchored == later.seq


# --- the small tools -------------------------------------------------------------------


def test_calls_of_one_visit_wait_for_each_other() -> None:
    turns, order, inside = VisitLocks(), list[str](), threading.Event()

    def second() -> None:
        inside.set()
        with turns.of("v"):
            order.append("second")

    waiting = threading.Thread(target=second)
    with turns.of("v"):
        waiting.start()
        assert inside.wait(60)
        with turns.of("w"):
            order.append("another visit")
        order.append("first")
    waiting.join()
    assert order == ["another visit", "first", "second"]
    assert not turns._locks


def test_only_so_many_mailed_drafts_are_remembered() -> None:
    mailed = Mailed()
    for number in range(1001):
        mailed.add(str(number))
    assert "0" not in mailed
    assert "1" in mailed
    mailed.discard("1")
    mailed.discard("1")
    assert "1" not in mailed


def test_a_locked_database_is_unavailable_and_charges_nothing(world: World) -> None:
    card = world.registered_card()
    hasty = World(world.folder, busy_timeout_s=0.05)
    station_visit = hasty.insert(card, blocked=True)
    task = station_visit.questions()
    with world.store.begin():
        calls: tuple[Callable[[], object], ...] = (
            lambda: hasty.insert(card),
            lambda: station_visit.answer(task),
            lambda: hasty.authority.end(station_visit.visit, VisitEnd.LEFT),
            lambda: hasty.authority.refuse(station_visit.visit, "fault"),
        )
        for call in calls:
            with pytest.raises(AuthorityUnavailable) as caught:
                call()
            assert caught.value.__cause__ is None
    assert world.registration(card).failures == 0
    station_visit.to_code()
    before = world.events()
    with world.store.begin(), pytest.raises(AuthorityUnavailable):
        station_visit.enter(hasty.relay.code)
    assert world.events() == before
    with world.store.read() as uow:
        live = live_code(uow, card.id)
    assert live is not None
    assert live.tries == 0
    hasty.store.close()
