from __future__ import annotations

import codecs
import csv
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from kiosk.authority.administration.files import csv_text
from kiosk.authority.administration.office import Office, StaffDependencies
from kiosk.authority.administration.reports import MOST_MAILED, NO_SITE, ReportsDesk
from kiosk.authority.administration.views import Report, Span
from kiosk.authority.errors import MailRefused, MailUnavailable, NotPermitted, NotTaken
from kiosk.authority.records import AuditEvent, AuditQuery
from kiosk.authority.roles import Role
from kiosk.authority.store.database import Store
from kiosk.authority.wording import reason_words
from kiosk.contract.errors import ConfigError
from kiosk.contract.messages import Reason
from tests.authority.administration.desk.history import History
from tests.authority.administration.desk.offices import office_of
from tests.support.database import SetClock
from tests.support.full_disk import fill_disk
from tests.support.refusals import refused

FIRST, LAST = date(2030, 4, 29), date(2030, 5, 12)  # two ISO weeks, 18 and 19
LONDON = ZoneInfo("Europe/London")


def on(day: int, month: int = 5, hour: int = 9) -> datetime:
    return datetime(2030, month, day, hour, tzinfo=UTC)


@pytest.fixture
def history(store: Store, clock: SetClock) -> History:
    history = History(store, clock)
    history.station("Main entrance", "Wexbridge General")
    history.station("Level 2", "Wexbridge General")
    history.station("Portakabin")
    history.unlocked(on(29, 4))
    history.unlocked(on(6), station="Level 2")
    history.unlocked(on(12, hour=23), station="Portakabin")
    history.unlocked(on(13))
    history.registered(on(6), station="Gone long ago")
    history.refused(Reason.LEAVER, on(1))
    history.refused(Reason.LEAVER, on(6))
    history.refused(Reason.FAULT, on(6), station="Level 2")
    return history


def table(office: Office, span: Span, first: date = FIRST, last: date = LAST) -> list[list[str]]:
    report = ReportsDesk(office).make(span, first, last)
    assert (report.span, report.first, report.last) == (span, first, last)
    return [list(report.columns), *map(list, report.rows)]


@pytest.mark.usefixtures("history")
def test_by_day_every_day_has_its_row(auditor: Office) -> None:
    head, *rows, total = table(auditor, Span.DAY)
    assert head == ["Day", "Unlocked", "Registered", "Refused"]
    assert len(rows) == 14
    assert rows[0] == ["2030-04-29", "1", "0", "0"]
    assert rows[1] == ["2030-04-30", "0", "0", "0"]
    assert rows[7] == ["2030-05-06", "1", "1", "2"]
    assert rows[-1] == ["2030-05-12", "1", "0", "0"]
    assert total == ["Total", "3", "1", "3"]


@pytest.mark.usefixtures("history")
def test_by_week_a_cut_week_names_its_days(auditor: Office) -> None:
    assert table(auditor, Span.WEEK, date(2030, 5, 1), LAST) == [
        ["Week", "From", "To", "Unlocked", "Registered", "Refused"],
        ["2030-W18", "2030-05-01", "2030-05-05", "0", "0", "1"],
        ["2030-W19", "2030-05-06", "2030-05-12", "2", "1", "2"],
        ["Total", "", "", "2", "1", "3"],
    ]


def test_weeks_around_new_year_are_those_of_iso(auditor: Office) -> None:
    rows = table(auditor, Span.WEEK, date(2026, 12, 28), date(2027, 1, 4))[1:-1]
    assert [row[:3] for row in rows] == [
        ["2026-W53", "2026-12-28", "2027-01-03"],
        ["2027-W01", "2027-01-04", "2027-01-04"],
    ]


@pytest.mark.usefixtures("history")
def test_by_site_stations_without_one_stand_together(auditor: Office) -> None:
    assert table(auditor, Span.SITE) == [
        ["Site", "Unlocked", "Registered", "Refused"],
        [NO_SITE, "1", "1", "0"],
        ["Wexbridge General", "2", "0", "3"],
        ["Total", "3", "1", "3"],
    ]


@pytest.mark.usefixtures("history")
def test_by_reason_the_most_frequent_first(auditor: Office) -> None:
    assert table(auditor, Span.REASON) == [
        ["Reason", "Refused"],
        [reason_words(Reason.LEAVER), "2"],
        [reason_words(Reason.FAULT), "1"],
        ["Total", "3"],
    ]


