from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from kiosk.authority.administration.alarms import SILENT_AFTER, WATCH, WATCH_EVERY
from kiosk.authority.administration.audit_log import AuditDesk
from kiosk.authority.administration.office import Office, StaffDependencies
from kiosk.authority.administration.today import TodayDesk
from kiosk.authority.administration.views import AuditFilter, Day, RefusedFor, Today
from kiosk.authority.audit.events import AuditKind, Count
from kiosk.authority.audit.sentences import OutcomeSource
from kiosk.authority.mail.outbox import RELAY_AWAY
from kiosk.authority.records import OutboxMessage, Station, new_id
from kiosk.authority.roles import Role
from kiosk.authority.stations import WRITTEN_EVERY_S
from kiosk.authority.store.database import Store
from kiosk.authority.store.engine import parse_url
from kiosk.authority.wording import reason_words
from kiosk.contract.messages import Reason
from kiosk.station.loop import IdleTimes
from screens.words.staff.alarms import alarm_lines
from tests.authority.administration.desk.history import History
from tests.authority.administration.desk.offices import office_of
from tests.authority.store import samples
from tests.support.database import SetClock, TestDatabase

LONDON = ZoneInfo("Europe/London")
DAY = timedelta(days=1)


def look(office: Office) -> Today:
    return TodayDesk(office).look()


def alarms(office: Office) -> tuple[str, ...]:
    return alarm_lines(look(office))


def watched(store: Store) -> None:
    """Let the caretaker have looked just now."""
    with store.begin() as uow:
        uow.jobs.claim(WATCH, WATCH_EVERY)
        uow.commit()


def test_an_empty_service_says_so(auditor: Office, clock: SetClock) -> None:
    today = look(auditor)
    assert (today.at, today.unlocked, today.registered, today.refusals) == (clock.now(), 0, 0, ())
    assert (today.median_s, today.mail_waiting, today.mail_oldest_s) == (None, 0, 0.0)
    assert (today.stations_up, today.stations_down) == (0, ())
    assert [day.day for day in today.days][::29] == [date(2030, 4, 18), date(2030, 5, 17)]
    assert len(today.days) == 30
    assert today.hours == (0,) * 24


def test_what_was_done_today_and_before(auditor: Office, history: History, clock: SetClock) -> None:
    yesterday = clock.now() - DAY
    history.unlocked(took_s=80)
    history.unlocked(took_s=100)
    history.unlocked(took_s=300)
    history.unlocked(yesterday, took_s=9)
    history.registered()
    history.registered(yesterday)
    history.registered(clock.now() - 40 * DAY)
    history.refused(Reason.LEAVER)
    today = look(auditor)
    assert (today.unlocked, today.registered, today.median_s) == (3, 1, 100.0)
    assert today.days[-2:] == (
        Day(yesterday.date(), 1, 1, 0),
        Day(clock.now().date(), 3, 1, 1),
    )
    assert sum(day.registered for day in today.days) == 2


def test_an_unblock_that_shows_to_be_done_later_counts(auditor: Office, history: History) -> None:
    for found in OutcomeSource:
        history.visit(AuditKind.UNBLOCK_SETTLED, found=found.value, took_s=5000)
    today = look(auditor)
    assert (today.unlocked, today.median_s) == (1, None)


def test_refusals_by_reason_the_most_frequent_first(
    auditor: Office, history: History, clock: SetClock
) -> None:
    for _ in range(2):
        history.refused(Reason.LEAVER)
    history.refused(Reason.NOT_REGISTERED)
    history.visit(AuditKind.REFUSED_AT_STATION, reason=Reason.CARD_UNREADABLE.value)
    history.refused(Reason.FAULT, clock.now() - DAY)
    assert look(auditor).refusals == tuple(
        RefusedFor(reason.value, reason_words(reason), count)
        for reason, count in (
            (Reason.LEAVER, 2),
            (Reason.NOT_REGISTERED, 1),
            (Reason.CARD_UNREADABLE, 1),
        )
    )


def test_the_rows_behind_each_figure_are_as_many_as_it_says(
    auditor: Office, history: History, clock: SetClock
) -> None:
    """Also of an unblock that the card showed to be done later, and for each reason."""
    history.unlocked()
    history.visit(AuditKind.UNBLOCK_SETTLED, found=OutcomeSource.DONE.value)
    history.visit(AuditKind.UNBLOCK_SETTLED, found=OutcomeSource.NOT_DONE.value)
    history.registered()
    for reason in (Reason.LEAVER, Reason.LEAVER, Reason.FAULT):
        history.refused(reason)
    for before in (history.unlocked, history.registered):
        before(clock.now() - DAY)
    history.refused(Reason.LEAVER, clock.now() - DAY)
    today, audit = look(auditor), AuditDesk(auditor)

    def rows(counted: Count, reason: str = "") -> int:
        only = AuditFilter(since=today.since, counted=counted, reason=reason)
        return len(audit.page(only).lines)

    assert rows(Count.UNLOCKED) == today.unlocked == 2
    assert rows(Count.REGISTERED) == today.registered == 1
    assert rows(Count.REFUSED) == sum(one.count for one in today.refusals) == 3
    for one in today.refusals:
        assert rows(Count.REFUSED, one.reason) == one.count


