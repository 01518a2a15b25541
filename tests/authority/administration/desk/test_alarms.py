"""What counts as wrong, and from when on."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from kiosk.authority.administration.alarms import (
    WATCH,
    WATCH_EVERY,
    AlarmKind,
    Detail,
    RaisedAlarm,
    problems,
)
from kiosk.authority.audit.events import AuditKind
from kiosk.authority.mail.compose import Message, compose_notice
from kiosk.authority.mail.outbox import OutboxWorker
from kiosk.authority.mail.staff_words import TO_STAFF
from kiosk.authority.records import Cardholder, OutboxMessage, Station, new_id
from kiosk.authority.store.database import Store
from kiosk.config.settings import NoticeSettings, ServiceSettings
from kiosk.contract.messages import Reason
from tests.authority.administration.desk.history import History
from tests.authority.store import samples
from tests.support.database import SetClock

LIMITS = NoticeSettings(failures_at_station=4, failures_of_person=3, mail_minutes=15)
MINUTE = timedelta(minutes=1)


def found(store: Store) -> list[RaisedAlarm]:
    with store.read() as uow:
        return list(problems(uow, LIMITS)[0])


def listened(store: Store) -> None:
    """Let the look be taken that stations are listened from."""
    with store.begin() as uow:
        uow.jobs.claim(WATCH, WATCH_EVERY)
        uow.commit()


def test_there_is_a_notice_of_every_kind() -> None:
    assert set(TO_STAFF) == {kind.value for kind in AlarmKind} | {
        "attempts-paused-staff",
        "blocked-staff",
        "misuse-reported-staff",
    }


def test_a_card_that_failed_its_proof_is_one_trouble_for_a_day(
    history: History, store: Store, clock: SetClock
) -> None:
    person = samples.stored_person(store)
    history.refused(Reason.CARD_REVOKED)
    for _ in range(2):
        visit = history.refused(Reason.NOT_GENUINE, card_id=person.card.id, holder=person.holder)
    (trouble,) = found(store)
    assert trouble == RaisedAlarm(
        AlarmKind.CARD_NOT_GENUINE,
        person.card.id,
        {
            "station": "Main entrance",
            "reference": visit.reference,
            "holder_id": person.holder.id,
        },
    )
    clock.forward(days=1, seconds=1)
    assert found(store) == []


def test_unknown_cards_are_counted_by_station(history: History, store: Store) -> None:
    for station in ("A", "A", "B"):
        history.visit(
            AuditKind.REFUSED_AT_STATION, station=station, reason=Reason.NOT_GENUINE.value
        )
    assert [each.subject for each in found(store)] == ["at A", "at B"]


def test_failures_at_a_station_are_many_within_an_hour(
    history: History, store: Store, clock: SetClock
) -> None:
    history.refused(Reason.FAULT, clock.now() - timedelta(hours=1, seconds=1))
    for kind in (AuditKind.ANSWERS_WRONG, AuditKind.CODE_WRONG, AuditKind.UNBLOCK_REFUSED):
        history.visit(kind)
        history.visit(kind, station="B")
        history.visit(AuditKind.ANSWERS_RIGHT)
    assert found(store) == []
    history.refused(Reason.LEAVER, clock.now() - timedelta(minutes=59))
    said: Detail = {"station": "Main entrance", "failures": 4}
    assert found(store) == [RaisedAlarm(AlarmKind.FAILURES_AT_STATION, "Main entrance", said)]


def test_failures_of_a_person_are_counted_over_all_stations(history: History, store: Store) -> None:
    holder, other = history.person(), history.person("100000000002")
    for station in "AB":
        history.visit(AuditKind.ANSWERS_WRONG, station=station, holder=holder)
        history.visit(AuditKind.ANSWERS_WRONG, station=station, holder=other)
    assert found(store) == []
    history.visit(AuditKind.CODE_WRONG, station="C", holder=holder)
    said: Detail = {"holder_id": holder.id, "failures": 3}
    assert found(store) == [RaisedAlarm(AlarmKind.FAILURES_OF_PERSON, holder.id, said)]


def test_a_station_is_silent_after_two_minutes(
    history: History, store: Store, clock: SetClock
) -> None:
    listened(store)
    since = clock.now()
    for name in ("A", "B", "C"):
        history.station(name)
    with store.begin() as uow:
        uow.stations.retire("C", uow.now)
        uow.commit()
    for _ in range(2):
        assert found(store) == []
        clock.forward(minutes=1)
        history.station("B")
        listened(store)
    said = {"station": "A", "since": since.isoformat(timespec="seconds")}
    assert found(store) == [RaisedAlarm(AlarmKind.STATION_SILENT, "A", said)]


def test_a_station_that_never_started_is_not_silent(store: Store, clock: SetClock) -> None:
    listened(store)
    with store.begin() as uow:
        uow.stations.enrolled(Station("Ward 7", uow.now))
        uow.commit()
    for _ in range(5):
        clock.forward(minutes=1)
        listened(store)
    assert found(store) == []


def test_after_a_pause_of_the_service_every_station_gets_its_two_minutes(
    history: History, store: Store, clock: SetClock
) -> None:
    listened(store)
    history.station("A")
    clock.forward(hours=8)
    listened(store)
    for _ in range(2):
        assert found(store) == []
        clock.forward(minutes=1)
        listened(store)
    assert [each.subject for each in found(store)] == ["A"]


def test_mail_is_held_up_when_its_oldest_notice_waits_too_long(
    store: Store, clock: SetClock
) -> None:
    at = clock.now()
    waiting = OutboxMessage(new_id(), "a@nhs.net", "unlocked", {}, at, at)
    with store.begin() as uow:
        uow.outbox.add(waiting)
        uow.outbox.add(replace(waiting, id=new_id(), sent_at=at, created_at=at - 99 * MINUTE))
        uow.commit()
    clock.forward(minutes=14, seconds=59)
    assert found(store) == []
    clock.forward(seconds=1)
    said = {"since": at.isoformat(timespec="seconds")}
    assert found(store) == [RaisedAlarm(AlarmKind.MAIL_HELD_UP, "", said)]


def queued(store: Store, to: str, *, denied: bool = False, sent: bool = False) -> None:
    with store.begin() as uow:
        now = uow.now
        times = {"created_at": now, "next_at": now + 2 * MINUTE, "sent_at": now if sent else None}
        uow.outbox.add(OutboxMessage(new_id(), to, "unlocked", {}, denied=denied, **times))  # type: ignore[arg-type]
        uow.commit()


@pytest.mark.parametrize("addresses", [1, 2])
def test_denied_address_holds_up_no_other_mail(
    store: Store, clock: SetClock, addresses: int
) -> None:
    began = clock.now()
    for number in range(addresses):
        queued(store, f"{number}@nhs.net", denied=True)
    queued(store, "0@nhs.net", denied=True)
    clock.forward(minutes=16)
    assert [each.kind for each in found(store)] == [AlarmKind.MAIL_HELD_UP]
    queued(store, "a@trust.nhs.uk", sent=True)
    said = {"since": began.isoformat(timespec="seconds")}
    held_up = [RaisedAlarm(AlarmKind.MAIL_HELD_UP, "", said)]
    assert found(store) == (held_up if addresses > 1 else [])
    waits = clock.now()
    queued(store, "b@trust.nhs.uk")
    clock.forward(minutes=16)
    since = {"since": (began if addresses > 1 else waits).isoformat(timespec="seconds")}
    assert found(store) == [RaisedAlarm(AlarmKind.MAIL_HELD_UP, "", since)]


def test_codes_of_several_people_that_are_denied_are_an_alarm(
    store: Store, clock: SetClock
) -> None:
    """They never wait, and the relay answers all the time."""
    history = History(store, clock)
    one, other = history.person("1"), history.person("2")

    def code(kind: AuditKind, holder: Cardholder, because: str = "") -> None:
        history.visit(kind, holder=holder, because=because)
        clock.forward(minutes=1)

    code(AuditKind.CODE_NOT_SENT, other, because="MailRefused")
    since = clock.now()
    for _ in range(2):
        code(AuditKind.CODE_NOT_SENT, one, because="MailDenied")
    assert found(store) == []
    code(AuditKind.CODE_NOT_SENT, other, because="MailDenied")
    said = {"since": since.isoformat(timespec="seconds")}
    assert found(store) == [RaisedAlarm(AlarmKind.MAIL_HELD_UP, "", said)]
    code(AuditKind.CODE_SENT, one)
    assert found(store) == []


class NoMailer:
    """Is not used."""

    def send(self, message: Message) -> None:
        raise AssertionError(message)

    def check(self) -> None:
        raise AssertionError


def ask(store: Store, clock: SetClock, *, answers: bool | None, minutes: int = 1) -> None:
    """Let a process ask the relay each minute."""
    for _ in range(minutes):
        mailer, compose = NoMailer(), partial(compose_notice, service=ServiceSettings())
        OutboxWorker(store, mailer, clock, compose, relay_answers=lambda: answers).record_relay()
        clock.forward(minutes=1)


def test_mail_is_held_up_when_the_relay_is_away_though_nothing_waits(
    store: Store, clock: SetClock
) -> None:
    """Codes are mailed at once or not at all, and never wait."""
    ask(store, clock, answers=True, minutes=3)
    away = clock.now()
    ask(store, clock, answers=False, minutes=4)
    assert found(store) == []
    ask(store, clock, answers=False)
    said = {"since": away.isoformat(timespec="seconds")}
    assert found(store) == [RaisedAlarm(AlarmKind.MAIL_HELD_UP, "", said)]
    ask(store, clock, answers=True)
    assert found(store) == []
    ask(store, clock, answers=False, minutes=3)
    assert found(store) == []


def test_a_relay_that_one_of_two_processes_reaches_is_not_away(
    store: Store, clock: SetClock
) -> None:
    for _ in range(9):
        ask(store, clock, answers=False)
        ask(store, clock, answers=True)
        assert found(store) == []


def test_a_relay_that_nobody_asks_any_more_is_not_called_away(
    store: Store, clock: SetClock
) -> None:
    ask(store, clock, answers=False, minutes=7)
    assert len(found(store)) == 1
    ask(store, clock, answers=None, minutes=4)
    assert found(store) == []


def test_what_a_clock_that_was_ahead_says_of_the_relay_does_not_count(
    store: Store, clock: SetClock
) -> None:
    """Before: an answer of that time hid for a year that the relay was away."""
    clock.forward(days=365)
    ask(store, clock, answers=False, minutes=2)
    ask(store, clock, answers=True)
    clock.forward(days=-365)
    ask(store, clock, answers=False, minutes=6)
    assert len(found(store)) == 1
    ask(store, clock, answers=True, minutes=2)
    assert found(store) == []


def test_what_a_clock_that_was_ahead_saw_is_no_alarm_once_it_is_right(
    store: Store, clock: SetClock
) -> None:
    """Before: an altered row stayed one until the clock had caught up."""
    history = History(store, clock)
    one, other = history.person("1"), history.person("2")
    clock.forward(days=365)
    for holder in (one, other):
        history.visit(AuditKind.CODE_NOT_SENT, holder=holder, because="MailDenied")
    with store.begin() as uow:
        altered = {"table": "card", "row": "c01"}
        uow.audit.append(kind=AuditKind.ROW_ALTERED.value, reference="", detail=altered)
        uow.commit()
    assert {each.kind for each in found(store)} == {AlarmKind.MAIL_HELD_UP, AlarmKind.ROW_ALTERED}
    clock.forward(days=-365)
    assert found(store) == []
