"""What the port promises, by each of the three ways in which a station reaches it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kiosk.authority.records import new_id
from kiosk.authority.stations import STANDING_S
from kiosk.contract.errors import AuthorityUnavailable, StepRefused
from kiosk.contract.messages import (
    AnswerQuestions,
    Answers,
    ChooseQuestions,
    Code,
    EnterCode,
    Factor,
    Finished,
    GiveEmail,
    Grant,
    Heartbeat,
    JournalId,
    KeyAnswer,
    Maintain,
    MaintenanceAct,
    MaintenanceReason,
    Position,
    ProvePin,
    Purpose,
    ReaderState,
    ReadFault,
    Reason,
    Refusal,
    SendCode,
    SetPin,
    StationStanding,
    UnblockDone,
    UnreadCard,
    VisitEnd,
    VisitId,
    VisitOpened,
)
from kiosk.contract.routes import routes
from kiosk.contract.sensitive import Sensitive
from tests.authority.registering import given
from tests.authority.station_visit import answers_to, is_wrong
from tests.authority.visit.test_genuine import report_of
from tests.authority.world import EMAIL, World
from tests.contract.wirings import WiredWorld
from tests.support.routes import MADE_UP


def test_a_blocked_pin_is_unlocked(world: WiredWorld) -> None:
    card = world.registered_card()
    station_visit = world.insert(card, blocked=True)
    assert isinstance(station_visit.opened, VisitOpened)
    assert station_visit.opened.holder_name == "Asha Okafor"
    station_visit.to_new_pin()
    grant = station_visit.grant()
    done = station_visit.authority.record_outcome(station_visit.visit, grant.journal, UnblockDone())
    assert done == Finished(Purpose.UNLOCK)
    drawn = station_visit.authority.rotate_secret(station_visit.visit, grant.journal)
    assert drawn is not None
    again = station_visit.authority.rotate_secret(station_visit.visit, grant.journal)
    assert again == drawn
    station_visit.authority.confirm_rotation(station_visit.visit, grant.journal, UnblockDone())
    station_visit.authority.end(station_visit.visit, VisitEnd.FINISHED)
    assert {"unblock-done", "visit-ended"} <= set(world.kinds())
    visit = world.visit(station_visit)
    assert (visit.station, visit.how) == ("A", VisitEnd.FINISHED)


def test_a_holder_registers(world: WiredWorld) -> None:
    card = world.add_card(world.add_holder())
    station_visit = world.insert(card)
    port, visit = station_visit.authority, station_visit.visit
    assert port.choose(visit, Purpose.REGISTER) == ProvePin(position=Position(1, 4))
    assert isinstance(station_visit.verify_pin(), ChooseQuestions)
    assert isinstance(port.save_questions(visit, given()), GiveEmail)
    assert isinstance(port.give_email(visit, EMAIL, "1"), EnterCode)
    assert is_wrong(port.submit(visit, "2", Code(Sensitive("00000000"))), EnterCode)
    assert port.submit(visit, "3", Code(world.relay.code)) == Finished(Purpose.REGISTER)
    assert world.registered_email(card) == EMAIL


def test_three_wrong_sets_block(world: WiredWorld) -> None:
    station_visit = world.insert(world.registered_card(), blocked=True)
    task = station_visit.questions()
    for _ in range(2):
        assert is_wrong(station_visit.answer(task, wrong=True), AnswerQuestions)
    blocked = station_visit.answer(task, wrong=True)
    assert blocked == Refusal(Reason.REGISTRATION_BLOCKED)


def test_a_lost_answer_is_given_again_and_charged_once(world: WiredWorld) -> None:
    card = world.registered_card()
    station_visit = world.insert(card, blocked=True)
    task = station_visit.questions()
    for _ in range(3):
        assert is_wrong(station_visit.answer(task, wrong=True, attempt="1"), AnswerQuestions)
    assert world.registration(card).failures == 1
    for _ in range(3):
        assert isinstance(station_visit.answer(task, attempt="2"), SendCode)
    for _ in range(3):
        assert isinstance(station_visit.send("3"), EnterCode)
    assert len(world.relay.sent) == 1
    code = world.relay.code
    for _ in range(3):
        assert isinstance(station_visit.enter(code, attempt="4"), SetPin)
    grants = [station_visit.release("5") for _ in range(3)]
    assert isinstance(grants[0], Grant)
    assert grants[1:] == grants[:1] * 2


def test_a_step_that_is_not_due_is_refused_and_audited(world: WiredWorld) -> None:
    station_visit = world.insert(world.registered_card(), blocked=True)
    calls: tuple[Callable[[], object], ...] = (
        lambda: station_visit.authority.release(station_visit.visit, "1"),
        station_visit.send,
        lambda: station_visit.authority.choose(VisitId("f" * 32), Purpose.UNLOCK),
        lambda: station_visit.authority.record_outcome(
            station_visit.visit, JournalId("e" * 32), UnblockDone()
        ),
    )
    for call in calls:
        with pytest.raises(StepRefused):
            call()
    assert world.kinds()[-4:] == ["step-refused"] * 4


def calls_about(visit: VisitId, task: Any, journal: JournalId) -> dict[str, Callable[[Any], Any]]:
    """Return a call of each method that is about a visit."""
    return {
        "begin": lambda at: at.begin(visit, task),
        "prove": lambda at: at.prove(visit, None),
        "choose": lambda at: at.choose(visit, Purpose.UNLOCK),
        "pin_challenge": lambda at: at.pin_challenge(visit),
        "pin_verified": lambda at: at.pin_verified(visit, None),
        "save_questions": lambda at: at.save_questions(visit, given()),
        "give_email": lambda at: at.give_email(visit, EMAIL, "1"),
        "submit": lambda at: at.submit(visit, "1", Answers(())),
        "prepare": lambda at: at.prepare(visit, "1", Factor.EMAIL_CODE, MADE_UP),
        "make_saved_codes": lambda at: at.make_saved_codes(visit),
        "keep_saved_codes": lambda at: at.keep_saved_codes(visit),
        "choose_way": lambda at: at.choose_way(visit, (Factor.EMAIL_CODE,)),
        "enter_stop_number": lambda at: at.enter_stop_number(visit, "1", Sensitive("123456789012")),
        "challenge": lambda at: at.challenge(visit),
        "release": lambda at: at.release(visit, "1"),
        "admit": lambda at: at.admit(visit, journal, KeyAnswer(bytes(16))),
        "record_outcome": lambda at: at.record_outcome(visit, journal, UnblockDone()),
        "rotate_secret": lambda at: at.rotate_secret(visit, journal),
        "confirm_rotation": lambda at: at.confirm_rotation(visit, journal, UnblockDone()),
        "pin_changing": lambda at: at.pin_changing(visit),
        "pin_kept": lambda at: at.pin_kept(visit),
        "pin_changed": lambda at: at.pin_changed(visit),
        "maintain": lambda at: at.maintain(
            visit, "1", MaintenanceAct.SWITCH_OFF, MaintenanceReason.CHECK
        ),
        "end": lambda at: at.end(visit, VisitEnd.LEFT),
        "refuse": lambda at: at.refuse(visit, Reason.FAULT),
    }


def test_a_visit_belongs_to_the_station_that_opened_it(world: WiredWorld) -> None:
    """With every factor passed and a grant out, another station can do nothing with its id."""
    card = world.registered_card()
    station_visit = world.insert(card, blocked=True)
    station_visit.to_new_pin()
    grant = station_visit.grant()
    report = report_of(card, station_visit.reader_card)
    calls = calls_about(station_visit.visit, report, grant.journal)
    assert set(calls) == set(routes()) - {"heartbeat", "station_standing"}
    before = world.visit(station_visit), world.card(card), world.registration(card)
    for name, call in calls.items():
        with pytest.raises(StepRefused):
            pytest.fail(f"{name}: {call(world.at('B'))}")
    assert (world.visit(station_visit), world.card(card), world.registration(card)) == before
    done = station_visit.authority.record_outcome(station_visit.visit, grant.journal, UnblockDone())
    assert done == Finished(Purpose.UNLOCK)


def test_an_id_with_the_reference_of_another_visit_is_refused(world: WiredWorld) -> None:
    """Staff look a visit up by the first 40 bits of its id."""
    card = world.registered_card()
    station_visit = world.insert(card, blocked=True)
    same = VisitId(station_visit.visit[:10] + new_id()[10:])
    with pytest.raises(StepRefused):
        station_visit.authority.begin(same, report_of(card, station_visit.reader_card))
    with pytest.raises(StepRefused):
        station_visit.authority.refuse(
            same, Reason.CARD_UNREADABLE, UnreadCard(ReadFault.TOO_SLOW, "piv")
        )
    assert world.visit(station_visit).closed_at is None
    station_visit.to_new_pin()


def test_an_officer_maintains_the_station(world: WiredWorld) -> None:
    card = world.registered_card()
    world.officers_card(card)
    station_visit = world.insert(card, station="B")
    station_visit.authority.choose(station_visit.visit, Purpose.MAINTENANCE)
    page = station_visit.verify_pin()
    assert page == Maintain("B", world.now)
    given_act = MaintenanceAct.TEST_READER, MaintenanceReason.OTHER, "the keys stick"
    assert station_visit.authority.maintain(station_visit.visit, "1", *given_act) == page
    assert station_visit.authority.maintain(station_visit.visit, "1", *given_act) == page
    with pytest.raises(StepRefused):
        station_visit.authority.maintain(station_visit.visit, "2", *given_act[:2], "4711")
    assert world.kinds().count("maintained") == 1


def test_a_card_without_a_proof_opens_no_maintenance(world: WiredWorld) -> None:
    card = world.registered_card()
    world.officers_card(card)
    station_visit = world.insert(card)
    station_visit.authority.choose(station_visit.visit, Purpose.MAINTENANCE)
    refused = Refusal(Reason.MAINTENANCE_REFUSED)
    assert station_visit.authority.pin_verified(station_visit.visit, None) == refused
    act = MaintenanceAct.SWITCH_OFF, MaintenanceReason.CHECK
    assert station_visit.authority.maintain(station_visit.visit, "1", *act) == refused
    assert "maintained" not in world.kinds()


def test_a_database_that_is_locked_is_unavailable_and_charges_nothing(
    world: WiredWorld,
) -> None:
    card = world.registered_card()
    station_visit = world.insert(card, blocked=True)
    task = station_visit.questions()
    hasty = World(world.folder, busy_timeout_s=0.05)
    world.authority._parts = hasty.parts
    with world.store.begin(), pytest.raises(AuthorityUnavailable):
        station_visit.authority.submit(station_visit.visit, "1", Answers(answers_to(task)))
    world.authority._parts = world.parts
    hasty.store.close()
    assert world.registration(card).failures == 0


def test_a_retired_station_serves_nobody(world: WiredWorld) -> None:
    card = world.registered_card()
    assert world.at("B").heartbeat(Heartbeat("0.1")) is StationStanding.IN_USE
    assert world.at("B").station_standing() is StationStanding.IN_USE
    station_visit = world.insert(card, blocked=True, station="B")
    world.retire_station("B")
    world.clock.forward(seconds=STANDING_S)
    beat = Heartbeat("0.1", ReaderState.READY)
    assert world.at("B").heartbeat(beat) is StationStanding.RETIRED
    assert world.at("B").station_standing() is StationStanding.RETIRED
    retired = Refusal(Reason.STATION_RETIRED)
    assert station_visit.authority.choose(station_visit.visit, Purpose.UNLOCK) == retired
    assert world.insert(card, blocked=True, station="B").opened == retired


def test_a_station_reports_what_it_could_not_read(world: WiredWorld) -> None:
    visit = VisitId(new_id())
    world.at("A").refuse(visit, Reason.CARD_UNREADABLE, UnreadCard(ReadFault.TOO_SLOW, "piv"))
    assert world.events()[-1].detail == {"reason": "card-unreadable"}
    assert world.at("A").heartbeat(Heartbeat("0.1")) is StationStanding.IN_USE