def test_today_begins_at_the_services_own_midnight(
    means: StaffDependencies, history: History, clock: SetClock
) -> None:
    clock.time = datetime(2030, 5, 16, 23, 30, tzinfo=UTC)  # half past midnight in London
    office = office_of(replace(means, zone=LONDON), Role.AUDITOR)
    history.unlocked()
    history.unlocked(clock.now() - timedelta(minutes=31))
    today = look(office)
    assert today.unlocked == 1
    assert today.days[-2:] == (Day(date(2030, 5, 16), 1, 0, 0), Day(date(2030, 5, 17), 1, 0, 0))
    assert (today.hours[0], today.hours[23]) == (1, 1)


def test_the_hours_of_visits_on_both_sides_of_a_change_of_the_clocks(
    means: StaffDependencies, history: History, clock: SetClock
) -> None:
    office = office_of(replace(means, zone=LONDON), Role.AUDITOR)
    for day in (30, 31):  # the clocks go forward on 31 March 2030
        history.visit(at=datetime(2030, 3, day, 9 - (day == 31), 5, tzinfo=UTC))
    clock.time = datetime(2030, 4, 2, 12, 0, tzinfo=UTC)
    assert look(office).hours == (*[0] * 9, 2, *[0] * 14)


def test_people_who_wait_and_people_who_are_blocked(auditor: Office, store: Store) -> None:
    person = samples.registered_person(store)
    with store.begin() as uow:
        draft = samples.code(person)
        uow.codes.draft(draft)
        uow.codes.activate(draft.id, uow.now, uow.now + timedelta(minutes=15))
        uow.registrations.block(person.holder.id)
        uow.commit()
    today = look(auditor)
    assert (today.waiting_for_code, today.blocked) == (1, 1)


def test_stations_up_and_down(
    auditor: Office, history: History, store: Store, clock: SetClock
) -> None:
    for name, minutes in (("A", 0), ("B", 1.99), ("C", 2), ("D", 5000), ("E", 0)):
        history.station(name, seen=clock.now() - timedelta(minutes=minutes))
    with store.begin() as uow:
        for name in "DE":
            uow.stations.retire(name, uow.now)
        uow.commit()
    today = look(auditor)
    assert (today.stations_up, today.stations_down) == (2, ("C",))
    assert today.stations_not_started == ()


def test_a_station_that_never_started_is_neither_up_nor_down(
    auditor: Office, history: History, store: Store, clock: SetClock
) -> None:
    with store.begin() as uow:
        uow.stations.enrolled(Station("Ward 7", uow.now))
        uow.commit()
    clock.forward(minutes=10)
    history.station("A")
    today = look(auditor)
    assert (today.stations_up, today.stations_down) == (1, ())
    assert today.stations_not_started == ("Ward 7",)


def test_mail_that_waits(auditor: Office, store: Store, clock: SetClock) -> None:
    with store.begin() as uow:
        for minutes in (3, 7):
            at = clock.now() - timedelta(minutes=minutes)
            uow.outbox.add(OutboxMessage(new_id(), "a@nhs.net", "unlocked", {}, at, at))
        uow.commit()
    today = look(auditor)
    assert (today.mail_waiting, today.mail_oldest_s) == (2, 420.0)


def test_today_says_that_nobody_watches(auditor: Office, store: Store, clock: SetClock) -> None:
    assert alarms(auditor) == (
        "Nobody watches over the service yet: no authority and no caretaker has run.",
    )
    watched(store)
    assert alarms(auditor) == ()
    clock.forward(minutes=5)
    assert alarms(auditor) == (
        (
            "Nobody has watched over the service since 09:30: no authority and no caretaker is "
            "running. Tell the administrator."
        ),
    )


def test_today_says_that_stations_are_up_and_nobody_watches(
    auditor: Office, history: History, store: Store, clock: SetClock
) -> None:
    watched(store)
    clock.forward(minutes=7)
    history.station("Main entrance")
    assert alarms(auditor) == (
        (
            "Nobody has watched over the service since 09:30, though stations are served. Tell the "
            "administrator: on the authority's machine, “journalctl -u kiosk-authority” says why."
        ),
    )


def test_a_killed_station_is_missed_after_a_few_heartbeats() -> None:
    """One heartbeat may be lost before a station that lives is called silent."""
    oldest = WRITTEN_EVERY_S + 1.2 * IdleTimes().check_s
    assert timedelta(seconds=oldest + IdleTimes().check_s) <= SILENT_AFTER <= timedelta(minutes=2)


def test_a_relay_that_does_not_answer_is_named(
    auditor: Office, store: Store, clock: SetClock
) -> None:
    watched(store)
    since = clock.now().isoformat()
    with store.begin() as uow:
        uow.jobs.claim(RELAY_AWAY, timedelta(seconds=40))
        uow.alarms.begin("mail-held-up:", "mail-held-up", {"since": since})
        uow.commit()
    clock.forward(minutes=1)
    assert alarms(auditor) == (
        (
            "The mail relay has not answered since 09:30: nobody gets a code by mail (noticed "
            "09:30)."
        ),
    )