@pytest.mark.parametrize("span", list(Span))
def test_a_report_of_nothing_has_totals_only_of_nought(auditor: Office, span: Span) -> None:
    head, *_, total = table(auditor, span)
    assert total[0] == "Total"
    assert len(total) == len(head)
    assert set(total[1:]) <= {"", "0"}


@pytest.mark.usefixtures("history")
def test_a_day_ends_at_the_services_own_midnight(means: StaffDependencies) -> None:
    office = office_of(replace(means, zone=LONDON), Role.AUDITOR)
    rows = table(office, Span.DAY, date(2030, 5, 12), date(2030, 5, 13))
    assert [row[:2] for row in rows[1:]] == [
        ["2030-05-12", "0"],
        ["2030-05-13", "2"],
        ["Total", "2"],
    ]


@pytest.mark.parametrize(
    ("first", "last", "field"),
    [
        (LAST, FIRST, "last"),
        (FIRST, FIRST + timedelta(days=731), "first"),
        (date(1999, 12, 31), date(2000, 1, 1), "first"),
        (date.min, date.min, "first"),
        (date.max, date.max, "last"),
    ],
)
def test_days_that_make_no_report(auditor: Office, first: date, last: date, field: str) -> None:
    desk = ReportsDesk(auditor)
    for ask in (desk.make, desk.export):
        with pytest.raises(NotTaken) as caught:
            ask(Span.DAY, first, last)
        assert caught.value.field == field


def test_two_whole_years_are_a_report(auditor: Office) -> None:
    assert len(table(auditor, Span.DAY, date(2023, 1, 1), date(2024, 12, 31))) == 731 + 2


@pytest.mark.usefixtures("history")
def test_an_export_is_the_report_for_its_owner_alone(auditor: Office, store: Store) -> None:
    desk = ReportsDesk(auditor)
    first, second = (desk.export(Span.SITE, FIRST, LAST) for _ in range(2))
    path = Path(first.path)
    assert path.name == "report-by-site-2030-04-29-to-2030-05-12.csv"
    assert Path(second.path).name == "report-by-site-2030-04-29-to-2030-05-12-2.csv"
    assert path.stat().st_mode & 0o777 == 0o600
    with path.open(newline="", encoding="utf-8-sig") as file:
        assert list(csv.reader(file)) == table(auditor, Span.SITE)
    report = desk.make(Span.SITE, FIRST, LAST)
    assert path.read_bytes().startswith(codecs.BOM_UTF8)
    assert path.read_bytes().decode("utf-8-sig") == csv_text(report.columns, report.rows)
    assert first.rows == 3
    with store.read() as uow:
        newest = uow.trail.newest(AuditQuery(), limit=2)
    assert [event.kind for event in newest] == ["report-exported"] * 2
    assert newest[1].actor == auditor.actor.staff_id
    assert newest[1].detail == {
        "key": auditor.actor.key,
        "span": "site",
        "first": "2030-04-29",
        "last": "2030-05-12",
        "rows": 3,
        "file": path.name,
    }


