"""Reports by day, by week, by site and by reason of refusal, as a table and as a file."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import chain, groupby
from typing import IO, Final, TypeVar, assert_never

from kiosk.authority.administration.files import (
    CSV_BEGINS,
    csv_text,
    need_room,
    recorded,
    write_file,
)
from kiosk.authority.administration.office import Desk, audit_name
from kiosk.authority.administration.views import Report, Span, Written
from kiosk.authority.audit.events import EVENTS, Count, StaffKind
from kiosk.authority.errors import MailError, MailRefused, NotTaken
from kiosk.authority.records import AuditQuery, Sought
from kiosk.authority.refusals import (
    DomainNotApproved,
    NothingBefore,
    NothingBeyond,
    PlainRefusal,
    TooManyReportsMailed,
)
from kiosk.authority.roles import Action
from kiosk.authority.store.database import UnitOfWork
from kiosk.authority.wording import reason_words
from kiosk.contract.errors import ConfigError
from kiosk.contract.messages import Reason
from kiosk.contract.policy import EmailProblem, email_problem, mask_email, tidy_email

log = logging.getLogger(__name__)

# Days, weeks and hours in the service's time zone, across changes of its clocks.

DAY = timedelta(days=1)


def day_of(moment: datetime, zone: tzinfo) -> date:
    return moment.astimezone(zone).date()


def span_of(first: date, last: date, zone: tzinfo) -> tuple[datetime, datetime]:
    """Return the beginning of ``first`` and the end of ``last``, in UTC."""
    begin, end = (datetime.combine(day, time.min, zone) for day in (first, last + DAY))
    return begin.astimezone(UTC), end.astimezone(UTC)


def each_day(first: date, last: date) -> Iterator[date]:
    for number in range((last - first).days + 1):
        yield first + number * DAY


def by_day(counts: Mapping[datetime, int], zone: tzinfo) -> Counter[date]:
    return _folded(counts, lambda moment: day_of(moment, zone))


def by_hour(counts: Mapping[datetime, int], zone: tzinfo) -> tuple[int, ...]:
    hours = _folded(counts, lambda moment: moment.astimezone(zone).hour)
    return tuple(hours[hour] for hour in range(24))


# What counts as unlocked, registered, refused and failed.


COUNTED: Final = {
    count: tuple(
        Sought(kind, *spec.counts_where) if spec.counts_where else Sought(kind)
        for kind, spec in EVENTS.items()
        if count in spec.counts
    )
    for count in Count
}
"""An unblock whose answer was lost counts when the card shows later that it was done."""

REASON: Final = "reason"
"""Where a refusal's detail says why."""

REFUSED: Final = COUNTED[Count.REFUSED]
NOT_GENUINE: Final = tuple(Sought(each.kind, REASON, Reason.NOT_GENUINE.value) for each in REFUSED)

TOTAL: Final = "Total"
NO_SITE: Final = "(no site)"
COLUMNS: Final = ("Unlocked", "Registered", "Refused")
SOUGHT: Final = (COUNTED[Count.UNLOCKED], COUNTED[Count.REGISTERED], REFUSED)

Row = tuple[str, ...]
Key = TypeVar("Key")
Name = TypeVar("Name")


def report_of(uow: UnitOfWork, span: Span, first: date, last: date, zone: tzinfo) -> Report:
    """Return the table of ``span``; its last row holds the totals."""
    days, ends = tuple(each_day(first, last)), span_of(first, last, zone)

    def by_days(name: Callable[[date], str]) -> list[Counter[str]]:
        found = (uow.statistics.by_quarter(sought, ends) for sought in SOUGHT)
        return [_folded(counts, lambda moment: name(day_of(moment, zone))) for counts in found]

    head: Row
    names: dict[str, Row]
    columns: Row = COLUMNS
    match span:
        case Span.DAY:
            head, counts = ("Day",), by_days(str)
            names = {str(day): (str(day),) for day in days}
        case Span.WEEK:
            head, counts = ("Week", "From", "To"), by_days(_week)
            weeks = {week: tuple(some) for week, some in groupby(days, _week)}
            # The first and the last may be cut, so their days are named.
            names = {week: (week, str(some[0]), str(some[-1])) for week, some in weeks.items()}
        case Span.SITE:
            # A station counts for the site of its last report.
            sites = {each.name: each.site or NO_SITE for each in uow.stations.every()}
            found = (uow.statistics.by("station", sought, ends) for sought in SOUGHT)
            counts = [_folded(each, lambda name: sites.get(name, NO_SITE)) for each in found]
            head = ("Site",)
            names = {site: (site,) for site in sorted({*sites.values(), *chain(*counts)})}
        case Span.REASON:
            refused = _folded(uow.statistics.by_detail(REASON, REFUSED, ends), reason_words)
            head, columns, counts = ("Reason",), ("Refused",), [refused]
            most_first = sorted(refused, key=lambda each: (-refused[each], each))
            names = {words: (words,) for words in most_first}
        case _:
            assert_never(span)
    rows = [(*row, *(str(count[key]) for count in counts)) for key, row in names.items()]
    totals = (TOTAL, *("" for _ in head[1:]), *(str(count.total()) for count in counts))
    return Report(span, first, last, (*head, *columns), (*rows, totals))