def test_a_relay_that_denies_is_named(auditor: Office, store: Store, clock: SetClock) -> None:
    watched(store)
    now = clock.now()
    with store.begin() as uow:
        for to in ("a@nhs.net", "b@nhs.net"):
            uow.outbox.add(OutboxMessage(new_id(), to, "unlocked", {}, now, now, denied=True))
        uow.alarms.begin("mail-held-up:", "mail-held-up", {"since": now.isoformat()})
        uow.commit()
    (alarm,) = alarms(auditor)
    assert "relay has refused mail to two addresses by a policy since 09:30" in alarm


def test_a_holder_who_reports_an_act_is_named_until_their_block_is_lifted(
    auditor: Office, history: History, store: Store, clock: SetClock
) -> None:
    """Before: nothing was out of order, directly after somebody had said "it was not me"."""
    watched(store)
    holder = samples.registered_person(store).holder
    with store.begin() as uow:
        uow.registrations.block(holder.id)
        uow.commit()
    assert alarms(auditor) == ()
    for _ in range(2):
        history.visit(AuditKind.MISUSE_REPORTED, holder=holder)
    line = (
        f"{holder.name}, {holder.number}, reported at Main entrance that something was not done "
        "by them"
    )
    assert alarms(auditor) == (f"{line} (09:30).",)
    clock.forward(days=2)
    watched(store)
    assert alarms(auditor) == (f"{line} (17 May, 09:30).",)
    with store.begin() as uow:
        uow.registrations.unblock(holder.id)
        uow.commit()
    assert alarms(auditor) == ()


def test_a_report_without_a_registration_is_named_on_its_day(
    auditor: Office, history: History, store: Store, clock: SetClock
) -> None:
    watched(store)
    history.visit(AuditKind.MISUSE_REPORTED, holder=history.person())
    assert len(alarms(auditor)) == 1
    clock.forward(days=1)
    watched(store)
    assert alarms(auditor) == ()


@pytest.mark.parametrize(
    ("kind", "detail"),
    [
        ("station-silent", {}),
        ("station-silent", {"station": "Main entrance", "since": "long ago"}),
        ("failures-at-station", {"station": "Main entrance", "failures": "many"}),
        ("failures-of-person", []),
        ("audit-broken", None),
    ],
)
def test_alarm_whose_row_was_changed_is_shown_as_that(
    auditor: Office, store: Store, database: TestDatabase, kind: str, detail: Any
) -> None:
    """Before: whoever wrote into the database took the first page from all staff."""
    with store.begin() as uow:
        uow.alarms.begin("one", kind, {"station": "Main entrance"})
        uow.commit()
    engine = sa.create_engine(parse_url(database.url), poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alarm SET detail = :it"), {"it": json.dumps(detail)})
    watched(store)
    changed = f"An alarm, {kind}, was changed outside of the product"
    assert alarms(auditor) == (f"{changed}: the audit has what it said (noticed 09:30).",)


def test_alarms_in_plain_words_the_newest_first(
    auditor: Office, history: History, store: Store, clock: SetClock
) -> None:
    holder = history.person()
    since = (clock.now() - 3 * DAY).isoformat()
    raised: list[tuple[str, dict[str, str | int]]] = [
        ("audit-broken", {"row": 7, "finding": "row 7 was changed after it was written"}),
        ("mail-held-up", {"since": clock.now().isoformat()}),
        ("station-silent", {"station": "Main entrance", "since": since}),
        ("failures-of-person", {"holder_id": holder.id, "failures": 8}),
        ("failures-of-person", {"holder_id": new_id(), "failures": 9}),
        ("failures-at-station", {"station": "Main entrance", "failures": 21}),
        ("answers-limited", {"station": "Main entrance", "until": clock.now().isoformat()}),
        ("card-not-genuine", {"station": "Main entrance", "reference": "7KQ4-9ZXM"}),
        ("of-a-newer-release", {}),
    ]
    for number, (kind, detail) in enumerate(raised):
        with store.begin() as uow:
            uow.alarms.begin(f"{kind}:{number}", kind, detail)
            uow.commit()
        clock.forward(minutes=1)
    watched(store)
    card = "Main entrance, reference 7KQ4-9ZXM"
    limited = "with cards that cannot prove themselves: too many were wrong"
    assert alarms(auditor) == (
        "Another version of the program has raised an alarm, of-a-newer-release (noticed 09:38).",
        f"A card failed its proof of being genuine at {card} (noticed 09:37).",
        f"Main entrance takes no answers before 09:30 {limited} (noticed 09:36).",
        "21 failures within an hour at Main entrance (noticed 09:35).",
        "9 failures within an hour of somebody who is not recorded any more (noticed 09:34).",
        f"8 failures within an hour of {holder.name}, {holder.number} (noticed 09:33).",
        "Main entrance has been silent since 14 May, 09:30 (noticed 09:32).",
        "Mail has not moved since 09:30 (noticed 09:31).",
        "The audit does not fit: row 7 was changed after it was written (noticed 09:30).",
    )