def test_an_export_that_does_not_reach_the_disk_is_not_recorded(
    auditor: Office, means: StaffDependencies, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill_disk(monkeypatch)
    with refused(NotTaken, match="No space left on device"):
        ReportsDesk(auditor).export(Span.SITE, FIRST, LAST)
    assert list(means.exports.iterdir()) == []
    with store.read() as uow:
        assert "report-exported" not in {
            event.kind for event in uow.trail.newest(AuditQuery(), limit=5)
        }


def test_a_site_that_looks_like_a_formula_is_only_a_name(
    manager: Office, store: Store, clock: SetClock
) -> None:
    History(store, clock).station("A", "=HYPERLINK(1)")
    written = ReportsDesk(manager).export(Span.SITE, FIRST, LAST)
    assert Path(written.path).read_text().splitlines()[1] == '"\'=HYPERLINK(1)","0","0","0"'


def test_who_may_not_export_leaves_no_file(agent: Office, means: StaffDependencies) -> None:
    desk = ReportsDesk(agent)
    desk.make(Span.DAY, FIRST, LAST)
    with pytest.raises(NotPermitted):
        desk.export(Span.DAY, FIRST, LAST)
    assert list(means.exports.iterdir()) == []


class Relay:
    """Takes reports, or refuses them with ``error``."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.taken: list[tuple[str, Report]] = []

    def __call__(self, to: str, report: Report) -> None:
        if self.error is not None:
            raise self.error
        self.taken.append((to, report))


def mailed(store: Store) -> list[AuditEvent]:
    with store.read() as uow:
        return list(uow.trail.newest(AuditQuery(kind="report-mailed"), limit=99))


@pytest.mark.usefixtures("history")
def test_a_report_is_mailed_and_recorded_without_the_mailbox(
    means: StaffDependencies, store: Store
) -> None:
    relay = Relay()
    office = office_of(replace(means, mail_report=relay), Role.MANAGER)
    desk = ReportsDesk(office)
    assert desk.mail(Span.SITE, FIRST, LAST, " mo.farrow@NHS.net ") == "mo.farrow@nhs.net"
    assert relay.taken == [("mo.farrow@nhs.net", desk.make(Span.SITE, FIRST, LAST))]
    (event,) = mailed(store)
    assert event.actor == office.actor.staff_id
    assert event.detail == {
        "key": office.actor.key,
        "span": "site",
        "first": "2030-04-29",
        "last": "2030-05-12",
        "rows": 3,
        "to": "m•••@nhs.net",
    }


@pytest.mark.parametrize(
    ("to", "says"),
    [
        ("mo@mail.example", "approved domains"),
        ("mo%mail.example@nhs.net", "approved domains"),
        ("mo@nhs.net\r\nBcc: x@mail.example", "not an address"),
        ("mo@nhs.net, x@nhs.net", "not an address"),
    ],
)
def test_a_report_is_mailed_to_one_address_of_an_approved_domain(
    means: StaffDependencies, store: Store, to: str, says: str
) -> None:
    relay = Relay()
    desk = ReportsDesk(office_of(replace(means, mail_report=relay), Role.MANAGER))
    with refused(NotTaken, match=says) as caught:
        desk.mail(Span.SITE, FIRST, LAST, to)
    assert caught.value.field == "to"
    assert not relay.taken
    assert not mailed(store)


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (MailUnavailable("connection refused"), "Try again in a few minutes"),
        (MailRefused("550"), "refuses this address"),
        (ConfigError("credential /x: is not there"), "Try again in a few minutes"),
    ],
)
def test_a_report_that_the_relay_did_not_take_says_what_to_do(
    means: StaffDependencies, store: Store, error: Exception, says: str
) -> None:
    desk = ReportsDesk(office_of(replace(means, mail_report=Relay(error)), Role.MANAGER))
    with refused(NotTaken, match=says):
        desk.mail(Span.SITE, FIRST, LAST, "mo@nhs.net")
    assert len(mailed(store)) == 1


def test_an_agent_has_no_report_mailed(means: StaffDependencies, store: Store) -> None:
    relay = Relay()
    desk = ReportsDesk(office_of(replace(means, mail_report=relay), Role.AGENT))
    with pytest.raises(NotPermitted):
        desk.mail(Span.SITE, FIRST, LAST, "mo@nhs.net")
    assert not relay.taken
    assert not mailed(store)


def test_an_hour_has_a_limit_of_mailed_reports(
    means: StaffDependencies, clock: SetClock, store: Store
) -> None:
    relay = Relay()
    means = replace(means, mail_report=relay)
    desk = ReportsDesk(office_of(means, Role.MANAGER, "Mo Farrow"))
    for _ in range(MOST_MAILED):
        desk.mail(Span.SITE, FIRST, LAST, "mo@nhs.net")
    with refused(NotTaken, match="in an hour"):
        desk.mail(Span.SITE, FIRST, LAST, "mo@nhs.net")
    assert len(relay.taken) == len(mailed(store)) == MOST_MAILED
    ReportsDesk(office_of(means, Role.MANAGER, "Ada Smith")).mail(
        Span.SITE, FIRST, LAST, "ada@nhs.net"
    )
    clock.forward(hours=1, seconds=1)
    desk.mail(Span.SITE, FIRST, LAST, "mo@nhs.net")
    assert len(relay.taken) == MOST_MAILED + 2