def _week(day: date) -> str:
    """Return the ISO week of a day."""
    year, week, _ = day.isocalendar()
    return f"{year}-W{week:02}"


def _folded(counts: Mapping[Key, int], name: Callable[[Key], Name]) -> Counter[Name]:
    folded: Counter[Name] = Counter()
    for key, count in counts.items():
        folded[name(key)] += count
    return folded


# Reports: what was done from one day to another, as a table and as a file.

LONGEST = timedelta(days=2 * 365)
MOST_MAILED: Final = 10
"""Reports that are mailed for one member in an hour: the relay is for holders' codes too."""

EARLIEST, LATEST = date(2000, 1, 1), date(2999, 12, 31)


class ReportsDesk(Desk):
    def make(self, span: Span, first: date, last: date) -> Report:
        """Count what was done from ``first`` to ``last``, both included."""
        return self._made(Action.SEE_REPORTS, span, first, last)

    def export(self, span: Span, first: date, last: date) -> Written:
        """Write that as CSV into the exports folder."""
        report = self._made(Action.EXPORT_REPORT, span, first, last)
        name = f"report-by-{span.value}-{first}-to-{last}"
        exports = self._office.means.exports

        def write(file: IO[bytes]) -> None:
            need_room(exports)
            file.write((CSV_BEGINS + csv_text(report.columns, report.rows)).encode())

        path, _ = write_file(exports, name, "csv", write)
        with recorded(path):
            self._office.record(
                Action.EXPORT_REPORT,
                StaffKind.REPORT_EXPORTED,
                span=span.value,
                first=str(first),
                last=str(last),
                rows=len(report.rows),
                file=path.name,
            )
        return Written(str(path), len(report.rows))

    def mail(self, span: Span, first: date, last: date, to: str) -> str:
        """Mail that as a letter to an address of an approved domain; return the address.

        It holds counts, and names nobody: it waits for no second member. It is recorded before it
        leaves, so that none leaves unrecorded. Raises ``NotTaken``.
        """
        report = self._made(Action.EXPORT_REPORT, span, first, last)
        means, address = self._office.means, tidy_email(to)
        match email_problem(address, means.policy().email_domains):
            case None:
                pass
            case EmailProblem.DOMAIN:
                raise NotTaken("to", DomainNotApproved(tuple(means.policy().email_domains)))
            case EmailProblem.MALFORMED:
                raise NotTaken("to", PlainRefusal.NO_ADDRESS)
        self._need_few_mailed()
        self._office.record(
            Action.EXPORT_REPORT,
            StaffKind.REPORT_MAILED,
            span=span.value,
            first=str(first),
            last=str(last),
            rows=len(report.rows),
            to=mask_email(address),
        )
        try:
            means.mail_report(address, report)
        except MailRefused:
            raise NotTaken("to", PlainRefusal.RELAY_REFUSES_ADDRESS) from None
        except (MailError, ConfigError) as error:
            log.warning("a report was not mailed: %s", error)
            raise NotTaken(
                "to",
                PlainRefusal.RELAY_DID_NOT_TAKE_IT,
            ) from None
        return address

    def _need_few_mailed(self) -> None:
        with self._office.look(Action.EXPORT_REPORT) as uow:
            query = AuditQuery(
                kind=StaffKind.REPORT_MAILED.value,
                actors=(audit_name(self._office.actor),),
                since=uow.now - timedelta(hours=1),
            )
            recent = uow.trail.newest(query, limit=MOST_MAILED)
        if len(recent) >= MOST_MAILED:
            raise NotTaken("to", TooManyReportsMailed(MOST_MAILED))

    def _made(self, action: Action, span: Span, first: date, last: date) -> Report:
        if last < first:
            raise NotTaken("last", PlainRefusal.LAST_BEFORE_FIRST)
        if first < EARLIEST:
            raise NotTaken("first", NothingBefore(EARLIEST.year))
        if last > LATEST:
            raise NotTaken("last", NothingBeyond(LATEST.year))
        if last - first > LONGEST:
            raise NotTaken("first", PlainRefusal.REPORT_TOO_LONG)
        with self._office.look(action) as uow:
            return report_of(uow, span, first, last, self._office.means.zone)
