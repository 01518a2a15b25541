"""Of many that look at once one tells, and whole; each kind can be switched off."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from msgspec.structs import replace

from kiosk.authority.administration.alarms import AlarmKind, RaisedAlarm
from kiosk.authority.administration.caretaker import Caretaker, StaffMail
from kiosk.authority.administration.office import StaffDependencies
from kiosk.authority.audit.events import AuditKind
from kiosk.authority.records import Alarm
from kiosk.authority.store.database import Store
from kiosk.config.settings import NoticeSettings
from kiosk.contract.messages import Reason
from tests.authority.administration.desk.caretakers import LIMITS, RA, Post, keep, templates, told
from tests.authority.administration.desk.history import History
from tests.support.database import SetClock, TestDatabase

CALLERS = 8


@pytest.fixture
def post(store: Store) -> Post:
    return Post(store)


KINDS = {
    "card_not_genuine": {AlarmKind.CARD_NOT_GENUINE},
    "many_failures": {
        AlarmKind.FAILURES_AT_STATION,
        AlarmKind.FAILURES_OF_PERSON,
        AlarmKind.ANSWERS_LIMITED,
    },
    "station_silent": {AlarmKind.STATION_SILENT},
    "mail_held_up": {AlarmKind.MAIL_HELD_UP},
    "audit_broken": {AlarmKind.AUDIT_BROKEN},
}


@pytest.mark.parametrize("off", list(KINDS))
def test_kind_can_be_switched_off(store: Store, post: Post, off: str) -> None:
    limits: NoticeSettings = replace(LIMITS, **{off: ()})
    mail = StaffMail(limits, RA)
    with store.begin() as uow:
        mail.began(uow, tuple(RaisedAlarm(kind, "x", {}) for kind in AlarmKind))
        for kind in AlarmKind:
            mail.ended(uow, Alarm(f"{kind}:x", kind, uow.now, {}))
        uow.commit()
    assert templates(post) == sorted(set(AlarmKind) - KINDS[off])


def test_alarm_that_is_mailed_to_nobody_still_stands(
    means: StaffDependencies, history: History, post: Post
) -> None:
    history.refused(Reason.NOT_GENUINE)
    keep(means, replace(LIMITS, card_not_genuine=())).run()
    assert told(post) == []
    with means.store.read() as uow:
        assert [alarm.kind for alarm in uow.alarms.standing()] == ["card-not-genuine"]


def test_alarm_is_mailed_to_each_address_of_a_list_once(
    means: StaffDependencies, history: History, post: Post
) -> None:
    limits = replace(LIMITS, card_not_genuine=("ra", "it@nhs.net", RA))
    history.refused(Reason.NOT_GENUINE)
    keep(means, limits).run()
    assert sorted(one.to for one in post.collect()) == ["it@nhs.net", RA]


def test_of_many_that_look_at_once_exactly_one_tells(
    means: StaffDependencies, history: History, post: Post, database: TestDatabase, clock: SetClock
) -> None:
    """Round by round, each with another trouble: a second teller would leave a second notice."""
    stores = [database.store(busy_timeout_s=30) for _ in range(CALLERS)]
    keepers = [keep(means, store=store) for store in stores]
    with ThreadPoolExecutor(CALLERS) as pool:
        for number in range(5):
            history.visit(AuditKind.REFUSED_AT_STATION, station=f"S{number}", reason="not-genuine")
            gate = threading.Barrier(CALLERS)

            def look(keeper: Caretaker, gate: threading.Barrier = gate) -> bool:
                gate.wait()
                return keeper.run()

            assert sum(pool.map(look, keepers)) == 1
            assert templates(post) == ["card-not-genuine"]
            clock.forward(minutes=1)


def test_even_where_each_believes_that_it_is_its_turn_one_tells(
    means: StaffDependencies,
    history: History,
    post: Post,
    database: TestDatabase,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A process that stood still between its turn and its look meets those that came after."""
    monkeypatch.setattr(Caretaker, "_claim_run", lambda _self: True)
    history.refused(Reason.NOT_GENUINE)
    stores = [database.store(busy_timeout_s=30) for _ in range(CALLERS)]
    gate = threading.Barrier(CALLERS)

    def look(store: Store) -> bool:
        keeper = keep(means, store=store)
        gate.wait()
        return keeper.run()

    with ThreadPoolExecutor(CALLERS) as pool:
        assert sum(pool.map(look, stores)) == CALLERS
    assert templates(post) == ["card-not-genuine"]


def test_a_notice_and_its_alarm_are_written_together(
    means: StaffDependencies,
    history: History,
    post: Post,
    clock: SetClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    history.refused(Reason.NOT_GENUINE)

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(StaffMail, "began", die)
        with pytest.raises(KeyboardInterrupt):
            keep(means).run()
    assert told(post) == []
    clock.forward(minutes=1)
    keep(means).run()
    assert templates(post) == ["card-not-genuine"]
